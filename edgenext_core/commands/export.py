"""Write a trained model, or released weights, as ONNX files."""

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path

from edgenext_core.export.exporter import ExportReport, export
from edgenext_core.export.quantization import in_integers, read_calibration_images
from edgenext_core.export.targets import EXPORT_TARGETS, ExportError, Target, find_target
from edgenext_core.export.trained_network import TrainedNetwork, from_release, from_run
from edgenext_core.weights.releases import RELEASES, ReleaseError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Describe the command.

    :param parser: takes its options
    """
    parser.add_argument('source', help='last.ckpt of a training run, or a name of '
                        "'edgenext weights list'")
    parser.add_argument('-o', '--out', type=Path, required=True, metavar='PATH',
                        help='folder for the files; or, for one target, an .onnx file')
    parser.add_argument('--target', nargs='+', default=['cpu'], metavar='TARGET',
                        help='; '.join(f'{target.name}: {target.purpose}'
                                       for target in EXPORT_TARGETS.values())
                        + ' (default: cpu)')
    parser.add_argument('--name', help="the files' name without its ending (default: that of the "
                        "run's folder, or the release's)")
    parser.add_argument('--batch', type=int, default=1, metavar='N',
                        help='frames at a time (default: 1, which the nodes take)')
    parser.add_argument('--input-size', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'),
                        help="pixels (default: the recipe's, or the release's)")
    parser.add_argument('--precision', choices=['int8'],
                        help='8-bit integers, for cpu and tensorrt (default: what each target '
                        'computes fastest without losing accuracy)')
    parser.add_argument('--calibrate', type=Path, metavar='FOLDER',
                        help='of images like those that the robot will see, for --precision int8')
    parser.add_argument('--float32', action='store_true',
                        help='store the weights of cpu files in float32, not in float16, which '
                        'makes them twice as large (what is computed is float32 either way)')


def run(options: argparse.Namespace) -> int:
    """
    Export and print what was measured.

    :param options: what the parser made of the command line
    :return: exit status 0
    :raises EdgeNextError: if the source cannot be used, or a file would be wrong
    """
    targets = [find_target(name) for name in dict.fromkeys(options.target)]
    trained = _trained_network(options.source)
    if options.name is not None:
        trained = trained._replace(name=options.name)
    if options.precision == 'int8':
        targets = _in_integers(targets, trained, options)
    elif options.calibrate is not None:
        raise ExportError('--calibrate is for 8-bit integers; add --precision int8')
    for report in export(
            trained, options.out, targets=targets, batch=options.batch,
            input_size=options.input_size and tuple(options.input_size),
            store_float16=not options.float32):
        print(_line(report))
    return 0


def _in_integers(targets: Sequence[Target], trained: TrainedNetwork,
                 options: argparse.Namespace) -> list[Target]:
    if options.calibrate is None:
        raise ExportError('--precision int8 needs images like those that the robot will see; give '
                          'their folder with --calibrate')
    height, width = options.input_size or trained.input_size
    images = read_calibration_images(options.calibrate, height=height, width=width,
                                     rule=trained.resize)
    return [in_integers(target, images) for target in targets]


def _line(report: ExportReport) -> str:
    line = (f'{report.path}: {report.size_bytes / 1e6:.2f} MB for {report.target.name}; PyTorch '
            f'and ONNX Runtime differ by at most {report.parity:.1g}')
    if report.loss is not None:
        line += f', float32 and {report.target.stored} by {report.loss:.1g}'
    return line


def _trained_network(source: str) -> TrainedNetwork:
    names = [release.name for release in RELEASES]
    if source in names:
        return from_release(source)
    if not Path(source).exists():
        near = difflib.get_close_matches(source, names, n=1)
        raise ReleaseError(f'{source} is neither a file nor a name of: edgenext weights list'
                           + (f'; did you mean {near[0]}?' if near else ''))
    return from_run(Path(source))
