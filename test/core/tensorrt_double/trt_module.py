"""The module ``tensorrt`` of one version: the classes above, narrowed to what the table says."""

import types

import numpy as np

from tensorrt_double import trt_builder, trt_network, trt_runtime, trt_types
from tensorrt_double.api_table import API, FULL_VERSIONS, MODULE, names_of
from tensorrt_double.fake_gpu import gpu

_CLASSES = {
    name: getattr(room, name)
    for room in (trt_types, trt_network, trt_builder, trt_runtime) for name in API
    if isinstance(getattr(room, name, None), type)}
_ENUMS = ('BuilderFlag', 'NetworkDefinitionCreationFlag', 'MemoryPoolType', 'ProfilingVerbosity',
          'LayerInformationFormat', 'TensorIOMode', 'DataType', 'LayerType')
_ALIASES = {'float32': 'FLOAT', 'float16': 'HALF', 'int8': 'INT8', 'int32': 'INT32',
            'bool': 'BOOL', 'uint8': 'UINT8', 'int64': 'INT64'}


class _Meta(type):
    """pybind11 wants its ``__init__`` called by whoever derives from a class of it."""

    def __call__(cls, *arguments, **keywords):
        made = super().__call__(*arguments, **keywords)
        if '_initialized' in cls._needs and not hasattr(made, '_initialized'):
            raise TypeError(f'tensorrt.tensorrt.{cls._class_name}.__init__() must be called when '
                            'overriding __init__')
        return made


def tensorrt_module(version):
    """
    Make the module.

    :param version: one of ``api_table.VERSIONS``
    :return: the module
    """
    trt = types.ModuleType('tensorrt', f'TensorRT {version}, the double.')
    trt._version = version
    for name in _ENUMS:
        if names_of(version, API[name]):
            setattr(trt, name, trt_types.enumeration(version, name))
    for name, full in _CLASSES.items():
        if names_of(version, API[name]):
            setattr(trt, name, _narrowed(full, version, trt))
    if names_of(version, API['IProgressMonitor']):
        trt.IProgressMonitor = _narrowed(_IProgressMonitor, version, trt)
    trt._make = lambda kind, /, **state: _make(getattr(trt, kind), state)
    trt._make_memory = lambda content: bytes.__new__(trt.IHostMemory, content)
    functions = {
        '__version__': FULL_VERSIONS[version], 'volume': lambda shape: int(np.prod(shape)),
        'init_libnvinfer_plugins': lambda logger, namespace: True,
        'nptype': lambda dtype: trt_types.NUMPY[dtype.name]}
    for name in names_of(version, MODULE):
        setattr(trt, name, functions[name] if name in functions else
                getattr(trt.DataType, _ALIASES[name]))
    return trt


class _IProgressMonitor:
    """What a user derives a progress monitor from."""

    def __init__(self):
        self._initialized = True

    def phase_start(self, phase_name, parent_phase, num_steps):
        raise NotImplementedError

    def step_complete(self, phase_name, step):
        raise NotImplementedError

    def phase_finish(self, phase_name):
        raise NotImplementedError


_IProgressMonitor.__name__ = 'IProgressMonitor'


def _make(cls, state):
    made = cls.__new__(cls)
    for name, value in state.items():
        object.__setattr__(made, f'_{name}', value)
    return made


def _narrowed(full, version, trt):
    """Copy a class without what the version has not, and with what nobody has made up yet."""
    name = full.__name__
    allowed = names_of(version, API[name])
    space = {key: value for key, value in vars(full).items()
             if (key.startswith('_') and key not in ('__dict__', '__weakref__')) or key in allowed}
    space.update({key: _unmade(name, key) for key in allowed if key not in space})
    space.update(_trt=trt, _class_name=name, _needs={'_initialized'} & _needs(name))
    space['__module__'] = 'tensorrt'
    if full.__init__ in (object.__init__, bytes.__init__):
        space['__init__'] = _no_constructor
    space['__setattr__'] = _set
    bases = (bytes,) if issubclass(full, bytes) else (trt.ILogger,) if name == 'Logger' else ()
    return _Meta(name, bases, space)


def _needs(name):
    return {'_initialized'} if name in ('ILogger', 'Logger', 'IProgressMonitor') else set()


def _no_constructor(self, *arguments, **keywords):
    raise TypeError(f'tensorrt.tensorrt.{type(self)._class_name}: No constructor defined!')


def _set(self, name, value):
    own = type(self).__dict__
    if not name.startswith('_') and '_class_name' in own and not hasattr(type(self), name):
        raise AttributeError(f"'tensorrt.tensorrt.{own['_class_name']}' object has no attribute "
                             f"'{name}'")
    object.__setattr__(self, name, value)


def _unmade(name, key):
    def unmade(self, *arguments, **keywords):
        gpu().fault(f'TensorRT has {name}.{key}, the double has not; add what it does')
    return unmade
