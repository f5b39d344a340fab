"""What all parts of the TensorRT double share: enumerations, dimensions, loggers, dtypes."""

import enum
import sys

import numpy as np
from onnx import TensorProto

from tensorrt_double.api_table import API, VERSIONS, names_of

NUMPY = {'FLOAT': np.float32, 'HALF': np.float16, 'INT8': np.int8, 'INT32': np.int32,
         'BOOL': np.bool_, 'UINT8': np.uint8, 'INT64': np.int64}
"""NumPy's dtypes of TensorRT's."""

_ONNX = {TensorProto.FLOAT: 'FLOAT', TensorProto.FLOAT16: 'HALF', TensorProto.INT8: 'INT8',
         TensorProto.INT32: 'INT32', TensorProto.BOOL: 'BOOL', TensorProto.UINT8: 'UINT8',
         TensorProto.INT64: 'INT64', TensorProto.DOUBLE: 'FLOAT'}

_FIRST = {
    'NetworkDefinitionCreationFlag': {
        '8.2': ['EXPLICIT_BATCH', 'EXPLICIT_PRECISION'],
        '10.3': ['EXPLICIT_BATCH', 'STRONGLY_TYPED'],
        '11': ['STRONGLY_TYPED', 'PREFER_JIT_PYTHON_PLUGINS']},
    'DataType': {'8.2': ['FLOAT', 'HALF', 'INT8', 'INT32', 'BOOL', 'UINT8', 'FP8']},
    'BuilderFlag': {'8.2': ['FP16', 'INT8', 'DEBUG', 'GPU_FALLBACK'], '11': [None, None, 'DEBUG']},
    'MemoryPoolType': {'8.2': ['WORKSPACE']},
}
"""
The members that come first, from the version on: others follow by name.

Values differ between versions (STRONGLY_TYPED is 1 in 10 and 0 in 11), so nobody may write one.
"""


class Severity(enum.Enum):
    """How bad a message is."""

    INTERNAL_ERROR = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    VERBOSE = 4

    def __int__(self):
        return self.value

    def __le__(self, other):
        return self.value <= other.value

    def __lt__(self, other):
        return self.value < other.value


def enumeration(version, name):
    """Make one of the enumerations of a version."""
    known = names_of(version, API[name]) - {'name', 'value', 'itemsize'}
    first = next((members for since, members in reversed(list(_FIRST.get(name, {}).items()))
                  if VERSIONS.index(since) <= VERSIONS.index(version)), [])
    first = [member for member in first if member is None or member in known]
    members = first + sorted(known - set(first))
    made = enum.Enum(name, {member: value for value, member in enumerate(members)
                            if member is not None})
    made.__int__ = lambda self: self.value
    made.__index__ = lambda self: self.value
    return made


def dtype_name(elem_type, version):
    """Give TensorRT's name of an ONNX element type, or None where the version has none."""
    name = _ONNX.get(elem_type)
    if name == 'INT64' and VERSIONS.index(version) < VERSIONS.index('10.3'):
        return 'INT32'
    if name == 'UINT8' and version == '8.2':
        return None
    return name


class Dims(tuple):
    """A shape."""

    __slots__ = ()


class ILogger:
    """What a user derives a logger from."""

    Severity = Severity
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = Severity

    def __init__(self):
        self._initialized = True

    def log(self, severity, msg):
        raise NotImplementedError('pure virtual function ILogger::log')


class Logger:
    """The logger that prints."""

    def __init__(self, min_severity=Severity.WARNING):
        self._initialized = True
        self._min_severity = min_severity

    @property
    def min_severity(self):
        return self._min_severity

    @min_severity.setter
    def min_severity(self, value):
        self._min_severity = value

    def log(self, severity, msg):
        if severity <= self._min_severity:
            print(f'[TRT] [{severity.name[0]}] {msg}', file=sys.stderr)  # noqa: T201


def log(logger, severity, text):
    """Send a message where the user wants it."""
    logger.log(Severity[severity], text)
