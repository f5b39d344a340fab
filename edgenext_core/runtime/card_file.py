"""
The model card as JSON in an ONNX file's metadata: read, validated and written.

Every message names the field, its value and the rule.
"""

import json
import math
import re
from typing import Any, Callable, Dict

from edgenext_core.runtime.engines.onnx_metadata import read_metadata
from edgenext_core.runtime.errors import ModelCardError
from edgenext_core.runtime.model_card import (
    INPUT_DTYPES,
    LAYOUT,
    PRECISIONS,
    RE_EXPORT,
    TARGETS,
    ExportInfo,
    InputSpec,
    ModelCard,
    Normalization,
)
from edgenext_core.runtime.settings import Setting, Settings, change_settings, find_problem
from edgenext_core.runtime.tasks import TASKS, Task

METADATA_KEY = 'edgenext_model_card'
FORMAT = 2
_BEFORE_TARGETS = 1
"""The format of the cards that named no target: float32 for a CPU, one frame of bytes in."""

_SHA256 = re.compile('([0-9a-f]{64})?')


def read_card(path: str) -> ModelCard:
    """
    Read the model card inside an ONNX file.

    :param path: the ONNX file
    :return: the validated card
    :raises EngineError: when the file is missing, empty, truncated or not ONNX
    :raises ModelCardError: when it has no card, or the card breaks a rule
    """
    text = read_metadata(path).get(METADATA_KEY)
    if text is None:
        raise ModelCardError(f'{path} has no model card (metadata {METADATA_KEY!r}), so its task, '
                             f'labels and input rule are unknown; {RE_EXPORT}')
    try:
        return card_from_json(text)
    except ModelCardError as error:
        raise ModelCardError(f'{path}: {error}') from error


def card_from_json(text: str) -> ModelCard:
    """
    Parse and validate a model card.

    :param text: the JSON object
    :return: the card
    :raises ModelCardError: when a field is missing or breaks its rule; names field, value, rule
    """
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise ModelCardError(f'the model card is not JSON ({error}); {RE_EXPORT}') from error
    if not isinstance(raw, dict):
        raise ModelCardError(f'the model card is {_shown(raw)}, expected a JSON object; '
                             f'{RE_EXPORT}')
    raw = _in_this_format(raw)
    task = TASKS[_take(raw, 'task', f'one of {", ".join(TASKS)}',
                       lambda value: isinstance(value, str) and value in TASKS)]
    labels = _take(raw, 'labels', 'a non-empty list of non-empty strings', _are_labels)
    colors = _take(raw, 'colors_rgb', 'a list of [r, g, b], each a whole number 0 to 255',
                   _are_colors)
    if len(colors) != len(labels):
        raise _broken('colors_rgb', f'{len(colors)} colours',
                      f'one colour for each of the {len(labels)} labels')
    if len(labels) > task.max_labels:
        raise _broken('labels', f'{len(labels)} names', f'at most {task.max_labels}')
    return ModelCard(
        task=task.name,
        architecture=_take(raw, 'architecture', 'a non-empty string', _is_text),
        labels=tuple(labels),
        colors_rgb=tuple(tuple(color) for color in colors),
        input=_input_from(_take(raw, 'input', 'an object', _is_object), task),
        normalization=_normalization_from(_take(raw, 'normalization', 'an object', _is_object)),
        defaults=_defaults_from(_take(raw, 'defaults', 'an object', _is_object), task),
        training=_take(raw, 'training', 'an object', _is_object),
        outputs=tuple(_take(raw, 'outputs', _forms_in_words(task),
                            lambda value: isinstance(value, list)
                            and tuple(value) in task.output_forms)),
        export=_export_from(_take(raw, 'export', 'an object', _is_object)),
        accuracy=_take(raw, 'accuracy', 'an object', _is_object),
    )


def card_to_json(card: ModelCard) -> str:
    """
    Write a model card as JSON, validated.

    :param card: the card
    :return: the text that belongs under ``METADATA_KEY``
    :raises ModelCardError: when a field breaks its rule
    """
    text = json.dumps({
        'format': FORMAT,
        'task': card.task,
        'architecture': card.architecture,
        'labels': card.labels,
        'colors_rgb': card.colors_rgb,
        'input': card.input._asdict(),
        'normalization': card.normalization._asdict(),
        'defaults': card.defaults._asdict(),
        'training': card.training,
        'outputs': card.outputs,
        'export': card.export._asdict(),
        'accuracy': card.accuracy,
    })
    card_from_json(text)
    return text


def _in_this_format(raw: Dict[str, Any]) -> Dict[str, Any]:
    number = _take(raw, 'format', f'a whole number 1 to {FORMAT}', _is_count)
    if number > FORMAT:
        raise ModelCardError(f'the model card has format {number}, this version reads up to '
                             f'{FORMAT}; update edgenext_ros, or export the model with it')
    return _with_target(raw) if number == _BEFORE_TARGETS else raw


def _with_target(raw: Dict[str, Any]) -> Dict[str, Any]:
    """Say for a card of the first format what was true of all its models."""
    raw = dict(raw, accuracy={}, export=ExportInfo('cpu', 'float32', '', {})._asdict())
    if isinstance(raw.get('input'), dict):
        raw['input'] = dict(raw['input'], dtype='uint8', layout=LAYOUT, batch=1)
    if raw.get('task') in list(TASKS):
        raw['outputs'] = list(TASKS[raw['task']].output_forms[-1])
    return raw


def _input_from(raw: Dict[str, Any], task: Task) -> InputSpec:
    size = 'a whole number 1 to 8192'
    return InputSpec(
        name=_take(raw, 'name', 'a non-empty string', _is_text, inside='input'),
        height=_take(raw, 'height', size, lambda v: _is_whole(v) and 1 <= v <= 8192,
                     inside='input'),
        width=_take(raw, 'width', size, lambda v: _is_whole(v) and 1 <= v <= 8192,
                    inside='input'),
        resize=_take(raw, 'resize', f'one of {", ".join(task.resize_rules)} for {task.name}',
                     lambda v: v in task.resize_rules, inside='input'),
        pad_value=_take(raw, 'pad_value', 'a whole number 0 to 255', _is_byte, inside='input'),
        dtype=_take(raw, 'dtype', f'one of {", ".join(INPUT_DTYPES)}',
                    lambda v: v in INPUT_DTYPES, inside='input'),
        layout=_take(raw, 'layout', LAYOUT, lambda v: v == LAYOUT, inside='input'),
        batch=_take(raw, 'batch', 'a whole number 1 to 1024',
                    lambda v: _is_whole(v) and 1 <= v <= 1024, inside='input'),
    )


def _export_from(raw: Dict[str, Any]) -> ExportInfo:
    return ExportInfo(
        target=_take(raw, 'target', f'one of {", ".join(TARGETS)}', lambda v: v in TARGETS,
                     inside='export'),
        precision=_take(raw, 'precision', f'one of {", ".join(PRECISIONS)}',
                        lambda v: v in PRECISIONS, inside='export'),
        checkpoint_sha256=_take(raw, 'checkpoint_sha256', '64 hexadecimal digits, or nothing',
                                lambda v: isinstance(v, str) and bool(_SHA256.fullmatch(v)),
                                inside='export'),
        versions=_take(raw, 'versions', 'names and texts', _are_texts, inside='export'),
    )


def _forms_in_words(task: Task) -> str:
    return ' or '.join(json.dumps(form) for form in task.output_forms)


def _normalization_from(raw: Dict[str, Any]) -> Normalization:
    return Normalization(
        mean=tuple(_take(raw, 'mean', 'three finite numbers', _are_three_numbers,
                         inside='normalization')),
        std=tuple(_take(raw, 'std', 'three finite numbers above 0',
                        lambda v: _are_three_numbers(v) and min(v) > 0, inside='normalization')),
    )


def _defaults_from(raw: Dict[str, Any], task: Task) -> Settings:
    values = {setting.name: _take(raw, setting.name, setting.rule, _keeps(setting),
                                  inside='defaults')
              for setting in task.settings}
    return change_settings(task.default_settings, task.settings, values)


def _keeps(setting: Setting) -> Callable[[Any], bool]:
    return lambda value: find_problem(setting, value) is None


def _take(raw: Dict[str, Any], name: str, rule: str, holds: Callable[[Any], bool],
          inside: str = '') -> Any:
    field = f'{inside}.{name}' if inside else name
    if name not in raw:
        raise _broken(field, 'missing', rule)
    if not holds(raw[name]):
        raise _broken(field, _shown(raw[name]), rule)
    return raw[name]


def _broken(field: str, value: str, rule: str) -> ModelCardError:
    return ModelCardError(f'model card field {field} is {value}, expected {rule}; {RE_EXPORT}')


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + '...'


def _are_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def _is_byte(value: Any) -> bool:
    return _is_whole(value) and 0 <= value <= 255


def _is_count(value: Any) -> bool:
    return _is_whole(value) and value >= 1


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _are_labels(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_text(name) for name in value)


def _are_colors(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(color, list) and len(color) == 3 and all(_is_byte(part) for part in color)
        for color in value)


def _are_three_numbers(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(_is_number(part) for part in value)
