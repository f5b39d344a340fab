"""The backend for NVIDIA GPUs: TensorRT 8.2 to 11 and TensorRT-RTX."""

import functools
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

from edgenext_core.runtime.engines.cuda_buffers import (
    SharedBuffer,
    allocate,
    describe_gpu,
    download,
    upload,
)
from edgenext_core.runtime.engines.gpu_thread import acquire_gpu_thread, release_gpu_thread
from edgenext_core.runtime.engines.interface import Engine, TensorSpec
from edgenext_core.runtime.engines.nvidia import named
from edgenext_core.runtime.engines.precision import read_precision
from edgenext_core.runtime.engines.tensorrt_log import make_log
from edgenext_core.runtime.errors import EngineError
from edgenext_core.runtime.model_card import ModelCard

_DTYPES = {'FLOAT': 'float32', 'HALF': 'float16', 'INT32': 'int32', 'INT64': 'int64',
           'UINT8': 'uint8', 'INT8': 'int8', 'BOOL': 'bool'}
# TensorRT keeps the first logger that it is given for the whole process.
_log_of = functools.lru_cache(maxsize=None)(make_log)


class TensorRTEngine(Engine):
    """
    A model on the GPU.

    All that it has there belongs to the process's thread on the GPU, which several engines share;
    ``precision`` says how many of its layers compute in float16.

    :param path: the engine file
    :param card: the card of the model that it was built from
    :param trt: the module that built it, ``tensorrt`` or ``tensorrt_rtx``
    :raises EngineError: when there is no GPU, no memory, or the file is not for this machine
    """

    backend = 'tensorrt'

    def __init__(self, path: str, card: ModelCard, trt: Any) -> None:
        """Load the engine."""
        self.card = card
        self.version = named(trt)[len('TensorRT'):].strip(' -')
        self.device = describe_gpu().name
        with open(path, 'rb') as stream:
            content = stream.read()
        self._gpu = acquire_gpu_thread()
        try:
            self._network: Any = self._gpu.admit(
                lambda: LoadedNetwork(trt, path, content, self._gpu.stream))
        except EngineError:
            release_gpu_thread(self._gpu)
            raise
        self.inputs = self._network.inputs
        self.outputs = self._network.outputs
        self.precision = self._network.precision

    def infer(self, image: np.ndarray) -> Dict[str, np.ndarray]:
        """
        Run the network.

        :param image: see ``Engine.infer``
        :return: the outputs by name; those in float16 as float32
        :raises EngineError: when TensorRT or CUDA fails, or after ``close``
        """
        if self._network is None:
            raise EngineError('the engine is closed; open the model again')
        return self._gpu.call(lambda: self._network.run(image))

    def close(self) -> None:
        """Free the engine's memory; ``infer`` then raises."""
        network, self._network = self._network, None
        if network is not None:
            try:
                self._gpu.evict(network)
            finally:
                release_gpu_thread(self._gpu)


class LoadedNetwork:
    """
    What an engine has on the GPU; made, used and freed by the thread on the GPU.

    :param trt: the module ``tensorrt`` or ``tensorrt_rtx``
    :param path: of the engine file, for messages
    :param content: its bytes
    :param stream: of the thread
    :raises EngineError: when TensorRT refuses the file, or lacks memory
    """

    def __init__(self, trt: Any, path: str, content: bytes, stream: Any) -> None:
        """Deserialise the engine and allocate its inputs and outputs."""
        self._name = named(trt)
        self._log = _log_of(trt)
        self._stream = stream
        self._runtime = trt.Runtime(self._log)
        self._engine = self._runtime.deserialize_cuda_engine(content)
        if self._engine is None:
            raise EngineError(
                f'{path} cannot be used by {self._name} on this GPU; it is damaged, '
                'or was built by another version or on another GPU: build it again with: edgenext '
                f'build (TensorRT says: {self._log.take_errors()})')
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise EngineError(f'TensorRT has no memory to run {path}; close other programs or use '
                              f'a smaller model (it says: {self._log.take_errors()})')
        tensors = _io_tensors(trt, self._engine)
        self.inputs = tuple(spec for spec, is_input in tensors if is_input)
        self.outputs = tuple(spec for spec, is_input in tensors if not is_input)
        self.precision = str(read_precision(trt, self._engine))
        self._buffers: Dict[str, SharedBuffer] = {
            spec.name: allocate(spec.shape, spec.dtype)  # type: ignore[arg-type]
            for spec, _ in tensors}
        self._launch: Any = _launcher(self._context, stream, [
            (name, int(buffer.device)) for name, buffer in self._buffers.items()])

    def run(self, image: np.ndarray) -> Dict[str, np.ndarray]:
        """
        Run the network once.

        :param image: of the input's shape; its values are cast to the input's dtype
        :return: copies of the outputs, in ordinary memory
        :raises EngineError: when the shape is another one, or TensorRT fails
        """
        source = self._buffers[self.inputs[0].name]
        if image.shape != source.host.shape:
            raise EngineError(f'the engine takes {self.inputs[0]}, got an image of the shape '
                              f'{image.shape}; give one of the shape that the engine takes')
        np.copyto(source.host, image)
        upload(source, self._stream)
        if not self._launch():
            raise EngineError(f'{self._name} failed to run the model (it says: '
                              f'{self._log.take_errors()})')
        for spec in self.outputs:
            download(self._buffers[spec.name], self._stream)
        self._stream.synchronize()
        return {spec.name: _copied(self._buffers[spec.name].host) for spec in self.outputs}

    def free(self) -> None:
        """Let go of everything, in the order in which one needs the other."""
        try:
            self._stream.synchronize()
        finally:
            self._buffers.clear()
            self._launch = None
            self._context = None
            self._engine = None
            self._runtime = None
            self._stream = None


def _io_tensors(trt: Any, engine: Any) -> List[Tuple[TensorSpec, bool]]:
    """Give the engine's inputs and outputs in its order, each with whether it is an input."""
    if hasattr(engine, 'num_io_tensors'):
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        return [(_spec(name, engine.get_tensor_dtype(name), engine.get_tensor_shape(name)),
                 engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT) for name in names]
    return [(_spec(engine.get_binding_name(index), engine.get_binding_dtype(index),
                   engine.get_binding_shape(index)), engine.binding_is_input(index))
            for index in range(engine.num_bindings)]


def _spec(name: str, dtype: Any, shape: Any) -> TensorSpec:
    return TensorSpec(name, _DTYPES.get(dtype.name, dtype.name), tuple(shape))


def _launcher(context: Any, stream: Any, addresses: List[Tuple[str, int]]) -> Callable[[], bool]:
    """Give what starts one run on the stream, by the newest way that this TensorRT has."""
    if hasattr(context, 'execute_async_v3'):
        for name, address in addresses:
            context.set_tensor_address(name, address)
        return lambda: context.execute_async_v3(stream.handle)
    bindings = [address for _, address in addresses]
    if hasattr(context, 'execute_async_v2'):
        return lambda: context.execute_async_v2(bindings, stream.handle)

    def run() -> bool:
        stream.synchronize()
        return context.execute_v2(bindings)
    return run


def _copied(host: np.ndarray) -> np.ndarray:
    return host.astype(np.float32 if host.dtype == np.float16 else host.dtype)
