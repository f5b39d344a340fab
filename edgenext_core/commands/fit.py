"""Train a network as a recipe says."""

import argparse
import logging
from pathlib import Path
from typing import Any

from edgenext_core.train.recipe_file import describe_keys, read_recipe
from edgenext_core.train.run import train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Describe the command.

    What the parser does not know are keys of the recipe: they belong into ``options.keys``.

    :param parser: takes its options
    """
    parser.add_argument('--config', type=Path, required=True, metavar='RECIPE',
                        help='YAML file, see training/')
    parser.add_argument('--out', type=Path, help='folder of last.ckpt and logs '
                        '(default: out/training/<recipe>)')
    parser.add_argument('--init', type=Path, help='start from the encoder of this checkpoint')
    parser.add_argument('--resume', type=Path, help='continue this interrupted run')
    parser.add_argument('--list-keys', action=_ListKeys, nargs=0,
                        help='describe every key of a recipe and exit')
    parser.epilog = ('any key of the recipe may follow with another value, such as '
                     '--data.root FOLDER or --optimizer.learning_rate 0.001')
    parser.set_defaults(keys=[])


def run(options: argparse.Namespace) -> int:
    """
    Train, and print where the weights are.

    :param options: what the parser made of the command line
    :return: exit status 0
    :raises RecipeError: when the recipe cannot be followed
    :raises DataError: when the data cannot be used
    :raises RunError: when the run cannot begin where it was told to
    :raises CheckpointError: when a checkpoint cannot be read or does not fit
    """
    # Lightning's messages would come twice, by its own handler and by ours.
    logging.getLogger('lightning').propagate = False
    recipe = read_recipe(options.config, options.keys)
    out = options.out or Path('out/training') / options.config.stem
    checkpoint = train(recipe, out=out, init=options.init, resume=options.resume)
    print(f'trained weights: {checkpoint}')
    return 0


class _ListKeys(argparse.Action):
    """Print the keys and end, as ``--help`` does."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(describe_keys())
        parser.exit()
