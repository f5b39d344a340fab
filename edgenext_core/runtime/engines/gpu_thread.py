"""
The one thread of the process by which everything on the GPU is made, used and deleted.

CUDA's current context belongs to a thread, and PyCUDA cleans up in the thread that made a thing
or not at all. So the engines share this thread, its context and its stream.
"""

import atexit
import logging
import queue
import threading
import traceback
from typing import Any, Callable, List, Optional, Tuple, TypeVar

import pycuda.driver as cuda

from edgenext_core.runtime.engines.cuda_buffers import cuda_sentence, primary_context
from edgenext_core.runtime.errors import EngineError

T = TypeVar('T')
Answer = Tuple[Any, Optional[EngineError]]
"""What a task returned, or what it raised."""
_log = logging.getLogger(__name__)


class GpuThread:
    """
    A thread with the GPU's primary context and a stream; work is handed to it and waited for.

    :raises EngineError: when there is no GPU, or no memory for a context
    """

    def __init__(self) -> None:
        """Start the thread."""
        self.stream: Any = None
        self.users = 0
        self._residents: List[Any] = []
        self._tasks: queue.Queue = queue.Queue()
        self._thread = threading.Thread(target=self._run, name='gpu', daemon=True)
        self._thread.start()
        try:
            self.call(lambda: None)
        except EngineError:
            self.stop()
            raise

    def call(self, function: Callable[[], T]) -> T:
        """
        Have the thread do something, and wait for it.

        :param function: what to do
        :return: what it returns
        :raises EngineError: when it raises anything
        """
        answers: queue.Queue = queue.Queue()
        self._tasks.put((function, answers))
        result, error = answers.get()
        if error is not None:
            raise error
        return result

    def admit(self, make: Callable[[], T]) -> T:
        """
        Have the thread make something that lives on the GPU until it is evicted.

        :param make: gives an object whose ``free`` lets go of all it has there
        :return: the object
        """
        def made() -> T:
            resident = make()
            self._residents.append(resident)
            return resident
        return self.call(made)

    def evict(self, resident: Any) -> None:
        """
        Have the thread free what :meth:`admit` gave.

        :param resident: the object
        """
        def free() -> None:
            self._residents.remove(resident)
            resident.free()
        self.call(free)

    def stop(self) -> None:
        """Free what is left, let go of the context and end the thread."""
        self._tasks.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopped = False
        try:
            with primary_context():
                self.stream = cuda.Stream()
                self._serve(_outcome)
                stopped = True
                for resident in reversed(self._residents):
                    _outcome(resident.free)
                self.stream = None
        except Exception as error:  # else those who wait for an answer would wait for ever
            failure = _sentence(error)
            if not stopped:
                self._serve(lambda function: (None, failure))

    def _serve(self, answer: Callable[[Callable[[], Any]], Answer]) -> None:
        for function, answers in iter(self._tasks.get, None):
            answers.put(answer(function))
            del function, answers


def _outcome(function: Callable[[], Any]) -> Answer:
    try:
        return function(), None
    except Exception as error:
        _log.debug('%s', traceback.format_exc())
        # Else the error's frames would hold GPU memory that another thread lets go of.
        for link in (error, error.__cause__, error.__context__):
            if link is not None:
                traceback.clear_frames(link.__traceback__)
        return None, _sentence(error)


def _sentence(error: Exception) -> EngineError:
    """Give an error to raise in another thread; a strange one may hold on to things, too."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, cuda.Error):
        return cuda_sentence(error)
    return EngineError(f'TensorRT or PyCUDA does not work here ({type(error).__name__}: {error}); '
                       'check their versions, or take the backend onnxruntime')


_lock = threading.Lock()
_threads: List[GpuThread] = []


def acquire_gpu_thread() -> GpuThread:
    """
    Give the process's thread on the GPU; its first user starts it.

    :return: the thread, to be given back with :func:`release_gpu_thread`
    :raises EngineError: when there is no GPU, or no memory for a context
    """
    with _lock:
        if not _threads:
            _threads.append(GpuThread())
        _threads[0].users += 1
        return _threads[0]


def release_gpu_thread(thread: GpuThread) -> None:
    """
    Give the thread back; its last user stops it.

    :param thread: what :func:`acquire_gpu_thread` gave
    """
    with _lock:
        thread.users -= 1
        if thread.users == 0:
            _threads.remove(thread)
            thread.stop()


@atexit.register
def _stop_at_exit() -> None:
    """Stop a thread that was forgotten: PyCUDA aborts a process that leaves a context behind."""
    while _threads:
        _threads.pop().stop()
