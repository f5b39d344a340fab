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
    own ratios, first by second, which other work on the machine moves least. ``cpu_ratio`` is
    the same of the time that the calling thread had the CPU, which waiting for one adds nothing
    to: it is right where a call uses no other thread.
    """

    first_ms: float
    second_ms: float
    ratio: float
    cpu_ratio: float


def compare(first: Callable[[], Any], second: Callable[[], Any], *, count: int) -> Comparison:
    """
    Call two functions in pairs, one right after the other, the order changing each time.

    :param first: a function without arguments
    :param second: another
    :param count: number of pairs, after a few that do not count
    :return: the medians
    """
    walls, cpus = [], []
    for index in range(-WARM_UP, count):
        if index % 2:
            second_s, first_s = _seconds(second), _seconds(first)
        else:
            first_s, second_s = _seconds(first), _seconds(second)
        if index >= 0:
            walls.append((first_s[0], second_s[0]))
            cpus.append((first_s[1], second_s[1]))
    first_ms, second_ms = (1e3 * statistics.median(side) for side in zip(*walls))
    return Comparison(first_ms, second_ms, *(
        statistics.median(a / b for a, b in pairs) for pairs in (walls, cpus)))


def _seconds(function: Callable[[], Any]) -> tuple[float, float]:
    """Give the time on the clock and the thread's time on the CPU."""
    start, cpu_start = time.perf_counter(), time.thread_time()
    function()
    return time.perf_counter() - start, time.thread_time() - cpu_start
