"""How much two models may differ before they are no longer the same, by their lower precision."""

from typing import Dict, NamedTuple, Optional, Sequence

from edgenext_core.runtime.model_card import PRECISIONS


class Gates(NamedTuple):
    """
    The limits.

    ``relative`` is the largest relative difference of numbers, ``cosine`` the least, and
    ``score_difference`` the largest of scores of what both models find, None for any;
    ``shares`` the least share, by task, of frames with the same best class, objects that both
    find, or pixels of the same class.
    """

    relative: Optional[float]
    cosine: Optional[float]
    score_difference: Optional[float]
    shares: Dict[str, float]


_EXACT = {'classification': 1.0, 'detection': 1.0, 'segmentation': 0.995}
GATES = {
    'float32': Gates(relative=1e-4, cosine=0.9999, score_difference=0.02, shares=_EXACT),
    'float16': Gates(relative=5e-3, cosine=0.9999, score_difference=0.02, shares=_EXACT),
    # Ours. The answer to a close call may turn and one score in hundreds be far off, without harm:
    # on 200 street frames, three models no less accurate than in float32 agree in 99 % of the
    # classes (97 % of the first 60 frames), all objects (scores up to 0.23 off), 99.8 % of pixels.
    'int8': Gates(relative=None, cosine=None, score_difference=None, shares={
        'classification': 0.95, 'detection': 0.95, 'segmentation': 0.98}),
}
"""By precision."""


def lower_precision(precisions: Sequence[str]) -> str:
    """
    Find the precision by which models are held against each other.

    :param precisions: what engines say of themselves, such as 'float16 in 97 of 231 layers'
    :return: the lowest that is named, one of ``GATES``; where an engine says nothing, 'float16'
    """
    named = [name for text in precisions
             for name in [name for name in PRECISIONS if name in text] or ['float16']]
    return max(named, key=PRECISIONS.index)
