"""Time two things side by side on a machine that does other work as well."""

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

WARM_UP = 3


class Comparison(NamedTuple):
    """
    Medians over the pairs.

    ``first_ms`` and ``second_ms`` are milliseconds a call; ``ratio`` is the median of the pairs'
    own ratios, first by second, which other work on the machine moves least.
    """

    first_ms: float
    second_ms: float
    ratio: float


def compare(first: Callable[[], Any], second: Callable[[], Any], *, count: int) -> Comparison:
    """
    Call two functions in pairs, one right after the other, the order changing each time.

    :param first: a function without arguments
    :param second: another
    :param count: number of pairs, after a few that do not count
    :return: the medians
    """
    pairs = []
    for index in range(-WARM_UP, count):
        if index % 2:
            second_s, first_s = _seconds(second), _seconds(first)
        else:
            first_s, second_s = _seconds(first), _seconds(second)
        if index >= 0:
            pairs.append((first_s, second_s))
    first_ms, second_ms = (1e3 * statistics.median(side) for side in zip(*pairs))
    return Comparison(first_ms, second_ms, statistics.median(a / b for a, b in pairs))


def _seconds(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
