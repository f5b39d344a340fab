"""The GPU through PyCUDA: the device, its primary context, and memory shared with it."""

import contextlib
from typing import Any, Iterator, NamedTuple, Tuple

import numpy as np
import pycuda.driver as cuda

from edgenext_core.runtime.errors import EngineError


class Gpu(NamedTuple):
    """The device: its name, and its compute capability such as '5.3'."""

    name: str
    compute_capability: str


class SharedBuffer(NamedTuple):
    """The same tensor twice: ``host`` in page-locked memory, ``device`` on the GPU."""

    host: np.ndarray
    device: Any


def describe_gpu() -> Gpu:
    """
    Look at the device, without touching its memory.

    :return: the device
    :raises EngineError: when there is none, or its driver does not work
    """
    try:
        cuda.init()
        device = cuda.Device(0)
        return Gpu(device.name(), '.'.join(map(str, device.compute_capability())))
    except cuda.Error as error:
        raise EngineError(f'CUDA finds no GPU ({error}); check the driver, and in a container '
                          'whether it may use the GPU') from error


@contextlib.contextmanager
def primary_context() -> Iterator[None]:
    """
    Make the device's primary context current: the one that TensorRT, too, takes.

    :raises EngineError: when there is no GPU, or no memory for a context
    """
    describe_gpu()
    try:
        context = cuda.Device(0).retain_primary_context()
    except cuda.Error as error:
        raise cuda_sentence(error) from error
    try:
        context.push()
        try:
            yield
        finally:
            context.pop()
    finally:
        context.detach()  # where it is only dropped, PyCUDA does not release it


def cuda_sentence(error: cuda.Error) -> EngineError:
    """
    Say in one sentence what CUDA could not do.

    :param error: what PyCUDA raised
    :return: the error to raise instead
    """
    if isinstance(error, cuda.MemoryError):
        return EngineError(f'the GPU has no memory left ({error}); close other programs or use a '
                           'smaller model')
    return EngineError(f'CUDA failed ({error}); what the driver says of it is shown by: dmesg')


def allocate(shape: Tuple[int, ...], dtype: str) -> SharedBuffer:
    """
    Allocate a tensor on both sides.

    :param shape: its sizes
    :param dtype: NumPy's name
    :return: the buffer, with nothing in it yet
    """
    host = cuda.pagelocked_empty(shape, np.dtype(dtype))
    return SharedBuffer(host, cuda.mem_alloc(host.nbytes))


def upload(buffer: SharedBuffer, stream: Any) -> None:
    """
    Start to copy a tensor to the GPU.

    :param buffer: the tensor, whose host side must stay as it is until it is there
    :param stream: on which
    """
    cuda.memcpy_htod_async(buffer.device, buffer.host, stream)


def download(buffer: SharedBuffer, stream: Any) -> None:
    """
    Start to copy a tensor from the GPU; it is there once the stream is synchronised.

    :param buffer: the tensor
    :param stream: on which
    """
    cuda.memcpy_dtoh_async(buffer.host, buffer.device, stream)
