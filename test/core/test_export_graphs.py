"""Graphs: bytes in, what the robot reads out, computed as the network computes it."""

import copy
import io
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as functional
from order_one_weights import draw_order_one_weights
from tiny_networks import make_network, trace
from torch import nn

from edgenext_core.export.graphs import (
    GRAPHS,
    best_anchors,
    best_classes,
    channels_first_graph,
    folded_graph,
    plain_graph,
)
from edgenext_core.export.onnx_file import to_onnx
from edgenext_core.export.parity import (
    absolute_difference,
    largest_difference,
    run_onnx,
    run_torch,
)
from edgenext_core.measure.probes import make_probes
from edgenext_core.models import create_model, decode_boxes
from edgenext_core.runtime.tasks import TASKS


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(params=GRAPHS)
def traced(request):
    return trace(request.param)


def test_every_task_of_the_robot_has_a_graph():
    assert list(GRAPHS) == list(TASKS)


def test_the_traced_graph_answers_as_the_network_does(traced):
    """The probes give no two answers that are nearly equal, which could change places."""
    found = run_onnx(traced.model, traced.probes)
    assert largest_difference(traced.expected, found, absolute_difference) <= 1e-5


@pytest.mark.parametrize('name', ['edgenext_small_rw', 'edgenext_xx_small_bn_hs'])
@pytest.mark.parametrize('make_graph', [folded_graph, channels_first_graph])
def test_a_folded_graph_computes_what_the_plain_one_does(name, make_graph):
    network = draw_order_one_weights(create_model(name, num_classes=10))
    probes = make_probes(2, height=64, width=96)
    expected = run_torch(plain_graph('classification', network), probes)
    folded = make_graph('classification', network, height=64, width=96)
    assert largest_difference(expected, run_torch(folded, probes), absolute_difference) <= 1e-5


@pytest.mark.parametrize('make_graph', [folded_graph, channels_first_graph])
@pytest.mark.parametrize('task', GRAPHS)
def test_a_batch_gives_what_its_frames_give_alone(task, make_graph):
    network = draw_order_one_weights(copy.deepcopy(make_network(task)))
    probes = make_probes(3, height=64, width=96)
    graph = make_graph(task, network, height=64, width=96)
    model = to_onnx(graph, height=64, width=96, batch=3)
    together, = run_onnx(model, [np.concatenate(probes)])
    alone = [np.concatenate(outputs) for outputs in zip(*run_torch(graph, probes), strict=True)]
    assert largest_difference([alone], [together], absolute_difference) <= 1e-5


def test_the_best_classes_come_first_with_their_probabilities():
    logits = torch.randn(2, 7, generator=torch.Generator().manual_seed(0))
    scores, class_ids = best_classes(logits)
    assert class_ids.dtype == torch.int32
    torch.testing.assert_close(scores, logits.softmax(-1).sort(descending=True).values)
    torch.testing.assert_close(logits.softmax(-1).gather(1, class_ids.long()), scores)


def test_no_more_than_1000_classes_leave_a_graph():
    scores, class_ids = best_classes(torch.randn(1, 1234))
    assert scores.shape == class_ids.shape == (1, 1000)


def detector_outputs(*, batch, anchors, classes):
    generator = torch.Generator().manual_seed(0)
    return {
        'class_logits': 3 * torch.randn(batch, anchors, 1 + classes, generator=generator),
        'box_deltas': torch.randn(batch, anchors, 4, generator=generator),
        'anchors_cxcywh': torch.rand(anchors, 4, generator=generator),
    }


@pytest.mark.parametrize('batch', [1, 3])
def test_none_of_the_1000_best_pairs_of_anchor_and_class_is_lost(batch):
    outputs = detector_outputs(batch=batch, anchors=3000, classes=5)
    boxes, scores = best_anchors(outputs)
    assert boxes.shape == (batch, 1000, 4)
    assert scores.shape == (batch, 1000, 5)
    all_scores = outputs['class_logits'].softmax(-1)[..., 1:]
    all_boxes = decode_boxes(outputs['box_deltas'], outputs['anchors_cxcywh']).clamp(0, 1)
    for frame in range(batch):
        best, pairs = all_scores[frame].flatten().topk(1000)
        found, pairs_found = scores[frame].flatten().topk(1000)
        torch.testing.assert_close(found, best, rtol=0, atol=0)
        torch.testing.assert_close(boxes[frame][pairs_found // 5], all_boxes[frame][pairs // 5])


def test_all_anchors_leave_a_graph_with_fewer_than_1000():
    boxes, scores = best_anchors(detector_outputs(batch=2, anchors=300, classes=4))
    assert boxes.shape == (2, 300, 4)
    assert scores.shape == (2, 300, 4)


@pytest.mark.parametrize('task', ['classification', 'detection'])
@pytest.mark.parametrize('place', [0, 1, 777, 1499])
def test_one_nan_is_in_every_score_of_its_frame_and_in_no_other(task, place):
    """Of TopK nothing is said about where a NaN goes: it could be left out unseen."""
    if task == 'classification':
        numbers: Any = torch.randn(2, 1500, generator=torch.Generator().manual_seed(0))
        numbers[1, place] = torch.nan
    else:
        numbers = detector_outputs(batch=2, anchors=1500, classes=3)
        numbers['class_logits'][1, place, 2] = torch.nan
    model = read_out_alone(GRAPHS[task], numbers)
    scores = dict(zip(GRAPHS[task].output_names, model, strict=True))['scores']
    assert np.isfinite(scores[0]).all()
    assert np.isnan(scores[1]).all()


class ReadOut(nn.Module):
    """A row's read-out as a graph of its own."""

    def __init__(self, row, names):
        super().__init__()
        self.row = row
        self.names = names

    def forward(self, *numbers):
        return self.row.read_out(dict(zip(self.names, numbers)) if self.names else numbers[0])


def read_out_alone(row, numbers):
    names = list(numbers) if isinstance(numbers, dict) else []
    inputs = tuple(numbers.values()) if names else (numbers,)
    stream = io.BytesIO()
    torch.onnx.export(ReadOut(row, names), inputs, stream, opset_version=17, dynamo=False,
                      input_names=names or ['logits'])
    session = onnxruntime.InferenceSession(stream.getvalue(), providers=['CPUExecutionProvider'])
    return session.run(None, {
        name: value.numpy() for name, value in zip(names or ['logits'], inputs)})


def test_boxes_lie_in_the_input_and_scores_leave_the_background_out():
    boxes, scores = trace('detection').expected[0]
    assert boxes.min() >= 0
    assert boxes.max() <= 1
    assert scores.shape == (*boxes.shape[:2], 4)
    assert (scores.sum(-1) < 1).all()


def test_logits_of_the_coarse_grid_resized_are_those_of_the_network():
    network = draw_order_one_weights(create_model('deeplabv3_edgenext_xx_small', num_classes=3))
    images = torch.randn(2, 3, 75, 100, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        coarse = network.coarse_logits(images)
        expected = network(images)['logits']
    assert coarse.shape == (2, 3, 4, 6)
    resized = functional.interpolate(coarse, (75, 100), mode='bilinear')
    torch.testing.assert_close(resized, expected)


def test_bytes_go_into_the_stem_with_no_arithmetic_between(traced):
    """Normalisation, channel order, layer scales and affine norms are folded away."""
    graph = traced.model.graph
    assert [node.op_type for node in graph.node[:3]] == ['Cast', 'Transpose', 'Conv']
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    scales = [node for node in graph.node if node.op_type == 'LayerNormalization'
              and (weights[node.input[1]] != 1).any()]
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
