"""ONNX models: static, small, and of nothing that an old parser stumbles over."""

import onnx
import pytest
import torch
from order_one_weights import draw_order_one_weights
from tiny_networks import trace

from edgenext_core.export.graphs import GRAPHS, folded_graph, plain_graph
from edgenext_core.export.onnx_file import to_onnx
from edgenext_core.export.parity import largest_difference, make_probes, run_onnx, run_torch
from edgenext_core.models import create_model

OPERATORS = {
    'Add', 'BatchNormalization', 'Cast', 'Clip', 'Concat', 'Conv', 'Div', 'Erf', 'Exp', 'Expand',
    'Flatten', 'Gather', 'Gemm', 'GlobalAveragePool', 'HardSigmoid', 'MatMul', 'Mul', 'Pad', 'Pow',
    'ReduceL2', 'ReduceMax', 'ReduceMean', 'Relu', 'Reshape', 'Slice', 'Softmax', 'Split', 'Sqrt',
    'Squeeze', 'Sub', 'TopK', 'Transpose', 'Unsqueeze',
}
"""All of them in docs/operators.md of onnx-tensorrt, release 8.2-GA; none computes a shape."""


@pytest.fixture(params=GRAPHS)
def traced(request):
    return trace(request.param)


def test_the_graph_begins_with_the_cast_of_bytes_and_has_static_outputs(traced):
    graph = traced.model.graph
    image, = graph.input
    assert image.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert graph.node[0].op_type == 'Cast'
    assert list(graph.node[0].input) == ['image']
    assert [output.name for output in graph.output] == list(GRAPHS[traced.task].output_names)
    for output, expected in zip(graph.output, traced.expected[0], strict=True):
        sides = [side.dim_value for side in output.type.tensor_type.shape.dim]
        assert sides == list(expected.shape)


def test_no_arithmetic_of_shapes_or_positions_is_left(traced):
    assert {node.op_type for node in traced.model.graph.node} <= OPERATORS


def test_a_model_is_of_opset_13_and_nothing_else(traced):
    assert [(one.domain, one.version) for one in traced.model.opset_import] == [('', 13)]
    assert traced.model.ir_version <= 8  # what ONNX Runtime 1.10 reads


@pytest.mark.parametrize(('task', 'name', 'height', 'width'), [
    ('detection', 'ssdlite_edgenext_xx_small', 97, 130),
    ('segmentation', 'deeplabv3_edgenext_xx_small_bn_hs', 64, 75),
    ('classification', 'edgenext_small_rw', 64, 40),
])
def test_nor_is_it_at_odd_sizes_and_in_other_networks(task, name, height, width):
    torch.set_num_threads(1)
    network = draw_order_one_weights(create_model(name, num_classes=3))
    model = to_onnx(folded_graph(task, network, height=height, width=width),
                    height=height, width=width)
    assert {node.op_type for node in model.graph.node} <= OPERATORS
    probes = make_probes(1, height=height, width=width)
    expected = run_torch(plain_graph(task, network), probes)
    row = GRAPHS[task]
    assert largest_difference(expected, run_onnx(model, probes), row.difference) <= row.tolerance
