"""The double lets no wrong driver pass."""

import contextlib
import threading

import numpy as np
import pytest
import tensorrt_double
from right_driver import Driver
from tiny_onnx import a_frame

StrictError = tensorrt_double.StrictError


def test_a_right_driver_passes(tensorrt_version, tmp_path):
    driver = Driver(tmp_path, tensorrt_version).open()
    first = driver.run()
    np.testing.assert_array_equal(driver.run(), first)
    assert first.sum() == pytest.approx(1)
    driver.close()


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
    FORGOTTEN.append(driver.cuda.Device(0).retain_primary_context())
    driver.close()


def drops_the_primary_context_without_detach(driver):
    driver.cuda.Device(0).retain_primary_context()
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
    drops_the_primary_context_without_detach: 'dropped without detach',
    hides_everything_behind_an_except: '1 bindings for an engine of 4',
}


def _image(driver):
    return a_frame().astype(driver.host['image'].dtype)


@pytest.mark.parametrize('version', ['8.2', '11'])
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
