"""
Network outputs to records in the frame's own pixels: one function a task.

All are called alike, by position, as the task table's type wants it. Outputs come in the form that
the card names; of a batch the first is taken.
"""

from typing import Dict

import cv2
import numpy as np

from edgenext_core.runtime.errors import EngineError
from edgenext_core.runtime.mask_upsampling import upsample_mask
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

    :param outputs: ``scores`` (1, k) float32 and ``class_ids`` (1, k) int32, best first; or
        ``probabilities`` (1, K) float32
    :param geometry: of the frame; a label has no place in it
    :param card: the model's card
    :param settings: how many classes; all when there are fewer
    :return: the classes, most probable first, of equals the lower index first
    :raises EngineError: when a probability is not finite or a class has no label
    """
    if 'class_ids' in card.outputs:
        scores, class_ids = outputs['scores'][0], outputs['class_ids'][0]  # (k,) each
        _check_finite(scores, 'scores')
        _check_labels(class_ids, card)
        return Classification(class_ids=class_ids[:settings.top_k].astype(np.int64),
                              scores=scores[:settings.top_k])
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
    scores, num_classes = scores.ravel(), scores.shape[1]
    likely = np.flatnonzero(scores >= settings.score_threshold)  # (N,)
    best = likely[np.argsort(-scores[likely], kind='stable')[:_MAX_CANDIDATES]]  # (M,), M <= N
    anchor_ids, class_ids = np.divmod(best, num_classes)  # (M,), (M,)
    boxes, scores = outputs['boxes'][0][anchor_ids], scores[best]  # (M, 4) xyxy in [0, 1], (M,)
    _check_finite(boxes, 'boxes')
    input_size = np.array([geometry.input_width, geometry.input_height] * 2)
    frame_size = np.array([geometry.frame_width, geometry.frame_height] * 2, dtype=np.float32)
    boxes = np.clip(boxes_to_frame(boxes * input_size, geometry), np.float32(0),
                    frame_size)  # (M, 4) xyxy in pixels of the frame
    solid = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))  # indices with an area
    kept = solid[_suppress(boxes[solid] / frame_size, class_ids[solid],
                           nms_iou=settings.nms_iou, limit=settings.max_detections)]
    return Detections(boxes_xyxy=boxes[kept], class_ids=class_ids[kept].astype(np.int64),
                      scores=scores[kept])


def mask_from_outputs(outputs: Dict[str, np.ndarray], geometry: Geometry, card: ModelCard,
                      settings: SegmentationSettings) -> ClassMask:
    """
    Make the mask of the frame's size.

    :param outputs: ``logits`` (1, K, h, w) float32 on a grid over the network input; or
        ``class_ids`` (1, H, W) int32, pixels of the network input
    :param geometry: of the frame that the outputs come from
    :param card: the model's card, for the number of classes
    :param settings: nothing
    :return: the mask, (frame_height, frame_width) uint8
    :raises EngineError: when a logit is not finite or a class has no label
    """
    if 'logits' in card.outputs:
        logits = outputs['logits'][0]  # (K, h, w)
        _check_finite(logits, 'logits')
        return ClassMask(class_ids=upsample_mask(logits, geometry))
    class_ids = outputs['class_ids'][0]  # (H, W)
    _check_labels(class_ids, card)
    return ClassMask(class_ids=mask_to_frame(class_ids.astype(np.uint8), geometry))


def _suppress(boxes: np.ndarray, class_ids: np.ndarray, *, nms_iou: float, limit: int
              ) -> np.ndarray:
    """
    Give the indices of the boxes that survive, as far as they are wanted.

    Worse boxes never change what happens to better ones, so these come first: the time grows with
    the square of the number.

    :param boxes: (N, 4) xyxy in [0, 1] of the frame, best first
    :param class_ids: (N,)
    :param nms_iou: see ``DetectionSettings``
    :param limit: how many are wanted, at least 1
    :return: (M,), best first, M at most the limit
    """
    tried = 2 * limit
    kept = _suppress_all(boxes[:tried], class_ids[:tried], nms_iou=nms_iou)
    if len(kept) < limit and tried < len(boxes):
        kept = _suppress_all(boxes, class_ids, nms_iou=nms_iou)
    return kept[:limit]


def _suppress_all(boxes: np.ndarray, class_ids: np.ndarray, *, nms_iou: float) -> np.ndarray:
    """
    Give the indices of all boxes that survive.

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


def _check_labels(class_ids: np.ndarray, card: ModelCard) -> None:
    low, high = int(class_ids.min()), int(class_ids.max())
    if low < 0 or high >= len(card.labels):
        raise EngineError(f'the model gave class ids {low} to {high}, its card has '
                          f'{len(card.labels)} labels; export it again')


def _check_finite(values: np.ndarray, name: str) -> None:
    if values.size == 0:
        return
    # Both hand a NaN on and cost a fifth of isfinite().
    for extreme in (values.max(), values.min()):
        if not np.isfinite(extreme):
            raise EngineError(f'the model gave {name} {extreme}, expected finite numbers; if it '
                              'was made in float16, make it in float32')
