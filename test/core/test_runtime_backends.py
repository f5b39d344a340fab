"""Which backend a model gets, and what is said of the choice."""

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import tensorrt_double
from built_engines import build
from tensorrt_double.api_table import FULL_VERSIONS
from tensorrt_double.trt_builder import remake_plan
from tiny_onnx import a_frame, tiny_card, write_tiny_network

from edgenext_core.export.float16_graph import to_float16
from edgenext_core.runtime.card_file import METADATA_KEY, card_to_json
from edgenext_core.runtime.engines import cache
from edgenext_core.runtime.engines.backends import open_engine, read_model_card
from edgenext_core.runtime.errors import EngineError, ModelCardError
from edgenext_core.runtime.pipeline import Pipeline
from edgenext_core.runtime.records import Classification


def write_model(folder, version, **changes):
    """Write a model that a version can take."""
    return write_tiny_network(folder / 'tiny.onnx', uint8=version != '8.2', **changes)


def test_every_version_runs_an_engine_that_is_there_and_gives_onnx_runtimes_numbers(
        tensorrt_version, tmp_path, caplog):
    model = write_model(tmp_path, tensorrt_version)
    path = build(model)
    caplog.set_level(logging.INFO, 'edgenext_core')
    engine = open_engine(model)
    device, _ = tensorrt_double.DEVICES[tensorrt_version]
    assert (engine.backend, engine.device) == ('tensorrt', device)
    assert engine.choice == (f'TensorRT {FULL_VERSIONS[tensorrt_version]} on {device}, since '
                             f'{path} fits this machine')
    assert engine.choice in [record.getMessage() for record in caplog.records]
    other = open_engine(model, backend='onnxruntime')
    assert (other.backend, other.device, other.precision) == ('onnxruntime', 'CPU', 'float32')
    assert other.choice.endswith(', as asked for')
    for name, value in other.infer(a_frame()).items():
        np.testing.assert_array_equal(engine.infer(a_frame())[name], value)
    frame = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    with Pipeline(engine) as on_gpu, Pipeline(other) as on_cpu:
        for value, wanted in zip(on_gpu.run(frame).record, on_cpu.run(frame).record):
            np.testing.assert_array_equal(value, wanted)


@pytest.mark.parametrize('task', ['classification', 'detection', 'segmentation'])
@pytest.mark.parametrize('version', ['8.6', '11'])  # 8.2 reads files for the Nano only
def test_a_pipeline_of_the_demos_gives_the_records_of_onnx_runtime(version, task, tmp_path):
    model = str(tmp_path / 'model.onnx')
    shutil.copy(f'engines/demo/{task}.onnx', model)
    frame = np.random.default_rng(0).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    with tensorrt_double.installed(version, tmp_path):
        build(model)
        with Pipeline(open_engine(model, backend='tensorrt')) as pipeline:
            record = pipeline.run(frame).record
    with Pipeline(open_engine(model, backend='onnxruntime')) as pipeline:
        expected = pipeline.run(frame).record
    for value, wanted in zip(record, expected):
        np.testing.assert_array_equal(value, wanted)


def test_one_process_runs_three_models_on_one_context(tmp_path):
    models = [write_tiny_network(tmp_path / f'{seed}.onnx', seed=seed) for seed in range(3)]
    with tensorrt_double.installed('8.6', tmp_path) as gpu:
        for model in models:
            build(model)
        pipelines = [Pipeline(open_engine(model, backend='tensorrt')) for model in models]
        assert gpu.primary_users == 1
        frames = [np.full((9, 9, 3), shade, np.uint8) for shade in (0, 100, 200)]
        records = [[pipeline.run(frame).record for frame in frames] for pipeline in pipelines]
        for pipeline in pipelines:
            pipeline.close()
        assert gpu.primary_users == 0
    for model, answers in zip(models, records):
        with Pipeline(open_engine(model, backend='onnxruntime')) as pipeline:
            for frame, record in zip(frames, answers):
                assert isinstance(record, Classification)
                np.testing.assert_array_equal(record.scores, pipeline.run(frame).record.scores)


def test_a_float16_file_opens_by_its_engine(tmp_path):
    model = str(tmp_path / 'half.onnx')
    onnx.save(to_float16(onnx.load(write_tiny_network(tmp_path / 'tiny.onnx'))), model)
    with tensorrt_double.installed('10.13', tmp_path):
        build(model)
        engine = open_engine(model)
        assert engine.precision.startswith('float16 in ')
        engine.close()


# Each leaves something out or breaks it, and gives the reason that is told.

def no_engine(model, monkeypatch):
    return f'there is no engine {cache.engine_path(model)}; build it with: edgenext build {model}'


def other_version(model, monkeypatch):
    build(model)
    monkeypatch.setattr(sys.modules['tensorrt'], '__version__', '8.7.0.1')
    return 'was built for TensorRT 8.6.1, this machine and model have TensorRT 8.7.0.1; build'


def other_gpu(model, monkeypatch):
    build(model)
    monkeypatch.setattr(tensorrt_double.gpu(), 'name', 'Xavier')
    return 'was built for the GPU Orin, this machine and model have Xavier; build it with'


def other_capability(model, monkeypatch):
    build(model)
    monkeypatch.setattr(tensorrt_double.gpu(), 'compute_capability', (7, 2))
    return 'was built for the compute capability 8.7, this machine and model have 7.2; build it'


def other_model(model, monkeypatch):
    build(model)
    write_tiny_network(model, seed=1)
    return 'was built from another version of '


def truncated(model, monkeypatch):
    path = build(model)
    os.truncate(path, os.path.getsize(path) - 10)
    return 'is damaged or truncated; build it with: edgenext build'


def foreign_to_tensorrt(model, monkeypatch):
    path = build(model)
    plan = Path(path).read_bytes()
    Path(path).write_bytes(remake_plan(plan, tensorrt='8.0.0.1'))
    sidecar = json.loads(Path(f'{path}.json').read_text())
    Path(f'{path}.json').write_text(json.dumps(dict(sidecar, engine=cache.hash_file(path))))
    return 'cannot be used by TensorRT 8.6.1 on this GPU; .*Version tag does not match'


def without_sidecar(model, monkeypatch):
    os.remove(f'{build(model)}.json')
    return 'has no tiny.engine.json beside it'


def no_gpu_memory(model, monkeypatch):
    build(model)
    monkeypatch.setattr(tensorrt_double.gpu(), 'memory', 1)
    return 'memory'


def no_device(model, monkeypatch):
    build(model)
    monkeypatch.setattr(tensorrt_double.gpu(), 'memory', 0)
    return r'CUDA finds no GPU \(cuInit failed: no CUDA-capable device is detected\); check the'


def no_tensorrt(model, monkeypatch):
    monkeypatch.setitem(sys.modules, 'tensorrt', None)
    return 'TensorRT is not installed; install it with: pip install tensorrt, on a Jetson with'


def no_pycuda(model, monkeypatch):
    build(model)
    monkeypatch.setitem(sys.modules, 'pycuda', None)
    monkeypatch.setenv('PATH', '')
    return ('PyCUDA is not installed; install it with: pip install pycuda, after: export PATH=.*'
            'nvcc is not on PATH')


def stand_for(package, text, model, monkeypatch):
    """Put a broken package in front of the double."""
    folder = Path(model).parent / 'site' / package
    folder.mkdir(parents=True)
    for name in ('__init__.py', 'driver.py'):
        (folder / name).write_text(text if name == '__init__.py' or package == 'pycuda' else '')
    (folder / '__init__.py').write_text('' if package == 'pycuda' else text)
    monkeypatch.syspath_prepend(str(folder.parent))
    for name in [name for name in sys.modules if name.split('.')[0] == package]:
        monkeypatch.delitem(sys.modules, name)


def tensorrt_without_its_library(model, monkeypatch):
    build(model)
    stand_for('tensorrt', 'raise ImportError("libnvinfer.so.8: cannot open")', model, monkeypatch)
    return r'TensorRT cannot be imported \(ImportError: libnvinfer.so.8: .*install it again'


def tensorrt_of_another_numpy(model, monkeypatch):
    build(model)
    stand_for('tensorrt', 'import numpy\nnumpy.no_such_thing', model, monkeypatch)
    return r'TensorRT cannot be imported \(AttributeError: .*install it again'


def tensorrt_that_is_an_empty_folder(model, monkeypatch):
    build(model)
    stand_for('tensorrt', '', model, monkeypatch)
    return r'TensorRT cannot be imported \(AttributeError: .*__version__'


def pycuda_of_another_cuda(model, monkeypatch):
    build(model)
    stand_for('pycuda', 'raise ImportError("libcurand.so.10: cannot open")', model, monkeypatch)
    monkeypatch.delitem(sys.modules, 'edgenext_core.runtime.engines.cuda_buffers')
    return r'PyCUDA cannot be imported \(ImportError: libcurand.so.10: cannot open\)'


def tensorrt_that_is_too_new(model, monkeypatch):
    build(model)
    monkeypatch.delattr(sys.modules['tensorrt'].ICudaEngine, 'get_tensor_mode')
    return r'TensorRT or PyCUDA does not work here \(AttributeError: .*get_tensor_mode'


def change_card(model, **changes):
    """Write another card into a model."""
    changed = onnx.load(model)
    onnx.helper.set_model_props(changed, {METADATA_KEY: card_to_json(
        tiny_card()._replace(**changes))})
    onnx.save(changed, model)


FAULTS = (no_engine, other_version, other_gpu, other_capability, other_model, truncated,
          foreign_to_tensorrt, without_sidecar, no_gpu_memory, no_device, no_tensorrt, no_pycuda,
          tensorrt_without_its_library, tensorrt_of_another_numpy,
          tensorrt_that_is_an_empty_folder, pycuda_of_another_cuda, tensorrt_that_is_too_new)


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.__name__)
def test_auto_falls_back_and_says_why_and_tensorrt_refuses_with_the_same_words(
        fault, tmp_path, monkeypatch):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    with tensorrt_double.installed('8.6', tmp_path), monkeypatch.context() as patch:
        reason = fault(model, patch)
        engine = open_engine(model)
        assert engine.backend == 'onnxruntime'
        assert engine.choice.startswith(f'ONNX Runtime {engine.version}, since ')
        assert '\n' not in engine.choice
        with pytest.raises(EngineError, match=reason) as caught:
            open_engine(model, backend='tensorrt')
        assert engine.choice.endswith(str(caught.value))
        assert engine.infer(a_frame())['class_ids'].shape == (1,)


def test_a_card_of_another_size_than_the_engines_is_refused(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    with tensorrt_double.installed('8.6', tmp_path):
        build(model)
        change_card(model, input=tiny_card().input._replace(height=16))
        with pytest.raises(EngineError, match='was built from another version of'):
            open_engine(model, backend='tensorrt')
        with pytest.raises(ModelCardError, match='the card and the graph disagree'):
            open_engine(model)


def test_a_card_that_lies_is_found_out_on_tensorrt_too_and_nothing_stays_on_the_gpu(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    change_card(model, labels=('a', 'b'), colors_rgb=((0, 0, 0),) * 2)
    with tensorrt_double.installed('8.6', tmp_path) as gpu:
        path = build(model)
        for backend, file in (('tensorrt', path), ('auto', model)):
            with pytest.raises(ModelCardError, match=rf'{file}: the card and the graph disagree: '
                               r'by the card the output is probabilities float32 \(1, 2\)'):
                open_engine(model, backend=backend)
        assert gpu.primary_users == 0


def test_a_built_precision_of_either_kind_is_taken(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    with tensorrt_double.installed('8.6', tmp_path):
        build(model, precision='float32')
        engine = open_engine(model)
        assert (engine.backend, engine.precision) == ('tensorrt', 'float32')
        engine.close()


def test_an_engine_file_opens_without_its_model(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    path = str(tmp_path / 'other.engine')
    with tensorrt_double.installed('10.3', tmp_path):
        build(model, engine=path)
        os.remove(model)
        engine = open_engine(path)
        assert engine.card == tiny_card() == read_model_card(path)
        assert engine.choice == f'TensorRT 10.3.0 on Orin, since {path} is an engine for it'
        engine.close()
        with pytest.raises(EngineError, match='other.engine is a TensorRT engine, which ONNX Runti'
                                              'me cannot run; give the ONNX file'):
            open_engine(path, backend='onnxruntime')
    with (tensorrt_double.installed('8.6', tmp_path),
          pytest.raises(EngineError, match='was built for TensorRT 10.3.0, this machine')):
        open_engine(path)


def test_an_engine_that_was_built_ahead_of_time_opens_on_the_devices_it_was_built_for(
        tmp_path, monkeypatch):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    with tensorrt_double.installed('11', tmp_path) as gpu, monkeypatch.context() as patch:
        path = build(model)
        sidecar = json.loads(Path(f'{path}.json').read_text())
        sidecar.update(library='tensorrt_rtx', tensorrt='TensorRT-RTX 11.4.0.106', device=None,
                       compute_capability='8.6 8.9')
        Path(f'{path}.json').write_text(json.dumps(sidecar))
        import tensorrt
        patch.setattr(tensorrt, '__name__', 'tensorrt_rtx')
        patch.setitem(sys.modules, 'tensorrt_rtx', tensorrt)
        engine = open_engine(model)
        assert (engine.backend, engine.version) == ('tensorrt', 'RTX 11.4.0.106')
        engine.close()
        patch.setattr(gpu, 'compute_capability', (7, 5))
        assert 'for the compute capability 8.6 8.9, this machine' in open_engine(model).choice
        patch.setitem(sys.modules, 'tensorrt_rtx', None)
        assert 'TensorRT-RTX is not installed' in open_engine(model).choice


def test_an_engine_file_without_a_sidecar_or_a_file_is_refused(tmp_path):
    (tmp_path / 'm.engine').write_bytes(b'x')
    with tensorrt_double.installed('8.6', tmp_path):
        for name, message in (('m.engine', 'has no m.engine.json beside it, which says where it '
                                           'runs; build it with: edgenext build MODEL.onnx'),
                              ('n.engine', 'there is no engine .*n.engine; build it with')):
            with pytest.raises(EngineError, match=message):
                open_engine(str(tmp_path / name))
            with pytest.raises(EngineError, match=message):
                read_model_card(str(tmp_path / name))


def test_a_model_in_a_folder_that_cannot_be_written_finds_its_engine_in_the_cache(
        tmp_path, monkeypatch):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    with tensorrt_double.installed('8.6', tmp_path):
        os.makedirs(os.path.dirname(cache.engine_path(model)))
        build(model)
        engine = open_engine(model)
        assert engine.backend == 'tensorrt' and str(tmp_path / 'cache') in engine.choice
        engine.close()


def test_a_machine_without_a_gpu_is_told_so_and_imports_nothing_of_nvidia(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    program = ('import sys; from edgenext_core.runtime.engines.backends import open_engine; '
               'print(open_engine(sys.argv[1]).choice); '
               'print({"pycuda", "tensorrt", "tensorrt_rtx"} & set(sys.modules))')
    try:
        subprocess.check_call([sys.executable, '-c', 'import ctypes; ctypes.CDLL("libcuda.so.1")'],
                              stderr=subprocess.DEVNULL)
    except subprocess.CalledProcessError:
        choice, loaded = subprocess.check_output(
            [sys.executable, '-c', program, model], text=True).splitlines()
        assert ', since no NVIDIA GPU was found (its driver would bring libcuda.so.1' in choice
        assert loaded == 'set()'
    else:
        pytest.skip('this machine has a driver')


def test_a_float32_input_is_cast_by_either_backend(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx')
    plain = open_engine(model, backend='onnxruntime').infer(a_frame())
    wide = write_tiny_network(tmp_path / 'wide.onnx', uint8=False)
    cast = open_engine(wide, backend='onnxruntime').infer(a_frame())
    for name, value in plain.items():
        np.testing.assert_array_equal(cast[name], value)


def test_a_batch_runs_on_either_backend_and_a_pipeline_refuses_it(tmp_path):
    model = write_tiny_network(tmp_path / 'tiny.onnx', batch=2)
    frames = np.concatenate([a_frame(0), a_frame(1)])
    wanted = open_engine(model, backend='onnxruntime').infer(frames)
    assert wanted['probabilities'].shape == (2, 3)
    with tensorrt_double.installed('8.6', tmp_path):
        build(model)
        engine = open_engine(model, backend='tensorrt')
        for name, value in wanted.items():
            np.testing.assert_array_equal(engine.infer(frames)[name], value)
        with pytest.raises(EngineError, match='takes 2 frames at once, a pipeline runs one after'):
            Pipeline(engine)
