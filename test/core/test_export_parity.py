"""How the outputs of two programs are compared."""

import numpy as np
import pytest

from edgenext_core.export.parity import (
    ParityError,
    absolute_difference,
    largest_difference,
    relative_difference,
    require_finite,
    require_parity,
)
from edgenext_core.runtime.errors import EdgeNextError


def test_numbers_are_compared_by_their_largest_difference():
    assert absolute_difference(np.array([0.1, 0.5]), np.array([0.2, 0.2])) == pytest.approx(0.3)


def test_large_numbers_are_compared_in_units_of_the_largest():
    assert relative_difference(np.array([0.1, 0.5]), np.array([0.2, 0.2])) == pytest.approx(0.3)
    assert relative_difference(np.array([-100, 50.0]), np.array([-99, 49.5])) == pytest.approx(
        0.01)
    assert np.isnan(relative_difference(np.zeros(2), np.full(2, np.nan)))


def test_the_largest_difference_of_all_inputs_and_outputs_counts():
    zero, one, nan = np.zeros(2), np.ones(2), np.full(2, np.nan)
    assert largest_difference([[zero, zero], [zero, zero]], [[zero, zero], [one, zero]],
                              absolute_difference) == 1
    found = largest_difference([[zero, zero]], [[zero, nan]], absolute_difference)
    assert np.isnan(found)


@pytest.mark.parametrize('difference', [0.2, float('nan')])
def test_a_model_that_computes_something_else_is_refused(difference):
    with pytest.raises(ParityError, match='no file was written'):
        require_parity(difference, 0.1, 'PyTorch and ONNX Runtime')
    assert issubclass(ParityError, EdgeNextError)


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_a_network_that_overflows_is_refused(value):
    require_finite([[np.zeros((1, 3)), np.ones(2)]])
    with pytest.raises(ParityError, match='gives 2 numbers of 5 .* that are not finite.*'
                                          'take an earlier checkpoint or train again'):
        require_finite([[np.zeros((1, 3)), np.full(2, value)]])
