"""
The task table of the robot side: everything that differs between the tasks, a row each.

A fourth task is a fourth row, with its record in ``records``, its settings in ``settings``, and
its functions in ``postprocess``, ``overlay`` and ``words``.
"""

from typing import Any, Callable, Dict, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edgenext_core.runtime import json_records, overlay, postprocess, words
from edgenext_core.runtime.engines.interface import TensorSpec
from edgenext_core.runtime.errors import SettingError
from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.preprocess import Geometry
from edgenext_core.runtime.records import ClassMask, Record
from edgenext_core.runtime.settings import (
    CLASSIFICATION_SETTINGS,
    DETECTION_SETTINGS,
    ClassificationSettings,
    DetectionSettings,
    SegmentationSettings,
    Setting,
    Settings,
)

MakeRecord = Callable[[Dict[str, np.ndarray], Geometry, ModelCard, Any], Record]
"""Outputs by name, the frame's geometry, the card and the task's settings give a record."""


class Task(NamedTuple):
    """
    One task.

    ``default_settings`` is the record of its settings, which an export writes into the card
    unless told otherwise; ``settings`` holds one rule for each of its fields, and
    ``accuracy_settings`` are those with which a data set is measured. ``resize_rules`` are
    those that its answers survive; ``max_labels`` the most classes. ``output_forms`` are the
    names of the outputs that a graph may have, today's first, those of card format 1 last;
    ``outputs`` lists what a graph must give by its card; ``make_record`` turns that into a
    record, ``draw`` draws the record over its frame, ``describe`` puts it into a few words,
    ``to_json`` into plain values; ``mask_of`` gives what of a record is a picture, None where
    nothing is.
    """

    name: str
    default_settings: Settings
    accuracy_settings: Settings
    settings: Tuple[Setting, ...]
    resize_rules: Tuple[str, ...]
    max_labels: int
    output_forms: Tuple[Tuple[str, ...], ...]
    outputs: Callable[[ModelCard], Tuple[TensorSpec, ...]]
    check_settings: Callable[[Any, ModelCard, Sequence[TensorSpec]], None]
    make_record: MakeRecord
    draw: Callable[[np.ndarray, Any, ModelCard], np.ndarray]
    describe: Callable[[Any, ModelCard], str]
    to_json: Callable[[Any, ModelCard], Dict[str, Any]]
    mask_of: Callable[[Any], Optional[np.ndarray]]


def _classes(card: ModelCard) -> Tuple[TensorSpec, ...]:
    batch = card.input.batch
    return _chosen(card, (TensorSpec('scores', 'float32', (batch, 'best')),
                          TensorSpec('class_ids', 'int32', (batch, 'best')),
                          TensorSpec('probabilities', 'float32', (batch, len(card.labels)))))


def _check_top_k(settings: ClassificationSettings, card: ModelCard,
                 outputs: Sequence[TensorSpec]) -> None:
    sizes = {output.name: output.shape for output in outputs if output.name in card.outputs}
    if 'class_ids' in sizes:
        best = sizes['class_ids'][1]
        if isinstance(best, int) and best < min(settings.top_k, len(card.labels)):
            raise SettingError(f'top_k is {settings.top_k}, but the model gives the {best} most '
                               f'probable of its {len(card.labels)} classes; set at most {best}')


def _accept_all(settings: Any, card: ModelCard, outputs: Sequence[TensorSpec]) -> None:
    """Accept what keeps its rules: with these settings nobody can ask for too much."""


def _boxes_and_scores(card: ModelCard) -> Tuple[TensorSpec, ...]:
    batch = card.input.batch
    return _chosen(card, (TensorSpec('boxes', 'float32', (batch, 'anchors', 4)),
                          TensorSpec('scores', 'float32', (batch, 'anchors', len(card.labels)))))


def _mask(card: ModelCard) -> Tuple[TensorSpec, ...]:
    batch = card.input.batch
    return _chosen(card, (
        TensorSpec('logits', 'float32', (batch, len(card.labels), 'rows', 'columns')),
        TensorSpec('class_ids', 'int32', (batch, card.input.height, card.input.width))))


def _chosen(card: ModelCard, specs: Tuple[TensorSpec, ...]) -> Tuple[TensorSpec, ...]:
    return tuple(spec for spec in specs if spec.name in card.outputs)


def _no_mask(_record: Record) -> None:
    return None


def _class_ids(record: ClassMask) -> np.ndarray:
    return record.class_ids


_TASKS = (
    Task(
        name='classification',
        default_settings=ClassificationSettings(),
        accuracy_settings=ClassificationSettings(),
        settings=CLASSIFICATION_SETTINGS,
        resize_rules=('stretch', 'letterbox', 'center_crop'),
        max_labels=1 << 16,
        output_forms=(('scores', 'class_ids'), ('probabilities',)),
        outputs=_classes,
        check_settings=_check_top_k,
        make_record=postprocess.classification_from_outputs,
        draw=overlay.draw_classification,
        describe=words.describe_classification,
        to_json=json_records.classification_to_json,
        mask_of=_no_mask,
    ),
    Task(
        name='detection',
        default_settings=DetectionSettings(),
        # A box below this score changes an average precision by nothing that matters.
        accuracy_settings=DetectionSettings(score_threshold=0.02),
        settings=DETECTION_SETTINGS,
        # Every object must be inside the network's input.
        resize_rules=('stretch', 'letterbox'),
        max_labels=1 << 16,
        output_forms=(('boxes', 'scores'),),
        outputs=_boxes_and_scores,
        check_settings=_accept_all,
        make_record=postprocess.detections_from_outputs,
        draw=overlay.draw_detections,
        describe=words.describe_detections,
        to_json=json_records.detections_to_json,
        mask_of=_no_mask,
    ),
    Task(
        name='segmentation',
        default_settings=SegmentationSettings(),
        accuracy_settings=SegmentationSettings(),
        settings=(),
        # Every pixel must be inside the network's input.
        resize_rules=('stretch', 'letterbox'),
        max_labels=1 << 8,  # a mask is uint8
        output_forms=(('logits',), ('class_ids',)),
        outputs=_mask,
        check_settings=_accept_all,
        make_record=postprocess.mask_from_outputs,
        draw=overlay.draw_mask,
        describe=words.describe_mask,
        to_json=json_records.mask_to_json,
        mask_of=_class_ids,
    ),
)
TASKS: Dict[str, Task] = {task.name: task for task in _TASKS}
"""The tasks by name."""
