"""Network outputs to records in the frame's own pixels."""

from typing import Dict

import cv2
import numpy as np

from edgenext_core.runtime.errors import EngineError
from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.preprocess import Geometry, boxes_to_frame, mask_to_frame
from edgenext_core.runtime.records import Classification, ClassMask, Detections

_MAX_CANDIDATES = 1000
"""So many of the best scores enter non-maximum suppression, which bounds its time."""
_GRID = 1 << 14


def classification_from_outputs(outputs: Dict[str, np.ndarray], *, top_k: int) -> Classification:
    """
    Take the most probable classes.

    :param outputs: ``probabilities`` (1, K) float32
    :param top_k: how many, at least 1; all when there are fewer
    :return: the classes, most probable first, of equals the lower index first
    :raises EngineError: when a probability is not finite
    :raises ValueError: when ``top_k`` is below 1
    """
    if top_k < 1:
        raise ValueError(f'top_k is {top_k}, expected at least 1')
    scores = outputs['probabilities'][0]
    _check_finite(scores, 'probabilities')
    order = np.argsort(-scores, kind='stable')[:top_k]
    return Classification(class_ids=order.astype(np.int64), scores=scores[order])


def detections_from_outputs(outputs: Dict[str, np.ndarray], geometry: Geometry, *,
                            score_threshold: float, nms_iou: float,
                            max_detections: int) -> Detections:
    """
    Keep the boxes that count.

    Threshold, non-maximum suppression within each class, limit; then to the frame, clipped.

    :param outputs: ``boxes`` (1, A, 4) float32 xyxy in [0, 1] of the network input, ``scores``
        (1, A, K) float32
    :param geometry: of the frame that the outputs come from
    :param score_threshold: 0 to 1; a box needs at least this
    :param nms_iou: 0 to 1; of two boxes of a class that overlap more, the better one stays
    :param max_detections: at most so many, at least 1
    :return: the objects, highest score first
    :raises EngineError: when a score or a kept box is not finite
    :raises ValueError: when a setting is out of range
    """
    _check_fraction('score_threshold', score_threshold)
    _check_fraction('nms_iou', nms_iou)
    if max_detections < 1:
        raise ValueError(f'max_detections is {max_detections}, expected at least 1')
    scores = outputs['scores'][0]
    _check_finite(scores, 'scores')
    anchor_ids, class_ids = np.nonzero(scores >= score_threshold)
    scores = scores[anchor_ids, class_ids]
    best = np.argsort(-scores, kind='stable')[:_MAX_CANDIDATES]
    boxes, class_ids, scores = (outputs['boxes'][0][anchor_ids[best]], class_ids[best],
                                scores[best])
    _check_finite(boxes, 'boxes')
    input_size = np.array([geometry.input_width, geometry.input_height] * 2)
    frame_size = np.array([geometry.frame_width, geometry.frame_height] * 2, dtype=np.float32)
    boxes = np.clip(boxes_to_frame(boxes * input_size, geometry), np.float32(0), frame_size)
    solid = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))
    kept = solid[_suppress(boxes[solid] / frame_size, class_ids[solid], nms_iou=nms_iou)]
    kept = kept[:max_detections]
    return Detections(boxes_xyxy=boxes[kept], class_ids=class_ids[kept].astype(np.int64),
                      scores=scores[kept])


def mask_from_outputs(outputs: Dict[str, np.ndarray], geometry: Geometry,
                      card: ModelCard) -> ClassMask:
    """
    Bring the mask to the frame's size.

    :param outputs: ``class_ids`` (1, H, W) int32
    :param geometry: of the frame that the outputs come from
    :param card: the model's card, for the number of classes
    :return: the mask, (frame_height, frame_width) uint8
    :raises EngineError: when a class id has no label
    """
    class_ids = outputs['class_ids'][0]
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
    :param nms_iou: see ``detections_from_outputs``
    :return: (M,), best first
    """
    if len(boxes) == 0:
        return np.zeros(0, dtype=np.int64)
    grid = np.rint(boxes * _GRID).astype(np.int64)
    places = grid[:, :2] + class_ids[:, np.newaxis] * (_GRID + 1)
    sizes = np.maximum(grid[:, 2:] - grid[:, :2], 1)
    ranks = np.arange(len(boxes), 0, -1.0)
    kept = cv2.dnn.NMSBoxes(np.hstack([places, sizes]).tolist(), ranks.tolist(), 0.0, nms_iou)
    return np.array(kept, dtype=np.int64).reshape(-1)


def _check_finite(values: np.ndarray, name: str) -> None:
    # max() hands a NaN on and costs a tenth of isfinite(); an empty array has none
    if values.size and not np.isfinite(values.max()):
        raise EngineError(f'the model gave {name} {values.max()}, expected finite numbers; if it '
                          'was made in float16, make it in float32')


def _check_fraction(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f'{name} is {value}, expected 0 to 1')
