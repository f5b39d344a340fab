"""List the models with parameters and multiply-adds."""

import argparse
import json

from edgenext_core.paper.table import count_models, markdown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Describe the command.

    :param parser: takes its options
    """
    parser.add_argument('--resolution', type=int, metavar='PIXELS',
                        help='side of the square input (default: that of the paper)')
    parser.add_argument('--json', action='store_true', help='print JSON, not a table')


def run(options: argparse.Namespace) -> int:
    """
    Print a row for each model.

    :param options: what the parser made of the command line
    :return: exit status 0
    :raises ModelError: if the resolution is too small
    """
    rows = count_models(options.resolution)
    if options.json:
        print(json.dumps([row._asdict() for row in rows], indent=2))
    else:
        print(markdown(rows))
    return 0
