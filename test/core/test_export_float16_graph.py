"""The float16 copy of a graph: true float16, as numpy computes it, against float32."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from tiny_onnx import NORM_NODES, SENSITIVE_NODES, a_frame, write_tiny_network

from edgenext_core.export.float16_graph import Float16Error, to_float16

RELATIVE = 5e-3
COSINE = 0.9999


def types_of(model):
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    return {value.name: value.type.tensor_type.elem_type
            for value in [*inferred.graph.value_info, *inferred.graph.input,
                          *inferred.graph.output]}


def run_both(model, frame, names):
    """Give the outputs in float32 from ONNX Runtime, and in float16 from NumPy's arithmetic."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    wide = onnxruntime.InferenceSession(model.SerializeToString(), options)
    half = to_float16(model)
    with np.errstate(all='ignore'):
        return wide.run(names, {'image': frame}), ReferenceEvaluator(half).run(
            names, {'image': frame})


def assert_close(expected, actual):
    expected, actual = (np.asarray(value, np.float64) for value in (expected, actual))
    assert np.isfinite(actual).all()
    assert np.abs(expected - actual).max() <= RELATIVE * np.abs(expected).max()
    product = (expected * actual).sum()
    assert product >= COSINE * np.sqrt((expected ** 2).sum() * (actual ** 2).sum())


@pytest.mark.parametrize('opset', [13, 17])
def test_true_float16_is_close_to_float32(tmp_path, opset):
    model = onnx.load(write_tiny_network(tmp_path / 'x.onnx', opset=opset))
    for seed in range(5):
        expected, actual = run_both(model, a_frame(seed), ['probabilities', 'class_ids'])
        assert_close(expected[0], actual[0])
        np.testing.assert_array_equal(expected[1], actual[1])


@pytest.mark.parametrize('opset', [13, 17])
def test_what_is_sensitive_stays_in_float32_and_the_rest_does_not(tmp_path, opset):
    half = to_float16(onnx.load(write_tiny_network(tmp_path / 'x.onnx', opset=opset)))
    types = types_of(half)
    sensitive = set(SENSITIVE_NODES)
    if opset == 17:
        sensitive = sensitive - set(NORM_NODES) | {'norm'}
    for node in half.graph.node:
        if node.name in sensitive:
            assert types[node.output[0]] == TensorProto.FLOAT, node.name
        elif node.name in ('pixels', 'planes', 'stem', 'tokens', 'mixed'):
            assert types[node.output[0]] == TensorProto.FLOAT16, node.name


def test_inputs_and_outputs_keep_their_types(tmp_path):
    model = onnx.load(write_tiny_network(tmp_path / 'x.onnx'))
    half = to_float16(model)
    assert half.graph.input == model.graph.input
    assert half.graph.output == model.graph.output
    assert half.metadata_props == model.metadata_props
    assert half.opset_import == model.opset_import


def test_the_first_node_still_casts_the_bytes(tmp_path):
    half = to_float16(onnx.load(write_tiny_network(tmp_path / 'x.onnx')))
    first = half.graph.node[0]
    assert (first.op_type, first.input[0], first.attribute[0].i) == (
        'Cast', 'image', TensorProto.FLOAT16)


def test_the_model_that_is_given_stays_as_it_is(tmp_path):
    model = onnx.load(write_tiny_network(tmp_path / 'x.onnx'))
    before = model.SerializeToString()
    to_float16(model)
    assert model.SerializeToString() == before


def one_node(op_type, inputs, shapes, *, output=(1, 2, 4, 4), **attributes):
    """Give a model of one product and one node behind it."""
    nodes = [helper.make_node('Conv', ['image', 'kernel'], ['map'], name='conv'),
             helper.make_node(op_type, ['map', *inputs], ['out'], name='node', **attributes)]
    weights = [numpy_helper.from_array(np.ones((2, 1, 1, 1), np.float32), 'kernel')]
    weights += [numpy_helper.from_array(np.asarray(value), name) for name, value in shapes.items()]
    graph = helper.make_graph(
        nodes, 'one', [helper.make_tensor_value_info('image', TensorProto.FLOAT, (1, 1, 2, 2))],
        [helper.make_tensor_value_info('out', TensorProto.FLOAT, output)], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 7
    return model


def test_an_output_in_float16_is_cast_back():
    model = one_node('Resize', ['', 'scales'], {'scales': np.array([1, 1, 2, 2], np.float32)})
    half = to_float16(model)
    types = types_of(half)
    assert types['map'] == TensorProto.FLOAT16 and types['out'] == TensorProto.FLOAT
    scales = next(tensor for tensor in half.graph.initializer if tensor.name == 'scales')
    assert scales.data_type == TensorProto.FLOAT


def test_a_weight_that_float16_cannot_hold_is_named():
    model = one_node('Identity', [], {}, output=(1, 2, 2, 2))
    model.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(np.full((2, 1, 1, 1), 1e6, np.float32), 'kernel'))
    with pytest.raises(Float16Error, match='the weight kernel.* reaches 1e.06, float16 ends at'):
        to_float16(model)


def test_weights_that_were_stored_in_float16_are_brought_back_first():
    model = one_node('Identity', [], {}, output=(1, 2, 2, 2))
    model.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(np.full((2, 1, 1, 1), 2, np.float16), 'stored'))
    model.graph.node.insert(0, helper.make_node('Cast', ['stored'], ['kernel'],
                                                to=TensorProto.FLOAT))
    half = to_float16(model)
    assert [node.op_type for node in half.graph.node] == ['Cast', 'Conv', 'Identity', 'Cast']
    image = np.ones((1, 1, 2, 2), np.float32)
    np.testing.assert_array_equal(ReferenceEvaluator(half).run(None, {'image': image})[0],
                                  np.full((1, 2, 2, 2), 2, np.float32))


def test_sums_of_squares_that_overflow_float16_do_not():
    """1024 numbers of 20 have a sum of squares of 409600, and float16 ends at 65504."""
    nodes = [helper.make_node('Conv', ['image', 'kernel'], ['map']),
             helper.make_node('ReduceL2', ['map'], ['length'], axes=[2, 3], keepdims=1),
             helper.make_node('Div', ['map', 'length'], ['units'])]
    graph = helper.make_graph(
        nodes, 'sum', [helper.make_tensor_value_info('image', TensorProto.FLOAT, (1, 1, 32, 32))],
        [helper.make_tensor_value_info('units', TensorProto.FLOAT, (1, 1, 32, 32))],
        [numpy_helper.from_array(np.full((1, 1, 1, 1), 20, np.float32), 'kernel')])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 7
    image = np.ones((1, 1, 32, 32), np.float32)
    units = ReferenceEvaluator(to_float16(model)).run(None, {'image': image})[0]
    np.testing.assert_allclose(units, 1 / 32, rtol=1e-3)


@pytest.mark.parametrize('batch', [1, 3])
def test_a_classifiers_last_layer_is_a_convolution_in_float32(batch):
    """Turing's builders have no float32 kernel for a Gemm."""
    rng = np.random.default_rng(0)
    weights = {'kernel': rng.normal(0, 1, (1, 1, 1, 1)), 'last': rng.normal(0, 1, (5, 4)),
               'bias': rng.normal(0, 1, 5)}
    nodes = [helper.make_node('Conv', ['image', 'kernel'], ['map']),
             helper.make_node('Flatten', ['map'], ['row']),
             helper.make_node('Gemm', ['row', 'last', 'bias'], ['logits'], transB=1)]
    graph = helper.make_graph(
        nodes, 'head',
        [helper.make_tensor_value_info('image', TensorProto.FLOAT, (batch, 1, 2, 2))],
        [helper.make_tensor_value_info('logits', TensorProto.FLOAT, (batch, 5))],
        [numpy_helper.from_array(value.astype(np.float32), name)
         for name, value in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)])
    model.ir_version = 8
    half = to_float16(model)
    assert [node.op_type for node in half.graph.node].count('Gemm') == 0
    convolutions = [node for node in half.graph.node if node.op_type == 'Conv']
    assert [types_of(half)[node.output[0]] for node in convolutions] == [
        TensorProto.FLOAT16, TensorProto.FLOAT]
    image = rng.normal(0, 1, (batch, 1, 2, 2)).astype(np.float32)
    expected, = ReferenceEvaluator(model).run(None, {'image': image})
    assert_close(expected, ReferenceEvaluator(half).run(None, {'image': image})[0])
