"""The double itself: it has what each version has, and lets no wrong driver pass."""

import contextlib
import json
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import tensorrt_double
from tensorrt_double.api_table import API, VERSIONS, has, names_of
from tensorrt_double.importers import importers_of
from tensorrt_double.trt_builder import read_plan, remake_plan
from tiny_onnx import SENSITIVE_NODES, a_frame, write_tiny_network

StrictError = tensorrt_double.StrictError

# ---------------------------------------------------------------- what each version has


def test_the_spans_of_the_table_are_in_order_and_no_name_stands_twice():
    for name, table in API.items():
        for version in VERSIONS:
            names = [member for spans, members in table.items() if has(version, spans)
                     for member in members.split()]
            assert len(names) == len(set(names)), (name, version)
        for span in (span for spans in table for span in spans.split()):
            first, last = span.split('-')
            assert VERSIONS.index(first) <= VERSIONS.index(last)


@pytest.mark.parametrize('name, member, versions', [
    ('ICudaEngine', 'num_bindings', '8.2 8.5 8.6'),
    ('ICudaEngine', 'num_io_tensors', '8.5 8.6 10.3 10.13 11'),
    ('IExecutionContext', 'execute_async_v2', '8.2 8.5 8.6'),
    ('IExecutionContext', 'execute_async_v3', '8.5 8.6 10.3 10.13 11'),
    ('IExecutionContext', 'execute_v2', '8.2 8.5 8.6 10.3 10.13 11'),
    ('IBuilderConfig', 'max_workspace_size', '8.2 8.5 8.6'),
    ('IBuilderConfig', 'set_memory_pool_limit', '8.5 8.6 10.3 10.13 11'),
    ('BuilderFlag', 'FP16', '8.2 8.5 8.6 10.3 10.13'),
    ('BuilderFlag', 'OBEY_PRECISION_CONSTRAINTS', '8.2 8.5 8.6 10.3 10.13'),
    ('ILayer', 'precision', '8.2 8.5 8.6 10.3 10.13'),
    ('NetworkDefinitionCreationFlag', 'EXPLICIT_BATCH', '8.2 8.5 8.6 10.3 10.13'),
    ('NetworkDefinitionCreationFlag', 'STRONGLY_TYPED', '10.3 10.13 11'),
    ('ICudaEngine', 'device_memory_size', '8.2 8.5 8.6 10.3 10.13'),
    ('Builder', 'platform_has_fast_fp16', '8.2 8.5 8.6 10.3 10.13'),
    ('DataType', 'UINT8', '8.5 8.6 10.3 10.13 11'),
    ('IBuilderConfig', 'progress_monitor', '10.3 10.13 11'),
])
def test_the_module_has_a_name_exactly_where_the_facts_say(tmp_path, name, member, versions):
    for version in VERSIONS:
        with tensorrt_double.installed(version, tmp_path):
            import tensorrt
            assert hasattr(getattr(tensorrt, name), member) == (version in versions.split())


def test_every_class_has_the_names_of_the_table_and_no_others(tensorrt_version):
    import tensorrt
    for name, table in API.items():
        expected = names_of(tensorrt_version, table)
        cls = getattr(tensorrt, name, None)
        if not expected:
            assert cls is None, name
            continue
        if hasattr(cls, '__members__'):
            assert set(cls.__members__) == expected - {'name', 'value', 'itemsize'}
        else:
            base = set(dir(bytes)) if issubclass(cls, bytes) else set()
            assert {entry for entry in dir(cls)
                    if not entry.startswith('_')} - base == expected, name


@pytest.mark.skipif('TENSORRT_API' not in os.environ, reason='TENSORRT_API names no folder of '
                    'listings, VERSION.json with {class: [names]}')
@pytest.mark.parametrize('version', VERSIONS)
def test_the_table_says_what_the_real_bindings_say(version):
    listing = json.loads((Path(os.environ['TENSORRT_API']) / f'{version}.json').read_text())
    for name, table in API.items():
        real = {entry for entry in listing.get(name, []) if not entry.startswith('_')}
        assert names_of(version, table) == real, name


def test_what_the_double_has_not_made_up_is_there_and_says_so(tmp_path):
    with (pytest.raises(StrictError, match='add what it does'),
          tensorrt_double.installed('8.6', tmp_path)):
        import tensorrt
        builder = tensorrt.Builder(tensorrt.Logger())
        assert hasattr(builder, 'is_network_supported')
        builder.is_network_supported()


def test_an_attribute_that_a_version_has_not_can_neither_be_read_nor_set(tmp_path):
    with tensorrt_double.installed('10.3', tmp_path):
        import tensorrt
        config = tensorrt.Builder(tensorrt.Logger()).create_builder_config()
        with pytest.raises(AttributeError):
            config.max_workspace_size = 1
        with pytest.raises(AttributeError):
            tensorrt.BuilderFlag.STRICT_TYPES  # noqa: B018


def test_only_what_has_a_constructor_can_be_made_by_hand(tensorrt_version):
    import tensorrt
    with pytest.raises(TypeError, match='No constructor defined'):
        tensorrt.ICudaEngine()


def test_a_logger_must_call_the_constructor_of_its_base(tensorrt_version):
    import tensorrt

    class Forgetful(tensorrt.ILogger):
        def __init__(self):
            pass

    with pytest.raises(TypeError, match='must be called when overriding'):
        Forgetful()


def test_there_are_130_operators_in_8_2_and_none_is_lost_later():
    assert len(importers_of('8.2')) == 130
    for older, newer in zip(VERSIONS, VERSIONS[1:]):
        assert importers_of(older) <= importers_of(newer)
    assert 'LayerNormalization' not in importers_of('8.5')
    assert 'LayerNormalization' in importers_of('8.6')


# ---------------------------------------------------------------- a right driver, to be made wrong


class Driver:
    """A minimal right use of TensorRT and CUDA in the calling thread, step by step."""

    def __init__(self, folder, version, *, push=True):
        import pycuda.driver as cuda
        import tensorrt
        self.cuda, self.trt = cuda, tensorrt
        self.model = write_tiny_network(folder / 'tiny.onnx', uint8=version != '8.2')
        self.messages = []
        self.plan = self.build()
        cuda.init()
        self.context = cuda.Device(0).retain_primary_context()
        if push:
            self.context.push()

    def logger(self):
        messages = self.messages

        class Log(self.trt.ILogger):
            def __init__(self):
                super().__init__()

            def log(self, severity, msg):
                messages.append(f'{severity.name}: {msg}')

        return Log()

    def build(self, *, flags=(), typed=False, pin=(), model=None, explicit=True):
        trt = self.trt
        builder = trt.Builder(self.logger())
        flag = getattr(trt.NetworkDefinitionCreationFlag, 'EXPLICIT_BATCH', None)
        bits = 0 if flag is None or not explicit else 1 << int(flag)
        if typed:
            bits |= 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
        network = builder.create_network(bits)
        parser = trt.OnnxParser(network, self.logger())
        if not parser.parse(Path(model or self.model).read_bytes()):
            return parser.get_error(0).desc()
        config = builder.create_builder_config()
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
        for name in flags:
            config.set_flag(getattr(trt.BuilderFlag, name))
        for index in range(network.num_layers):
            if network.get_layer(index).name in pin:
                network.get_layer(index).precision = trt.DataType.FLOAT
        return builder.build_serialized_network(network, config)

    def open(self):
        self.runtime = self.trt.Runtime(self.logger())
        self.engine = self.runtime.deserialize_cuda_engine(self.plan)
        self.execution = self.engine.create_execution_context()
        self.stream = self.cuda.Stream()
        header, _ = read_plan(bytes(self.plan))
        self.io = header['io']
        self.host = {name: self.cuda.pagelocked_empty(shape, _numpy(dtype))
                     for name, _, dtype, shape in self.io}
        self.device = {name: self.cuda.mem_alloc(host.nbytes) for name, host in self.host.items()}
        return self

    def upload(self):
        self.host['image'][:] = a_frame()
        self.cuda.memcpy_htod_async(self.device['image'], self.host['image'], self.stream)

    def launch(self):
        addresses = [int(self.device[name]) for name, *_ in self.io]
        if hasattr(self.execution, 'execute_async_v3'):
            for (name, *_), address in zip(self.io, addresses):
                assert self.execution.set_tensor_address(name, address)
            return self.execution.execute_async_v3(self.stream.handle)
        return self.execution.execute_async_v2(addresses, self.stream.handle)

    def download(self, name='probabilities'):
        self.cuda.memcpy_dtoh_async(self.host[name], self.device[name], self.stream)

    def run(self):
        self.upload()
        assert self.launch()
        self.download()
        self.stream.synchronize()
        return self.host['probabilities'].copy()

    def close(self):
        self.device.clear()
        self.host.clear()
        self.stream = self.execution = self.engine = self.runtime = None
        self.context.pop()
        self.context = None


def _numpy(dtype):
    from tensorrt_double.trt_types import NUMPY
    return np.dtype(NUMPY[dtype])


def test_a_right_driver_passes(tensorrt_version, tmp_path):
    driver = Driver(tmp_path, tensorrt_version).open()
    first = driver.run()
    np.testing.assert_array_equal(driver.run(), first)
    assert first.sum() == pytest.approx(1)
    driver.close()


# ---------------------------------------------------------------- one wrong driver for each rule


def reads_before_it_synchronises(driver):
    expected = driver.run()
    driver.upload()
    driver.launch()
    driver.download()
    garbage = driver.host['probabilities'].copy()
    driver.stream.synchronize()
    np.testing.assert_array_equal(driver.host['probabilities'], expected)
    assert not np.array_equal(garbage, expected)
    driver.close()
    raise StrictError('garbage was read')


def never_synchronises(driver):
    driver.upload()
    driver.close()


def uses_freed_device_memory(driver):
    address = int(driver.device['image'])
    driver.device['image'].free()
    driver.execution.execute_v2([address] * len(driver.io))


def asks_for_the_address_of_freed_memory(driver):
    driver.device['image'].free()
    int(driver.device['image'])


def frees_memory_with_work_pending(driver):
    driver.upload()
    driver.device['image'].free()
    driver.stream.synchronize()


def leaves_a_binding_unset(driver):
    driver.execution.execute_v2([int(driver.device['image'])] + [0] * (len(driver.io) - 1))


def gives_too_few_bindings(driver):
    driver.execution.execute_v2([int(driver.device['image'])])


def swaps_its_bindings(driver):
    driver.cuda.memcpy_htod(driver.device['image'], _image(driver))
    addresses = [int(driver.device[name]) for name, *_ in driver.io]
    driver.execution.execute_v2(addresses[::-1])


def never_writes_the_input(driver):
    driver.launch()
    driver.stream.synchronize()


def uploads_another_dtype(driver):
    wrong = np.int8 if driver.host['image'].dtype == np.uint8 else np.int32
    driver.cuda.memcpy_htod(driver.device['image'], driver.host['image'].astype(wrong))
    driver.launch()
    driver.stream.synchronize()


def downloads_another_dtype(driver):
    driver.run()
    driver.cuda.memcpy_dtoh(np.zeros(3, np.int32), driver.device['probabilities'])


def uploads_too_little(driver):
    driver.cuda.memcpy_htod(driver.device['image'], _image(driver)[:, 1:])


def allocates_too_little(driver):
    driver.device['probabilities'] = driver.cuda.mem_alloc(4)
    driver.launch()


def uploads_in_fortran_order(driver):
    driver.cuda.memcpy_htod(driver.device['image'], np.asfortranarray(_image(driver)))


def uploads_ordinary_memory_asynchronously(driver):
    driver.cuda.memcpy_htod_async(driver.device['image'], _image(driver), driver.stream)


def downloads_into_ordinary_memory_asynchronously(driver):
    driver.run()
    driver.cuda.memcpy_dtoh_async(np.zeros((1, 3), np.float32), driver.device['probabilities'],
                                  driver.stream)


def writes_the_next_frame_while_the_last_one_is_copied(driver):
    driver.upload()
    driver.host['image'][:] = a_frame(1)
    driver.stream.synchronize()


def lets_go_of_host_memory_while_it_is_copied(driver):
    driver.upload()
    del driver.host['image']
    driver.stream.synchronize()


def executes_at_once_what_is_still_being_copied(driver):
    driver.upload()
    driver.execution.execute_v2([int(driver.device[name]) for name, *_ in driver.io])


def uses_two_streams_that_do_not_wait(driver):
    driver.upload()
    driver.stream, first = driver.cuda.Stream(), driver.stream
    driver.launch()
    driver.stream.synchronize()
    first.synchronize()


def uses_a_destroyed_stream(driver):
    handle = driver.stream.handle
    driver.stream = None
    addresses = [int(driver.device[name]) for name, *_ in driver.io]
    if hasattr(driver.execution, 'execute_async_v3'):
        for (name, *_), address in zip(driver.io, addresses):
            driver.execution.set_tensor_address(name, address)
        driver.execution.execute_async_v3(handle)
    else:
        driver.execution.execute_async_v2(addresses, handle)


def runs_in_another_thread(driver):
    caught = []

    def launch():
        try:
            driver.launch()
        except StrictError as error:
            caught.append(error)

    thread = threading.Thread(target=launch)
    thread.start()
    thread.join()
    assert caught
    driver.close()


def frees_in_another_thread(driver):
    thread = threading.Thread(target=driver.device.clear)
    thread.start()
    thread.join()


def destroys_the_engine_in_another_thread(driver):
    driver.execution = None

    def destroy():
        driver.engine = None

    thread = threading.Thread(target=destroy)
    thread.start()
    thread.join()


def makes_a_second_context(driver):
    second = driver.cuda.Device(0).make_context()
    try:
        driver.launch()
    finally:
        second.pop()


def mixes_the_memory_of_two_contexts(driver):
    second = driver.cuda.Device(0).make_context()
    driver.device['image'] = driver.cuda.mem_alloc(driver.host['image'].nbytes)
    second.pop()
    driver.launch()


def pops_the_context_first(driver):
    driver.context.pop()
    driver.execution = driver.engine = driver.runtime = None


def never_pops_the_context(driver):
    driver.device.clear()
    driver.host.clear()
    driver.stream = driver.execution = driver.engine = driver.runtime = None


def forgets_the_engine(driver):
    driver.device.clear()
    driver.host.clear()
    driver.stream = None
    FORGOTTEN.append(driver.engine)
    driver.context.pop()


def forgets_device_memory(driver):
    FORGOTTEN.append(driver.device['image'])
    driver.close()


def forgets_host_memory(driver):
    FORGOTTEN.append(driver.host['image'])
    driver.close()


def keeps_the_primary_context(driver):
    FORGOTTEN.append(driver.context)
    driver.close()


def hides_everything_behind_an_except(driver):
    with contextlib.suppress(Exception):
        gives_too_few_bindings(driver)
    driver.close()


FORGOTTEN = []
"""What a wrong driver keeps, as a global or a cycle would; so it is still there at the end."""

WRONG = {
    reads_before_it_synchronises: 'garbage was read',
    never_synchronises: 'never synchronised|destroyed with work pending',
    uses_freed_device_memory: 'it was freed or never allocated',
    asks_for_the_address_of_freed_memory: 'address of freed device memory',
    frees_memory_with_work_pending: 'freed with work pending|was freed before',
    leaves_a_binding_unset: 'is left unset',
    gives_too_few_bindings: '1 bindings for an engine of 4',
    swaps_its_bindings: 'has .* bytes, the engine takes',
    never_writes_the_input: 'the input image was never written',
    uploads_another_dtype: 'the input image holds int',
    downloads_another_dtype: 'a copy of float32 values from the device into int32',
    uploads_too_little: 'bytes on the host',
    allocates_too_little: 'the memory of probabilities has 4 bytes, the engine takes 12',
    uploads_in_fortran_order: 'Fortran-ordered',
    uploads_ordinary_memory_asynchronously: 'is not page-locked',
    downloads_into_ordinary_memory_asynchronously: 'is not page-locked',
    writes_the_next_frame_while_the_last_one_is_copied: 'the host memory changed',
    lets_go_of_host_memory_while_it_is_copied: 'host memory was freed before the copy',
    executes_at_once_what_is_still_being_copied: 'is pending; synchronise its stream first',
    uses_two_streams_that_do_not_wait: 'neither waits for the other',
    uses_a_destroyed_stream: 'it was destroyed or never made',
    runs_in_another_thread: 'in a thread without a CUDA context',
    frees_in_another_thread: 'cleaned up by another thread',
    destroys_the_engine_in_another_thread: 'destroyed where its CUDA context is not current',
    makes_a_second_context: 'in another CUDA context',
    mixes_the_memory_of_two_contexts: 'is of another CUDA context',
    pops_the_context_first: 'before the context is popped',
    never_pops_the_context: 'The context stack was not empty',
    forgets_the_engine: 'leak: a TensorRT engine',
    forgets_device_memory: 'leak: device memory',
    forgets_host_memory: 'leak: page-locked host memory',
    keeps_the_primary_context: 'leak: the primary context',
    hides_everything_behind_an_except: '1 bindings for an engine of 4',
}


def _image(driver):
    return a_frame().astype(driver.host['image'].dtype)


@pytest.mark.parametrize('version', ['8.2', '8.6', '11'])
@pytest.mark.parametrize('wrong', WRONG, ids=lambda function: function.__name__)
def test_a_wrong_driver_is_caught(wrong, version, tmp_path):
    with (pytest.raises(StrictError, match=WRONG[wrong]),
          tensorrt_double.installed(version, tmp_path)):
        driver = Driver(tmp_path, version).open()
        try:
            wrong(driver)
        finally:
            driver.__dict__.clear()
    FORGOTTEN.clear()


# ---------------------------------------------------------------- what answers with an error


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
            driver.cuda.memcpy_htod(driver.device['image'], _image(driver)[:, :, ::2])
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
    driver.context = None


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
        driver.context = None


def test_garbage_is_not_parsed(tensorrt_version, tmp_path):
    driver = Driver(tmp_path, tensorrt_version)
    (tmp_path / 'garbage.onnx').write_bytes(b'garbage')
    assert 'Failed to parse the ONNX model' in driver.build(model=tmp_path / 'garbage.onnx')
    driver.context.pop()
    driver.context = None


@pytest.mark.parametrize('version', ['8.2', '8.5', '8.6'])
def test_up_to_8_6_a_network_must_have_an_explicit_batch(tmp_path, version):
    with tensorrt_double.installed(version, tmp_path):
        driver = Driver(tmp_path, version)
        assert 'explicit batch' in driver.build(explicit=False)
        driver.context.pop()
        driver.context = None


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
        driver.context = None


def test_a_strongly_typed_network_takes_no_precision_flags(tmp_path):
    with tensorrt_double.installed('10.13', tmp_path):
        driver = Driver(tmp_path, '10.13')
        assert driver.build(typed=True) is not None
        assert driver.build(typed=True, flags=['FP16']) is None
        assert driver.build(typed=True, pin=['softmax']) is None
        assert 'API Usage Error' in ''.join(driver.messages)
        driver.context.pop()
        driver.context = None


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
        driver.context = None


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
