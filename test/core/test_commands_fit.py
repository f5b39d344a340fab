"""The command edgenext fit, as a user calls it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_recipes import tiny_recipe, write_data, write_recipe

from edgenext_core import cli

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path):
    torch.set_num_threads(1)
    return write_data(tmp_path / 'data')


def fit(*words):
    return cli.main(['fit', *map(str, words)])


def test_a_recipe_is_followed_with_the_keys_that_come_after_it(root, tmp_path, capsys):
    recipe = write_recipe(tmp_path, 'classification', **{'data.root': 'nowhere'})
    out = tmp_path / 'run'
    words = ['--data.root', root, '--config', recipe, '--trainer.max_epochs=1', '--out', out]
    assert fit(*words) == 0
    assert capsys.readouterr().out.endswith(f'trained weights: {out / "last.ckpt"}\n')
    checkpoint = torch.load(out / 'last.ckpt', weights_only=True)
    assert checkpoint['recipe']['trainer']['max_epochs'] == 1
    assert fit(*words, '--resume', out / 'last.ckpt') == 0


def test_without_another_word_a_run_is_named_like_its_recipe(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fit('--config', write_recipe(root, 'classification'), '--trainer.max_epochs', 1) == 0
    assert (tmp_path / 'out' / 'training' / 'classification' / 'last.ckpt').is_file()


@pytest.mark.parametrize(('words', 'message'), [
    (['--data.batch_size', '-1'], "recipe key 'data.batch_size' is -1, expected a whole number"),
    (['--data.size', '1'], 'unrecognized arguments: --data.size 1'),
    (['--data.root', 'nowhere'], 'the data folder nowhere is not there'),
    (['--init', 'none.ckpt'], 'there is no file none.ckpt'),
    (['--resume', 'none.ckpt'], 'there is no file none.ckpt'),
    (['--out', 'FILE'], 'FILE cannot be written'),
])
def test_what_is_wrong_ends_the_command_with_one_sentence(root, tmp_path, capsys, words, message):
    (tmp_path / 'file').write_text('')
    words = [word.replace('FILE', str(tmp_path / 'file')) for word in words]
    assert fit('--config', write_recipe(root, 'classification'), '--out', tmp_path / 'run',
               *words) == 1
    told = capsys.readouterr().err.strip()
    assert message.replace('FILE', str(tmp_path / 'file')) in told
    assert len([line for line in told.splitlines() if line.startswith('edgenext: ')]) == 1
    assert 'Traceback' not in told


def test_a_missing_recipe_ends_the_command_with_a_sentence(tmp_path, capsys):
    assert fit('--config', tmp_path / 'none.yaml') == 1
    assert 'none.yaml' in capsys.readouterr().err


def test_every_key_is_listed_on_demand(capsys):
    with pytest.raises(SystemExit) as ended:
        fit('--list-keys')
    assert ended.value.code == 0
    assert '--augmentation.window' in capsys.readouterr().out


@pytest.mark.slow
def test_a_user_without_name_and_home_can_train(root, tmp_path):
    recipe = tiny_recipe(root, 'classification', **{'trainer.max_epochs': 1})
    program = ('import os, sys; os.getuid = os.geteuid = lambda: 54321; '
               'from edgenext_core import cli; sys.exit(cli.main(sys.argv[1:]))')
    nameless = {name: value for name, value in os.environ.items() if name not in (
        'HOME', 'USER', 'LOGNAME', 'LNAME', 'USERNAME', 'XDG_CACHE_HOME')}
    done = subprocess.run(
        [sys.executable, '-c', program, 'fit', '--config', str(root / f'{recipe.task}.yaml'),
         '--out', str(tmp_path / 'run')],
        cwd=ROOT, env=nameless, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
