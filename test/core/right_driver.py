"""A minimal right use of TensorRT and CUDA, which tests of the double make wrong."""

from pathlib import Path

import numpy as np
from tensorrt_double.trt_builder import read_plan
from tiny_onnx import a_frame, write_tiny_network


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
        self.context.detach()


def _numpy(dtype):
    from tensorrt_double.trt_types import NUMPY
    return np.dtype(NUMPY[dtype])
