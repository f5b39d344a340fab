"""The command that exports."""

import numpy as np
import pytest
import torch
from authors_names import with_the_authors_names
from command_line import run_command
from order_one_weights import draw_order_one_weights
from tiny_networks import finished_run

from edgenext_core.commands import export
from edgenext_core.export.graphs import plain_graph
from edgenext_core.export.parity import make_probes, run_torch
from edgenext_core.models import ModelError, create_model
from edgenext_core.runtime.card_file import read_card
from edgenext_core.runtime.pipeline import open_pipeline
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
    path = tmp_path / 'classification.onnx'
    assert run_command(export, 'edgenext_xx_small', str(path), '--input-size', '64', '96') == 0
    card = read_card(str(path))
    assert (card.task, card.labels[0], card.labels[999]) == (
        'classification', 'tench', 'toilet tissue')
    assert card.training['release']['top1_percent'] == 71.23
    frame = make_probes(1, height=64, width=96)[0]
    with open_pipeline(str(path)) as pipeline:
        record, _ = pipeline.run(frame[0])
    expected = run_torch(plain_graph('classification', network), [frame])[0][0]
    assert record.class_ids[0] == np.argmax(expected)


def test_a_run_becomes_a_model_and_the_command_says_how_exact_it_is(tmp_path, capsys):
    torch.save(finished_run('classification'), tmp_path / 'last.ckpt')
    words = str(tmp_path / 'last.ckpt'), str(tmp_path / 'model.onnx'), '--input-size', '32', '32'
    assert run_command(export, *words) == 0
    printed = capsys.readouterr().out
    assert 'PyTorch and ONNX Runtime differ by at most' in printed
    assert 'weights stored in float32 and in float16 differ by at most' in printed
    assert f'model.onnx: {(tmp_path / "model.onnx").stat().st_size / 1e6:.2f} MB' in printed
    assert run_command(export, *words, '--float32') == 0
    assert 'float16' not in capsys.readouterr().out


def test_what_is_neither_a_file_nor_a_release_is_refused(tmp_path):
    with pytest.raises(ReleaseError, match='edgenext_smal is neither a file nor a name of: '
                                           'edgenext weights list; did you mean edgenext_small'):
        run_command(export, 'edgenext_smal', str(tmp_path / 'model.onnx'))
    with pytest.raises(ReleaseError, match=r'absent\.ckpt is neither a file nor a name'):
        run_command(export, str(tmp_path / 'absent.ckpt'), str(tmp_path / 'model.onnx'))


def test_an_input_of_no_size_is_refused(tmp_path):
    torch.save(finished_run('segmentation'), tmp_path / 'last.ckpt')
    with pytest.raises(ModelError, match='images are 0x0 pixels, smaller than 32x32'):
        run_command(export, str(tmp_path / 'last.ckpt'), str(tmp_path / 'model.onnx'),
                    '--input-size', '0', '0')
