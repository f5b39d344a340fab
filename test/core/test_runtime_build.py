"""Building engines in every version, on the double, in a child process as on a robot."""

import json
import logging
import os
import resource
import subprocess

import onnx
import pytest
import tensorrt_double
from tensorrt_double.api_table import FULL_VERSIONS
from tensorrt_double.trt_builder import read_plan
from tiny_onnx import SENSITIVE_NODES, quantized, tiny_card, write_tiny_network

from edgenext_core.export.float16_graph import to_float16
from edgenext_core.runtime.engines import build, build_memory, cache
from edgenext_core.runtime.engines.build import Order, build_engine, is_built
from edgenext_core.runtime.engines.build_process import Job
from edgenext_core.runtime.engines.build_process import build as build_here
from edgenext_core.runtime.engines.precision import Precision
from edgenext_core.runtime.errors import EngineError, ModelCardError


@pytest.fixture
def model(tmp_path, tensorrt_version):
    return write_tiny_network(tmp_path / 'tiny.onnx', uint8=tensorrt_version != '8.2')


def job_for(model, folder, **changes):
    return Job(str(model), str(folder / 'tiny.engine'), 'float16', 256, None)._replace(**changes)


def order_for(model, folder, **changes):
    return Order(str(model), str(folder / 'tiny.engine'))._replace(**changes)


def header_of(path):
    with open(str(path), 'rb') as stream:
        return read_plan(stream.read())[0]


def float16_layers(path):
    return {layer['name'] for layer in header_of(path)['layers']
            if layer['type'] != 'CONSTANT' and layer['outputs'][0][2] == 'HALF'}


@pytest.mark.parametrize('tensorrt_version', ['8.2', '8.5', '8.6', '10.3', '10.13'],
                         indirect=True)
def test_a_float32_model_is_built_in_float16_but_for_its_sensitive_layers(
        tensorrt_version, model, tmp_path):
    job = job_for(model, tmp_path)
    built = build_here(job)
    assert built['tensorrt'] == f'TensorRT {FULL_VERSIONS[tensorrt_version]}'
    assert Precision(**built['precision']) == (
        Precision(4, 0, 23) if tensorrt_version == '8.2' else Precision(5, 0, 24))
    header = header_of(job.engine)
    assert header['flags'] == ['FP16', 'OBEY_PRECISION_CONSTRAINTS']
    assert header['workspace'] == 256 << 20
    assert {'stem', 'mixed'} <= float16_layers(job.engine)
    assert not float16_layers(job.engine).intersection(SENSITIVE_NODES)


def test_float32_is_built_if_asked_for(tensorrt_version, model, tmp_path):
    job = job_for(model, tmp_path, precision='float32', workspace_mib=64)
    precision = Precision(**build_here(job)['precision'])
    assert precision.float16 == 0 and precision.all > 20
    assert header_of(job.engine)['workspace'] == 64 << 20


@pytest.mark.parametrize('version', ['8.2', '11'])
def test_an_engine_is_built_by_a_child_and_gets_a_sidecar(tmp_path, version):
    model = write_tiny_network(tmp_path / 'tiny.onnx', uint8=version != '8.2')
    order = Order(model, str(tmp_path / 'new' / 'tiny.engine'),
                  'float32' if version == '11' else 'float16')
    with tensorrt_double.installed(version, tmp_path) as gpu:
        built = build_engine(order)
        assert built.tensorrt == f'TensorRT {FULL_VERSIONS[version]}' and built.device == gpu.name
        assert is_built(order)
        assert not is_built(order._replace(precision='float16' if version == '11' else 'float32'))
        assert not is_built(order._replace(rtx_targets=('SM86',)))
    sidecar = cache.read_sidecar(order.engine)
    assert sidecar.library == 'tensorrt' and sidecar.built['source'] == 'tiny.onnx'
    assert sidecar.card == tiny_card(dtype='float32' if version == '8.2' else 'uint8')
    assert sidecar.key == cache.key_for(
        model, sidecar.card, tensorrt=built.tensorrt, device=gpu.name,
        compute_capability='5.3' if version == '8.2' else '8.9', precision=order.precision)
    files = {'tiny.engine', 'tiny.engine.json'}
    files.add(next(iter(set(os.listdir(str(tmp_path / 'new'))) - files)))
    assert files == set(os.listdir(str(tmp_path / 'new')))
    assert [name for name in files if name.endswith('.timings')] == [
        os.path.basename(cache.timing_cache_path('', tensorrt=FULL_VERSIONS[version],
                                                 device=gpu.name))]


def test_a_model_that_changed_is_not_built_yet(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    order = order_for(model, tmp_path)
    with tensorrt_double.installed('8.6', tmp_path):
        assert not is_built(order)
        build_engine(order)
        assert is_built(order)
        write_tiny_network(model, seed=1)
        assert not is_built(order)


def half_model(folder, **changes):
    half = to_float16(onnx.load(write_tiny_network(folder / 'tiny.onnx', **changes)))
    onnx.save(half, str(folder / 'half.onnx'))
    return str(folder / 'half.onnx')


@pytest.mark.parametrize('version', ['10.3', '10.13', '11'])
def test_a_float16_model_is_built_as_it_is_where_types_are_strong(tmp_path, version):
    job = job_for(half_model(tmp_path), tmp_path)
    with tensorrt_double.installed(version, tmp_path):
        built = build_here(job)
        assert header_of(job.engine)['strongly_typed'] and built['sensitive_layers'] == 0
        assert {'stem', 'mixed'} <= float16_layers(job.engine)
        assert not float16_layers(job.engine).intersection(SENSITIVE_NODES)
        with pytest.raises(EngineError, match='is in float16; give the float32 file .* cpu'):
            build_here(job._replace(precision='float32'))


@pytest.mark.parametrize('version, changes, message', [
    ('8.2', {}, 'takes bytes, and TensorRT 8.2.1.8 knows no uint8; .*--target jetson-nano'),
    ('8.2', {'uint8': False, 'opset': 17}, 'cannot read .*--target jetson-nano .*opset 17'),
    ('8.5', {'opset': 17}, 'cannot read .*--target jetson-nano .*LayerNormalization'),
    ('11', {}, 'takes the precision from the model, and .*tiny.onnx is in float32; give the '
     'float16 file .* --target tensorrt, or build with: --precision float32')])
def test_a_model_of_a_target_that_does_not_fit_names_the_one_that_does(tmp_path, version, changes,
                                                                      message):
    model = write_tiny_network(tmp_path / 'tiny.onnx', **changes)
    with (tensorrt_double.installed(version, tmp_path),
          pytest.raises(EngineError, match=message) as caught):
        build_here(job_for(model, tmp_path))
    assert 'edgenext export' in str(caught.value) and '\n' not in str(caught.value)
    assert os.listdir(str(tmp_path)) == ['tiny.onnx']


@pytest.mark.parametrize('version, message', [
    ('8.2', 'takes bytes'), ('8.5', 'is in float16, and TensorRT 8.5.2.2 takes float32 files'),
    ('8.6', 'is in float16, and .* takes float32 files .* jetson-nano')])
def test_a_float16_model_is_refused_where_types_are_weak(tmp_path, version, message):
    model = half_model(tmp_path)
    with tensorrt_double.installed(version, tmp_path), pytest.raises(EngineError, match=message):
        build_here(job_for(model, tmp_path))


@pytest.mark.parametrize('version', ['8.5', '10.13', '11'])
def test_an_int8_model_is_built_as_it_is(tmp_path, version):
    job = job_for(quantized(write_tiny_network(tmp_path / 'tiny.onnx')), tmp_path)
    with tensorrt_double.installed(version, tmp_path):
        built = build_here(job)
    flags = [] if version == '11' else ['FP16', 'INT8', 'OBEY_PRECISION_CONSTRAINTS']
    assert header_of(job.engine)['flags'] == flags
    assert Precision(**built['precision']).int8 == 1


def test_a_gpu_that_computes_no_int8_says_so(tmp_path):
    model = quantized(write_tiny_network(tmp_path / 'tiny.onnx', uint8=False))
    with (tensorrt_double.installed('8.2', tmp_path),
          pytest.raises(EngineError, match='is in int8, which this GPU cannot compute; .*nano')):
        build_here(job_for(model, tmp_path))


@pytest.mark.parametrize('fate, message', [
    ('killed', r'was killed, most likely since memory ran out .* add swap with: sudo fallocate'),
    ('crash', r'crashed \(exit status -11\)'),
    ('out of memory', 'cannot build .*; close other programs, or build with a smaller --workspace'
                      '-mb .*OutOfMemory')])
def test_a_build_that_dies_is_a_sentence_and_leaves_the_old_engine(tmp_path, monkeypatch, fate,
                                                                   message):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    (tmp_path / 'tiny.engine').write_bytes(b'old')
    monkeypatch.setenv('TENSORRT_DOUBLE_BUILD', fate)
    with (tensorrt_double.installed('8.6', tmp_path),
          pytest.raises(EngineError, match=message) as caught):
        build_engine(order_for(model, tmp_path))
    assert '\n' not in str(caught.value)
    assert sorted(os.listdir(str(tmp_path))) == ['tiny.engine', 'tiny.onnx']
    assert (tmp_path / 'tiny.engine').read_bytes() == b'old'


def test_a_gpu_without_memory_is_a_sentence(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    with (tensorrt_double.installed('8.6', tmp_path, memory_mib=0),
          pytest.raises(EngineError, match='CUDA finds no GPU')):
        build_engine(order_for(model, tmp_path))


def test_a_full_disk_is_a_sentence_and_leaves_no_file(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with tensorrt_double.installed('8.6', tmp_path):
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
            with pytest.raises(EngineError, match='cannot be written .*File too large.* -o'):
                build_engine(order_for(model, tmp_path))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [name for name in os.listdir(str(tmp_path)) if '.engine' in name]


def test_a_folder_that_cannot_be_made_is_a_sentence_before_anything_is_built(tmp_path,
                                                                            monkeypatch):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    monkeypatch.setattr(build, '_run', None)
    with (tensorrt_double.installed('8.6', tmp_path),
          pytest.raises(EngineError, match='cannot be written .*choose another folder with: -o')):
        build_engine(Order(model, f'{model}/tiny.engine'))


def test_a_model_without_a_card_is_refused(tmp_path):
    model = onnx.load(write_tiny_network(tmp_path / 'tiny.onnx'))
    del model.metadata_props[:]
    onnx.save(model, str(tmp_path / 'tiny.onnx'))
    with pytest.raises(ModelCardError, match='tiny.onnx has no model card'):
        build_engine(order_for(tmp_path / 'tiny.onnx', tmp_path))


def test_too_little_memory_is_refused_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(build_memory, 'free_mib', lambda: (700, 100))
    monkeypatch.setattr(build, '_run', None)
    message = ('700 MiB of memory and 100 MiB of swap are free, a build needs 1280 MiB; .*'
               'add swap with: sudo fallocate')
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    with tensorrt_double.installed('8.6', tmp_path), pytest.raises(EngineError, match=message):
        build_engine(order_for(model, tmp_path))


def test_memory_is_read_in_mib():
    available, swap = build_memory.free_mib()
    assert 10 < available < 10_000_000 and swap >= 0


def test_a_timing_cache_grows_and_a_foreign_one_is_replaced(tensorrt_version, model, tmp_path):
    path = tmp_path / os.path.basename(cache.timing_cache_path(
        '', tensorrt=FULL_VERSIONS[tensorrt_version], device=tensorrt_double.gpu().name))
    path.write_bytes(b'garbage')
    for _ in range(2):
        build_here(job_for(model, tmp_path, precision='float32', timings=str(tmp_path)))
        assert b'stem' in path.read_bytes() and b'garbage' not in path.read_bytes()


def test_progress_is_told_and_an_interrupted_build_leaves_neither_process_nor_file(
        tmp_path, monkeypatch):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    monkeypatch.setattr(build, '_TICK_S', 0.01)
    started, told = [], []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, 'Popen',
                        lambda *a, **k: started.append(popen(*a, **k)) or started[-1])

    def interrupt(elapsed_s):
        told.append(elapsed_s)
        if len(told) == 3:
            raise KeyboardInterrupt

    with tensorrt_double.installed('8.6', tmp_path), pytest.raises(KeyboardInterrupt):
        build_engine(order_for(model, tmp_path), on_progress=interrupt)
    assert told == sorted(told)
    assert started[0].poll() is not None
    assert os.listdir(str(tmp_path)) == ['tiny.onnx']


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


def test_what_a_child_prints_before_its_answer_is_passed_over():
    answer = json.dumps({'tensorrt': 'x'})
    assert build._result(Job('m', 'e', 'float16', 1, None), 0, f'a banner\n{answer}\nbye\n',
                         '') == {'tensorrt': 'x'}


def test_tensorrt_rtx_builds_float16_without_a_gpu_and_without_a_warning(tmp_path):
    pytest.importorskip('tensorrt_rtx')
    order = order_for(half_model(tmp_path, opset=17), tmp_path, rtx_targets=('SM86', 'SM89'))
    built = build_engine(order)
    assert os.path.getsize(order.engine) > 1000
    assert built.device == 'SM86 SM89' and str(built.precision) == 'unknown'
    assert not [text for text in built.warnings if 'layernorm' in text.lower()]
    sidecar = cache.read_sidecar(order.engine)
    assert sidecar.library == 'tensorrt_rtx' and sidecar.key.device is None
    assert sidecar.key.compute_capability == '8.6 8.9'
    assert sidecar.key.tensorrt == built.tensorrt
    assert built.tensorrt.startswith('TensorRT-RTX 1.')
    assert is_built(order) and is_built(order._replace(rtx_targets=('SM86',)))
    assert not is_built(order._replace(rtx_targets=('SM86', 'SM120')))
    assert sorted(os.listdir(str(tmp_path))) == [
        'half.onnx', 'tiny.engine', 'tiny.engine.json', 'tiny.onnx']


@pytest.mark.parametrize('target', ['SM53', '86', 'SM'])
def test_a_target_that_does_not_exist_is_a_sentence(tmp_path, target):
    pytest.importorskip('tensorrt_rtx')
    model = half_model(tmp_path)
    with pytest.raises(EngineError, match=f'no compute capability {target}; give .*SM86'):
        build_engine(order_for(model, tmp_path, rtx_targets=(target,)))


def test_a_device_that_cannot_compute_a_model_is_a_sentence(tmp_path):
    """On Turing, TensorRT-RTX multiplies no float32 matrices, as a classifier ends with."""
    pytest.importorskip('tensorrt_rtx')
    order = order_for(half_model(tmp_path), tmp_path, rtx_targets=('SM75', 'SM86'))
    with pytest.raises(EngineError, match='cannot build .*; leave out one of the compute capabil'):
        build_engine(order)


def test_tensorrt_rtx_that_is_not_installed_is_a_sentence(tmp_path, monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, 'tensorrt_rtx', None)
    model = half_model(tmp_path)
    with pytest.raises(EngineError, match='TensorRT-RTX is not installed; .*pip install'):
        build_engine(order_for(model, tmp_path, rtx_targets=('SM86',)))
