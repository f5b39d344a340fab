"""A recipe: everything that a training run is told, read from a YAML file and checked."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from edgenext_core.labels.label_set import LabelSet, read_label_set
from synthetic_street.labels import STREET_OBJECTS, STREET_SCENES, STREET_SURFACES

WORLD_LABELS = {
    'classification': STREET_SCENES, 'detection': STREET_OBJECTS, 'segmentation': STREET_SURFACES,
}
"""The label set of each task in the synthetic world."""


_Rule = tuple[Callable[[Any], Any], str]


class RecipeError(ValueError):
    """A recipe that cannot be followed."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """
    A training run.

    :param task: ``classification``, ``detection`` or ``segmentation``
    :param model: name that ``create_model`` knows
    :param data: ``world``, or ``camvid`` for a folder in the layout of ``SegmentationFolder``
    :param input_size: height and width of the exported network's input in pixels; of a side that
        is no multiple of 32, some pixels at the end are not seen
    :param resize: rule that brings a frame to it: ``stretch``, ``letterbox``, ``center_crop``
    :param epochs: passes over the training data
    :param batch_size: samples in a step
    :param learning_rate: peak of the schedule
    :param weight_decay: AdamW's, on weights of two and more dimensions
    :param warmup_steps: steps of linear warm-up before the cosine
    :param ema_decay: decay of the averaged weights, which are validated and exported
    :param gradient_clip: largest norm of the gradient
    :param train_size: height and width of a training sample; None is the input's size
    :param window: smallest and largest share of the frame that a training sample shows
    :param flip: probability to mirror a training sample
    :param color: strength of the colour changes; 0 is none
    :param train_scenes: stills of the world to train on
    :param val_scenes: stills of the world to validate on
    :param threads: CPU threads of the run
    :param workers: processes that load data; 0 loads in the run's own process
    :param seed: seed of the weights, the order and the random views
    :param model_options: further options of ``create_model``
    :param card_defaults: the model card's defaults (thresholds, ``top_k``)
    """

    task: str
    model: str
    data: str
    input_size: tuple[int, int]
    resize: str
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.02
    warmup_steps: int = 100
    ema_decay: float = 0.998
    gradient_clip: float = 1.0
    train_size: tuple[int, int] | None = None
    window: tuple[float, float] = (1.0, 1.0)
    flip: float = 0.0
    color: float = 0.0
    train_scenes: int = 4000
    val_scenes: int = 300
    threads: int = 1
    workers: int = 0
    seed: int = 0
    model_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    card_defaults: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def labels(self) -> LabelSet:
        """The classes that the run learns."""
        return WORLD_LABELS[self.task] if self.data == 'world' else read_label_set('camvid')

    @property
    def ignore_index(self) -> int:
        """The class of pixels that count for nothing; PyTorch's default if there is none."""
        index = self.labels.ignore_index
        return -100 if index is None else index


def read_recipe(path: Path) -> Recipe:
    """
    Read and check a recipe.

    :param path: the YAML file
    :return: the recipe
    :raises RecipeError: if a field is unknown, missing or out of its range
    """
    content = yaml.safe_load(Path(path).read_text())
    if not isinstance(content, dict):
        raise RecipeError(f'{path} holds {type(content).__name__}, expected fields and values')
    return recipe_from_dict(content)


def recipe_from_dict(content: dict[str, Any]) -> Recipe:
    """
    Make a recipe of plain values.

    :param content: fields by name; pairs are lists
    :return: the recipe
    :raises RecipeError: if a field is unknown, missing or out of its range
    """
    fields = {field.name: field for field in dataclasses.fields(Recipe)}
    unknown = sorted(set(content) - set(fields))
    if unknown:
        raise RecipeError(f'recipe field {unknown[0]!r} is unknown, known are {sorted(fields)}')
    required = [name for name, field in fields.items() if _is_required(field)]
    missing = sorted(set(required) - set(content))
    if missing:
        raise RecipeError(f'recipe field {missing[0]!r} is missing, required are {required}')
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in content.items()
    }
    for name, value in values.items():
        _check(name, value)
    return _check_whole(Recipe(**values))


def _is_required(field: dataclasses.Field) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_size(value: object) -> bool:
    return (isinstance(value, tuple) and len(value) == 2
            and all(_is_whole(side) and side >= 32 for side in value))


def _is_window(value: object) -> bool:
    return (isinstance(value, tuple) and len(value) == 2
            and all(_is_number(share) for share in value) and 0 < value[0] <= value[1] <= 1)


def _one_of(*names: str) -> _Rule:
    return (lambda value: value in names), f'expected one of {list(names)}'


_COUNT: _Rule = (lambda v: _is_whole(v) and v >= 1), 'expected a whole number from 1'
_NATURAL: _Rule = (lambda v: _is_whole(v) and v >= 0), 'expected a whole number from 0'
_POSITIVE: _Rule = (lambda v: _is_number(v) and v > 0), 'expected a number above 0'
_NOT_NEGATIVE: _Rule = (lambda v: _is_number(v) and v >= 0), 'expected a number from 0'
_SHARE: _Rule = (lambda v: _is_number(v) and 0 <= v <= 1), 'expected a number from 0 to 1'
_TEXT: _Rule = (lambda v: isinstance(v, str) and v), 'expected a name'
_OPTIONS: _Rule = (lambda v: isinstance(v, dict)), 'expected names and values'
_SIZE: _Rule = _is_size, 'expected [height, width] in pixels, both at least 32'

_RULES: dict[str, _Rule] = {
    'task': _one_of(*WORLD_LABELS),
    'model': _TEXT,
    'data': _one_of('world', 'camvid'),
    'input_size': _SIZE,
    'resize': _one_of('stretch', 'letterbox', 'center_crop'),
    'epochs': _COUNT,
    'batch_size': _COUNT,
    'learning_rate': _POSITIVE,
    'weight_decay': _NOT_NEGATIVE,
    'warmup_steps': _NATURAL,
    'ema_decay': _SHARE,
    'gradient_clip': _POSITIVE,
    'train_size': _SIZE,
    'window': (_is_window, 'expected [smallest, largest], each above 0 and at most 1'),
    'flip': _SHARE,
    'color': _SHARE,
    'train_scenes': _COUNT,
    'val_scenes': _COUNT,
    'threads': _COUNT,
    'workers': _NATURAL,
    'seed': _NATURAL,
    'model_options': _OPTIONS,
    'card_defaults': _OPTIONS,
}


def _check(name: str, value: Any) -> None:
    holds, rule = _RULES[name]
    if not holds(value):
        raise RecipeError(f'recipe field {name!r} is {value!r}, {rule}')


def _check_whole(recipe: Recipe) -> Recipe:
    if recipe.data == 'camvid' and recipe.task != 'segmentation':
        raise RecipeError(f"recipe field 'data' is 'camvid', which has masks only, "
                          f"but 'task' is {recipe.task!r}; set task: segmentation")
    if recipe.resize == 'center_crop' and recipe.task != 'classification':
        raise RecipeError(f"recipe field 'resize' is 'center_crop', but 'task' is "
                          f'{recipe.task!r}: boxes and masks must cover the frame; '
                          'use stretch or letterbox')
    return recipe
