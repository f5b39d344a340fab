"""
Network outputs to records in the frame's own pixels: one function a task.

All are called alike, by position, as the task table's type wants it.
"""

from typing import Dict

import cv2
import numpy as np

from edgenext_core.runtime.errors import EngineError
from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.preprocess import Geometry, boxes_to_frame, mask_to_frame
from edgenext_core.runtime.records import Classification, ClassMask, Detections
from edgenext_core.runtime.settings import (
    ClassificationSettings,
    DetectionSettings,
    SegmentationSettings,
)

_MAX_CANDIDATES = 1000
"""So many of the best scores enter non-maximum suppression, which bounds its time."""
_GRID = 1 << 14


def classification_from_outputs(outputs: Dict[str, np.ndarray], geometry: Geometry,
                                card: ModelCard, settings: ClassificationSettings
                                ) -> Classification:
    """
    Take the most probable classes.

    :param outputs: ``probabilities`` (1, K) float32
    :param geometry: of the frame; a label has no place in it
    :param card: the model's card
    :param settings: how many classes; all when there are fewer
    :return: the classes, most probable first, of equals the lower index first
    :raises EngineError: when a probability is not finite
    """
    scores = outputs['probabilities'][0]  # (K,)
    _check_finite(scores, 'probabilities')
    order = np.argsort(-scores, kind='stable')[:settings.top_k]  # (k,)
    return Classification(class_ids=order.astype(np.int64), scores=scores[order])


def detections_from_outputs(outputs: Dict[str, np.ndarray], geometry: Geometry,
                            card: ModelCard, settings: DetectionSettings) -> Detections:
    """
    Keep the boxes that count.

    Threshold, non-maximum suppression within each class, limit; then to the frame, clipped.

    :param outputs: ``boxes`` (1, A, 4) float32 xyxy in [0, 1] of the network input, ``scores``
        (1, A, K) float32
    :param geometry: of the frame that the outputs come from
    :param card: the model's card
    :param settings: thresholds and limit
    :return: the objects, highest score first
    :raises EngineError: when a score or a kept box is not finite
    """
    scores = outputs['scores'][0]  # (A, K)
    _check_finite(scores, 'scores')
    anchor_ids, class_ids = np.nonzero(scores >= settings.score_threshold)  # (N,), (N,)
    scores = scores[anchor_ids, class_ids]  # (N,)
    best = np.argsort(-scores, kind='stable')[:_MAX_CANDIDATES]  # (M,), M <= N
    boxes, class_ids, scores = (outputs['boxes'][0][anchor_ids[best]], class_ids[best],
                                scores[best])  # (M, 4) xyxy in [0, 1], (M,), (M,)
    _check_finite(boxes, 'boxes')
    input_size = np.array([geometry.input_width, geometry.input_height] * 2)
    frame_size = np.array([geometry.frame_width, geometry.frame_height] * 2, dtype=np.float32)
    boxes = np.clip(boxes_to_frame(boxes * input_size, geometry), np.float32(0),
                    frame_size)  # (M, 4) xyxy in pixels of the frame
    solid = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))  # indices with an area
    kept = solid[_suppress(boxes[solid] / frame_size, class_ids[solid],
                           nms_iou=settings.nms_iou)][:settings.max_detections]
    return Detections(boxes_xyxy=boxes[kept], class_ids=class_ids[kept].astype(np.int64),
                      scores=scores[kept])


def mask_from_outputs(outputs: Dict[str, np.ndarray], geometry: Geometry, card: ModelCard,
                      settings: SegmentationSettings) -> ClassMask:
    """
    Bring the mask to the frame's size.

    :param outputs: ``class_ids`` (1, H, W) int32
    :param geometry: of the frame that the outputs come from
    :param card: the model's card, for the number of classes
    :param settings: nothing
    :return: the mask, (frame_height, frame_width) uint8
    :raises EngineError: when a class id has no label
    """
    class_ids = outputs['class_ids'][0]  # (H, W)
    low, high = int(class_ids.min()), int(class_ids.max())
    if low < 0 or high >= len(card.labels):
        raise EngineError(f'the model gave class ids {low} to {high}, its card has '
                          f'{len(card.labels)} labels; export it again')
    return ClassMask(class_ids=mask_to_frame(class_ids.astype(np.uint8), geometry))


def _suppress(boxes: np.ndarray, class_ids: np.ndarray, *, nms_iou: float) -> np.ndarray:
    """
    Give the indices of the boxes that survive.

    OpenCV 4.1 rounds boxes to whole numbers, so a fine grid is laid over them, on which no area
    leaves 32 bits; each class has a place of its own there. Ranks stand for scores, as boxes of
    score 0 would be dropped.

    :param boxes: (N, 4) xyxy in [0, 1] of the frame, best first
    :param class_ids: (N,)
    :param nms_iou: see ``DetectionSettings``
    :return: (M,), best first
    """
    if len(boxes) == 0:
        return np.zeros(0, dtype=np.int64)
    grid = np.rint(boxes * _GRID).astype(np.int64)  # (N, 4), 0 to _GRID
    places = grid[:, :2] + class_ids[:, np.newaxis] * (_GRID + 1)  # (N, 2), classes apart
    sizes = np.maximum(grid[:, 2:] - grid[:, :2], 1)  # (N, 2)
    ranks = np.arange(len(boxes), 0, -1.0)  # (N,), descending
    kept = cv2.dnn.NMSBoxes(np.hstack([places, sizes]).tolist(), ranks.tolist(), 0.0, nms_iou)
    return np.array(kept, dtype=np.int64).reshape(-1)  # OpenCV 4.1 gives (M, 1)


def _check_finite(values: np.ndarray, name: str) -> None:
    # max() hands a NaN on and costs a tenth of isfinite(); an empty array has none
    if values.size and not np.isfinite(values.max()):
        raise EngineError(f'the model gave {name} {values.max()}, expected finite numbers; if it '
                          'was made in float16, make it in float32')
