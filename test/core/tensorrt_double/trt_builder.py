"""
The builder: what it records of the configuration, and the plan it makes of a network.

A plan is a tag, a header in JSON, the ONNX file and a checksum. The header holds the layers with
the precision that the real builder would have been asked for.
"""

import hashlib
import json
import os
import signal
import struct
import time
from pathlib import Path

import onnx

from tensorrt_double.fake_gpu import StrictError, gpu
from tensorrt_double.trt_network import newest
from tensorrt_double.trt_types import log

MAGIC = b'ftrt'
_TIMINGS = b'timings '
_FLOATS = ('FLOAT', 'HALF')
_WITHOUT_INT8 = ((5, 3), (6, 0), (6, 2))
_PRECISIONS = ('FP16', 'INT8', 'BF16', 'FP8', 'INT4', 'FP4')


class IHostMemory(bytes):
    """A plan or a cache in memory, which offers the buffer protocol."""

    @property
    def nbytes(self):
        return len(self)


class ITimingCache:
    """How fast which kernel was."""

    def serialize(self):
        return self._trt._make_memory(_TIMINGS + json.dumps(
            [*_origin(self._trt), sorted(self._entries)]).encode())

    def reset(self):
        self._entries.clear()
        return True


class IBuilderConfig:
    """The configuration of a build."""

    @property
    def max_workspace_size(self):
        return self._workspace

    @max_workspace_size.setter
    def max_workspace_size(self, value):
        self._workspace = value

    def set_memory_pool_limit(self, pool, pool_size):
        self._pools[pool] = pool_size

    def get_memory_pool_limit(self, pool):
        return self._pools.get(pool, gpu().memory)

    @property
    def flags(self):
        return sum(1 << int(flag) for flag in self._set)

    def set_flag(self, flag):
        if not isinstance(flag, self._trt.BuilderFlag):
            raise TypeError('set_flag(): incompatible function arguments')
        self._set.add(flag)

    def clear_flag(self, flag):
        self._set.discard(flag)

    def get_flag(self, flag):
        return flag in self._set

    @property
    def profiling_verbosity(self):
        return self._verbosity or self._trt.ProfilingVerbosity.LAYER_NAMES_ONLY

    @profiling_verbosity.setter
    def profiling_verbosity(self, value):
        self._verbosity = value

    @property
    def progress_monitor(self):
        return self._monitor

    @progress_monitor.setter
    def progress_monitor(self, value):
        self._monitor = value

    def create_timing_cache(self, serialized_timing_cache):
        content = bytes(serialized_timing_cache)
        origin, entries = _origin(self._trt), []
        if content:
            try:
                if not content.startswith(_TIMINGS):
                    raise ValueError('no timing cache')
                *origin, entries = json.loads(content[len(_TIMINGS):])
            except ValueError:
                log(self._builder._logger, 'ERROR', 'Failed to deserialize the timing cache')
                return None
        return self._trt._make('ITimingCache', origin=origin, entries=set(entries))

    def set_timing_cache(self, cache, ignore_mismatch):
        if not ignore_mismatch and list(cache._origin) != _origin(self._trt):
            log(self._builder._logger, 'WARNING', 'The timing cache was made by another version '
                'or on another device, it is not used')
            return False
        self._cache = cache
        return True

    def get_timing_cache(self):
        return self._cache


class Builder:
    """Makes networks, configurations and plans; needs no CUDA context, as the real one."""

    def __init__(self, logger):
        self._logger = logger

    @property
    def logger(self):
        return self._logger

    @property
    def platform_has_fast_int8(self):
        return gpu().compute_capability not in _WITHOUT_INT8

    @property
    def platform_has_fast_fp16(self):
        return gpu().compute_capability != (6, 1)

    def create_network(self, flags=0):
        trt = self._trt
        explicit = getattr(trt.NetworkDefinitionCreationFlag, 'EXPLICIT_BATCH', None)
        typed = getattr(trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED', None)
        version = trt._version
        return trt._make(
            'INetworkDefinition', builder=self, flags=flags, layers=[], inputs=[], outputs=[],
            tensors={}, onnx=None, name='Unnamed Network 0',
            explicit_batch=newest(version, '10.3') or bool(flags & 1 << int(explicit)),
            typed=version == '11' or bool(typed is not None and flags & 1 << int(typed)))

    def create_builder_config(self):
        return self._trt._make('IBuilderConfig', builder=self, workspace=0, pools={}, set=set(),
                               verbosity=None, monitor=None, cache=None)

    def build_serialized_network(self, network, config):
        problem = _problem(network, config)
        fate = os.environ.get('TENSORRT_DOUBLE_BUILD', '')
        if fate == 'killed':
            os.kill(os.getpid(), signal.SIGKILL)
        if fate == 'crash':
            os.kill(os.getpid(), signal.SIGSEGV)
        if fate == 'slow':
            reports = json.loads(os.environ['TENSORRT_DOUBLE'])['reports']
            (Path(reports) / f'building-{os.getpid()}').touch()
            time.sleep(60)
            raise StrictError('nobody ended the build')
        if fate == 'out of memory':
            problem = ('Error Code 2: OutOfMemory (no further information)')
        if problem:
            log(self._logger, 'ERROR', f'10: [optimizer.cpp::computeCosts::2011] {problem}')
            return None
        if config._monitor is not None:
            config._monitor.phase_start('Building Engine', None, 1)
            config._monitor.step_complete('Building Engine', 0)
            config._monitor.phase_finish('Building Engine')
        if config._cache is not None:
            config._cache._entries.update(f'{layer.kind} {layer.name}'
                                          for layer in network._layers)
        return self._trt._make_memory(_plan(network, config))


def _origin(trt):
    return [trt.__version__, gpu().name]


def _problem(network, config):
    """Say why there is no plan, or give ''."""
    flags = {flag.name for flag in config._set}
    if not network._outputs or network._onnx is None:
        return 'Network must have at least one output'
    if network._typed and flags.intersection(_PRECISIONS):
        return (f'Error Code 3: API Usage Error ({sorted(flags)} set in the builder config of a '
                'strongly typed network)')
    if network._typed and any(layer.precision or layer.output_types for layer in network._layers):
        return ('Error Code 3: API Usage Error (setPrecision and setOutputType must not be called '
                'on layers of a strongly typed network)')
    for layer in network._layers:
        for index, dtype in layer.output_types.items():
            is_float = network._tensors[layer.outputs[index]][0] in _FLOATS
            if is_float != (dtype.name in _FLOATS):
                return (f'Error Code 4: Internal Error ({layer.name}: output {index} cannot be '
                        f'{dtype.name})')
    if (any(layer.kind == 'QUANTIZE' for layer in network._layers)
            and gpu().compute_capability in _WITHOUT_INT8):
        return ('Error Code 9: Internal Error (Networks with QuantizeLayer/DequantizeLayer layers '
                'require hardware with Int8 support.)')
    if any(-1 in network._tensors[name][1] for name in network._inputs):
        return ('Error Code 4: Internal Error (Network has dynamic or shape inputs, but no '
                'optimization profile has been defined.)')
    return ''


def _plan(network, config):
    trt = network._trt
    constrained = {'OBEY_PRECISION_CONSTRAINTS', 'PREFER_PRECISION_CONSTRAINTS', 'STRICT_TYPES'}
    flags = {flag.name for flag in config._set}
    pinned = bool(flags & constrained)
    layers = []
    for layer in network._layers:
        dtypes = [network._tensors[name][0] for name in layer.outputs]
        if not network._typed and 'FP16' in flags:
            keeps = pinned and (layer.precision is not None or layer.output_types)
            asked = layer.precision.name if layer.precision is not None else 'FLOAT'
            dtypes = [dtype if dtype not in _FLOATS else asked if keeps else 'HALF'
                      for dtype in dtypes]
        layers.append({
            'name': layer.name, 'type': layer.kind,
            'inputs': [[name, list(network._tensors[name][1])] for name in layer.inputs if name],
            'outputs': [[name, list(network._tensors[name][1]), dtype]
                        for name, dtype in zip(layer.outputs, dtypes)]})
    io = [[name, 'INPUT', network._tensors[name][0], list(network._tensors[name][1])]
          for name in network._inputs]
    io += [[name, 'OUTPUT', network._tensors[name][0], list(network._tensors[name][1])]
           for name in network._outputs]
    pool = getattr(trt, 'MemoryPoolType', None)
    header = {
        'tensorrt': trt.__version__, 'device': gpu().name,
        'compute_capability': list(gpu().compute_capability), 'flags': sorted(flags),
        'strongly_typed': network._typed, 'io': io, 'layers': layers,
        'verbosity': config.profiling_verbosity.name,
        'workspace': config._pools.get(pool.WORKSPACE, 0) if pool else config._workspace,
    }
    text = json.dumps(header).encode()
    body = MAGIC + struct.pack('<I', len(text)) + text + network._onnx
    return body + hashlib.sha256(body).digest()


def read_plan(content):
    """Give the header and the ONNX file of a plan; ValueError says what is wrong."""
    if content[:4] != MAGIC:
        raise ValueError('magic')
    if len(content) < 40 or hashlib.sha256(content[:-32]).digest() != content[-32:]:
        raise ValueError('size')
    end = 8 + struct.unpack('<I', content[4:8])[0]
    return json.loads(content[8:end]), content[end:-32]


def remake_plan(content, **changes):
    """Give a plan whose header says something else, with a valid checksum."""
    header, model = read_plan(content)
    text = json.dumps({**header, **changes}).encode()
    onnx.load_from_string(model)
    body = MAGIC + struct.pack('<I', len(text)) + text + model
    return body + hashlib.sha256(body).digest()
