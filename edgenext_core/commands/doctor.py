"""Check this machine: packages, GPU, memory, ROS and models; each problem with its remedy."""

import argparse
import sys

from edgenext_core.measure.health.examination import CHECKS, examine, look_around
from edgenext_core.measure.health.finding import ERROR, LEVELS, WARN

_LEVEL_WIDTH = max(map(len, LEVELS))
_NAME_WIDTH = max(len(name) for name, _ in CHECKS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Describe the command.

    :param parser: takes its options
    """
    parser.add_argument('models', nargs='*', metavar='MODEL', help='ONNX files and engines to try '
                        '(default: those in engines/ and engines/demo/, here and installed)')


def run(options: argparse.Namespace) -> int:
    """
    Make the checks and print a line for each.

    :param options: what the parser made of the command line
    :return: exit status; 1 when no model can run here, or one that was named cannot
    """
    counts = dict.fromkeys(LEVELS, 0)
    for finding in examine(options.models, look_around()):
        counts[finding.level] += 1
        advice = f'; {finding.advice}' if finding.advice else ''
        _print(f'{finding.level:{_LEVEL_WIDTH}}  {finding.name:{_NAME_WIDTH}}  {finding.found}'
               f'{advice}')
    print(f'errors: {counts[ERROR]}, warnings: {counts[WARN]}')
    return 1 if counts[ERROR] else 0


def _print(line: str) -> None:
    encoding = sys.stdout.encoding or 'utf-8'  # ASCII in a container without a language
    print(line.encode(encoding, 'backslashreplace').decode(encoding), flush=True)
