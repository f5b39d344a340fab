"""Graphs: bytes in, what the robot reads out, computed as the network computes it."""

import numpy as np
import pytest
import torch
from order_one_weights import draw_order_one_weights
from tiny_networks import make_network, trace

from edgenext_core.export.graphs import GRAPHS, folded_graph, plain_graph
from edgenext_core.export.parity import (
    absolute_difference,
    largest_difference,
    make_probes,
    run_onnx,
    run_torch,
)
from edgenext_core.models import create_model
from edgenext_core.runtime.tasks import TASKS


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(params=GRAPHS)
def traced(request):
    return trace(request.param)


def test_every_task_of_the_robot_has_a_graph():
    assert list(GRAPHS) == list(TASKS)


def test_the_traced_graph_computes_what_the_network_computes(traced):
    found = run_onnx(traced.model, traced.probes)
    row = GRAPHS[traced.task]
    limit = min(row.tolerance, 1e-5) if row.difference is absolute_difference else row.tolerance
    assert largest_difference(traced.expected, found, row.difference) <= limit


@pytest.mark.parametrize('name', ['edgenext_small_rw', 'edgenext_xx_small_bn_hs'])
def test_a_folded_graph_computes_what_the_plain_one_does(name):
    network = draw_order_one_weights(create_model(name, num_classes=10))
    probes = make_probes(2, height=64, width=96)
    expected = run_torch(plain_graph('classification', network), probes)
    folded = folded_graph('classification', network, height=64, width=96)
    assert largest_difference(expected, run_torch(folded, probes), absolute_difference) <= 1e-5


def test_class_ids_are_int32_at_the_size_of_the_input():
    class_ids = trace('segmentation').expected[0][0]
    assert class_ids.dtype == np.int32
    assert class_ids.shape == (1, 64, 96)


def test_boxes_lie_in_the_input_and_scores_leave_the_background_out():
    boxes, scores = trace('detection').expected[0]
    assert boxes.min() >= 0
    assert boxes.max() <= 1
    assert scores.shape == (*boxes.shape[:2], 4)
    assert (scores.sum(-1) < 1).all()


def test_probabilities_add_up_to_one():
    np.testing.assert_allclose(trace('classification').expected[0][0].sum(), 1, rtol=1e-6)


def test_bytes_go_into_the_stem_with_no_arithmetic_between(traced):
    """Normalisation, channel order, layer scales and affine norms are folded away."""
    graph = traced.model.graph
    assert [node.op_type for node in graph.node[:3]] == ['Cast', 'Transpose', 'Conv']
    widths = {24, 48, 88, 168}
    names = {tensor.name for tensor in graph.initializer if list(tensor.dims) in (
        [width] for width in widths)}
    scales = [node for node in graph.node
              if node.op_type == 'Mul' and names.intersection(node.input)]
    # The stem's norm keeps its weight, and that in front of a segmenter's dense downsampling.
    assert len(scales) == (2 if traced.task == 'segmentation' else 1)


def test_a_stem_that_pads_keeps_the_normalisation_in_front():
    graph = folded_graph('classification', draw_order_one_weights(create_model(
        'edgenext_small_rw', num_classes=3)), height=64, width=64)
    assert any(name.endswith('scale') for name, _ in graph.named_buffers())


@pytest.mark.parametrize('task', GRAPHS)
def test_a_graph_is_in_evaluation_mode(task):
    network = make_network(task)
    assert not plain_graph(task, network).training
    assert not folded_graph(task, network, height=64, width=64).training
