"""The drawn pictures."""

import numpy as np

from edgenext_core.measure.probes import make_probes


def test_probes_are_always_the_same_and_use_all_bytes():
    first, second = make_probes(2, height=32, width=48)
    assert first.shape == (1, 32, 48, 3)
    assert first.dtype == np.uint8
    assert (first != second).any()
    np.testing.assert_array_equal(make_probes(1, height=32, width=48)[0], first)
    together, = make_probes(1, height=32, width=48, batch=2)
    np.testing.assert_array_equal(together, np.concatenate([first, second]))
