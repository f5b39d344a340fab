"""Measure a model file on frames of any size, through the robot's own pipelines."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex
from torchmetrics.detection import MeanAveragePrecision

from edgenext_core.runtime.engines.interface import Engine, open_engine
from edgenext_core.runtime.pipeline import Classifier, Detector, Segmenter

_MIN_SCORE = 0.02
"""Detections below this change an average precision by nothing that matters."""


def evaluate(model_path: Path, samples: Iterable[Any]) -> dict[str, float]:
    """
    Measure a model file.

    :param model_path: the ONNX file
    :param samples: frames with the truth of the model's task, as ``data.datasets.Samples`` says
    :return: the metrics by name, 0 to 1, all in the frames' own pixels
    """
    engine = open_engine(str(model_path))
    try:
        return _MEASURES[engine.card.task](engine, samples)
    finally:
        engine.close()


def _measure_classification(engine: Engine, samples: Iterable[Any]) -> dict[str, float]:
    pipeline = Classifier(engine)
    top1 = MulticlassAccuracy(len(engine.card.labels), average='micro')
    for sample in samples:
        record, _ = pipeline.run(sample.image_bgr)
        top1.update(torch.tensor([record.class_ids[0]]), torch.tensor([sample.label_id]))
    return {'top1': float(top1.compute())}


def _measure_detection(engine: Engine, samples: Iterable[Any]) -> dict[str, float]:
    pipeline = Detector(engine, score_threshold=_MIN_SCORE)
    precision = MeanAveragePrecision(
        iou_thresholds=[0.5], class_metrics=True, backend='faster_coco_eval')
    for sample in samples:
        found, _ = pipeline.run(sample.image_bgr)
        precision.update(
            [{'boxes': torch.tensor(found.boxes_xyxy), 'scores': torch.tensor(found.scores),
              'labels': torch.tensor(found.class_ids)}],
            [{'boxes': torch.tensor(sample.boxes_xyxy),
              'labels': torch.tensor(sample.box_class_ids)}])
    result = precision.compute()
    names = engine.card.labels
    per_class = zip(result['classes'].reshape(-1), result['map_per_class'].reshape(-1))
    return {
        'map50': float(result['map_50']),
        **{f'ap50_{names[int(index)]}': float(value) for index, value in per_class},
    }


def _measure_segmentation(engine: Engine, samples: Iterable[Any]) -> dict[str, float]:
    pipeline = Segmenter(engine)
    names = engine.card.labels
    void = 255
    iou = MulticlassJaccardIndex(len(names), average=None, ignore_index=void)
    for sample in samples:
        mask, _ = pipeline.run(sample.image_bgr)
        # Whatever the data set's number for void is, it lies above its classes.
        truth = np.where(sample.mask < len(names), sample.mask, void).astype(np.int64)
        iou.update(torch.tensor(mask.class_ids.astype(np.int64))[None], torch.tensor(truth)[None])
    values = iou.compute()
    return {
        'miou': float(values.mean()),
        **{f'iou_{name}': float(value) for name, value in zip(names, values)},
    }


_MEASURES = {
    'classification': _measure_classification,
    'detection': _measure_detection,
    'segmentation': _measure_segmentation,
}
