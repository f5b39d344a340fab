"""The command doctor, on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run_command

from edgenext_core.commands import doctor

ROOT = Path(__file__).parents[2]
DEMO = [f'engines/demo/{task}.onnx' for task in ('classification', 'detection', 'segmentation')]


def edgenext_doctor(*words, **environ):
    return subprocess.run([sys.executable, '-m', 'edgenext_core.cli', 'doctor', *words], cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          env=dict(os.environ, **environ))


def test_the_demos_models_run_here(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert run_command(doctor) == 0
    lines = capsys.readouterr().out.splitlines()
    for path in DEMO:
        assert any(line.startswith('OK') and path in line and 'runs on' in line for line in lines)
    assert all(line.split()[0] in ('OK', 'WARN') for line in lines[:-1])
    assert lines[-1].startswith('errors: 0, warnings: ')


@pytest.mark.parametrize('hidden', ['onnxruntime', 'numpy'])
def test_without_what_models_need_it_says_what_to_install(tmp_path, hidden):
    (tmp_path / 'sitecustomize.py').write_text(f'import sys\nsys.modules[{hidden!r}] = None\n')
    result = edgenext_doctor(DEMO[0], PYTHONPATH=str(tmp_path))
    output = result.stdout.decode()
    assert result.returncode == 1 and result.stderr == b''
    assert 'not installed; pip install' in output
    assert f'ERROR  Model         {DEMO[0]} cannot be used' in output


def test_a_model_that_only_lies_there_does_not_fail_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'engines').mkdir()
    (tmp_path / 'engines' / 'half.onnx').write_bytes(b'half')
    assert run_command(doctor) == 0
    assert 'WARN   Model         engines/half.onnx cannot be used' in capsys.readouterr().out


def test_a_named_model_fails_the_command_also_where_the_terminal_lacks_letters_of_its_name():
    result = edgenext_doctor('modèle.onnx', PYTHONIOENCODING='ascii')
    assert result.returncode == 1
    assert rb'mod\xe8le.onnx cannot be used' in result.stdout
    assert b'errors: 1, ' in result.stdout and result.stderr == b''
