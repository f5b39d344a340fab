"""The command that builds an engine, as a user calls it."""

import os
import re
import signal
import subprocess
import sys
import time

import onnx
import pytest
import tensorrt_double
from command_line import run_command
from tiny_onnx import a_frame, write_tiny_network

from edgenext_core import cli
from edgenext_core.commands import build
from edgenext_core.export.float16_graph import to_float16
from edgenext_core.runtime.engines.backends import open_engine
from edgenext_core.runtime.errors import SettingError

ENGINE_FILES = ('.engine', '.part', '.timings', '.json')


def engine_files(folder):
    return sorted(name for name in os.listdir(str(folder)) if name.endswith(ENGINE_FILES))


def test_a_model_is_built_and_opens_by_itself(tmp_path, capsys):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    engine = str(tmp_path / 'tiny.engine')
    with tensorrt_double.installed('8.6', tmp_path):
        assert run_command(build, model) == 0
        printed = capsys.readouterr().out
        assert f'{engine}: 0.0 MB, for TensorRT 8.6.1 on Orin, built in ' in printed
        assert re.search(r'\nfloat16 in 5 of 24 layers; \d+ layers were held in float32, which fl',
                         printed)
        assert f'verify it with: edgenext verify {model} {engine}\n' in printed

        assert run_command(build, model) == 0
        assert capsys.readouterr().out == (
            f'{engine} fits this model and machine already; delete it to build it anew\n')
        opened = open_engine(model)
        assert (opened.backend, opened.precision) == ('tensorrt', 'float16 in 5 of 24 layers')
        opened.infer(a_frame())
        opened.close()


def test_the_engine_goes_where_it_is_told_to_in_the_precision_that_is_asked_for(tmp_path, capsys):
    model = write_tiny_network(tmp_path / 'tiny.onnx', uint8=False)
    engine = str(tmp_path / 'new' / 'my.engine')
    with tensorrt_double.installed('8.2', tmp_path):
        assert run_command(build, model, '-o', engine, '--precision', 'float32') == 0
        assert capsys.readouterr().out.splitlines()[1] == 'float32'
        opened = open_engine(engine)
        opened.close()
    assert [name for name in engine_files(tmp_path / 'new') if not name.endswith('.timings')] == [
        'my.engine', 'my.engine.json']


def test_an_engine_is_built_ahead_of_time_without_a_gpu(tmp_path, capsys):
    pytest.importorskip('tensorrt_rtx')
    half = to_float16(onnx.load(write_tiny_network(tmp_path / 'tiny.onnx', opset=17)))
    onnx.save(half, str(tmp_path / 'half.onnx'))
    words = [str(tmp_path / 'half.onnx'), '--rtx', 'SM86', 'SM89']
    assert run_command(build, *words) == 0
    printed = capsys.readouterr().out
    assert 'half.engine: ' in printed and ' MB, for TensorRT-RTX 1.' in printed
    assert ' on SM86 SM89, built in ' in printed
    assert engine_files(tmp_path) == ['half.engine', 'half.engine.json']
    assert run_command(build, *words) == 0
    assert 'fits this model and machine already' in capsys.readouterr().out


@pytest.mark.parametrize('words, message', [
    (['--workspace-mb', '1'], '--workspace-mb is 1, expected at least 16'),
    (['-o', 'x.plan'], '-o is x.plan, expected a name that ends in .engine')])
def test_a_senseless_option_is_refused(tmp_path, words, message):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    with pytest.raises(SettingError, match=message):
        run_command(build, model, *words)


def edgenext_build(*words, **environment):
    return subprocess.Popen([sys.executable, '-m', 'edgenext_core.cli', 'build', *words],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=dict(os.environ, **environment),
                            # Else a shell that runs the tests in the background lets it ignore it.
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def test_what_is_missing_is_one_sentence_of_the_command(tmp_path, capsys, monkeypatch):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    with tensorrt_double.installed('8.6', tmp_path):
        monkeypatch.setitem(sys.modules, 'pycuda', None)
        assert cli.main(['build', model]) == 1
        assert 'PyCUDA is not installed; install it' in capsys.readouterr().err
        monkeypatch.undo()
        monkeypatch.setitem(sys.modules, 'tensorrt', None)
        assert cli.main(['build', model]) == 1
        assert 'TensorRT is not installed; install it' in capsys.readouterr().err
    assert cli.main(['build', str(tmp_path / 'absent.onnx')]) == 1
    assert capsys.readouterr().err.startswith('edgenext: there is no model file')
    assert engine_files(tmp_path) == []


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_interrupted_ends_its_child_and_leaves_nothing(tmp_path, number):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    with tensorrt_double.installed('8.6', tmp_path):
        process = edgenext_build(model, TENSORRT_DOUBLE_BUILD='slow')
        child = wait_for_builder(tmp_path)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == 'edgenext: interrupted' and 'Traceback' not in errors
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert engine_files(tmp_path) == []


def wait_for_builder(folder):
    """Give the process id that the double leaves when it begins to build, slowly."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for path in folder.glob('building-*'):
            return int(path.name.split('-')[1])
        time.sleep(0.02)
    raise AssertionError('nothing was built')
