"""
Two models' answers to one frame, held against each other: a row a task.

Numbers are compared where both give the same ones, whatever their order: classes come best first,
and boxes do, so that a rounding changes who stands where. Records are always compared.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.records import Classification, ClassMask, Detections

Outputs = Dict[str, np.ndarray]
Pairs = Dict[str, Tuple[np.ndarray, np.ndarray]]
"""By name, numbers of the one model and those of the other that belong to them."""

_MATCH_IOU = 0.5
_COMPARED_CANDIDATES = 500


class Difference(NamedTuple):
    """
    How far numbers lie apart.

    ``largest`` is the largest difference; ``relative`` the same divided by the largest number of
    the first model where that is above 1; ``cosine`` that of the angle between all of them.
    Where a number is not finite, these are infinity, infinity and -1.
    """

    largest: float
    relative: float
    cosine: float


class Tally(NamedTuple):
    """
    What two records have in common.

    ``same`` of ``counted`` things agree; ``score_difference`` is the largest among these, None
    where there is no score.
    """

    same: int
    counted: int
    score_difference: Optional[float]


class Comparison(NamedTuple):
    """
    How one task's answers are compared.

    ``counted`` names what a tally counts; ``pair`` lays out both models' outputs so that what
    belongs together can be subtracted, and gives nothing where their forms have nothing in common;
    ``tally`` counts what two records agree in.
    """

    counted: str
    pair: Callable[[Outputs, Outputs, ModelCard], Pairs]
    tally: Callable[[Any, Any, float], Tally]


def compare_numbers(first: np.ndarray, second: np.ndarray) -> Difference:
    """
    Measure how far numbers lie apart.

    :param first: any shape, at least one number
    :param second: the same shape
    :return: the difference
    """
    first, second = first.astype(np.float64).ravel(), second.astype(np.float64).ravel()
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return Difference(np.inf, np.inf, -1.0)
    largest = float(np.abs(first - second).max())
    lengths = float(np.sqrt((first @ first) * (second @ second)))
    return Difference(largest, largest / max(1.0, float(np.abs(first).max())),
                      float(first @ second) / lengths if lengths else float(largest == 0))


def _pair_classes(first: Outputs, second: Outputs, card: ModelCard) -> Pairs:
    one, other = (_by_class(outputs, len(card.labels)) for outputs in (first, second))
    known = ~np.isnan(one) & ~np.isnan(other)
    return {'scores': (one[known], other[known])} if known.any() else {}


def _by_class(outputs: Outputs, num_classes: int) -> np.ndarray:
    """Give the scores by class (K,), NaN where the graph gives those of the best classes only."""
    if 'probabilities' in outputs:
        return outputs['probabilities'][0]
    scores = np.full(num_classes, np.nan)
    scores[outputs['class_ids'][0]] = outputs['scores'][0]
    return scores


def _pair_boxes(first: Outputs, second: Outputs, card: ModelCard) -> Pairs:
    """Pair the first model's best candidates with the most similar ones of the second."""
    sides = [np.hstack([outputs['boxes'][0], outputs['scores'][0]])  # (M, 4 + K)
             for outputs in (first, second)]
    if not all(np.isfinite(side).all() for side in sides):  # nothing is similar to them
        nowhere = np.full(1, np.nan)
        return {'boxes': (nowhere, nowhere), 'scores': (nowhere, nowhere)}
    # The last ones of the one model may be missing in the other.
    count = min(_COMPARED_CANDIDATES, (min(map(len, sides)) + 1) // 2)
    best = sides[0][np.argsort(-sides[0][:, 4:].max(axis=1), kind='stable')[:count]]
    similar = np.stack([sides[1][np.abs(sides[1] - one).max(axis=1).argmin()] for one in best])
    return {'boxes': (best[:, :4], similar[:, :4]), 'scores': (best[:, 4:], similar[:, 4:])}


def _pair_logits(first: Outputs, second: Outputs, card: ModelCard) -> Pairs:
    one, other = first.get('logits'), second.get('logits')
    if one is None or other is None or one.shape != other.shape:
        return {}
    return {'logits': (one, other)}


def _tally_classes(first: Classification, second: Classification, threshold: float) -> Tally:
    if first.class_ids[0] != second.class_ids[0]:
        return Tally(0, 1, None)
    return Tally(1, 1, float(abs(first.scores[0] - second.scores[0])))


def _tally_objects(first: Detections, second: Detections, threshold: float) -> Tally:
    """
    Match boxes of one class, best first, each with the one that it overlaps most.

    An object is a box above the threshold; what the other model has for it may lie below.
    """
    free = np.ones(len(second.scores), bool)
    scores: List[Tuple[float, ...]] = []  # by both models, or by the one that has the box
    for box, class_id, score in zip(first.boxes_xyxy, first.class_ids, first.scores):
        overlaps = _iou(box, second.boxes_xyxy) * (free & (second.class_ids == class_id))
        match = int(overlaps.argmax()) if len(overlaps) else -1
        if match >= 0 and overlaps[match] >= _MATCH_IOU:
            free[match] = False
            scores.append((float(score), float(second.scores[match])))
        else:
            scores.append((float(score),))
    scores += [(float(score),) for score in second.scores[free]]
    objects = [those for those in scores if max(those) >= threshold]
    matched = [those for those in objects if len(those) == 2]
    return Tally(len(matched), len(objects),
                 max((abs(one - other) for one, other in matched), default=None))


def _tally_pixels(first: ClassMask, second: ClassMask, threshold: float) -> Tally:
    return Tally(int((first.class_ids == second.class_ids).sum()), first.class_ids.size, None)


def _iou(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Give the intersection over union of a box (4,) with others (N, 4), xyxy: (N,)."""
    sizes = (np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])).clip(0)
    shared = sizes.prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    return shared / (areas - shared)


COMPARISONS: Dict[str, Comparison] = {
    'classification': Comparison('frames with the same best class', _pair_classes,
                                 _tally_classes),
    'detection': Comparison('objects that both find', _pair_boxes, _tally_objects),
    'segmentation': Comparison('pixels of the same class', _pair_logits, _tally_pixels),
}
"""How answers are compared, by task."""
