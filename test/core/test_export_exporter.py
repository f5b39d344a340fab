"""Export: the file describes itself and runs on the robot's side."""

import copy

import numpy as np
import onnx
import pytest
import torch
from full_disk import files_limited_to
from tiny_networks import COLORS, MODELS, NAMES, make_network

from edgenext_core.export.exporter import export
from edgenext_core.export.graphs import GRAPHS
from edgenext_core.export.onnx_file import write_model
from edgenext_core.export.parity import ParityError, run_onnx
from edgenext_core.export.targets import EXPORT_TARGETS, ExportError
from edgenext_core.export.trained_network import TrainedNetwork
from edgenext_core.labels.label_set import LabelSet
from edgenext_core.measure.probes import make_probes
from edgenext_core.runtime.card_file import read_card
from edgenext_core.runtime.errors import EdgeNextError
from edgenext_core.runtime.pipeline import open_pipeline
from edgenext_core.runtime.tasks import TASKS

RESIZE = {'classification': 'center_crop', 'detection': 'letterbox', 'segmentation': 'stretch'}
ALL = tuple(EXPORT_TARGETS.values())
SHA256 = '0123456789abcdef' * 4


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def trained(task, **changes):
    return TrainedNetwork(
        make_network(task), task, MODELS[task], LabelSet(NAMES, COLORS), (64, 64), RESIZE[task],
        {}, {'recipe': {'epochs': 2}}, {'validation': {'top1': 0.5}}, 'street', SHA256)._replace(
            **changes)


@pytest.fixture(scope='module', params=GRAPHS)
def exported(request, tmp_path_factory):
    """Give a task, and the reports of the files that were made of a network."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp(request.param) / 'engines'
    return request.param, export(trained(request.param), out, targets=ALL)


def test_a_file_for_each_target_describes_itself(exported):
    task, reports = exported
    assert [report.target for report in reports] == list(ALL)
    for report in reports:
        target, card = report.target, read_card(str(report.path))
        assert report.path.name == f'street{target.suffix}.onnx'
        assert card.task == task
        assert card.architecture == MODELS[task]
        assert card.labels == NAMES
        assert card.colors_rgb[0] == (255, 0, 0)
        assert card.input == ('image', 64, 64, RESIZE[task], 114, target.input_dtype, 'NHWC', 1)
        assert card.defaults == TASKS[task].default_settings
        assert card.training['recipe']['epochs'] == 2
        assert card.accuracy == {'validation': {'top1': 0.5}}
        assert card.outputs == GRAPHS[task].output_names
        assert card.export[:3] == (target.name, target.precision, SHA256)
        assert list(card.export.versions) == ['edgenext_ros', 'torch', 'onnx', 'onnxruntime']
        assert card.export.versions['torch'] == torch.__version__
        assert report.size_bytes == report.path.stat().st_size


def test_every_file_is_as_exact_as_it_says(exported):
    for report in exported[1]:
        assert report.parity <= 1e-5
        assert (report.loss is None) == (report.target.name == 'jetson-nano')
        assert report.loss is None or 0 < report.loss <= 1e-2


def test_the_robots_side_opens_and_runs_the_file_for_cpus(exported):
    task, reports = exported
    frame = np.random.default_rng(0).integers(0, 256, (48, 80, 3), dtype=np.uint8)
    with open_pipeline(str(reports[0].path)) as pipeline:
        record, _ = pipeline.run(frame)
        assert TASKS[task].draw(frame, record, pipeline.card).shape == frame.shape


def test_storage_and_settings_can_be_chosen(tmp_path):
    path = tmp_path / 'model.onnx'
    report, = export(trained('detection', defaults={'score_threshold': 0.1}), path,
                     store_float16=False)
    assert report.loss is None
    parameters = sum(parameter.numel() for parameter in make_network('detection').parameters())
    assert report.size_bytes > 4 * parameters
    defaults = TASKS['detection'].default_settings
    assert read_card(str(path)).defaults == defaults._replace(score_threshold=0.1)


@pytest.mark.parametrize('task', GRAPHS)
def test_a_batch_gives_what_its_frames_give_one_by_one(tmp_path, task):
    single, several = (export(trained(task), tmp_path / f'{batch}.onnx', batch=batch)[0].path
                       for batch in (1, 3))
    assert read_card(str(several)).input.batch == 3
    images, = make_probes(1, height=64, width=64, batch=3)
    together, = run_onnx(onnx.load(several), [images])
    alone = run_onnx(onnx.load(single), np.split(images, 3))
    for index, output in enumerate(together):
        expected = np.concatenate([one[index] for one in alone])
        assert output.dtype == expected.dtype
        np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-5)


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


@pytest.mark.parametrize('task', GRAPHS)
@pytest.mark.parametrize('factor', [float('nan'), 1e30])
def test_a_network_that_gives_no_numbers_is_refused_and_no_file_is_written(
        tmp_path, task, factor):
    network = copy.deepcopy(make_network(task))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(factor)
    with pytest.raises(ParityError, match='not finite, so its training has diverged'):
        export(trained(task, network=network), tmp_path / 'model.onnx')
    assert not list(tmp_path.iterdir())


def test_a_weight_that_float16_cannot_hold_leaves_no_file_of_the_other_targets(tmp_path):
    network = copy.deepcopy(make_network('classification'))
    with torch.no_grad():
        network.stages[0].blocks[0].mlp.fc1.weight[0, 0] = 1e5
    with pytest.raises(EdgeNextError, match='float16 ends at 65504.*--target cpu'):
        export(trained('classification', network=network), tmp_path, targets=ALL)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(tmp_path):
    path = tmp_path / 'model.onnx'
    path.write_bytes(b'what was there')
    with files_limited_to(100_000), pytest.raises(ExportError, match=r'model.onnx does not fit on '
                                                  r'the disk, it takes \d\.\d MB .*make room'):
        export(trained('classification'), path)
    assert path.read_bytes() == b'what was there'
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / 'taken').write_bytes(b'')
    with pytest.raises(OSError, match='taken'):
        export(trained('classification'), tmp_path / 'taken' / 'model.onnx')


def test_what_was_there_is_replaced_at_once(tmp_path):
    path = tmp_path / 'model.onnx'
    export(trained('classification'), path)
    before, card = path.open('rb'), read_card(str(path))
    model = onnx.load(path)
    write_model(model, card._replace(architecture='another'), path)
    assert read_card(str(path)).architecture == 'another'
    with before:
        assert onnx.load(before).graph == model.graph  # whoever has it open keeps the old one
    assert list(tmp_path.iterdir()) == [path]
