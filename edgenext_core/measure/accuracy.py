"""
How right results are: the one implementation, for validation, ``evaluate`` and the demo.

A meter takes one frame's record and its truth at a time, so that a long data set needs no more
memory than a short one (detection keeps the boxes). Truth is a record, too: a Classification whose
first class is the true one, Detections whose scores are not looked at, or a ClassMask in which ids
that the model does not know are void.
"""

import abc
from typing import Any, Callable, Dict, Iterable, NamedTuple, Tuple

import numpy as np

from edgenext_core.measure.average_precision import CocoBoxes
from edgenext_core.runtime.errors import EdgeNextError
from edgenext_core.runtime.pipeline import Pipeline
from edgenext_core.runtime.records import Classification, ClassMask, Detections, Record


class AccuracyError(EdgeNextError):
    """There is nothing to measure: give frames whose truth is known."""


class Accuracy(NamedTuple):
    """
    What was measured.

    ``figures`` by name, 0 to 1, the one to quote first: ``top1``; ``map50`` and ``map`` (COCO's
    mean over IoU 0.50 to 0.95); ``miou``. ``per_class`` splits the first by class id, over the
    classes that occur. The figures rest on ``frames`` and on ``support``: ``objects`` or
    ``pixels`` of the truth.
    """

    figures: Dict[str, float]
    per_class: Dict[int, float]
    frames: int
    support: Dict[str, int]


class Meter(abc.ABC):
    """Adds up frames; ``num_classes`` is how many classes the model knows."""

    def __init__(self, num_classes: int) -> None:
        """Start with no frame."""
        self.num_classes = num_classes
        self.frames = 0

    def add(self, found: Record, truth: Record) -> None:
        """
        Add a frame.

        :param found: what the model gave
        :param truth: what is true, in the same pixels
        """
        self.frames += 1
        self._add(found, truth)

    def accuracy(self) -> Accuracy:
        """
        Compute the figures over the frames so far.

        :return: the figures
        :raises AccuracyError: when there were no frames, or nothing true in them
        """
        if self.frames == 0:
            raise AccuracyError('there is no frame whose truth is known, so no accuracy; give '
                                'data with truth')
        return self._accuracy()

    @abc.abstractmethod
    def _add(self, found: Any, truth: Any) -> None:
        """Take a frame's records."""

    @abc.abstractmethod
    def _accuracy(self) -> Accuracy:
        """Compute, with at least one frame."""


class Top1Meter(Meter):
    """The share of frames whose most probable class is the true one."""

    def __init__(self, num_classes: int) -> None:
        """Start with no frame."""
        super().__init__(num_classes)
        self._right = np.zeros(num_classes, np.int64)
        self._true = np.zeros(num_classes, np.int64)

    def _add(self, found: Classification, truth: Classification) -> None:
        true_id = int(truth.class_ids[0])
        self._true[true_id] += 1
        self._right[true_id] += int(len(found.class_ids) > 0 and found.class_ids[0] == true_id)

    def _accuracy(self) -> Accuracy:
        per_class = {int(i): float(self._right[i] / self._true[i])
                     for i in np.flatnonzero(self._true)}
        return Accuracy({'top1': float(self._right.sum() / self.frames)}, per_class, self.frames,
                        {})


class AveragePrecisionMeter(Meter):
    """COCO's average precision for boxes of all sizes, at most 100 a frame."""

    def __init__(self, num_classes: int) -> None:
        """Start with no frame."""
        super().__init__(num_classes)
        self._boxes = CocoBoxes()

    def _add(self, found: Detections, truth: Detections) -> None:
        self._boxes.add(found, truth)

    def _accuracy(self) -> Accuracy:
        if not self._boxes.objects:
            raise AccuracyError(f'the truth of {self.frames} frames holds no object, so there is '
                                'no average precision; give data with objects')
        per_class = self._boxes.precision_per_class()
        precisions = np.array(list(per_class.values()))  # (classes, IoU thresholds)
        return Accuracy(
            {'map50': float(precisions[:, 0].mean()), 'map': float(precisions.mean())},
            {class_id: float(values[0]) for class_id, values in per_class.items()},
            self.frames, {'objects': self._boxes.objects})


class IouMeter(Meter):
    """
    Intersection over union from one confusion matrix over all frames.

    The mean is over the classes that occur in the truth or in the results.
    """

    def __init__(self, num_classes: int) -> None:
        """Start with no frame."""
        super().__init__(num_classes)
        self._confusion = np.zeros((num_classes, num_classes), np.int64)

    def _add(self, found: ClassMask, truth: ClassMask) -> None:
        self._confusion += confusion_matrix(found.class_ids, truth.class_ids,
                                            num_classes=self.num_classes)

    def _accuracy(self) -> Accuracy:
        pixels = int(self._confusion.sum())
        if not pixels:
            raise AccuracyError(f'the truth of {self.frames} masks holds no pixel of a class that '
                                'the model knows; give masks with its class ids')
        right = np.diag(self._confusion)
        union = self._confusion.sum(axis=0) + self._confusion.sum(axis=1) - right
        per_class = {int(i): float(right[i] / union[i]) for i in np.flatnonzero(union)}
        return Accuracy({'miou': float(np.mean(list(per_class.values())))}, per_class, self.frames,
                        {'pixels': pixels})


METERS: Dict[str, Callable[[int], Meter]] = {
    'classification': Top1Meter,
    'detection': AveragePrecisionMeter,
    'segmentation': IouMeter,
}
"""What measures each task; made with the number of classes."""


def measure_pipeline(pipeline: Pipeline, samples: Iterable[Tuple[np.ndarray, Record]]) -> Accuracy:
    """
    Measure a model on frames of any size, in the frames' own pixels.

    :param pipeline: the model, with the settings to measure it by (``Task.accuracy_settings``)
    :param samples: frames (H, W, 3) uint8 BGR, each with its truth
    :return: the figures
    :raises AccuracyError: when there is no frame, or nothing true in them
    :raises EngineError: when the model fails
    """
    meter = METERS[pipeline.task.name](len(pipeline.card.labels))
    for image_bgr, truth in samples:
        meter.add(pipeline.run(image_bgr).record, truth)
    return meter.accuracy()


def confusion_matrix(class_ids: np.ndarray, truth: np.ndarray, *,
                     num_classes: int) -> np.ndarray:
    """
    Count pixels by true class (row) and found class (column).

    :param class_ids: found class ids (H, W) uint8
    :param truth: true class ids (H, W) uint8; ``num_classes`` and above are not counted
    :param num_classes: K
    :return: (K, K) int64
    """
    labelled = (truth < num_classes) & (class_ids < num_classes)
    codes = truth[labelled].astype(np.int64) * num_classes + class_ids[labelled]
    return np.bincount(codes, minlength=num_classes ** 2).reshape(num_classes, num_classes)
