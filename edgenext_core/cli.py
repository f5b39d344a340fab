"""The command ``edgenext``: train, export, list and download models."""

import argparse
import importlib
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from edgenext_core.runtime.errors import EdgeNextError

COMMANDS = ('evaluate', 'fit', 'prepare')
"""Commands that have a file of their own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command.

    :param arguments: words after ``edgenext``; None takes the process's own
    :return: exit status; 1 if the command failed for a reason that the user can act on
    """
    logging.basicConfig(format='%(message)s')
    logging.getLogger('edgenext_core').setLevel(logging.INFO)
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words[:1] and words[0] in COMMANDS:
            return _run_command(words[0], words[1:])
        options = _parser().parse_args(words)
        options.run(options)
    except ModuleNotFoundError as error:
        return _complain(
            f'the Python package {error.name!r} is missing, and training and export need it; '
            "run: pip install 'edgenext_ros[train,export]'")
    except (EdgeNextError, OSError, ValueError) as error:
        return _complain(error)
    return 0


def _run_command(name: str, words: Sequence[str]) -> int:
    command = importlib.import_module(f'edgenext_core.commands.{name}')
    parser = argparse.ArgumentParser(prog=f'edgenext {name}', description=command.__doc__)
    command.add_arguments(parser)
    options, unknown = parser.parse_known_args(words)
    if unknown and not hasattr(options, 'keys'):
        parser.error(f'unrecognized arguments: {" ".join(unknown)}')
    options.keys = unknown
    return command.run(options)


def _complain(message: object) -> int:
    print(f'edgenext: {message}', file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='edgenext', description=__doc__)
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    _add_export(commands.add_parser(
        'export', help='write a trained model, or released weights, as an ONNX file'))
    for name in COMMANDS:
        commands.add_parser(name, help=f'see edgenext {name} --help')
    _add_models(commands.add_parser(
        'models', help='list the models with parameters and multiply-adds'))
    _add_weights(commands.add_parser('weights', help='list and download released weights'))
    return parser


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('source', help='last.ckpt of a training run, or a name of '
                        "'edgenext weights list'")
    parser.add_argument('out', type=Path, help='ONNX file to write')
    parser.add_argument('--input-size', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'),
                        help="pixels (default: the recipe's, or the release's)")
    parser.add_argument('--float32', action='store_true',
                        help='store the weights in float32, not in float16')
    parser.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> None:
    from edgenext_core.export.exporter import export
    from edgenext_core.export.trained_network import from_release, from_run
    from edgenext_core.weights.releases import RELEASES

    released = any(options.source == release.name for release in RELEASES)
    source = from_release(options.source) if released else from_run(Path(options.source))
    report = export(
        source, options.out, half=not options.float32,
        input_size=options.input_size and tuple(options.input_size))
    print(f'PyTorch and ONNX Runtime differ by at most {report.parity:.2g}')
    if report.half_parity is not None:
        print(f'float32 and float16 weights differ by at most {report.half_parity:.2g}')
    print(f'{options.out}: {report.size_bytes / 1e6:.2f} MB')


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--resolution', type=int, metavar='PIXELS',
                        help='side of the square input (default: that of the paper)')
    parser.add_argument('--json', action='store_true', help='print JSON, not a table')
    parser.set_defaults(run=_models)


def _models(options: argparse.Namespace) -> None:
    from edgenext_core.paper.table import count_models, markdown

    rows = count_models(options.resolution)
    if options.json:
        print(json.dumps([row._asdict() for row in rows], indent=2))
    else:
        print(markdown(rows))


def _add_weights(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar='ACTION')
    listing = actions.add_parser('list', help='print what was released')
    listing.set_defaults(run=_list_weights)
    pull = actions.add_parser('pull', help="download into the user's cache")
    pull.add_argument('name', help='one of the list')
    pull.set_defaults(run=_pull_weights)


def _list_weights(options: argparse.Namespace) -> None:
    from edgenext_core.weights.releases import releases_table

    print(releases_table())


def _pull_weights(options: argparse.Namespace) -> None:
    from edgenext_core.weights.releases import pull_weights

    print(pull_weights(options.name))


if __name__ == '__main__':
    sys.exit(main())
