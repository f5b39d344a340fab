"""Write a trained model, or released weights, as an ONNX file."""

import argparse
import difflib
from pathlib import Path

from edgenext_core.export.exporter import export
from edgenext_core.export.trained_network import TrainedNetwork, from_release, from_run
from edgenext_core.weights.releases import RELEASES, ReleaseError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Describe the command.

    :param parser: takes its options
    """
    parser.add_argument('source', help='last.ckpt of a training run, or a name of '
                        "'edgenext weights list'")
    parser.add_argument('out', type=Path, help='ONNX file to write')
    parser.add_argument('--input-size', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'),
                        help="pixels (default: the recipe's, or the release's)")
    parser.add_argument('--float32', action='store_true',
                        help='store the weights in float32, not in float16, which makes the file '
                        'twice as large (what is computed is float32 either way)')


def run(options: argparse.Namespace) -> int:
    """
    Export and print what was measured.

    :param options: what the parser made of the command line
    :return: exit status 0
    :raises EdgeNextError: if the source cannot be used, or the file would be wrong
    """
    report = export(
        _trained_network(options.source), options.out, store_float16=not options.float32,
        input_size=options.input_size and tuple(options.input_size))
    print(f'PyTorch and ONNX Runtime differ by at most {report.parity:.2g}')
    if report.storage_parity is not None:
        print(f'weights stored in float32 and in float16 differ by at most '
              f'{report.storage_parity:.2g} in their results')
    print(f'{options.out}: {report.size_bytes / 1e6:.2f} MB')
    return 0


def _trained_network(source: str) -> TrainedNetwork:
    names = [release.name for release in RELEASES]
    if source in names:
        return from_release(source)
    if not Path(source).exists():
        near = difflib.get_close_matches(source, names, n=1)
        raise ReleaseError(f'{source} is neither a file nor a name of: edgenext weights list'
                           + (f'; did you mean {near[0]}?' if near else ''))
    return from_run(Path(source))
