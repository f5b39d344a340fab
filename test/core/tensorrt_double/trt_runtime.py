"""
The runtime: engines, execution contexts and the inspector.

An engine runs its ONNX file on ONNX Runtime, from and to the GPU's blocks. Every object here must
be used and must die where the CUDA context that it was made in is current.
"""

import json
import weakref

import numpy as np
import onnxruntime

from tensorrt_double.fake_gpu import gpu
from tensorrt_double.trt_builder import read_plan
from tensorrt_double.trt_network import newest
from tensorrt_double.trt_types import NUMPY, Dims, log

_TEXTS = {
    'INT32': 'Row major linear INT32 format', 'INT8': 'Row major linear INT8 format',
    'BOOL': 'Row major linear BOOL', 'UINT8': 'Row major linear UInt8 format',
    'INT64': 'Row major linear Int64 format',
    'FLOAT': 'Row major linear FP32', 'HALF': 'Channel major FP16 format where channel % 8 == 0'}
_WORDS = {'FLOAT': 'Float', 'HALF': 'Half', 'INT32': 'Int32', 'INT64': 'Int64', 'INT8': 'Int8',
          'BOOL': 'Bool', 'UINT8': 'UInt8'}


class _Owned:
    """
    The life of an object in the CUDA context where it was made.

    A part of the object, so that it ends with it.
    """

    def __init__(self, kind):
        self.gpu = gpu()
        self.gpu.require_context(f'{kind} made', None)
        self.kind = kind
        self.context = self.gpu.current
        self._number = self.gpu.born(kind)

    def check(self, what):
        self.gpu.require_context(what, self.context)

    def __del__(self):
        if not hasattr(self, '_number'):
            return
        self.gpu.died(self._number)
        if self.gpu.current is None or self.gpu.current.handle != self.context.handle:
            self.gpu.note(f'{self.kind} destroyed where its CUDA context is not current; delete '
                          'it in its own thread, before the context is popped')


class Runtime:
    """Makes engines of plans."""

    def __init__(self, logger):
        self._logger = logger
        self._owned = _Owned('a TensorRT runtime')

    @property
    def logger(self):
        return self._logger

    def deserialize_cuda_engine(self, serialized_engine):
        """Give an engine, or None after an ERROR in the log."""
        self._owned.check('deserialize_cuda_engine')
        try:
            header, model = read_plan(bytes(serialized_engine))
            problem = self._mismatch(header)
        except ValueError as error:
            problem = ('Serialization assertion magicTagRead == kMAGIC_TAG failed.Magic tag does '
                       'not match' if str(error) == 'magic' else
                       'Serialization assertion sizeRead == static_cast<uint64_t>(mEnd - '
                       'mCurrent) failed.Size specified in header does not match archive size')
        if problem:
            self._fail(problem)
            return None
        if header['device'] != gpu().name:
            log(self._logger, 'WARNING', 'Using an engine plan file across different models of '
                'devices is not recommended and is likely to affect performance or even cause '
                'errors.')
        return self._trt._make('ICudaEngine', runtime=self, header=header, model=model,
                               owned=_Owned('a TensorRT engine'))

    def _mismatch(self, header):
        if header['tensorrt'] != self._trt.__version__:
            return ('Serialization assertion stdVersionRead == serializationVersion failed.'
                    'Version tag does not match. Note: Current Version: '
                    f'{_tag(self._trt.__version__)}, Serialized Engine Version: '
                    f'{_tag(header["tensorrt"])}')
        if tuple(header['compute_capability']) != gpu().compute_capability:
            expected, got = ('.'.join(map(str, capability)) for capability in
                             (gpu().compute_capability, header['compute_capability']))
            return ('The engine plan file is generated on an incompatible device, expecting '
                    f'compute {expected} got compute {got}, please rebuild.')
        return ''

    def _fail(self, problem):
        code = 6 if problem.startswith('The engine plan') else 1
        if newest(self._trt._version, '10.3'):
            name = {1: 'Serialization', 6: 'API Usage Error'}[code]
            log(self._logger, 'ERROR', 'IRuntime::deserializeCudaEngine: Error Code '
                f'{code}: {name} ({problem})')
            return
        log(self._logger, 'ERROR', f'6: {problem}' if code == 6 else
            '1: [stdArchiveReader.cpp::StdArchiveReader::30] Error Code 1: Serialization '
            f'({problem})')
        log(self._logger, 'ERROR', '4: [runtime.cpp::deserializeCudaEngine::50] Error Code 4: '
            'Internal Error (Engine deserialization failed.)')


def _tag(version):
    return sum(int(part) * weight for part, weight in zip(version.split('.'), (24, 6, 1)))


class ICudaEngine:
    """An engine; its tensors are numbered inputs first."""

    def _io(self, key):
        if isinstance(key, str):
            return next((entry for entry in self._header['io'] if entry[0] == key), None)
        return self._header['io'][key]

    @property
    def num_bindings(self):
        return len(self._header['io'])

    @property
    def num_io_tensors(self):
        return len(self._header['io'])

    @property
    def num_layers(self):
        return len(self._header['layers'])

    def get_binding_name(self, index):
        return self._io(index)[0]

    def get_tensor_name(self, index):
        return self._io(index)[0]

    def get_binding_index(self, name):
        return self._header['io'].index(self._io(name)) if self._io(name) else -1

    def binding_is_input(self, index):
        return self._io(index)[1] == 'INPUT'

    def get_tensor_mode(self, name):
        entry = self._io(_text(name))
        return getattr(self._trt.TensorIOMode, entry[1] if entry else 'NONE')

    def get_binding_dtype(self, index):
        return getattr(self._trt.DataType, self._io(index)[2])

    def get_tensor_dtype(self, name):
        return getattr(self._trt.DataType, self._io(_text(name))[2])

    def get_binding_shape(self, index):
        return Dims(self._io(index)[3])

    def get_tensor_shape(self, name):
        return Dims(self._io(_text(name))[3])

    def create_execution_context(self, *arguments):
        """Give a context, or None where the memory does not suffice."""
        self._owned.check('create_execution_context')
        block = gpu().allocate(max(len(self._model), 512))
        if block is None:
            log(self._runtime._logger, 'ERROR', 'IExecutionContext: Error Code 2: OutOfMemory '
                '(no further information)')
            return None
        return self._trt._make('IExecutionContext', engine=self, addresses={},
                               owned=_Activations(block), session=_session(self._model))

    def create_engine_inspector(self):
        """Give an inspector; up to 8.5 it does not keep the engine alive (no keep_alive)."""
        keeps = newest(self._trt._version, '8.6')
        return self._trt._make('EngineInspector', header=self._header,
                               engine=(lambda: self) if keeps else weakref.ref(self))


class _Activations(_Owned):
    """The memory of an execution context."""

    def __init__(self, block):
        super().__init__('a TensorRT execution context')
        self._block = block

    def __del__(self):
        super().__del__()
        if hasattr(self, '_block'):
            self.gpu.free(self._block.address)


def _session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])


def _text(name):
    if not isinstance(name, str):
        raise TypeError('incompatible function arguments: a tensor has a name, not a number')
    return name


class IExecutionContext:
    """What runs an engine, and keeps it alive."""

    @property
    def engine(self):
        return self._engine

    def set_tensor_address(self, name, memory):
        """Say where a tensor is; False for a name that the engine has not."""
        self._owned.check('set_tensor_address')
        if self._engine._io(_text(name)) is None:
            log(self._engine._runtime._logger, 'ERROR', 'IExecutionContext::setTensorAddress: '
                f'Error Code 3: API Usage Error (given invalid tensor name: {name})')
            return False
        self._addresses[name] = _address(memory)
        return True

    def get_tensor_address(self, name):
        return self._addresses.get(name, 0)

    def execute_async_v3(self, stream_handle):
        """Start; False if an address was left unset."""
        self._owned.check('execute_async_v3')
        for name, mode, _, _ in self._engine._header['io']:
            if not self._addresses.get(name):
                log(self._engine._runtime._logger, 'ERROR', 'IExecutionContext::enqueueV3: Error '
                    f'Code 3: API Usage Error (Address is not set for {mode.lower()} tensor '
                    f'{name})')
                return False
        blocks = [self._block(entry, self._addresses[entry[0]])
                  for entry in self._engine._header['io']]
        queue = gpu().queue(_address(stream_handle), 'execute_async_v3')
        queue.waiting.append((lambda: self._run(blocks), blocks))
        return True

    def execute_async_v2(self, bindings, stream_handle, input_consumed=None):
        """Start, with the addresses in the engine's order."""
        self._owned.check('execute_async_v2')
        blocks = self._bound(bindings)
        queue = gpu().queue(_address(stream_handle), 'execute_async_v2')
        queue.waiting.append((lambda: self._run(blocks), blocks))
        return True

    def execute_v2(self, bindings):
        """Run to the end; what waits on a stream does not come before it."""
        self._owned.check('execute_v2')
        blocks = self._bound(bindings)
        gpu().require_idle(blocks, 'execute_v2')
        self._run(blocks)
        return True

    def _bound(self, bindings):
        addresses = [_address(value) for value in bindings]
        io = self._engine._header['io']
        if len(addresses) != len(io):
            gpu().fault(f'{len(addresses)} bindings for an engine of {len(io)}; TensorRT reads '
                        'past their end')
        for entry, address in zip(io, addresses):
            if address == 0:
                gpu().fault(f'the binding of {entry[0]} is left unset')
        return [self._block(entry, address) for entry, address in zip(io, addresses)]

    def _block(self, entry, address):
        name, _, dtype, shape = entry
        block = gpu().block(address, f'the tensor {name}')
        size = int(np.prod(shape)) * np.dtype(NUMPY[dtype]).itemsize
        if block.size != size:
            gpu().fault(f'the memory of {name} has {block.size} bytes, the engine takes {size}')
        if block.context.handle != self._owned.context.handle:
            gpu().fault(f'the memory of {name} is of another CUDA context')
        return block

    def _run(self, blocks):
        feed, outputs = {}, []
        for (name, mode, dtype, shape), block in zip(self._engine._header['io'], blocks):
            if gpu().blocks.get(block.address) is not block:
                gpu().fault(f'the memory of {name} was freed before the execution came to it')
            if mode == 'OUTPUT':
                outputs.append((name, block))
                continue
            if block.dtype is None:
                gpu().fault(f'the input {name} was never written')
            if block.dtype != NUMPY[dtype]:
                gpu().fault(f'the input {name} holds {block.dtype}, the engine takes '
                            f'{np.dtype(NUMPY[dtype])}')
            feed[name] = block.bytes.view(NUMPY[dtype]).reshape(shape)
        results = self._session.run([name for name, _ in outputs], feed)
        for (name, block), value in zip(outputs, results):
            wanted = np.dtype(NUMPY[self._engine._io(name)[2]])
            block.bytes[:] = np.ascontiguousarray(value, wanted).reshape(-1).view(np.uint8)
            block.dtype = wanted


def _address(value):
    if not isinstance(value, (int, np.integer)):
        raise TypeError(f'incompatible function arguments: an address is an int, not '
                        f'{type(value).__name__}')
    return int(value)


class EngineInspector:
    """What is in an engine, as JSON whose layout differs between the versions."""

    def get_engine_information(self, format):  # noqa: A002
        if self._engine() is None:
            gpu().fault('an inspector is asked about an engine that is gone')
        if format != self._trt.LayerInformationFormat.JSON:
            gpu().fault('the double writes JSON only')
        return json.dumps(self._information(), indent=2)

    def _information(self):
        header = self._header
        layers = []
        if header['verbosity'] == 'DETAILED':
            layers = [self._detailed(layer) for layer in header['layers']
                      if layer['type'] != 'CONSTANT']
        elif header['verbosity'] != 'NONE':
            layers = [layer['name'] for layer in header['layers'] if layer['type'] != 'CONSTANT']
        if self._trt._version != '11':
            return {'Layers': layers, 'Bindings': [entry[0] for entry in header['io']]}
        return {'ProfilingVerbosity': header['verbosity'], 'Layers': layers, 'I/O Tensors': [
            {'Name': name, 'IOMode': mode.title(), 'DataType': _WORDS[dtype],
             'Dimensions': shape, 'Location': 'Device', 'IsShapeInferenceIO': False}
            for name, mode, dtype, shape in header['io']]}

    def _detailed(self, layer):
        dtypes = {name: dtype for other in self._header['layers']
                  for name, _, dtype in other['outputs']}
        dtypes.update({name: dtype for name, _, dtype, _ in self._header['io']
                       if name not in dtypes})
        return {
            'Name': layer['name'], 'LayerType': layer['type'].title().replace('_', ''),
            'Inputs': [self._tensor(name, shape, dtypes.get(name, 'FLOAT'))
                       for name, shape in layer['inputs']],
            'Outputs': [self._tensor(*output) for output in layer['outputs']],
            'ParameterType': layer['type'].title(), 'TacticValue': '0x0000000000000000'}

    def _tensor(self, name, shape, dtype):
        tensor = {'Name': name, 'Location': 'Device', 'Dimensions': shape}
        if self._trt._version == '11':
            return {**tensor, 'Format': 'Row major linear (kLINEAR)', 'Datatype': _WORDS[dtype]}
        if newest(self._trt._version, '10.3'):
            return {**tensor, 'Format/Datatype': _WORDS[dtype]}
        return {**tensor, 'Format/Datatype': _TEXTS[dtype]}
