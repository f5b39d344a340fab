"""Export: the file computes what the network computes, and says what it is."""

import dataclasses

import numpy as np
import onnx
import pytest
import torch
from authors_names import with_the_authors_names
from order_one_weights import draw_order_one_weights
from tiny_recipes import make_scenes, tiny_recipe

from edgenext_core import cli
from edgenext_core.export.evaluation import evaluate
from edgenext_core.export.exporter import export
from edgenext_core.export.graphs import GRAPHS, folded_graph, plain_graph
from edgenext_core.export.onnx_file import halve_weights, to_onnx
from edgenext_core.export.parity import (
    ParityError,
    largest_difference,
    make_probes,
    require_parity,
    run_onnx,
    run_torch,
)
from edgenext_core.export.trained_network import from_run
from edgenext_core.models import create_model
from edgenext_core.runtime.card_file import read_card
from edgenext_core.runtime.engines.backends import open_engine
from edgenext_core.runtime.pipeline import Pipeline
from edgenext_core.train.run import build_model
from edgenext_core.weights.checkpoint import CheckpointError
from edgenext_core.weights.releases import find_release, local_path

TASKS = tuple(GRAPHS)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope='module', params=TASKS)
def traced(request):
    """Give a task's graph with weights of order one, its model, probes and their outputs."""
    torch.set_num_threads(1)
    network = build_model(tiny_recipe(request.param)).eval()
    draw_order_one_weights(network)
    probes = make_probes(2, height=64, width=96)
    expected = run_torch(plain_graph(request.param, network), probes)
    graph = folded_graph(request.param, network, height=64, width=96)
    return request.param, to_onnx(graph, height=64, width=96), probes, expected


@pytest.fixture(scope='module', params=TASKS)
def exported(request, tmp_path_factory):
    """Give a task, what a training run would leave, the file made of it and the report."""
    torch.set_num_threads(1)
    recipe = tiny_recipe(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    checkpoint = folder / 'last.ckpt'
    torch.save({
        'recipe': dataclasses.asdict(recipe), 'labels': recipe.labels._asdict(),
        'metrics': {'val/some': 0.5},
        'state_dict': {
            f'model.{name}': value for name, value in build_model(recipe).state_dict().items()
        },
    }, checkpoint)
    path = folder / 'models' / 'model.onnx'
    return recipe, checkpoint, path, export(from_run(checkpoint), path)


def test_the_exported_model_computes_what_the_network_computes(traced):
    task, model, probes, expected = traced
    difference = largest_difference(expected, run_onnx(model, probes))
    assert difference <= (1e-3 if task == 'segmentation' else 1e-5)


def test_the_graph_begins_with_the_cast_of_bytes_and_has_static_outputs(traced):
    _, model, _, _ = traced
    image, = model.graph.input
    assert image.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert model.graph.node[0].op_type == 'Cast'
    assert list(model.graph.node[0].input) == ['image']
    for output in model.graph.output:
        assert all(side.dim_value > 0 for side in output.type.tensor_type.shape.dim)


def test_no_arithmetic_of_shapes_or_positions_is_left_in_the_graph(traced):
    _, model, _, _ = traced
    kinds = {node.op_type for node in model.graph.node}
    assert not kinds & {'Shape', 'Sin', 'Cos', 'CumSum', 'Range', 'Constant', 'Where', 'If'}


def test_bytes_go_into_the_stem_with_no_arithmetic_between(traced):
    """Normalisation, channel order, layer scales and affine norms are folded away."""
    task, model, _, _ = traced
    assert [node.op_type for node in model.graph.node[:3]] == ['Cast', 'Transpose', 'Conv']
    widths = {24, 48, 88, 168}
    names = {tensor.name for tensor in model.graph.initializer if list(tensor.dims) in (
        [width] for width in widths)}
    scales = [node for node in model.graph.node
              if node.op_type == 'Mul' and names.intersection(node.input)]
    # The stem's norm keeps its weight, and that in front of a segmenter's dense downsampling.
    assert len(scales) == (2 if task == 'segmentation' else 1)


@pytest.mark.parametrize('name', ['edgenext_small_rw', 'edgenext_xx_small_bn_hs'])
def test_a_folded_graph_computes_what_the_plain_one_does(name):
    network = draw_order_one_weights(create_model(name, num_classes=10))
    probes = make_probes(2, height=64, width=96)
    expected = run_torch(plain_graph('classification', network), probes)
    folded = folded_graph('classification', network, height=64, width=96)
    assert largest_difference(expected, run_torch(folded, probes)) <= 1e-5


def test_class_ids_are_int32(traced):
    task, _, _, expected = traced
    if task == 'segmentation':
        assert expected[0][0].dtype == np.int32
        assert expected[0][0].shape == (1, 64, 96)


def test_half_weights_are_the_rounded_weights(traced):
    _, model, probes, _ = traced
    rounded = onnx.ModelProto()
    rounded.CopyFrom(model)
    for tensor in rounded.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= 1024:
            values = values.astype(np.float16).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    halved = halve_weights(model)
    assert halved.ByteSize() < 0.6 * model.ByteSize()
    assert halved.graph.node[0].input[0] == 'image'
    assert largest_difference(run_onnx(rounded, probes), run_onnx(halved, probes)) == 0


def test_an_exported_file_describes_itself(exported):
    recipe, _, path, report = exported
    card = read_card(str(path))
    assert card.task == recipe.task
    assert card.architecture == recipe.model
    assert card.labels == recipe.labels.names
    assert card.colors_rgb == recipe.labels.colors_rgb
    assert card.input == ('image', 64, 64, recipe.resize, 114)
    assert card.training['validation'] == {'val/some': 0.5}
    assert card.training['recipe']['epochs'] == 2
    assert report.size_bytes == path.stat().st_size


def test_an_exported_file_can_be_measured(exported):
    recipe, _, path, _ = exported
    metric = {'classification': 'top1', 'detection': 'map50', 'segmentation': 'miou'}
    assert 0 <= evaluate(path, make_scenes(4))[metric[recipe.task]] <= 1


def test_size_and_storage_can_be_chosen(exported, tmp_path):
    recipe, checkpoint, halved, _ = exported
    if recipe.task != 'segmentation':
        return
    path = tmp_path / 'wide.onnx'
    report = export(from_run(checkpoint), path, input_size=(64, 128), half=False)
    assert read_card(str(path)).input[1:3] == (64, 128)
    assert report.half_parity is None
    assert report.size_bytes > 1.7 * halved.stat().st_size


def test_weights_of_no_training_run_are_refused(exported, tmp_path):
    recipe, *_ = exported
    torch.save(build_model(recipe).state_dict(), tmp_path / 'weights.pth')
    with pytest.raises(CheckpointError, match='has no recipe; give the last.ckpt'):
        from_run(tmp_path / 'weights.pth')


def test_released_weights_become_a_model_with_imagenets_classes(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    network = draw_order_one_weights(create_model('edgenext_xx_small'))
    weights = local_path(find_release('edgenext_xx_small'))
    weights.parent.mkdir(parents=True)
    torch.save({'model_ema': with_the_authors_names(network.state_dict())}, weights)
    path = tmp_path / 'classification.onnx'
    assert cli.main(['export', 'edgenext_xx_small', str(path), '--input-size', '64', '96']) == 0
    card = read_card(str(path))
    assert (card.task, card.labels[0], card.labels[999]) == (
        'classification', 'tench', 'toilet tissue')
    assert card.training['release']['top1_percent'] == 71.23
    frame = make_probes(1, height=64, width=96)[0]
    record, _ = Pipeline(open_engine(str(path))).run(frame[0])
    expected = run_torch(plain_graph('classification', network), [frame])[0][0]
    assert record.class_ids[0] == expected.argmax()


def test_what_is_neither_a_file_nor_a_release_is_refused(tmp_path, capsys):
    assert cli.main(['export', 'edgenext_smal', str(tmp_path / 'model.onnx')]) == 1
    assert 'there is no file edgenext_smal' in capsys.readouterr().err


@pytest.mark.parametrize('difference', [0.2, float('nan')])
def test_a_model_that_computes_something_else_is_refused(difference):
    with pytest.raises(ParityError, match='no file was written'):
        require_parity(difference, 0.1, 'PyTorch and ONNX Runtime')
