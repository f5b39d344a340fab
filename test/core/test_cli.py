"""The command edgenext, as a user calls it."""

import sys

import cv2
import numpy as np
import pytest
import torch
import yaml

from edgenext_core import cli
from edgenext_core.runtime.engines.backends import open_engine

RECIPE = {
    'task': 'segmentation', 'model': 'deeplabv3_edgenext_xx_small', 'data': 'camvid',
    'input_size': [64, 64], 'resize': 'stretch', 'epochs': 1, 'batch_size': 2,
    'learning_rate': 0.001, 'warmup_steps': 0,
}


@pytest.fixture
def recipe(tmp_path):
    torch.set_num_threads(1)
    path = tmp_path / 'tiny.yaml'
    path.write_text(yaml.safe_dump(RECIPE))
    return path


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    for split in ('train', 'val'):
        for name, shape, high in (('images', (48, 60, 3), 256), ('masks', (48, 60), 12)):
            folder = tmp_path / 'data' / split / name
            folder.mkdir(parents=True)
            for index in range(2):
                picture = rng.integers(0, high, shape, dtype=np.uint8)
                cv2.imwrite(str(folder / f'{index}.png'), picture)
    return tmp_path / 'data'


@pytest.mark.slow
def test_a_folder_of_masks_becomes_a_model_file(recipe, pictures, tmp_path, capsys):
    out = tmp_path / 'run'
    assert cli.main(['train', str(recipe), '--data', str(pictures), '--out', str(out)]) == 0
    model = tmp_path / 'segmentation.onnx'
    assert cli.main(['export', str(out / 'last.ckpt'), str(model)]) == 0
    assert cli.main(['evaluate', str(model), '--data', str(pictures)]) == 0
    printed = capsys.readouterr().out
    assert 'PyTorch and ONNX Runtime differ by at most' in printed
    assert 'miou' in printed
    assert open_engine(str(model)).card.labels[0] == 'sky'


def test_without_torch_the_command_says_what_to_install(recipe, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith('edgenext_core.train')]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, 'lightning', None)
    assert cli.main(['train', str(recipe)]) == 1
    assert "pip install 'edgenext_ros[train,export]'" in capsys.readouterr().err


def test_a_wrong_recipe_ends_the_command_with_a_sentence(recipe, capsys):
    recipe.write_text(yaml.safe_dump({**RECIPE, 'epochs': -1}))
    assert cli.main(['train', str(recipe)]) == 1
    message = "edgenext: recipe field 'epochs' is -1, expected a whole number from 1"
    assert message in capsys.readouterr().err


def test_a_missing_file_ends_the_command_with_a_sentence(tmp_path, capsys):
    assert cli.main(['train', str(tmp_path / 'none.yaml')]) == 1
    assert 'none.yaml' in capsys.readouterr().err
