"""
The child process that builds one TensorRT engine: its memory goes when it ends.

``python -m edgenext_core.runtime.engines.build_process JOB`` takes a job as JSON, writes the
engine's file and prints one JSON object: what was built, or ``{"error": sentence}``.
"""

import importlib
import json
import os
import sys
from typing import Any, Dict, NamedTuple, Optional, Tuple

from edgenext_core.runtime.engines.precision import (
    Precision,
    is_float16,
    read_precision,
    sensitive_layers,
)
from edgenext_core.runtime.engines.tensorrt_log import make_log
from edgenext_core.runtime.errors import EngineError


class Job(NamedTuple):
    """
    One build.

    ``library`` is 'tensorrt' or 'tensorrt_rtx'; the latter builds for ``targets``, such as
    ('SM86', 'SM89'), without a GPU. ``precision`` is 'float16', 'float32', or
    'model' for what the model is in; ``timing_cache`` is a file or None.
    """

    model: str
    engine: str
    precision: str
    workspace_mib: int
    timing_cache: Optional[str]
    library: str = 'tensorrt'
    targets: Tuple[str, ...] = ()


def build(job: Job) -> Dict[str, Any]:
    """
    Build an engine and write its file.

    :param job: what to build
    :return: ``tensorrt`` the version, ``layers`` and ``float16_layers`` read from the engine,
        ``sensitive_layers``, how many were told to stay in float32, and ``warnings``
    :raises EngineError: when TensorRT is not there, cannot read the model or build the engine
    """
    try:
        trt = importlib.import_module(job.library)
    except ImportError as error:
        raise EngineError(f'{job.library} cannot be imported ({error}); install it with: pip '
                          f'install {job.library.replace("_", "-")}, on a Jetson with: sudo apt '
                          'install python3-libnvinfer') from error
    log = make_log(trt)
    plan, pinned = _make_plan(trt, job, log)
    with open(job.engine, 'wb') as stream:
        stream.write(plan)
    precision = Precision(0, 0) if job.targets else _read_back(trt, plan, log)
    return {'tensorrt': trt.__version__, 'layers': precision.all,
            'float16_layers': precision.float16, 'sensitive_layers': pinned,
            'warnings': log.warnings}


def _make_plan(trt: Any, job: Job, log: Any) -> Tuple[Any, int]:
    builder = trt.Builder(log)
    network, _parser = _parse(trt, builder, job.model, log)
    config = builder.create_builder_config()
    _limit_workspace(trt, config, job.workspace_mib << 20)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    pinned = _choose_precision(trt, network, config, job)
    _set_targets(trt, config, job.targets)
    if job.timing_cache:
        _read_timings(config, job.timing_cache)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(f'{_named(trt)} cannot build {job.model} (it says: '
                          f'{log.take_errors()})')
    if job.timing_cache:
        _write_timings(config, job.timing_cache)
    return plan, pinned


def _parse(trt: Any, builder: Any, model: str, log: Any) -> Tuple[Any, Any]:
    """Read a model; once more where it is in float16 and must be told to be taken as it is."""
    flags = trt.NetworkDefinitionCreationFlag
    network, parser = _parsed(trt, builder, model, log, getattr(flags, 'EXPLICIT_BATCH', None))
    typed = getattr(flags, 'STRONGLY_TYPED', None)
    if typed is not None and is_float16(network):
        return _parsed(trt, builder, model, log, typed)
    return network, parser


def _parsed(trt: Any, builder: Any, model: str, log: Any, flag: Any) -> Tuple[Any, Any]:
    network = builder.create_network(0 if flag is None else 1 << int(flag))
    parser = trt.OnnxParser(network, log)
    with open(model, 'rb') as stream:
        content = stream.read()
    if not parser.parse(content):
        reasons = '; '.join(' '.join(parser.get_error(index).desc().split())
                            for index in range(parser.num_errors))
        raise EngineError(f'{_named(trt)} cannot read {model}; export the model for '
                          f'this device with: edgenext export --target (it says: {reasons})')
    return network, parser


def _limit_workspace(trt: Any, config: Any, size: int) -> None:
    if hasattr(config, 'set_memory_pool_limit'):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, size)
    else:
        config.max_workspace_size = size


def _set_targets(trt: Any, config: Any, targets: Tuple[str, ...]) -> None:
    if not targets:
        return
    known = trt.ComputeCapability.__members__
    config.num_compute_capabilities = len(targets)
    for index, target in enumerate(targets):
        if target not in known:
            raise EngineError(f'{_named(trt)} builds for no compute capability '
                              f'{target}, it has {", ".join(sorted(known))}')
        config.set_compute_capability(known[target], index)


def _choose_precision(trt: Any, network: Any, config: Any, job: Job) -> int:
    """Set what the builder may compute in; give how many layers were held in float32."""
    flags = trt.BuilderFlag
    typed = hasattr(trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED') and is_float16(network)
    if typed or job.precision != 'float16':
        return 0
    if not hasattr(flags, 'FP16'):
        raise EngineError(f'{_named(trt)} takes the precision from the model, and '
                          f'{job.model} is in float32; give the float16 file that is written by: '
                          'edgenext export --target tensorrt, or build with: --precision float32')
    config.set_flag(flags.FP16)
    config.set_flag(flags.OBEY_PRECISION_CONSTRAINTS)
    layers = sensitive_layers(network)
    for layer in layers:
        layer.precision = trt.DataType.FLOAT
        for index in range(layer.num_outputs):
            if layer.get_output(index).dtype == trt.DataType.FLOAT:  # a TopK has indices, too
                layer.set_output_type(index, trt.DataType.FLOAT)
    return len(layers)


def _read_timings(config: Any, path: str) -> None:
    content = b''
    if os.path.exists(path):
        with open(path, 'rb') as stream:
            content = stream.read()
    cache = config.create_timing_cache(content) or config.create_timing_cache(b'')
    if not config.set_timing_cache(cache, ignore_mismatch=False):
        config.set_timing_cache(config.create_timing_cache(b''), ignore_mismatch=False)


def _write_timings(config: Any, path: str) -> None:
    temporary = f'{path}.{os.getpid()}.part'
    with open(temporary, 'wb') as stream:
        stream.write(config.get_timing_cache().serialize())
    os.replace(temporary, path)


def _read_back(trt: Any, plan: Any, log: Any) -> Precision:
    """Open the engine as the robot will, and read from it what its layers compute in."""
    from edgenext_core.runtime.engines.cuda_buffers import primary_context

    with primary_context():
        return _precision_of(trt, plan, log)


def _precision_of(trt: Any, plan: Any, log: Any) -> Precision:
    engine = trt.Runtime(log).deserialize_cuda_engine(plan)
    if engine is None:
        raise EngineError(f'{_named(trt)} cannot read the engine that it has just '
                          f'built (it says: {log.take_errors()})')
    return read_precision(trt, engine)


def _named(trt: Any) -> str:
    name = 'TensorRT-RTX' if trt.__name__ == 'tensorrt_rtx' else 'TensorRT'
    return f'{name} {trt.__version__}'


def main() -> None:
    """Build what the first argument says."""
    fields = json.loads(sys.argv[1])
    try:
        result = build(Job(**dict(fields, targets=tuple(fields['targets']))))
    except (EngineError, OSError) as error:
        result = {'error': str(error)}
    sys.stdout.write(json.dumps(result) + '\n')


if __name__ == '__main__':
    main()
