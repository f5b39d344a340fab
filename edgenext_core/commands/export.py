"""Write a trained model, or released weights, as an ONNX file."""

import argparse
from pathlib import Path

from edgenext_core.export.exporter import export
from edgenext_core.export.trained_network import from_release, from_run
from edgenext_core.weights.releases import RELEASES


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
    released = any(options.source == release.name for release in RELEASES)
    trained = from_release(options.source) if released else from_run(Path(options.source))
    report = export(
        trained, options.out, store_float16=not options.float32,
        input_size=options.input_size and tuple(options.input_size))
    print(f'PyTorch and ONNX Runtime differ by at most {report.parity:.2g}')
    if report.storage_parity is not None:
        print(f'weights stored in float32 and in float16 differ by at most '
              f'{report.storage_parity:.2g} in their results')
    print(f'{options.out}: {report.size_bytes / 1e6:.2f} MB')
    return 0
