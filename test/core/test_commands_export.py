"""The command that exports."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from authors_names import with_the_authors_names
from command_line import run_command
from order_one_weights import draw_order_one_weights
from tiny_networks import finished_run

from edgenext_core.commands import export
from edgenext_core.export import quantization
from edgenext_core.export.graphs import plain_graph
from edgenext_core.export.parity import run_torch
from edgenext_core.export.targets import ExportError
from edgenext_core.measure.probes import make_probes
from edgenext_core.models import ModelError, create_model
from edgenext_core.runtime.card_file import read_card
from edgenext_core.runtime.errors import EdgeNextError
from edgenext_core.runtime.pipeline import open_pipeline
from edgenext_core.weights.checkpoint import CheckpointError
from edgenext_core.weights.releases import ReleaseError, find_release, local_path


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def test_released_weights_become_a_model_with_imagenets_classes(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    network = draw_order_one_weights(create_model('edgenext_xx_small'))
    weights = local_path(find_release('edgenext_xx_small'))
    weights.parent.mkdir(parents=True)
    torch.save({'model_ema': with_the_authors_names(network.state_dict())}, weights)
    assert run_command(export, 'edgenext_xx_small', '-o', str(tmp_path / 'engines'),
                       '--input-size', '64', '96') == 0
    path = tmp_path / 'engines' / 'edgenext_xx_small.onnx'
    card = read_card(str(path))
    assert (card.task, card.labels[0], card.labels[999]) == (
        'classification', 'tench', 'toilet tissue')
    assert card.training['release']['licence'] == 'MIT'
    assert card.accuracy == {'ImageNet-1K validation': {'top1': 0.7123}}
    assert card.export.checkpoint_sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    frame = make_probes(1, height=64, width=96)[0]
    with open_pipeline(str(path)) as pipeline:
        record, _ = pipeline.run(frame[0])
    (scores, class_ids), = run_torch(plain_graph('classification', network), [frame])
    np.testing.assert_array_equal(record.class_ids, class_ids[0, :5])
    np.testing.assert_allclose(record.scores, scores[0, :5], atol=1e-4)


@pytest.fixture
def checkpoint(tmp_path):
    (tmp_path / 'street').mkdir()
    torch.save(finished_run('classification'), tmp_path / 'street' / 'last.ckpt')
    return str(tmp_path / 'street' / 'last.ckpt')


def test_a_run_becomes_a_file_for_each_target_and_the_command_says_how_exact_each_is(
        tmp_path, capsys, checkpoint):
    out = tmp_path / 'engines'
    assert run_command(export, checkpoint, '-o', str(out), '--input-size', '32', '32', '--target',
                       'cpu', 'tensorrt', 'jetson-nano', 'cpu') == 0
    lines = capsys.readouterr().out.splitlines()
    names = ['street.onnx', 'street.tensorrt.onnx', 'street.jetson-nano.onnx']
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    for line, name in zip(lines, names, strict=True):
        assert line.startswith(f'{out / name}: {(out / name).stat().st_size / 1e6:.2f} MB for ')
        assert 'PyTorch and ONNX Runtime differ by at most' in line
    assert 'float32 and float16 weights by' in lines[0]
    assert 'float32 and float16 arithmetic by' in lines[1]
    assert 'float16' not in lines[2]


def test_one_file_can_be_named_and_keep_all_digits(tmp_path, capsys, checkpoint):
    words = checkpoint, '-o', str(tmp_path / 'model.onnx'), '--input-size', '32', '32'
    assert run_command(export, *words, '--float32') == 0
    assert 'float16' not in capsys.readouterr().out
    size = (tmp_path / 'model.onnx').stat().st_size
    assert run_command(export, *words) == 0
    assert (tmp_path / 'model.onnx').stat().st_size < 0.6 * size


def test_a_folders_files_can_be_named(tmp_path, checkpoint):
    run_command(export, checkpoint, '-o', str(tmp_path), '--input-size', '32', '32', '--name',
                'crossing', '--target', 'jetson-nano', '--batch', '2')
    assert read_card(str(tmp_path / 'crossing.jetson-nano.onnx')).input.batch == 2


@pytest.mark.parametrize(('words', 'sentence'), [
    (['--target', 'jetson'], "there is no target 'jetson', did you mean jetson-nano?"),
    (['--target', 'cpu', 'tensort'], "there is no target 'tensort', did you mean tensorrt?"),
    (['--target', 'xyz'], "'xyz', expected some of: cpu, tensorrt, jetson-nano"),
    (['--batch', '0'], 'the batch is 0, expected 1 to 1024 frames'),
    (['--batch', '-2'], 'the batch is -2, expected 1 to 1024 frames'),
    (['--batch', '1025'], 'the batch is 1025'),
    (['--input-size', '16', '16'], 'images are 16x16 pixels, smaller than 32x32'),
    (['--name', 'a/b'], "the name is 'a/b', expected that of a file"),
    (['--name', ''], "the name is '', expected that of a file"),
    (['--name', '..'], "the name is '..', expected that of a file"),
])
def test_an_option_that_cannot_be_is_refused_and_nothing_is_written(
        tmp_path, checkpoint, words, sentence):
    with pytest.raises(EdgeNextError) as caught:
        run_command(export, checkpoint, '-o', str(tmp_path / 'engines'), *words)
    assert sentence in str(caught.value)
    assert not (tmp_path / 'engines').exists()


def test_one_file_for_two_targets_is_refused(tmp_path, checkpoint):
    with pytest.raises(ExportError, match=r'model.onnx is one file, but 2 targets are asked for '
                                          r'\(cpu, tensorrt\); give a folder'):
        run_command(export, checkpoint, '-o', str(tmp_path / 'model.onnx'), '--target', 'cpu',
                    'tensorrt')


def test_a_file_where_a_folder_should_be_is_refused(tmp_path, checkpoint):
    with pytest.raises(ExportError, match='last.ckpt is a file, expected a folder or a name that '
                                          'ends in .onnx'):
        run_command(export, checkpoint, '-o', checkpoint)


@pytest.mark.parametrize('task', ['classification', 'detection', 'segmentation'])
def test_weights_that_are_no_numbers_are_refused_and_nothing_is_written(tmp_path, task):
    content = finished_run(task)
    name = next(name for name in content['state_dict'] if name.endswith('stem.0.bias'))
    content['state_dict'][name] = torch.full_like(content['state_dict'][name], float('nan'))
    torch.save(content, tmp_path / 'last.ckpt')
    with pytest.raises(CheckpointError, match=f'24 of the 24 in {name}; its training has diverged'
                                              '.*take an earlier checkpoint or train again'):
        run_command(export, str(tmp_path / 'last.ckpt'), '-o', str(tmp_path / 'engines'))
    assert not (tmp_path / 'engines').exists()


def test_a_damaged_checkpoint_is_refused_and_nothing_is_written(tmp_path, checkpoint):
    content = Path(checkpoint).read_bytes()
    middle = len(content) // 2
    Path(checkpoint).write_bytes(content[:middle] + bytes(4096) + content[middle + 4096:])
    with pytest.raises(CheckpointError, match='last.ckpt is damaged'):
        run_command(export, checkpoint, '-o', str(tmp_path / 'engines'))
    assert not (tmp_path / 'engines').exists()


def test_what_is_neither_a_file_nor_a_release_is_refused(tmp_path):
    with pytest.raises(ReleaseError, match='edgenext_smal is neither a file nor a name of: '
                                           'edgenext weights list; did you mean edgenext_small'):
        run_command(export, 'edgenext_smal', '-o', str(tmp_path / 'model.onnx'))
    with pytest.raises(ReleaseError, match=r'absent\.ckpt is neither a file nor a name'):
        run_command(export, str(tmp_path / 'absent.ckpt'), '-o', str(tmp_path / 'model.onnx'))


def test_an_input_of_no_size_is_refused(tmp_path):
    torch.save(finished_run('segmentation'), tmp_path / 'last.ckpt')
    with pytest.raises(ModelError, match='images are 0x0 pixels, smaller than 32x32'):
        run_command(export, str(tmp_path / 'last.ckpt'), '-o', str(tmp_path / 'model.onnx'),
                    '--input-size', '0', '0')


def test_an_export_in_integers_is_calibrated_on_pictures_and_runs(checkpoint, tmp_path,
                                                                  monkeypatch):
    monkeypatch.setattr(quantization, '_ERROR_LIMIT', 9)  # judging each layer takes a minute
    (tmp_path / 'pictures').mkdir()
    for number, probe in enumerate(make_probes(4, height=64, width=64)):
        cv2.imwrite(str(tmp_path / 'pictures' / f'{number}.png'), probe[0])
    assert run_command(export, checkpoint, '-o', str(tmp_path / 'engines'), '--precision', 'int8',
                       '--target', 'cpu', 'tensorrt',
                       '--calibrate', str(tmp_path / 'pictures')) == 0
    path = tmp_path / 'engines' / 'street.int8.onnx'
    assert read_card(str(path)).export.precision == 'int8'
    assert read_card(str(tmp_path / 'engines' / 'street.tensorrt.int8.onnx')).export.target == (
        'tensorrt')
    with open_pipeline(str(path)) as pipeline:
        assert pipeline.engine.precision == 'int8'
        pipeline.run(make_probes(1, height=64, width=64)[0][0])


@pytest.mark.parametrize('words, sentence', [
    (['--precision', 'int8'], 'needs images like those that the robot will see'),
    (['--calibrate', '.'], 'add --precision int8'),
    (['--precision', 'int8', '--calibrate', 'test/lint'], 'holds no image'),
])
def test_calibration_and_integers_belong_together(checkpoint, tmp_path, words, sentence):
    with pytest.raises(EdgeNextError, match=sentence):
        run_command(export, checkpoint, '-o', str(tmp_path / 'engines'), *words)
    assert not (tmp_path / 'engines').exists()


def test_an_export_says_nothing_but_what_it_measured(checkpoint, tmp_path, capfd, recwarn):
    assert run_command(export, checkpoint, '-o', str(tmp_path / 'engines')) == 0
    told = capfd.readouterr()
    assert len(told.out.splitlines()) == 1
    assert told.err == ''
    assert [str(warning.message) for warning in recwarn.list] == []
