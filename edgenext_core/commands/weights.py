"""List and download released weights."""

import argparse

from edgenext_core.weights.releases import pull_weights, releases_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Describe the command.

    :param parser: takes its options
    """
    actions = parser.add_subparsers(dest='action', required=True, metavar='ACTION')
    actions.add_parser('list', help='print what was released')
    pull = actions.add_parser('pull', help="download into the user's cache")
    pull.add_argument('name', help='one of the list')


def run(options: argparse.Namespace) -> int:
    """
    Print the releases, or download one and print its path.

    :param options: what the parser made of the command line
    :return: exit status 0
    :raises ReleaseError: if there is no such release
    :raises DownloadError: if the file cannot be had
    """
    print(releases_table() if options.action == 'list' else pull_weights(options.name))
    return 0
