"""The command edgenext, as a user calls it."""

import sys

import pytest
import torch
from tiny_recipes import write_data, write_recipe

from edgenext_core import cli
from edgenext_core.runtime.engines.backends import open_engine


@pytest.mark.slow
@pytest.mark.parametrize(('task', 'figure'), [
    ('classification', 'top1'), ('detection', 'map50'), ('segmentation', 'miou')])
def test_a_data_set_becomes_a_model_file_that_can_be_measured(tmp_path, capsys, task, figure):
    torch.set_num_threads(1)
    recipe, out = write_recipe(write_data(tmp_path), task), tmp_path / 'run'
    assert cli.main(['fit', '--config', str(recipe), '--out', str(out)]) == 0
    model = tmp_path / f'{task}.onnx'
    assert cli.main(['export', str(out / 'last.ckpt'), str(model)]) == 0
    assert cli.main(['evaluate', str(model), '--data', str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert 'PyTorch and ONNX Runtime differ by at most' in printed
    assert figure in printed
    assert 'blue' in open_engine(str(model)).card.labels


def test_without_torch_the_command_says_what_to_install(tmp_path, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith('edgenext_core.')]:
        if name.split('.')[1] in ('train', 'commands'):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, 'lightning', None)
    assert cli.main(['fit', '--config', str(tmp_path / 'any.yaml')]) == 1
    assert "pip install 'edgenext_ros[train,export]'" in capsys.readouterr().err
