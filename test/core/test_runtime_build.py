"""Building engines in every version, on the double, in a child process as on a robot."""

import logging
import os
import resource
import subprocess

import onnx
import pytest
import tensorrt_double
from tensorrt_double.trt_builder import read_plan
from tiny_onnx import SENSITIVE_NODES, write_tiny_network

from edgenext_core.runtime.engines import build
from edgenext_core.runtime.engines.build_process import Job
from edgenext_core.runtime.engines.precision import Precision
from edgenext_core.runtime.errors import EngineError


@pytest.fixture
def model(tmp_path, tensorrt_version):
    return write_tiny_network(tmp_path / 'tiny.onnx', uint8=tensorrt_version != '8.2')


def header_of(path):
    with open(path, 'rb') as stream:
        return read_plan(stream.read())[0]


def float16_layers(path):
    return {layer['name'] for layer in header_of(path)['layers']
            if layer['type'] != 'CONSTANT' and layer['outputs'][0][2] == 'HALF'}


@pytest.mark.parametrize('tensorrt_version', ['8.2', '8.5', '8.6', '10.3', '10.13'],
                         indirect=True)
def test_a_float32_model_is_built_in_float16_but_for_its_sensitive_layers(
        tensorrt_version, model, tmp_path):
    path = str(tmp_path / 'new' / 'tiny.engine')
    built = build.build_engine(model, path)
    assert built.tensorrt == tensorrt_double.api_table.FULL_VERSIONS[tensorrt_version]
    assert built.precision == (Precision(4, 23) if tensorrt_version == '8.2' else Precision(5, 24))
    header = header_of(path)
    assert header['flags'] == ['FP16', 'OBEY_PRECISION_CONSTRAINTS']
    assert header['workspace'] == 256 << 20
    assert {'stem', 'mixed'} <= float16_layers(path)
    assert not float16_layers(path).intersection(SENSITIVE_NODES)
    assert os.listdir(tmp_path / 'new') == ['tiny.engine']


def test_float32_is_built_if_asked_for(tensorrt_version, model, tmp_path):
    path = str(tmp_path / 'tiny.engine')
    built = build.build_engine(model, path, precision='float32', workspace_mib=64)
    assert built.precision.float16 == 0 and built.precision.all > 20
    assert header_of(path)['workspace'] == 64 << 20


def test_a_float16_model_is_built_as_it_is_where_types_are_strong(tmp_path):
    float16_graph = pytest.importorskip('edgenext_core.export.float16_graph')
    half = float16_graph.to_float16(onnx.load(write_tiny_network(tmp_path / 'tiny.onnx')))
    onnx.save(half, str(tmp_path / 'half.onnx'))
    for version in ('8.6', '10.3', '10.13', '11'):
        with tensorrt_double.installed(version, tmp_path):
            path = str(tmp_path / 'tiny.engine')
            built = build.build_engine(str(tmp_path / 'half.onnx'), path)
            assert header_of(path)['strongly_typed'] == (version != '8.6')
            assert {'stem', 'mixed'} <= float16_layers(path)
            assert not float16_layers(path).intersection(SENSITIVE_NODES)
            assert built.precision.float16 > 0


def test_float16_of_a_float32_model_is_refused_where_only_the_model_decides(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    with (tensorrt_double.installed('11', tmp_path),
          pytest.raises(EngineError, match=r'takes the precision from the model, and .*tiny.onnx'
                                 ' is in float32; give the float16 file')):
        build.build_engine(model, str(tmp_path / 'tiny.engine'))
    assert not (tmp_path / 'tiny.engine').exists()


@pytest.mark.parametrize('version, changes, message', [
    ('8.2', {}, 'cannot read .*UINT8'),
    ('8.5', {'opset': 17}, 'cannot read .*LayerNormalization')])
def test_a_model_that_the_parser_refuses_names_another_target(tmp_path, version, changes, message):
    model = write_tiny_network(tmp_path / 'tiny.onnx', **changes)
    with (tensorrt_double.installed(version, tmp_path),
          pytest.raises(EngineError, match=message) as caught):
        build.build_engine(model, str(tmp_path / 'tiny.engine'))
    assert 'edgenext export --target' in str(caught.value)


@pytest.mark.parametrize('fate, message', [
    ('killed', r'was killed, most likely since memory ran out .* add swap with: sudo fallocate'),
    ('crash', r'crashed \(exit status -11\)'),
    ('out of memory', 'cannot build .*OutOfMemory')])
def test_a_build_that_dies_is_a_sentence_and_leaves_no_file(tmp_path, monkeypatch, fate, message):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    monkeypatch.setenv('TENSORRT_DOUBLE_BUILD', fate)
    with (tensorrt_double.installed('8.6', tmp_path),
          pytest.raises(EngineError, match=message) as caught):
        build.build_engine(model, str(tmp_path / 'tiny.engine'))
    assert '\n' not in str(caught.value)
    assert os.listdir(tmp_path) == ['tiny.onnx']


def test_a_failed_build_leaves_the_old_engine(tmp_path, monkeypatch):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    (tmp_path / 'tiny.engine').write_bytes(b'old')
    monkeypatch.setenv('TENSORRT_DOUBLE_BUILD', 'killed')
    with tensorrt_double.installed('8.6', tmp_path), pytest.raises(EngineError):
        build.build_engine(model, str(tmp_path / 'tiny.engine'))
    assert (tmp_path / 'tiny.engine').read_bytes() == b'old'


def test_a_full_disk_is_a_sentence_and_leaves_no_file(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with tensorrt_double.installed('8.6', tmp_path):
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
            with pytest.raises(EngineError, match='cannot be written|File too large'):
                build.build_engine(model, str(tmp_path / 'tiny.engine'))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == ['tiny.onnx']


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    with (tensorrt_double.installed('8.6', tmp_path),
          pytest.raises(EngineError, match='cannot be written .*choose another folder')):
        build.build_engine(model, f'{model}/tiny.engine')


def test_a_library_that_is_not_installed_is_a_sentence(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    with pytest.raises(EngineError, match='cannot be imported .*tensorrt.*'):
        build.build_engine(model, str(tmp_path / 'tiny.engine'))


def test_too_little_memory_is_refused_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(build, '_free_mib', lambda: (700, 100))
    message = ('700 MiB of memory and 100 MiB of swap are free, a build needs 1280 MiB; .*'
               'add swap with: sudo fallocate')
    with pytest.raises(EngineError, match=message):
        build.build_engine('x.onnx', str(tmp_path / 'x.engine'))


def test_memory_is_read_in_mib():
    available, swap = build._free_mib()
    assert 10 < available < 10_000_000 and swap >= 0


def test_progress_is_told_while_the_child_works(tmp_path, monkeypatch):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    told = []
    with tensorrt_double.installed('8.6', tmp_path):
        monkeypatch.setattr(build, '_TICK_S', 0.05)
        build.build_engine(model, str(tmp_path / 'tiny.engine'), on_progress=told.append)
    assert told and told == sorted(told)


def test_a_timing_cache_grows_and_a_foreign_one_is_replaced(tensorrt_version, model, tmp_path):
    cache = tmp_path / 'timings'
    cache.write_bytes(b'garbage')
    for _ in range(2):
        build.build_engine(model, str(tmp_path / 'tiny.engine'), precision='float32',
                           timing_cache=str(cache))
        content = cache.read_bytes()
        assert b'stem' in content and b'garbage' not in content


def test_an_interrupted_build_leaves_neither_process_nor_file(tmp_path, monkeypatch):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    monkeypatch.setattr(build, '_TICK_S', 0.01)
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, 'Popen',
                        lambda *a, **k: started.append(popen(*a, **k)) or started[-1])

    def interrupt(elapsed_s):
        raise KeyboardInterrupt

    with tensorrt_double.installed('8.6', tmp_path), pytest.raises(KeyboardInterrupt):
        build.build_engine(model, str(tmp_path / 'tiny.engine'), on_progress=interrupt)
    assert started[0].poll() is not None
    assert os.listdir(tmp_path) == ['tiny.onnx']


def test_the_messages_of_tensorrt_go_to_the_log(tensorrt_version, caplog):
    import tensorrt

    from edgenext_core.runtime.engines.tensorrt_log import make_log
    log = make_log(tensorrt)
    with caplog.at_level(logging.DEBUG):
        log.log(tensorrt.ILogger.WARNING, 'a warning')
        log.log(tensorrt.ILogger.ERROR, 'an\n error')
    assert [record.levelname for record in caplog.records] == ['WARNING', 'ERROR']
    assert log.take_errors() == 'an error'
    assert log.take_errors() == 'nothing'
    log.log(tensorrt.ILogger.ERROR, 'x' * 1000)
    assert len(log.take_errors()) == 400


@pytest.mark.slow
def test_tensorrt_rtx_builds_float16_without_a_gpu_and_without_a_warning(tmp_path, caplog):
    pytest.importorskip('tensorrt_rtx')
    from edgenext_core.export.float16_graph import to_float16
    for opset in (13, 17):
        half = to_float16(onnx.load(write_tiny_network(tmp_path / 'tiny.onnx', opset=opset)))
        onnx.save(half, str(tmp_path / 'half.onnx'))
        built = build.build_rtx_engine(str(tmp_path / 'half.onnx'), str(tmp_path / 'x.engine'),
                                       targets=('SM86', 'SM89'))
        assert (tmp_path / 'x.engine').stat().st_size > 1000
        assert built.precision == Precision(0, 0) and str(built.precision) == 'unknown'
        assert not [text for text in built.warnings if 'layernorm' in text.lower()]


def test_a_target_that_does_not_exist_is_a_sentence(tmp_path):
    pytest.importorskip('tensorrt_rtx')
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    with pytest.raises(EngineError, match='builds for no compute capability SM53, it has .*SM86'):
        build.build_rtx_engine(model, str(tmp_path / 'x.engine'), targets=('SM53',))


def test_a_job_survives_the_way_to_the_child():
    job = Job('m', 'e', 'float16', 256, None, 'tensorrt_rtx', ('SM86',))
    assert Job(**dict(job._asdict(), targets=tuple(job.targets))) == job
