"""
What stands for ``pycuda.driver``: inducer/pycuda v2022.1, src/cpp/cuda.hpp, wrap_cudadrv.cpp.

The parts that v2022.1 (Python 3.6) and v2026.1 have alike. Contexts are a stack for each thread;
an object remembers the context it was made in, and is cleaned up by that context's thread only.
"""

import ctypes
import threading
import time
import weakref

import numpy as np

from tensorrt_double.fake_gpu import POISON, gpu


class Error(Exception):
    """Base of the driver's errors."""


class MemoryError(Error):  # noqa: A001
    """No memory on the device."""


class LogicError(Error):
    """A call that cannot be right."""


class LaunchError(Error):
    """A kernel that failed."""


class RuntimeError(Error):  # noqa: A001
    """Anything else."""


def init(flags=0):
    """Initialise the driver."""
    if gpu().memory == 0:
        raise RuntimeError('cuInit failed: no CUDA-capable device is detected')
    gpu().initialized = True


class Device:
    """A device by its number; needs ``init``."""

    def __init__(self, number):
        if not gpu().initialized:
            raise LogicError('cuDeviceGet failed: initialization error')
        if number != 0:
            raise LogicError('cuDeviceGet failed: invalid device ordinal')

    @staticmethod
    def count():
        if not gpu().initialized:
            raise LogicError('cuDeviceGetCount failed: initialization error')
        return 1

    def name(self):
        return gpu().name

    def compute_capability(self):
        return gpu().compute_capability

    def total_memory(self):
        return gpu().memory

    def make_context(self, flags=0):
        context = Context(next(gpu()._handles), primary=False)
        context.push()
        return context

    def retain_primary_context(self):
        gpu().primary_users += 1
        return Context(1, primary=True)


class Context:
    """A context; ``retain_primary_context`` does not make it current."""

    def __init__(self, handle, primary):
        self.handle = handle
        self._primary = primary
        self._valid = True
        self._gpu = gpu()
        self._thread = threading.get_ident()
        self._number = gpu().born('a second CUDA context') if not primary else None

    def push(self):
        gpu().stack.append(self)

    @staticmethod
    def pop():
        if not gpu().stack:
            raise LogicError('context::pop failed: invalid device context - cannot pop '
                             'non-current context')
        gpu().stack.pop()

    @staticmethod
    def get_current():
        return gpu().current

    @staticmethod
    def synchronize():
        _require_current('cuCtxSynchronize')
        for queue in gpu().queues.values():
            queue.run()

    def detach(self):
        if not self._valid:
            raise LogicError('context::detach failed: invalid device context - cannot detach '
                             'from invalid context')
        self._release()

    def _release(self):
        self._valid = False
        if self._gpu.current is self and not self._primary:
            self._gpu.stack.pop()
        if self._thread != threading.get_ident():
            self._gpu.note('a CUDA context released by another thread than its own: leaked')
        elif self._primary:
            self._gpu.primary_users -= 1
        else:
            self._gpu.died(self._number)

    def __del__(self):
        if self._valid and self._primary:
            # ~context calls its own detach_internal, not primary_context's.
            self._gpu.note('a primary context was dropped without detach: PyCUDA calls '
                           'cuCtxDetach for it, which does not release it')
        elif self._valid:
            self._release()


def _require_current(routine):
    if gpu().current is None:
        raise LogicError(f'{routine} failed: invalid device context')


class _ContextDependent:
    """Something that lives in the context that was current when it was made."""

    _kind = ''

    def __init__(self):
        self._gpu = gpu()
        self._context = self._gpu.current
        if self._context is None:
            raise LogicError('explicit_context_dependent failed: invalid device context - no '
                             'currently active context?')
        self._number = self._gpu.born(self._kind)

    def _cleanup(self):
        """Give it back, or leak it as PyCUDA does where its context cannot be made current."""
        context, self._context = self._context, None
        if not context._valid:
            self._gpu.note(f'{self._kind} cleaned up after its context was released')
        elif self._gpu.current is not context and context._thread != threading.get_ident():
            self._gpu.note(f"{self._kind} cleaned up by another thread than its context's: leaked")
        else:
            self._gpu.died(self._number)
            self._destroy()

    def _destroy(self):
        """Do what the driver does."""

    def __del__(self):
        if getattr(self, '_context', None) is not None:
            self._cleanup()


class DeviceAllocation(_ContextDependent):
    """Device memory; int() gives its address."""

    _kind = 'device memory'

    def __init__(self, size):
        super().__init__()
        block = gpu().allocate(size)
        if block is None:
            gpu().died(self._number)
            self._context = None
            raise MemoryError('cuMemAlloc failed: out of memory')
        self._address = block.address

    def __int__(self):
        if self._context is None:
            gpu().fault('the address of freed device memory is asked for')
        return self._address

    __index__ = __int__

    def free(self):
        if self._context is None:
            raise LogicError('device_allocation::free failed: invalid resource handle')
        self._cleanup()

    def _destroy(self):
        self._gpu.free(self._address)


class PagelockedHostAllocation(_ContextDependent):
    """Host memory that the device may read and write by itself; the base of a NumPy array."""

    _kind = 'page-locked host memory'

    def __init__(self, shape, dtype):
        super().__init__()
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        self._memory = (ctypes.c_uint8 * max(size, 1))()
        self.__array_interface__ = {
            'shape': tuple(shape), 'typestr': dtype.str, 'version': 3,
            'data': (ctypes.addressof(self._memory), False)}
        ctypes.memset(self._memory, POISON, size)

    def free(self):
        self._cleanup()


def pagelocked_empty(shape, dtype, order='C', mem_flags=0):
    """Give an array in page-locked memory."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    return np.asarray(PagelockedHostAllocation(shape, np.dtype(dtype)))


def _allocation_of(array):
    while array is not None and not isinstance(array, PagelockedHostAllocation):
        array = getattr(array, 'base', None)
    return array


class Stream(_ContextDependent):
    """A stream of its own."""

    _kind = 'a stream'

    def __init__(self, flags=0):
        super().__init__()
        self.handle = gpu().add_queue().handle

    def synchronize(self):
        _require_current('cuStreamSynchronize')
        gpu().queue(self.handle, 'Stream.synchronize').run()

    def is_done(self):
        return not gpu().queue(self.handle, 'Stream.is_done').waiting

    def _destroy(self):
        if self._gpu.queues.pop(self.handle).waiting:
            self._gpu.note('a stream destroyed with work pending on it')


class Event(_ContextDependent):
    """A mark in a stream."""

    _kind = 'an event'

    def __init__(self, flags=0):
        super().__init__()
        self._queue = None
        self._time = None

    def record(self, stream=None):
        self._queue = gpu().queue(_handle(stream), 'Event.record')
        self._time = None
        self._queue.waiting.append((self._mark, []))
        return self

    def _mark(self):
        self._time = time.perf_counter()

    def synchronize(self):
        _require_current('cuEventSynchronize')
        while self._time is None and self._queue is not None and self._queue.waiting:
            self._queue.step()
        return self

    def query(self):
        return self._time is not None

    def time_till(self, later):
        if self._time is None or later._time is None:
            raise LogicError('cuEventElapsedTime failed: device not ready')
        return 1000 * (later._time - self._time)


def _handle(stream):
    return 0 if stream is None else stream.handle


def mem_alloc(size):
    """Allocate device memory."""
    return DeviceAllocation(size)


def mem_get_info():
    """Give the free and the total bytes."""
    _require_current('cuMemGetInfo')
    used = sum(block.size for block in gpu().blocks.values())
    return gpu().memory - used, gpu().memory


def memcpy_htod(dest, src):
    """Copy to the device, at once."""
    _require_current('cuMemcpyHtoD')
    block = _checked(dest, src, 'memcpy_htod')
    gpu().require_idle([block], 'memcpy_htod')
    _write(block, src, np.array(src))


def memcpy_dtoh(dest, src):
    """Copy from the device, at once."""
    _require_current('cuMemcpyDtoH')
    block = _checked(src, dest, 'memcpy_dtoh')
    gpu().require_idle([block], 'memcpy_dtoh')
    _read(block, dest)


def memcpy_htod_async(dest, src, stream=None):
    """Copy to the device when the stream comes to it; ``src`` must stay as it is until then."""
    _require_current('cuMemcpyHtoDAsync')
    block = _checked(dest, src, 'memcpy_htod_async')
    pinned = _pinned(src, 'memcpy_htod_async')
    before, src_of = np.array(src), weakref.ref(src)

    def copy():
        _require_alive(pinned, 'memcpy_htod_async')
        if src_of() is not None and not np.array_equal(_bytes(src_of()), _bytes(before)):
            gpu().fault('memcpy_htod_async: the host memory changed before the copy was '
                        'synchronised')
        _write(block, before, before)

    gpu().queue(_handle(stream), 'memcpy_htod_async').waiting.append((copy, [block]))


def memcpy_dtoh_async(dest, src, stream=None):
    """Copy from the device when the stream comes to it; ``dest`` holds garbage until then."""
    _require_current('cuMemcpyDtoHAsync')
    block = _checked(src, dest, 'memcpy_dtoh_async')
    pinned = _pinned(dest, 'memcpy_dtoh_async')
    _bytes(dest)[:] = POISON
    dest_of = weakref.ref(dest)

    def copy():
        _require_alive(pinned, 'memcpy_dtoh_async')
        if dest_of() is not None:
            _read(block, dest_of())

    gpu().queue(_handle(stream), 'memcpy_dtoh_async').waiting.append((copy, [block]))


def _bytes(array):
    """Give the bytes of a contiguous array, without a copy."""
    return array.reshape(-1).view(np.uint8)


def _checked(device, host, what):
    """Check both sides of a copy and give the block."""
    if not isinstance(host, np.ndarray) or not host.flags.c_contiguous:
        if isinstance(host, np.ndarray) and host.flags.f_contiguous:
            gpu().fault(f'{what}: a Fortran-ordered array copies its bytes in that order')
        raise ValueError('ndarray is not contiguous')
    block = gpu().block(device, what)
    if block.context is not None and gpu().current.handle != block.context.handle:
        gpu().fault(f'{what}: memory of another CUDA context')
    if host.nbytes != block.size:
        gpu().fault(f'{what}: {host.nbytes} bytes on the host, {block.size} on the device')
    return block


def _pinned(array, what):
    allocation = _allocation_of(array)
    if allocation is None:
        gpu().fault(f'{what}: the host memory is not page-locked')
    return weakref.ref(allocation)


def _require_alive(pinned, what):
    if pinned() is None or pinned()._context is None:
        gpu().fault(f'{what}: the host memory was freed before the copy was synchronised')


def _write(block, array, values):
    _require_block(block, 'a copy to the device')
    block.bytes[:] = _bytes(values)
    block.dtype = array.dtype


def _read(block, array):
    _require_block(block, 'a copy from the device')
    if block.dtype is None:
        gpu().fault('a copy from device memory that nobody has written')
    if block.dtype != array.dtype:
        gpu().fault(f'a copy of {block.dtype} values from the device into {array.dtype}')
    _bytes(array)[:] = block.bytes


def _require_block(block, what):
    if gpu().blocks.get(block.address) is not block:
        gpu().fault(f'{what}: the device memory was freed before')
