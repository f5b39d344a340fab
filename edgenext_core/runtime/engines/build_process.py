"""
The child process that builds one TensorRT engine: its memory goes when it ends.

``python -m edgenext_core.runtime.engines.build_process JOB`` takes a job as JSON, writes the
engine's file and prints one JSON object: what was built, or ``{"error": sentence}``.
"""

import json
import os
import sys
from typing import Any, Dict, NamedTuple, Optional, Tuple

from edgenext_core.runtime.card_file import read_card
from edgenext_core.runtime.engines.cache import timing_cache_path
from edgenext_core.runtime.engines.nvidia import TENSORRT, find_gpu, import_tensorrt, named
from edgenext_core.runtime.engines.precision import (
    Precision,
    is_float16,
    is_quantized,
    read_precision,
    sensitive_layers,
)
from edgenext_core.runtime.engines.tensorrt_log import make_log
from edgenext_core.runtime.errors import EdgeNextError, EngineError
from edgenext_core.runtime.model_card import ModelCard

_EXPORT = 'edgenext export CHECKPOINT -o FOLDER --target'


class Job(NamedTuple):
    """
    One build.

    ``engine`` is the file to write; ``precision`` 'float16' or 'float32'; ``timings`` the folder
    of the timing cache, None for none; ``library`` one of the modules of ``nvidia``. TensorRT-RTX
    builds for ``targets``, such as ('SM86', 'SM89'), without a GPU.
    """

    model: str
    engine: str
    precision: str
    workspace_mib: int
    timings: Optional[str]
    library: str = TENSORRT
    targets: Tuple[str, ...] = ()


def build(job: Job) -> Dict[str, Any]:
    """
    Build an engine and write its file.

    :param job: what to build
    :return: ``tensorrt`` the library with its version; ``precision``, the fields of a
        ``Precision`` read from the engine; ``sensitive_layers``, how many were told to stay in
        float32; and ``warnings``
    :raises EngineError: when TensorRT is not there, cannot read the model or build the engine
    """
    timings = None
    device = '' if job.targets else find_gpu().name
    trt = import_tensorrt(job.library)
    if job.timings:
        timings = timing_cache_path(job.timings, tensorrt=trt.__version__, device=device)
    log = make_log(trt)
    plan, pinned = _make_plan(trt, job, log, timings)
    with open(job.engine, 'wb') as stream:
        stream.write(plan)
    precision = Precision(0, 0, 0) if job.targets else _read_back(trt, plan, log)
    return {'tensorrt': named(trt), 'precision': precision._asdict(), 'sensitive_layers': pinned,
            'warnings': log.warnings}


def _make_plan(trt: Any, job: Job, log: Any, timings: Optional[str]) -> Tuple[Any, int]:
    builder = trt.Builder(log)
    network, _parser = _parse(trt, builder, job.model, log)
    config = builder.create_builder_config()
    _limit_workspace(trt, config, job.workspace_mib << 20)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    pinned = _choose_precision(trt, builder, network, config, job)
    _set_targets(trt, config, job.targets)
    if timings:
        _read_timings(config, timings)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        reason = log.take_errors()
        if 'memory' in reason.lower():
            remedy = 'close other programs, or build with a smaller --workspace-mb'
        elif job.targets:
            remedy = 'leave out one of the compute capabilities'
        else:
            remedy = 'try it with: --precision float32'
        raise EngineError(f'{named(trt)} cannot build {job.model}; {remedy} (it says: {reason})')
    if timings:
        _write_timings(config, timings, part=f'{job.engine}.timings')
    return plan, pinned


def _parse(trt: Any, builder: Any, model: str, log: Any) -> Tuple[Any, Any]:
    """Read a model; once more where it is in float16 and must be told to be taken as it is."""
    card = read_card(model)
    if card.input.dtype == 'uint8' and not hasattr(trt.DataType, 'UINT8'):
        raise EngineError(f'{model} takes bytes, and {named(trt)} knows no uint8; export the '
                          f'model with: {_EXPORT} jetson-nano')
    flags = trt.NetworkDefinitionCreationFlag
    network, parser = _parsed(trt, builder, model, card, log,
                              flag=getattr(flags, 'EXPLICIT_BATCH', None))
    if not is_float16(network):
        return network, parser
    if not hasattr(flags, 'STRONGLY_TYPED'):
        raise EngineError(f'{model} is in float16, and {named(trt)} takes float32 files and '
                          'chooses by itself what computes in float16; export the model with: '
                          f'{_EXPORT} jetson-nano')
    return _parsed(trt, builder, model, card, log, flag=flags.STRONGLY_TYPED)


def _parsed(trt: Any, builder: Any, model: str, card: ModelCard, log: Any, *, flag: Any
            ) -> Tuple[Any, Any]:
    network = builder.create_network(0 if flag is None else 1 << int(flag))
    parser = trt.OnnxParser(network, log)
    with open(model, 'rb') as stream:
        content = stream.read()
    if not parser.parse(content):
        reasons = '; '.join(' '.join(parser.get_error(index).desc().split())
                            for index in range(parser.num_errors))
        remedy = (f'export the model with: {_EXPORT} jetson-nano'
                  if card.export.target != 'jetson-nano' else 'export it again')
        raise EngineError(f'{named(trt)} cannot read {model}; {remedy} (it says: {reasons})')
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
            raise EngineError(f'{named(trt)} builds for no compute capability {target}; give some '
                              f'of: {", ".join(sorted(known))}')
        config.set_compute_capability(known[target], index)


def _choose_precision(trt: Any, builder: Any, network: Any, config: Any, job: Job) -> int:
    """Set what the builder may compute in; give how many layers were held in float32."""
    flags = trt.BuilderFlag
    half, quantized = is_float16(network), is_quantized(network)
    if job.precision == 'float32' and half:
        raise EngineError(f'{job.model} is in float16; give the float32 file that is written by: '
                          f'{_EXPORT} cpu')
    if quantized and hasattr(flags, 'INT8'):
        if not builder.platform_has_fast_int8:
            raise EngineError(f'{job.model} is in int8, which this GPU cannot compute; give a '
                              f'file that is written by: {_EXPORT} jetson-nano')
        config.set_flag(flags.INT8)
    if half or job.precision != 'float16':
        return 0
    if not hasattr(flags, 'FP16'):
        if quantized:
            return 0
        raise EngineError(f'{named(trt)} takes the precision from the model, and {job.model} is '
                          f'in float32; give the float16 file that is written by: {_EXPORT} '
                          'tensorrt, or build with: --precision float32')
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


def _write_timings(config: Any, path: str, *, part: str) -> None:
    with open(part, 'wb') as stream:
        stream.write(config.get_timing_cache().serialize())
    os.replace(part, path)


def _read_back(trt: Any, plan: Any, log: Any) -> Precision:
    """Open the engine as the robot will, and read from it what its layers compute in."""
    from edgenext_core.runtime.engines.cuda_buffers import primary_context

    with primary_context():
        return _precision_of(trt, plan, log)


def _precision_of(trt: Any, plan: Any, log: Any) -> Precision:
    engine = trt.Runtime(log).deserialize_cuda_engine(plan)
    if engine is None:
        raise EngineError(f'{named(trt)} cannot read the engine that it has just built; try it '
                          f'with: --precision float32 (it says: {log.take_errors()})')
    return read_precision(trt, engine)


def cannot_be_written(engine: str, error: OSError) -> EngineError:
    """
    Say in one sentence that there is no place for an engine.

    :param engine: the file
    :param error: of the system
    :return: the error to raise instead
    """
    return EngineError(f'{engine} cannot be written ({error.strerror}); free some space, or '
                       'choose another folder with: -o')


def main() -> None:
    """Build what the first argument says."""
    fields = json.loads(sys.argv[1])
    job = Job(**dict(fields, targets=tuple(fields['targets'])))
    try:
        result = build(job)
    except OSError as error:
        result = {'error': str(cannot_be_written(job.engine, error))}
    except EdgeNextError as error:
        result = {'error': str(error)}
    sys.stdout.write(json.dumps(result) + '\n')


if __name__ == '__main__':
    main()
