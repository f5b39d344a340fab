"""
Recipes from YAML files, by the library that reads those of Lightning's own command line.

It knows which keys there are, also among the arguments of Lightning's trainer, and of what types;
the rules of ``recipe`` are checked after it.
"""

import argparse
import dataclasses
import difflib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import lightning
import torch
import yaml
from jsonargparse import ActionConfigFile, ArgumentParser, Namespace, get_loader

from edgenext_core.models import create_model
from edgenext_core.runtime.errors import EdgeNextError, SettingError
from edgenext_core.runtime.settings import change_settings
from edgenext_core.runtime.tasks import TASKS
from edgenext_core.train.recipe import Recipe, RecipeError, require_rules
from edgenext_core.train.tasks import TRAINING_TASKS

_OURS = {'callbacks', 'logger', 'default_root_dir', 'enable_checkpointing', 'fast_dev_run',
         'barebones', 'plugins'}
"""Arguments of Lightning's trainer that a run sets itself, or that would keep it from its end."""
_FROM_DATA = ('num_classes', 'features_only')
"""Options of ``create_model`` that are no recipe's to choose."""


def read_recipe(path: Path, keys: Sequence[str] = ()) -> Recipe:
    """
    Read and check a recipe.

    :param path: the YAML file
    :param keys: values to replace, such as ``['--optimizer.learning_rate', '0.001']``
    :return: the recipe
    :raises RecipeError: when a key is unknown or missing, or its value breaks a rule
    :raises OSError: when the file cannot be read
    """
    content = _read_content(path)
    parser = _parser()
    try:
        # As JSON, which is ASCII and so gets through under any locale.
        values = parser.parse_args([f'--config={json.dumps(content, default=str)}', *keys])
    except argparse.ArgumentError as error:
        raise RecipeError(f'{path} cannot be followed: {_sentence(error, parser)}; mend the '
                          'recipe') from error
    values = parser.instantiate(values)
    if not isinstance(values.trainer, Namespace):
        raise RecipeError(f"recipe section 'trainer' is {values.trainer!r}, expected arguments of "
                          f'lightning.Trainer by name; change it in {path}')
    recipe = Recipe(**{
        field.name: getattr(values, field.name) for field in dataclasses.fields(Recipe)
        if field.name != 'trainer'
    }, trainer=_given(parser, values.trainer))
    require_rules(recipe)
    _check_whole(recipe)
    return recipe


def _read_content(path: Path) -> dict[str, Any]:
    """Read keys and values; which ones they are is checked later."""
    try:
        content = get_loader('yaml')(Path(path).read_bytes().decode())
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f'{path} is no YAML ({" ".join(str(error).split())}); mend the '
                          'recipe') from error
    if not isinstance(content, dict):
        raise RecipeError(f'{path} holds {type(content).__name__}, expected keys and values; mend '
                          'the recipe')
    return content


def describe_keys() -> str:
    """
    Describe every key of a recipe.

    :return: many lines, as a command's help has them
    """
    return _parser().format_help()


def _parser() -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False, allow_abbrev=False)
    parser.add_argument('--config', action=ActionConfigFile)
    parser.add_argument('--task', type=Literal[tuple(TRAINING_TASKS)], required=True)
    for field in dataclasses.fields(Recipe):
        if dataclasses.is_dataclass(field.type):
            parser.add_argument(f'--{field.name}', type=field.type)
    parser.add_class_arguments(lightning.Trainer, 'trainer', skip=_OURS, instantiate=False)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--threads', type=int, default=1)
    return parser


def _given(parser: ArgumentParser, trainer: Namespace) -> dict[str, Any]:
    """Leave out what is Lightning's default."""
    return {name: value for name, value in trainer.as_dict().items()
            if value != parser.get_default(f'trainer.{name}')}


def _check_whole(recipe: Recipe) -> None:
    task, model = TASKS[recipe.task], recipe.model
    _check_model(recipe)
    if model.resize not in task.resize_rules:
        raise RecipeError(f"recipe key 'model.resize' is {model.resize!r}, but the task is "
                          f'{recipe.task}, whose boxes and masks must cover the frame; use '
                          f'{" or ".join(task.resize_rules)}')
    epochs = recipe.trainer.get('max_epochs')
    if epochs is None or epochs < 1:
        raise RecipeError(f"recipe key 'trainer.max_epochs' is {epochs}, expected a whole number "
                          'from 1; change it')
    try:
        change_settings(task.default_settings, task.settings, model.defaults)
    except SettingError as error:
        raise RecipeError(f"recipe key 'model.defaults': {error}") from error


def _check_model(recipe: Recipe) -> None:
    model = recipe.model
    for option in _FROM_DATA:
        if option in model.options:
            raise RecipeError(f'recipe key {f"model.options.{option}"!r} is not a recipe\'s to '
                              'choose, as the classes of the data decide it; remove it')
    try:
        with torch.device('meta'):
            network = create_model(model.name, **model.options)
    except (EdgeNextError, TypeError, ValueError) as error:
        raise RecipeError(f"recipe section 'model': {error}") from error
    if not isinstance(network, TRAINING_TASKS[recipe.task].network):
        raise RecipeError(f"recipe key 'model.name' is {model.name!r}, which is for another task, "
                          f"but 'task' is {recipe.task!r}; change one of them")


def _sentence(error: Exception, parser: ArgumentParser) -> str:
    """Put a message of jsonargparse into one line of the words that we use."""
    text = ' '.join(str(error).split())
    unknown = re.match(r"(?:Group '(.*)' does not accept option|Option) '(.*?)'", text)
    if unknown:
        section, key = unknown.groups()
        values = parser.get_defaults(skip_validation=True)
        known = sorted((values[section] if section else values).as_dict().keys() - {'config'})
        near = difflib.get_close_matches(key, known)
        advice = f'did you mean {" or ".join(near)}' if near else f'known are {", ".join(known)}'
        return f"key '{section + '.' if section else ''}{key}' is unknown, {advice}"
    text = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r'\1', text).replace('typing.', '')
    text = re.sub(r'the following arguments are required: (.*)', r'it lacks \1', text)
    text = re.sub(r'Parser key "([^"]*)": ', r"key '\1': ", text).replace('NoneType', 'null')
    text = re.sub(r'Expected an? (.*)\. Got value: (.*)', r'expected \1, got \2', text)
    text = re.sub(r'Literal\[(.*?)\]', r'one of \1', text)
    return re.sub(r'Does not validate against any of the Union subtypes Subtypes: \[(.*)\] '
                  r'Errors: .* Given value: (.*)', r'expected one of \1, got \2', text)
