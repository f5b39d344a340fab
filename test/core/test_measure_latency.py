"""Percentiles, held against NumPy and against counting."""

import numpy as np
import pytest

from edgenext_core.measure.latency import percentiles


def test_they_are_those_of_numpy():
    values = np.random.default_rng(0).exponential(10, 237)
    assert percentiles(values.tolist()) == tuple(np.percentile(values, (50, 95, 99)))


@pytest.mark.parametrize('values, expected', [
    ([7.0], (7, 7, 7)), (list(range(101)), (50, 95, 99)), ([3.0, 1.0], (2, 2.9, 2.98)),
])
def test_few_values_are_interpolated(values, expected):
    assert percentiles(values) == pytest.approx(expected)
