"""Measure a model file on frames of any size, through the robot's own pipeline."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from edgenext_core.measure.accuracy import measure_pipeline
from edgenext_core.runtime.engines.backends import open_engine
from edgenext_core.runtime.pipeline import Pipeline
from edgenext_core.runtime.records import Classification, ClassMask, Detections, Record
from edgenext_core.runtime.tasks import TASKS

_TRUTHS: dict[str, Callable[[Any], Record]] = {
    'classification': lambda sample: Classification(np.array([sample.label_id]), np.ones(1)),
    'detection': lambda sample: Detections(
        sample.boxes_xyxy, sample.box_class_ids, np.ones(len(sample.boxes_xyxy))),
    'segmentation': lambda sample: ClassMask(sample.mask),
}


def evaluate(model_path: Path, samples: Iterable[Any]) -> dict[str, float]:
    """
    Measure a model file.

    :param model_path: the ONNX file
    :param samples: frames with the truth of the model's task, as ``data.datasets.Samples`` says
    :return: the metrics by name, 0 to 1, all in the frames' own pixels
    """
    engine = open_engine(str(model_path))
    card, truth_of = engine.card, _TRUTHS[engine.card.task]
    pairs: Iterable[tuple[np.ndarray, Record]] = (
        (sample.image_bgr, truth_of(sample)) for sample in samples)
    with Pipeline(engine, TASKS[card.task].accuracy_settings) as pipeline:
        accuracy = measure_pipeline(pipeline, pairs)
    headline = next(iter(accuracy.figures))
    return {**accuracy.figures, **{f'{headline}_{card.labels[class_id]}': value
                                   for class_id, value in accuracy.per_class.items()}}
