"""
The command ``edgenext``: a table of commands, of which only the chosen one is imported.

So the list of commands, and those that a robot needs, work without torch, on Python 3.6.
"""

import argparse
import difflib
import importlib
import logging
import sys
from typing import List, NamedTuple, Optional

from edgenext_core.runtime.errors import EdgeNextError

INTERRUPTED = 130


class Command(NamedTuple):
    """
    One command.

    ``edgenext_core.commands.<name>`` has ``add_arguments(parser)`` and ``run(options)``, which
    returns the exit status; where the parser gives ``options.keys``, words that it does not know
    go there. ``extra`` of ``setup.py`` is what it needs besides the robot's packages, '' where
    nothing.
    """

    name: str
    help: str
    extra: str = ''


COMMANDS = (
    Command('prepare', 'write a data set to disk', 'train'),
    Command('fit', 'train a model as a recipe says', 'train'),
    Command('evaluate', 'measure a model file on data whose truth is known', 'train'),
    Command('export', 'write a trained network, or released weights, as a model file', 'export'),
    Command('build', 'make a TensorRT engine of a model file', 'tensorrt'),
    Command('predict', 'run a model on images, videos or a camera, and write what it finds'),
    Command('verify', 'hold two runtimes or precisions of a model against each other'),
    Command('benchmark', 'time models, stage by stage, and compare runs'),
    Command('models', 'list the networks with parameters and multiply-adds', 'export'),
    Command('weights', 'list and download released weights'),
    Command('doctor', 'check this machine: what works, what does not, and its remedy'),
)


def main(arguments: Optional[List[str]] = None) -> int:
    """
    Run a command.

    :param arguments: words after ``edgenext``; None takes the process's own
    :return: exit status; 1 if the command failed for a reason that the user can act on
    """
    logging.basicConfig(format='%(message)s')
    logging.getLogger('edgenext_core').setLevel(logging.INFO)
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words[0] if words else '--help'
    command = next((command for command in COMMANDS if command.name == name), None)
    if command is None:
        return _help() if name in ('-h', '--help') else _refuse(name)
    try:
        return _run(command, words[1:])
    except ModuleNotFoundError as error:
        package = (error.name or '').split('.')[0]
        if package in ('edgenext_core', 'synthetic_street'):
            raise
        what = f"'edgenext_ros[{command.extra}]'" if command.extra else 'edgenext_ros'
        return _complain(f'{command.name} needs the Python package {package!r}; run: '
                         f'pip install {what}')
    except EdgeNextError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f'{error.filename}: {error.strerror}' if error.filename else str(error))
    except KeyboardInterrupt:
        _complain('interrupted')
        return INTERRUPTED


def _run(command: Command, words: List[str]) -> int:
    module = importlib.import_module(f'edgenext_core.commands.{command.name}')
    parser = argparse.ArgumentParser(prog=f'edgenext {command.name}', description=module.__doc__)
    module.add_arguments(parser)
    options, unknown = parser.parse_known_args(words)
    if hasattr(options, 'keys'):
        options.keys = unknown
    elif unknown:
        parser.error(f'unrecognized arguments: {" ".join(unknown)}')
    return module.run(options)


def _help() -> int:
    width = max(len(command.name) for command in COMMANDS)
    print('usage: edgenext COMMAND ...\n\ncommands:')
    for command in COMMANDS:
        print(f'  {command.name:{width}}  {command.help}')
    print('\nedgenext COMMAND --help describes a command')
    return 0


def _refuse(name: str) -> int:
    names = [command.name for command in COMMANDS]
    near = difflib.get_close_matches(name, names, n=1)
    _complain(f'there is no command {name!r}, '
              + (f'did you mean {near[0]}?' if near else f'expected one of: {", ".join(names)}'))
    return 2


def _complain(message: str) -> int:
    print(f'edgenext: {message}', file=sys.stderr)
    return 1


if __name__ == '__main__':
    sys.exit(main())
