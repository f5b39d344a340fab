"""A command as the command line runs it, without the table of all commands around it."""

import argparse
from types import ModuleType


def run_command(command: ModuleType, *words: str) -> int:
    """Parse the words behind the command's name and run it; give its exit status."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))
