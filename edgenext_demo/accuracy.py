"""
How right the published results are, where the truth is known.

Each function takes pairs (result, truth) of the frames that a node processed; the pairs may come
from a generator, so that a long clip needs no more memory than a short one.
"""

import contextlib
import io
from typing import Dict, Iterable, List, NamedTuple, Tuple

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from edgenext_core.runtime.records import Classification, ClassMask, Detections


class Top1(NamedTuple):
    """The share of ``frames`` whose most probable class is the true one, 0 to 1."""

    top1: float
    frames: int


class AveragePrecision(NamedTuple):
    """
    The mean over classes of the average precision at IoU 0.5, 0 to 1.

    It rests on ``objects`` true boxes in ``frames`` frames. ``per_class`` maps class ids that
    occur in the truth to their average precision.
    """

    map50: float
    per_class: Dict[int, float]
    frames: int
    objects: int


class MeanIou(NamedTuple):
    """
    The mean over classes of intersection over union, 0 to 1, pixels counted over all frames.

    It rests on ``pixels`` labelled pixels in ``frames`` frames. ``per_class`` maps class ids that
    occur in the truth or in the results to their IoU.
    """

    miou: float
    per_class: Dict[int, float]
    frames: int
    pixels: int


def measure_top1(pairs: Iterable[Tuple[Classification, int]]) -> Top1:
    """
    Count how often the most probable class is the true one.

    :param pairs: per frame the result and the true class id
    :return: the share; 0.0 when there is no frame
    """
    right = frames = 0
    for result, true_id in pairs:
        frames += 1
        right += int(len(result.class_ids) > 0 and int(result.class_ids[0]) == true_id)
    return Top1(right / frames if frames else 0.0, frames)


def measure_average_precision(pairs: Iterable[Tuple[Detections, Detections]]) -> AveragePrecision:
    """
    Compute COCO's average precision at IoU 0.5 for boxes of all sizes, at most 100 a frame.

    :param pairs: per frame the result and the true boxes (whose scores are not looked at)
    :return: mean and per class; 0.0 when the truth holds no object
    """
    images: List[dict] = []
    truths: List[dict] = []
    found: List[dict] = []
    for image_id, (result, truth) in enumerate(pairs, start=1):
        images.append({'id': image_id})
        found += _coco_boxes(result, image_id, scored=True)
        truths += _coco_boxes(truth, image_id, scored=False)
    if not truths:
        return AveragePrecision(0.0, {}, len(images), 0)
    for number, row in enumerate(truths, start=1):
        row['id'] = number
    precision, class_ids = _coco_precision(images, truths, found)
    per_class = {class_id: float(np.mean(curve))
                 for class_id, curve in zip(class_ids, precision.T)}
    return AveragePrecision(float(np.mean(list(per_class.values()))), per_class,
                            len(images), len(truths))


def measure_mean_iou(pairs: Iterable[Tuple[ClassMask, np.ndarray]], *,
                     num_classes: int) -> MeanIou:
    """
    Compute the mean IoU from one confusion matrix over all frames.

    :param pairs: per frame the result and the true class ids (H, W) uint8 of the same size; true
        ids of ``num_classes`` and above are not counted
    :param num_classes: how many classes the model knows
    :return: mean and per class; 0.0 when no pixel is labelled
    """
    confusion = np.zeros((num_classes, num_classes), np.int64)
    frames = 0
    for result, truth in pairs:
        frames += 1
        confusion += confusion_matrix(result.class_ids, truth, num_classes=num_classes)
    right = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - right
    per_class = {int(i): float(right[i] / union[i]) for i in np.flatnonzero(union)}
    miou = float(np.mean(list(per_class.values()))) if per_class else 0.0
    return MeanIou(miou, per_class, frames, int(confusion.sum()))


def confusion_matrix(class_ids: np.ndarray, truth: np.ndarray, *,
                     num_classes: int) -> np.ndarray:
    """
    Count pixels by true class (row) and found class (column).

    :param class_ids: found class ids (H, W) uint8
    :param truth: true class ids (H, W) uint8; ``num_classes`` and above are not counted
    :param num_classes: k
    :return: (K, K) int64
    """
    labelled = (truth < num_classes) & (class_ids < num_classes)
    codes = truth[labelled].astype(np.int64) * num_classes + class_ids[labelled]
    return np.bincount(codes, minlength=num_classes ** 2).reshape(num_classes, num_classes)


def _coco_boxes(boxes: Detections, image_id: int, *, scored: bool) -> List[dict]:
    rows = []
    for (left, top, right, bottom), class_id, score in zip(
            boxes.boxes_xyxy.tolist(), boxes.class_ids.tolist(), boxes.scores.tolist()):
        width, height = right - left, bottom - top
        row = {'image_id': image_id, 'category_id': class_id, 'bbox': [left, top, width, height],
               'area': width * height, 'iscrowd': 0}
        if scored:
            row['score'] = score
        rows.append(row)
    return rows


def _coco_precision(images: List[dict], truths: List[dict],
                    found: List[dict]) -> Tuple[np.ndarray, List[int]]:
    """Return precision at COCO's 101 recalls, (101, classes), and the classes' ids."""
    class_ids = sorted({truth['category_id'] for truth in truths})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {'images': images, 'annotations': truths, 'info': {},
                        'categories': [{'id': class_id} for class_id in class_ids]}
        coco.createIndex()
        found = [box for box in found if box['category_id'] in class_ids]
        if not found:
            return np.zeros((101, len(class_ids))), class_ids
        evaluation = COCOeval(coco, coco.loadRes(found), 'bbox')
        evaluation.params.iouThrs = np.array([0.5])
        evaluation.evaluate()
        evaluation.accumulate()
    all_areas, hundred_boxes = 0, 2
    return evaluation.eval['precision'][0, :, :, all_areas, hundred_boxes], class_ids
