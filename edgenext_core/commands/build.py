"""Build a TensorRT engine of a model, for this device or ahead of time for TensorRT-RTX."""

import argparse
import os
import signal
import sys

from edgenext_core.runtime.engines.backends import ENGINE_SUFFIX
from edgenext_core.runtime.engines.build import Built, Order, build_engine, is_built
from edgenext_core.runtime.engines.build_memory import WORKSPACE_MIB
from edgenext_core.runtime.engines.cache import engine_path
from edgenext_core.runtime.errors import SettingError

_LEAST_WORKSPACE_MB = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Describe the command.

    :param parser: takes its options
    """
    parser.add_argument('model', metavar='MODEL.onnx', help='written by: edgenext export')
    parser.add_argument('-o', '--engine', metavar='ENGINE', help='file to write (default: '
                        f'MODEL{ENGINE_SUFFIX} beside the model, where a node looks for it)')
    parser.add_argument('--precision', choices=('float16', 'float32'), default='float16',
                        help='what layers compute in; those that float16 would spoil stay in '
                        'float32 (default: float16)')
    parser.add_argument('--workspace-mb', type=int, default=WORKSPACE_MIB, metavar='MB',
                        help='memory that a layer may use while it computes (default: '
                        '%(default)s)')
    parser.add_argument('--rtx', nargs='+', default=[], metavar='SM', help='build with TensorRT-'
                        'RTX for GeForce RTX devices of these compute capabilities, such as SM86 '
                        'SM89; needs no GPU, and the file of: edgenext export --target tensorrt')


def run(options: argparse.Namespace) -> int:
    """
    Build and print what was built.

    :param options: what the parser made of the command line
    :return: exit status 0
    :raises EdgeNextError: if the model does not fit this machine, or the build fails
    """
    if options.workspace_mb < _LEAST_WORKSPACE_MB:
        raise SettingError(f'--workspace-mb is {options.workspace_mb}, expected at least '
                           f'{_LEAST_WORKSPACE_MB}; leave it out for {WORKSPACE_MIB}')
    engine = options.engine or engine_path(options.model)
    if not engine.endswith(ENGINE_SUFFIX):
        raise SettingError(f'-o is {engine}, expected a name that ends in {ENGINE_SUFFIX}, by '
                           'which an engine is known')
    order = Order(options.model, engine, options.precision, options.workspace_mb,
                  tuple(options.rtx))
    if is_built(order):
        print(f'{engine} fits this model and machine already; delete it to build it anew')
        return 0
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then, too
    try:
        built = build_engine(order, on_progress=_show)
    finally:
        signal.signal(signal.SIGTERM, before)
        if sys.stderr.isatty():
            print(file=sys.stderr)
    _report(order, built)
    return 0


def _show(elapsed_s: float) -> None:
    if sys.stderr.isatty():
        print(f'\rbuilding, {elapsed_s:.0f} s', end='', file=sys.stderr, flush=True)
    elif elapsed_s < 2:
        print('building, which takes minutes on a small device', file=sys.stderr, flush=True)


def _report(order: Order, built: Built) -> None:
    size = os.path.getsize(order.engine)
    print(f'{order.engine}: {size / 1e6:.1f} MB, for {built.tensorrt} on {built.device}, built in '
          f'{built.took_s:.0f} s')
    if order.rtx_targets:
        print('what its layers compute in is known once it is opened on such a device')
        return
    print(f'{built.precision}' + (f'; {built.sensitive_layers} layers were held in float32, which '
                                  'float16 would spoil' if built.sensitive_layers else ''))
    print(f'verify it with: edgenext verify {order.model} {order.engine}')
