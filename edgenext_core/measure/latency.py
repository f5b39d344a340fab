"""Percentiles of durations: one definition for the nodes, ``verify`` and ``benchmark``."""

from typing import NamedTuple, Sequence

import numpy as np


class Percentiles(NamedTuple):
    """The values that half, 95 % and 99 % of the values do not exceed, interpolated."""

    p50: float
    p95: float
    p99: float


def percentiles(values: Sequence[float]) -> Percentiles:
    """
    Compute the percentiles.

    :param values: at least one, of any unit
    :return: the percentiles in that unit
    """
    return Percentiles(*[float(value) for value in np.percentile(values, (50, 95, 99))])
