"""ONNX models: static, small, and of nothing that an old parser stumbles over."""

import numpy as np
import onnx
import pytest
import torch
from order_one_weights import draw_order_one_weights
from tiny_networks import make_network, trace

from edgenext_core.export.graphs import GRAPHS, folded_graph, plain_graph
from edgenext_core.export.onnx_file import NumbersGraph, to_onnx, with_numbers
from edgenext_core.export.parity import (
    absolute_difference,
    largest_difference,
    run_onnx,
    run_torch,
)
from edgenext_core.export.targets import EXPORT_TARGETS
from edgenext_core.measure.probes import make_probes
from edgenext_core.models import create_model

OPERATORS = {
    'Add', 'BatchNormalization', 'Cast', 'Clip', 'Concat', 'Conv', 'Div', 'Erf', 'Exp',
    'Expand', 'Flatten', 'Gather', 'Gemm', 'GlobalAveragePool', 'HardSigmoid', 'HardSwish',
    'LayerNormalization', 'MatMul', 'Mul', 'Pad', 'Pow', 'ReduceL2', 'ReduceMax', 'ReduceMean',
    'Relu', 'Reshape', 'Slice', 'Softmax', 'Split', 'Sqrt', 'Squeeze', 'Sub', 'TopK',
    'Transpose', 'Unsqueeze',
}
"""None of them computes a shape."""


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


@pytest.mark.parametrize('target', EXPORT_TARGETS.values(), ids=lambda target: target.name)
def test_a_model_is_of_its_targets_opset_version_and_type(target):
    graph = folded_graph('detection', make_network('detection'), height=64, width=96)
    model = to_onnx(graph, height=64, width=96, target=target, batch=2)
    assert [(one.domain, one.version) for one in model.opset_import] == [('', target.opset)]
    assert model.ir_version == target.ir_version
    image, = model.graph.input
    assert image.type.tensor_type.elem_type == onnx.helper.np_dtype_to_tensor_dtype(
        np.dtype(target.input_dtype))
    assert [side.dim_value for side in image.type.tensor_type.shape.dim] == [2, 64, 96, 3]


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
    expected = run_torch(NumbersGraph(plain_graph(task, network)), probes)
    found = run_onnx(with_numbers(model), probes)
    assert largest_difference(expected, found, absolute_difference) <= 1e-4


def test_a_traced_graph_is_left_in_evaluation_mode():
    graph = folded_graph('classification', make_network('classification'), height=64, width=64)
    to_onnx(graph, height=64, width=64)
    assert not any(module.training for module in graph.modules())


def test_the_networks_numbers_can_be_seen_and_are_no_outputs_unless_they_are_the_answer(traced):
    names, more = {
        'classification': (['network.logits'], 2),
        'detection': (['network.box_deltas', 'network.class_logits'], 2),
        'segmentation': (['logits'], 1),
    }[traced.task]
    assert [output.name for output in with_numbers(traced.model).graph.output] == names
    assert len(traced.model.graph.output) == more
