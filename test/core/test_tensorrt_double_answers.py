"""What the double answers with an error, as TensorRT and PyCUDA do."""

import re
from pathlib import Path

import numpy as np
import pytest
import tensorrt_double
from right_driver import Driver
from tensorrt_double.trt_builder import read_plan, remake_plan
from tiny_onnx import SENSITIVE_NODES, write_tiny_network

StrictError = tensorrt_double.StrictError


def test_pycuda_needs_a_current_context(tmp_path):
    with tensorrt_double.installed('8.2', tmp_path):
        import pycuda.driver as cuda
        with pytest.raises(cuda.LogicError, match='cuDeviceGet failed: initialization error'):
            cuda.Device(0)
        cuda.init()
        context = cuda.Device(0).retain_primary_context()
        for make in (lambda: cuda.mem_alloc(4), cuda.Stream, cuda.Event,
                     lambda: cuda.pagelocked_empty(4, np.float32)):
            with pytest.raises(cuda.LogicError, match='invalid device context - no currently '
                                                      r'active context\?'):
                make()
        with pytest.raises(cuda.LogicError, match='cannot pop non-current context'):
            cuda.Context.pop()
        context.push()
        cuda.Context.pop()
        context.detach()
        with pytest.raises(cuda.LogicError, match='cannot detach from invalid context'):
            context.detach()


def test_memory_is_freed_once(tmp_path):
    with tensorrt_double.installed('8.2', tmp_path):
        driver = Driver(tmp_path, '8.2').open()
        memory = driver.cuda.mem_alloc(4)
        memory.free()
        with pytest.raises(driver.cuda.LogicError, match='device_allocation::free failed'):
            memory.free()
        with pytest.raises(driver.cuda.MemoryError, match='cuMemAlloc failed: out of memory'):
            driver.cuda.mem_alloc(1 << 40)
        with pytest.raises(ValueError, match='not contiguous'):
            driver.cuda.memcpy_htod(driver.device['image'], driver.host['image'][:, :, ::2])
        driver.close()


def test_events_measure_once_their_stream_has_come_to_them(tmp_path):
    with tensorrt_double.installed('8.2', tmp_path):
        driver = Driver(tmp_path, '8.2').open()
        start, end = driver.cuda.Event(), driver.cuda.Event()
        start.record(driver.stream)
        driver.upload()
        end.record(driver.stream)
        with pytest.raises(driver.cuda.LogicError, match='device not ready'):
            start.time_till(end)
        end.synchronize()
        assert start.time_till(end) >= 0
        del start, end
        driver.close()


def test_an_address_left_unset_makes_v3_say_false(tmp_path):
    with tensorrt_double.installed('8.6', tmp_path):
        driver = Driver(tmp_path, '8.6').open()
        assert not driver.execution.execute_async_v3(driver.stream.handle)
        assert not driver.execution.set_tensor_address('nothing', int(driver.device['image']))
        assert 'Address is not set for input tensor image' in ''.join(driver.messages)
        with pytest.raises(TypeError):
            driver.execution.set_tensor_address('image', driver.device['image'])
        driver.close()


@pytest.mark.parametrize('damage, message', [
    (lambda plan: b'', 'Magic tag|Error Code 1'),
    (lambda plan: b'garbage' * 99, 'Magic tag'),
    (lambda plan: plan[:-1], 'Error Code 1: Serialization'),
    (lambda plan: remake_plan(plan, tensorrt='7.0.0.11'), 'Version tag does not match'),
    (lambda plan: remake_plan(plan, compute_capability=[3, 7]), 'expecting compute .* got compute '
                                                               '3.7, please rebuild'),
])
def test_a_bad_plan_gives_none_and_an_error_in_the_log(tensorrt_version, tmp_path, damage,
                                                       message):
    driver = Driver(tmp_path, tensorrt_version)
    runtime = driver.trt.Runtime(driver.logger())
    assert runtime.deserialize_cuda_engine(damage(bytes(driver.plan))) is None
    errors = [text for text in driver.messages if text.startswith('ERROR')]
    assert re.search(message, ' '.join(errors))
    del runtime
    driver.context.pop()
    driver.context.detach()


def test_a_plan_of_another_device_of_that_kind_works_with_a_warning(tensorrt_version, tmp_path):
    driver = Driver(tmp_path, tensorrt_version)
    driver.plan = remake_plan(bytes(driver.plan), device='Another')
    driver.open().run()
    assert any('different models of devices' in text for text in driver.messages)
    driver.close()


def test_an_inspector_outlives_its_engine_from_8_6_on_only(tmp_path):
    def ask(version):
        with tensorrt_double.installed(version, tmp_path):
            driver = Driver(tmp_path, version).open()
            inspector = driver.engine.create_engine_inspector()
            driver.execution = driver.engine = None
            try:
                inspector.get_engine_information(driver.trt.LayerInformationFormat.JSON)
            finally:
                del inspector
                driver.close()

    ask('8.6')
    with pytest.raises(StrictError, match='an engine that is gone'):
        ask('8.5')


@pytest.mark.parametrize('version, changes, message', [
    ('8.2', {'uint8': True}, 'Unsupported ONNX data type: UINT8'),
    ('8.2', {'uint8': False, 'opset': 17}, 'opset 17, this parser supports operators up to 13'),
    ('8.5', {'opset': 17}, 'No importer registered for op: LayerNormalization'),
])
def test_a_parser_refuses_what_its_version_cannot_read(tmp_path, version, changes, message):
    with tensorrt_double.installed(version, tmp_path):
        driver = Driver(tmp_path, version)
        other = write_tiny_network(tmp_path / 'other.onnx', **changes)
        assert message in driver.build(model=other)
        driver.context.pop()
        driver.context.detach()


def test_garbage_is_not_parsed(tensorrt_version, tmp_path):
    driver = Driver(tmp_path, tensorrt_version)
    (tmp_path / 'garbage.onnx').write_bytes(b'garbage')
    assert 'Failed to parse the ONNX model' in driver.build(model=tmp_path / 'garbage.onnx')
    driver.context.pop()
    driver.context.detach()


@pytest.mark.parametrize('version', ['8.2', '8.5', '8.6'])
def test_up_to_8_6_a_network_must_have_an_explicit_batch(tmp_path, version):
    with tensorrt_double.installed(version, tmp_path):
        driver = Driver(tmp_path, version)
        assert 'explicit batch' in driver.build(explicit=False)
        driver.context.pop()
        driver.context.detach()


def _halves(plan):
    header, _ = read_plan(bytes(plan))
    return {layer['name'] for layer in header['layers']
            if layer['type'] != 'CONSTANT' and layer['outputs'][0][2] == 'HALF'}


@pytest.mark.parametrize('version', ['8.2', '8.6', '10.13'])
def test_pinned_layers_stay_in_float32_only_if_the_builder_is_told_to_obey(tmp_path, version):
    with tensorrt_double.installed(version, tmp_path):
        driver = Driver(tmp_path, version)
        assert _halves(driver.build()) == set()
        ignored = driver.build(flags=['FP16'], pin=SENSITIVE_NODES)
        assert {'stem', 'squares', 'softmax'} <= _halves(ignored)
        obeyed = _halves(driver.build(flags=['FP16', 'OBEY_PRECISION_CONSTRAINTS'],
                                      pin=SENSITIVE_NODES))
        assert 'stem' in obeyed and not obeyed.intersection(SENSITIVE_NODES)
        driver.context.pop()
        driver.context.detach()


def test_a_strongly_typed_network_takes_no_precision_flags(tmp_path):
    with tensorrt_double.installed('10.13', tmp_path):
        driver = Driver(tmp_path, '10.13')
        assert driver.build(typed=True) is not None
        assert driver.build(typed=True, flags=['FP16']) is None
        assert driver.build(typed=True, pin=['softmax']) is None
        assert 'API Usage Error' in ''.join(driver.messages)
        driver.context.pop()
        driver.context.detach()


def test_indices_cannot_be_made_floating_point_numbers(tmp_path):
    with tensorrt_double.installed('8.6', tmp_path):
        import tensorrt
        driver = Driver(tmp_path, '8.6')
        builder = tensorrt.Builder(driver.logger())
        network = builder.create_network(1)
        assert tensorrt.OnnxParser(network, driver.logger()).parse(
            Path(driver.model).read_bytes())
        layer = next(layer for layer in map(network.get_layer, range(network.num_layers))
                     if layer.name == 'sorted')
        layer.set_output_type(0, tensorrt.DataType.FLOAT)
        config = builder.create_builder_config()
        assert builder.build_serialized_network(network, config) is not None
        layer.set_output_type(1, tensorrt.DataType.FLOAT)
        assert builder.build_serialized_network(network, config) is None
        driver.context.pop()
        driver.context.detach()


def test_a_timing_cache_of_another_version_is_not_taken(tmp_path):
    def cache_after(version, content):
        with tensorrt_double.installed(version, tmp_path):
            import tensorrt
            config = tensorrt.Builder(tensorrt.Logger()).create_builder_config()
            cache = config.create_timing_cache(content)
            taken = config.set_timing_cache(cache, ignore_mismatch=False)
            return taken, bytes(cache.serialize())

    taken, content = cache_after('8.2', b'')
    assert taken
    assert cache_after('8.2', content)[0]
    assert not cache_after('8.5', content)[0]
