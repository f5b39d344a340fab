"""Export: the file describes itself and runs on the robot's side."""

import numpy as np
import pytest
import torch
from tiny_networks import COLORS, MODELS, NAMES, make_network

from edgenext_core.export.exporter import export
from edgenext_core.export.graphs import GRAPHS
from edgenext_core.export.trained_network import TrainedNetwork
from edgenext_core.labels.label_set import LabelSet
from edgenext_core.runtime.card_file import read_card
from edgenext_core.runtime.errors import EdgeNextError
from edgenext_core.runtime.pipeline import open_pipeline
from edgenext_core.runtime.tasks import TASKS

RESIZE = {'classification': 'center_crop', 'detection': 'letterbox', 'segmentation': 'stretch'}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def trained(task, **changes):
    return TrainedNetwork(
        make_network(task), task, MODELS[task], LabelSet(NAMES, COLORS), (64, 64), RESIZE[task],
        {}, {'recipe': {'epochs': 2}})._replace(**changes)


@pytest.fixture(scope='module', params=GRAPHS)
def exported(request, tmp_path_factory):
    """Give a task, the file made of a network, and the report."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp(request.param) / 'models' / 'model.onnx'
    return request.param, path, export(trained(request.param), path)


def test_an_exported_file_describes_itself(exported):
    task, path, report = exported
    card = read_card(str(path))
    assert card.task == task
    assert card.architecture == MODELS[task]
    assert card.labels == NAMES
    assert card.colors_rgb[0] == (255, 0, 0)
    assert card.input == ('image', 64, 64, RESIZE[task], 114, 'uint8', 'NHWC', 1)
    assert card.defaults == TASKS[task].default_settings
    assert card.training['recipe']['epochs'] == 2
    assert report.size_bytes == path.stat().st_size
    assert report.parity <= GRAPHS[task].tolerance
    assert report.storage_parity <= GRAPHS[task].float16_tolerance


def test_the_robots_side_opens_and_runs_an_exported_file(exported):
    task, path, _ = exported
    frame = np.random.default_rng(0).integers(0, 256, (48, 80, 3), dtype=np.uint8)
    with open_pipeline(str(path)) as pipeline:
        record, _ = pipeline.run(frame)
        assert TASKS[task].draw(frame, record, pipeline.card).shape == frame.shape


def test_storage_and_settings_can_be_chosen(tmp_path):
    path = tmp_path / 'model.onnx'
    report = export(trained('detection', defaults={'score_threshold': 0.1}), path,
                    store_float16=False)
    assert report.storage_parity is None
    parameters = sum(parameter.numel() for parameter in make_network('detection').parameters())
    assert report.size_bytes > 4 * parameters
    defaults = TASKS['detection'].default_settings
    assert read_card(str(path)).defaults == defaults._replace(score_threshold=0.1)


@pytest.mark.parametrize('size', [(32, 32), (75, 140)])
def test_the_size_can_be_chosen_from_32_pixels(tmp_path, size):
    export(trained('segmentation'), tmp_path / 'model.onnx', input_size=size)
    assert read_card(str(tmp_path / 'model.onnx')).input[1:3] == size
    with open_pipeline(str(tmp_path / 'model.onnx')) as pipeline:
        record, _ = pipeline.run(np.zeros((48, 80, 3), np.uint8))
    assert record.class_ids.shape == (48, 80)


@pytest.mark.parametrize('size', [(0, 0), (31, 64), (64, 31), (-64, 64), (1 << 20, 64)])
def test_a_size_that_cannot_be_is_refused_and_no_file_is_written(tmp_path, size):
    with pytest.raises(EdgeNextError) as caught:
        export(trained('classification'), tmp_path / 'model.onnx', input_size=size)
    assert str(size[0]) in str(caught.value) or str(size[1]) in str(caught.value)
    assert not (tmp_path / 'model.onnx').exists()


@pytest.mark.parametrize(('changes', 'sentence'), [
    ({'resize': 'squeeze'}, 'input.resize is "squeeze", expected one of stretch, letterbox'),
    ({'resize': 'center_crop'}, 'expected one of stretch, letterbox for detection'),
    ({'defaults': {'top_k': 3}}, "there is no setting 'top_k'"),
    ({'defaults': {'nms_iou': 3}}, 'nms_iou is 3, expected a number 0 to 1'),
])
def test_what_a_card_cannot_say_is_refused_and_no_file_is_written(tmp_path, changes, sentence):
    with pytest.raises(EdgeNextError, match=sentence):
        export(trained('detection', **changes), tmp_path / 'model.onnx')
    assert not (tmp_path / 'model.onnx').exists()
