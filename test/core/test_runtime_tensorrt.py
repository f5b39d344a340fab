"""The TensorRT backend in every version, on the double, with real numbers."""

import os
import threading

import numpy as np
import onnxruntime
import pytest
import tensorrt_double
from tensorrt_double.trt_builder import remake_plan
from tiny_onnx import HEIGHT, WIDTH, a_frame, tiny_card, write_tiny_network

from edgenext_core.runtime.engines.build_process import Job, build
from edgenext_core.runtime.errors import EngineError


def make_engine(folder, version, *, model=None, precision='float16'):
    """Build an engine in this process; TensorRT 8.2 gets a float32 input."""
    if model is None:
        model = write_tiny_network(folder / 'tiny.onnx', uint8=version != '8.2')
    path = str(folder / 'tiny.engine')
    build(Job(str(model), path, 'float32' if version == '11' else precision, 256, None))
    return str(model), path


def open_tensorrt(path, card=None):
    import tensorrt

    from edgenext_core.runtime.engines.tensorrt import TensorRTEngine
    return TensorRTEngine(path, card or tiny_card(), tensorrt)


def run_onnxruntime(model, frame):
    session = onnxruntime.InferenceSession(model)
    dtype = np.float32 if session.get_inputs()[0].type == 'tensor(float)' else np.uint8
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {'image': frame.astype(dtype)})))


def test_every_version_gives_the_numbers_of_onnx_runtime(tensorrt_version, tmp_path):
    model, path = make_engine(tmp_path, tensorrt_version)
    engine = open_tensorrt(path)
    for seed in range(3):
        expected = run_onnxruntime(model, a_frame(seed))
        outputs = engine.infer(a_frame(seed))
        assert list(outputs) == ['probabilities', 'sorted', 'class_ids']
        for name, value in expected.items():
            np.testing.assert_array_equal(outputs[name], value)
            assert outputs[name].dtype == value.dtype
    engine.close()


def test_an_engine_says_what_it_takes_gives_and_is(tensorrt_version, tmp_path):
    _, path = make_engine(tmp_path, tensorrt_version)
    engine = open_tensorrt(path)
    dtype = 'float32' if tensorrt_version == '8.2' else 'uint8'
    assert [str(spec) for spec in engine.inputs] == [f'image {dtype} (1, {HEIGHT}, {WIDTH}, 3)']
    assert [str(spec) for spec in engine.outputs] == [
        'probabilities float32 (1, 3)', 'sorted float32 (1, 3)', 'class_ids int32 (1)']
    assert (engine.backend, engine.version) == ('tensorrt', _full(tensorrt_version))
    assert engine.device == tensorrt_double.DEVICES[tensorrt_version][0]
    assert engine.precision == {'8.2': 'float16 in 4 of 23 layers', '11': 'float32'}.get(
        tensorrt_version, 'float16 in 5 of 24 layers')
    engine.close()


def _full(version):
    return tensorrt_double.api_table.FULL_VERSIONS[version]


def test_three_engines_share_one_context_and_one_thread(tensorrt_version, tmp_path):
    model, path = make_engine(tmp_path, tensorrt_version)
    engines = [open_tensorrt(path) for _ in range(3)]
    gpu = tensorrt_double.gpu()
    assert gpu.primary_users == 1
    assert sum(thread.name == 'gpu' for thread in threading.enumerate()) == 1
    expected = run_onnxruntime(model, a_frame())['probabilities']
    for engine in engines:
        np.testing.assert_array_equal(engine.infer(a_frame())['probabilities'], expected)
        engine.close()
    assert gpu.primary_users == 0
    assert not any(thread.name == 'gpu' for thread in threading.enumerate())


def test_threads_that_infer_at_once_get_their_own_answers(tensorrt_version, tmp_path):
    model, path = make_engine(tmp_path, tensorrt_version)
    engines = [open_tensorrt(path) for _ in range(3)]
    wrong = []

    def infer_often(number):
        expected = run_onnxruntime(model, a_frame(number))['probabilities']
        for _ in range(20):
            outputs = engines[number].infer(a_frame(number))
            if not np.array_equal(outputs['probabilities'], expected):
                wrong.append(number)

    threads = [threading.Thread(target=infer_often, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for engine in engines:
        engine.close()
    assert wrong == []


def test_an_answer_stays_as_it_is_when_the_next_frame_comes(tensorrt_version, tmp_path):
    _, path = make_engine(tmp_path, tensorrt_version)
    engine = open_tensorrt(path)
    first = engine.infer(a_frame(0))['probabilities']
    before = first.copy()
    engine.infer(a_frame(1))
    np.testing.assert_array_equal(first, before)
    engine.close()


def test_an_engine_opened_in_one_thread_may_be_used_and_closed_in_another(
        tensorrt_version, tmp_path):
    _, path = make_engine(tmp_path, tensorrt_version)
    engine = open_tensorrt(path)
    thread = threading.Thread(target=lambda: (engine.infer(a_frame()), engine.close()))
    thread.start()
    thread.join()


def test_a_closed_engine_says_so_and_may_be_closed_again(tensorrt_version, tmp_path):
    _, path = make_engine(tmp_path, tensorrt_version)
    engine = open_tensorrt(path)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match='closed; open the model again'):
        engine.infer(a_frame())


@pytest.mark.parametrize('hidden', [['execute_async_v3'],
                                    ['execute_async_v3', 'execute_async_v2']])
def test_an_engine_runs_by_whatever_way_there_is(tensorrt_version, tmp_path, monkeypatch, hidden):
    import tensorrt
    model, path = make_engine(tmp_path, tensorrt_version)
    for name in hidden:
        if hasattr(tensorrt.IExecutionContext, name):
            monkeypatch.delattr(tensorrt.IExecutionContext, name)
    engine = open_tensorrt(path)
    np.testing.assert_array_equal(engine.infer(a_frame())['probabilities'],
                                  run_onnxruntime(model, a_frame())['probabilities'])
    engine.close()


def test_an_image_of_another_shape_is_refused_and_the_next_one_runs(tensorrt_version, tmp_path):
    _, path = make_engine(tmp_path, tensorrt_version)
    engine = open_tensorrt(path)
    with pytest.raises(EngineError, match=r'takes image .*, got an image of the shape \(1, 2, '):
        engine.infer(np.zeros((1, 2, 3, 3), np.uint8))
    engine.infer(a_frame())
    engine.close()


def damage(content, how):
    header_changes = {'of another version': {'tensorrt': '7.1.3.0'},
                      'of another GPU': {'compute_capability': [3, 7]}}
    if how in header_changes:
        return remake_plan(content, **header_changes[how])
    return {'empty': b'', 'garbage': bytes(range(256)) * 8, 'truncated': content[:-100],
            'half': content[:len(content) // 2], 'flipped': content[:60] + b'\0' + content[61:],
            'an ONNX file': b'\x08\x07\x12\x07pytorch' + bytes(100)}[how]


@pytest.mark.parametrize('tensorrt_version', ['8.2', '10.3'], indirect=True)
@pytest.mark.parametrize('how', ['empty', 'garbage', 'truncated', 'half', 'flipped',
                                 'an ONNX file', 'of another version', 'of another GPU'])
def test_an_engine_that_is_not_whole_or_not_ours_is_refused_in_a_sentence(
        tensorrt_version, tmp_path, how):
    _, path = make_engine(tmp_path, tensorrt_version)
    with open(path, 'rb') as stream:
        content = stream.read()
    with open(path, 'wb') as stream:
        stream.write(damage(content, how))
    with pytest.raises(EngineError) as caught:
        open_tensorrt(path)
    message = str(caught.value)
    assert 'tiny.engine cannot be used by TensorRT' in message
    assert 'edgenext build' in message and 'nothing' not in message
    assert '\n' not in message


def test_a_missing_engine_is_an_ordinary_error(tensorrt_version, tmp_path):
    with pytest.raises(OSError):
        open_tensorrt(str(tmp_path / 'none.engine'))


@pytest.mark.parametrize('version', tensorrt_double.VERSIONS)
def test_a_gpu_without_memory_is_a_sentence(version, tmp_path):
    with tensorrt_double.installed(version, tmp_path):
        model, path = make_engine(tmp_path, version)
    # Too little for the layers' results, then enough for those and not for the inputs.
    for memory in (1, os.path.getsize(model) + 100):
        with tensorrt_double.installed(version, tmp_path) as gpu:
            gpu.memory = memory
            with pytest.raises(EngineError, match='memory'):
                open_tensorrt(path)


def test_no_gpu_is_a_sentence(tmp_path):
    with tensorrt_double.installed('8.6', tmp_path, memory_mib=0):
        (tmp_path / 'x.engine').write_bytes(b'x')
        for _ in range(2):
            with pytest.raises(EngineError, match='CUDA finds no GPU .*check the driver'):
                open_tensorrt(str(tmp_path / 'x.engine'))


def test_a_failure_while_running_is_a_sentence_and_leaves_nothing(tensorrt_version, tmp_path,
                                                                  monkeypatch):
    import tensorrt
    _, path = make_engine(tmp_path, tensorrt_version)
    name = ('execute_async_v3' if hasattr(tensorrt.IExecutionContext, 'execute_async_v3')
            else 'execute_async_v2')
    engine = open_tensorrt(path)
    monkeypatch.setattr(tensorrt.IExecutionContext, name, lambda *arguments: False)
    if name == 'execute_async_v3':
        with pytest.raises(EngineError, match='failed to run the model'):
            engine.infer(a_frame())
    monkeypatch.undo()
    engine.infer(a_frame())
    engine.close()


def test_an_error_of_the_gpu_is_a_sentence_and_closing_still_lets_go_of_it(
        tensorrt_version, tmp_path, monkeypatch):
    import pycuda.driver as cuda
    _, path = make_engine(tmp_path, tensorrt_version)
    engine = open_tensorrt(path)
    synchronize = cuda.Stream.synchronize

    def fail(stream):
        synchronize(stream)
        raise cuda.LogicError('cuStreamSynchronize failed: an illegal memory access was '
                              'encountered')

    monkeypatch.setattr(cuda.Stream, 'synchronize', fail)
    with pytest.raises(EngineError, match='CUDA failed .*illegal memory access.*dmesg'):
        engine.infer(a_frame())
    with pytest.raises(EngineError, match='illegal memory access'):
        engine.close()
    engine.close()


def test_a_context_that_cannot_be_let_go_of_does_not_hang_the_process(tmp_path, monkeypatch):
    with pytest.raises(tensorrt_double.StrictError, match='context stack was not empty'), \
            tensorrt_double.installed('8.6', tmp_path):
        import pycuda.driver as cuda
        _, path = make_engine(tmp_path, '8.6')
        engine = open_tensorrt(path)

        def fail():
            raise cuda.LogicError('context::pop failed')

        monkeypatch.setattr(cuda.Context, 'pop', staticmethod(fail))
        engine.close()


def test_a_pycuda_that_lacks_something_is_an_error_and_no_endless_wait(tmp_path, monkeypatch):
    with tensorrt_double.installed('8.2', tmp_path):
        import pycuda.driver as cuda
        _, path = make_engine(tmp_path, '8.2')
        monkeypatch.delattr(cuda.Device, 'retain_primary_context')
        with pytest.raises(EngineError, match='does not work here .*retain_primary_context'):
            open_tensorrt(path)
        assert not any(thread.name == 'gpu' for thread in threading.enumerate())


def test_a_process_that_forgets_its_engine_ends_in_order(tmp_path):
    import subprocess
    import sys
    with tensorrt_double.installed('8.2', tmp_path):
        _, path = make_engine(tmp_path, '8.2')
        program = ('import tensorrt\n'
                   'from tiny_onnx import tiny_card, a_frame\n'
                   'from edgenext_core.runtime.engines.tensorrt import TensorRTEngine\n'
                   f'engine = TensorRTEngine({path!r}, tiny_card(), tensorrt)\n'
                   'print(engine.infer(a_frame())["class_ids"])\n')
        done = subprocess.run([sys.executable, '-c', program], stdout=subprocess.PIPE, timeout=60,
                              check=True)
        assert done.stdout.startswith(b'[')
