"""A training run: recipe in, checkpoint out."""

import logging
import os
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import (
    Callback,
    EMAWeightAveraging,
    LearningRateMonitor,
    ModelCheckpoint,
    TQDMProgressBar,
)
from lightning.pytorch.loggers import CSVLogger
from torch import nn

from edgenext_core.data.classes import find_classes
from edgenext_core.data.samples import DataError, Frames, listed
from edgenext_core.labels.label_set import LabelSet
from edgenext_core.models import create_model
from edgenext_core.runtime.errors import EdgeNextError
from edgenext_core.train.loaders import training_loader, validation_loader
from edgenext_core.train.module import TrainingModule
from edgenext_core.train.recipe import Recipe, RecipeError
from edgenext_core.train.tasks import TRAINING_TASKS
from edgenext_core.weights.checkpoint import load_encoder, read_run

_logger = logging.getLogger(__name__)

_TRAINER_DEFAULTS = {
    'log_every_n_steps': 20, 'num_sanity_val_steps': 0, 'enable_model_summary': False,
}
"""Where a run differs from Lightning unless its recipe says otherwise."""
_MAY_CHANGE = ('data.root', 'data.workers')
"""Keys that change nothing of what is learned."""


class RunError(EdgeNextError):
    """A run cannot begin where it was told to: choose another folder or checkpoint."""


def train(recipe: Recipe, *, out: Path, init: Path | None = None,
          resume: Path | None = None) -> Path:
    """
    Train as a recipe says.

    :param recipe: what to train
    :param out: folder of ``last.ckpt``, written after every epoch, and of the logs
    :param init: checkpoint whose weights the run starts from, see ``load_encoder``
    :param resume: checkpoint of an interrupted run of the same recipe
    :return: the last checkpoint; its ``state_dict`` holds the averaged weights
    :raises RunError: when ``out`` cannot be written, or there was nothing to do
    :raises RecipeError: when the recipe is not that of the run to resume
    :raises DataError: when the data cannot be used
    :raises CheckpointError: when a checkpoint cannot be read or does not fit
    """
    _make_folder(out)
    training, validation = open_splits(recipe)
    if resume is not None:
        _check_same_run(recipe, training.labels, resume)
    lightning.seed_everything(recipe.seed, verbose=False)
    torch.set_num_threads(recipe.threads)
    module = TrainingModule(
        build_network(recipe, training.labels), recipe, labels=training.labels)
    if init is not None:
        loaded = load_encoder(module.model, init)
        _logger.info('started from %s; fresh: %s', init, ', '.join(loaded.fresh) or 'nothing')
    try:
        _trainer(recipe, out).fit(
            module, training_loader(recipe, training), validation_loader(recipe, validation),
            ckpt_path=None if resume is None else str(resume), weights_only=True)
    except DataError as error:
        # What a worker process raises arrives with its traceback as the message.
        raise DataError(str(error).rstrip().rpartition('DataError: ')[2]) from error
    last = out / 'last.ckpt'
    if not last.is_file():
        raise RunError(f'nothing was trained, so there is no {last}: the run to resume had ended, '
                       'or its trainer was told to take no batches; give it more to do')
    return last


def open_splits(recipe: Recipe) -> tuple[Frames, Frames]:
    """
    Open what a recipe trains and validates on.

    :param recipe: names the data
    :return: the splits ``train`` and ``val``, both numbered by the classes of the first
    :raises DataError: when the data cannot be used, or are fewer than a batch
    """
    root = Path(recipe.data.root)
    open_frames = TRAINING_TASKS[recipe.task].open_frames
    classes = find_classes(root, recipe.data.classes)
    training = open_frames(root, split='train', classes=classes)
    if len(training) < recipe.data.batch_size:
        raise DataError(
            f'{root / "train"} has {len(training)} pictures, fewer than one batch of '
            f'{recipe.data.batch_size}; set data.batch_size to {len(training)} or less')
    return training, open_frames(root, split='val', classes=classes, labels=training.labels)


def build_network(recipe: Recipe, labels: LabelSet) -> nn.Module:
    """
    Make the network of a recipe.

    :param recipe: names the model and its options
    :param labels: the classes that it learns
    :return: the network with fresh weights
    """
    return create_model(
        recipe.model.name, num_classes=len(labels.names), **recipe.model.options)


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        writable = os.access(out, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise RunError(f'{out} cannot be written, expected a folder for checkpoints and logs; '
                       'name another one with --out')


def _check_same_run(recipe: Recipe, labels: LabelSet, checkpoint_path: Path) -> None:
    checkpoint = read_run(checkpoint_path)
    before, now = _flat(checkpoint['recipe']), _flat(recipe.as_dict())
    changed = sorted(key for key in before.keys() | now.keys()
                     if before.get(key) != now.get(key) and key not in _MAY_CHANGE)
    if changed:
        key = changed[0]
        raise RecipeError(
            f'recipe key {key!r} is {now.get(key)!r}, but {checkpoint_path} was trained with '
            f'{before.get(key)!r}; set it back, or start a new run with --init')
    names = tuple(checkpoint['labels']['names'])
    if names != labels.names:
        raise DataError(f'the data have the classes {listed(labels.names)}, but {checkpoint_path} '
                        f'was trained with {listed(names)}; resume with the same data')


def _flat(values: dict[str, Any], prefix: str = '') -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f'{prefix}{name}.'))
        else:
            flat[prefix + name] = value
    return flat


def _trainer(recipe: Recipe, out: Path) -> lightning.Trainer:
    callbacks: list[Callback] = [
        EMAWeightAveraging(
            decay=recipe.ema.decay, update_starting_at_step=recipe.optimizer.warmup_steps),
        LearningRateMonitor('step'),
        ModelCheckpoint(out, filename='last', enable_version_counter=False),
    ]
    if recipe.trainer.get('enable_progress_bar', True):
        callbacks.append(TQDMProgressBar(refresh_rate=20))
    try:
        return lightning.Trainer(
            **{**_TRAINER_DEFAULTS, **recipe.trainer}, callbacks=callbacks,
            logger=CSVLogger(out, name='logs'))
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise RecipeError(f"recipe section 'trainer': {' '.join(str(error).split())}") from error
