"""Weights stored in float16."""

import numpy as np
import onnx
import pytest
from tiny_networks import trace

from edgenext_core.export.float16 import store_in_float16
from edgenext_core.export.parity import absolute_difference, largest_difference, run_onnx


@pytest.mark.parametrize('task', ['classification', 'detection', 'segmentation'])
def test_weights_stored_in_float16_are_the_rounded_weights(task):
    _, model, probes, _ = trace(task)
    rounded = onnx.ModelProto()
    rounded.CopyFrom(model)
    for tensor in rounded.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= 1024:
            values = values.astype(np.float16).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    stored = store_in_float16(model)
    assert stored.ByteSize() < 0.6 * model.ByteSize()
    assert stored.graph.node[0].input[0] == 'image'
    assert largest_difference(
        run_onnx(rounded, probes), run_onnx(stored, probes), absolute_difference) == 0


def test_a_weight_beyond_float16s_range_stays_as_it_is():
    model = onnx.ModelProto()
    model.CopyFrom(trace('classification').model)
    tensor = max(model.graph.initializer, key=lambda one: np.prod(one.dims))
    values = onnx.numpy_helper.to_array(tensor).copy()
    values.flat[0] = 1e5
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    kept = {one.name: one for one in store_in_float16(model).graph.initializer}[tensor.name]
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(kept), values)


def test_the_model_itself_keeps_its_weights():
    _, model, _, _ = trace('classification')
    before = model.SerializeToString()
    store_in_float16(model)
    assert model.SerializeToString() == before
