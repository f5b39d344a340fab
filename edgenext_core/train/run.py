"""A training run: recipe in, checkpoint out."""

import dataclasses
import logging
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import (
    EMAWeightAveraging,
    LearningRateMonitor,
    ModelCheckpoint,
    TQDMProgressBar,
)
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from edgenext_core.data.datasets import (
    Augmentation,
    ClassificationDataset,
    DetectionDataset,
    FrameDataset,
    InputSize,
    Samples,
    SegmentationDataset,
    collate,
)
from edgenext_core.data.mask_folder import SegmentationFolder
from edgenext_core.data.sampler import EpochSampler
from edgenext_core.data.scene_cache import open_scenes
from edgenext_core.models import create_model
from edgenext_core.train.classification import ClassificationModule
from edgenext_core.train.detection import DetectionModule
from edgenext_core.train.recipe import Recipe, RecipeError
from edgenext_core.train.segmentation import SegmentationModule
from edgenext_core.train.task_module import TaskModule
from edgenext_core.weights.checkpoint import load_encoder, read_run

_logger = logging.getLogger(__name__)

VALIDATION_SEED = 2_000_000
"""First seed of the validation stills: held out, and apart from those that the demo reports on."""

_MODULES: dict[str, type[TaskModule]] = {
    'classification': ClassificationModule,
    'detection': DetectionModule,
    'segmentation': SegmentationModule,
}


def train(
    recipe: Recipe, *, out: Path, data: Path | None = None, cache: Path = Path('out/scenes'),
    init: Path | None = None, resume: Path | None = None,
) -> Path:
    """
    Train as a recipe says.

    :param recipe: what to train
    :param out: folder of ``last.ckpt``, written after every epoch, and of the logs
    :param data: root of an image folder; the world needs none
    :param cache: folder of the world's drawn stills
    :param init: checkpoint whose weights the run starts from, see ``load_encoder``
    :param resume: checkpoint of an interrupted run of the same recipe
    :return: the last checkpoint; its ``state_dict`` holds the averaged weights
    :raises RecipeError: if the recipe needs ``data`` and there is none, or is not the recipe of
        the run to resume
    """
    if resume is not None:
        _check_same_recipe(recipe, resume)
    lightning.seed_everything(recipe.seed, verbose=False)
    torch.set_num_threads(recipe.threads)
    module = make_module(recipe)
    if init is not None:
        loaded = load_encoder(module.model, init)
        _logger.info('started from %s; fresh: %s', init, ', '.join(loaded.fresh) or 'nothing')
    training, validation = _samples(recipe, data, cache)
    trainer = _trainer(recipe, out)
    trainer.fit(
        module, training_loader(recipe, training), validation_loader(recipe, validation),
        ckpt_path=None if resume is None else str(resume), weights_only=True)
    return Path(out) / 'last.ckpt'


def make_module(recipe: Recipe) -> TaskModule:
    """
    Make the Lightning module of a recipe.

    :param recipe: what to train
    :return: the module with fresh weights
    """
    return _MODULES[recipe.task](build_model(recipe), recipe)


def build_model(recipe: Recipe) -> nn.Module:
    """
    Make the network of a recipe.

    :param recipe: names the model, its options and its classes
    :return: the network with fresh weights
    """
    return create_model(
        recipe.model, num_classes=len(recipe.labels.names), **recipe.model_options)


def _check_same_recipe(recipe: Recipe, checkpoint_path: Path) -> None:
    before, now = read_run(checkpoint_path)['recipe'], dataclasses.asdict(recipe)
    changed = sorted(name for name in now if now[name] != before.get(name))
    if changed:
        name = changed[0]
        raise RecipeError(
            f'recipe field {name!r} is {now[name]!r}, but {checkpoint_path} was trained with '
            f'{before.get(name)!r}; set it back, or start a new run with --init')


def _samples(recipe: Recipe, data: Path | None, cache: Path) -> tuple[Samples, Samples]:
    if recipe.data == 'world':
        return (
            open_scenes(cache, first_seed=0, count=recipe.train_scenes, progress=tqdm),
            open_scenes(cache, first_seed=VALIDATION_SEED, count=recipe.val_scenes, progress=tqdm),
        )
    if data is None:
        raise RecipeError(f"recipe field 'data' is {recipe.data!r}: give its folder with --data")
    return SegmentationFolder(data, split='train'), SegmentationFolder(data, split='val')


def _dataset(recipe: Recipe, samples: Samples, augmentation: Augmentation | None) -> FrameDataset:
    input_size = InputSize(*recipe.input_size, recipe.resize)
    if recipe.task == 'segmentation':
        return SegmentationDataset(
            samples, input_size=input_size, augmentation=augmentation, seed=recipe.seed,
            ignore_index=recipe.ignore_index)
    kind = {'classification': ClassificationDataset, 'detection': DetectionDataset}[recipe.task]
    return kind(samples, input_size=input_size, augmentation=augmentation, seed=recipe.seed)


def training_loader(recipe: Recipe, samples: Samples) -> DataLoader:
    """
    Load random views of frames, in another order in every epoch.

    :param recipe: what to train
    :param samples: frames with their truth
    :return: batches, see ``collate``
    """
    size = recipe.train_size or recipe.input_size
    augmentation = Augmentation(*size, recipe.window, recipe.flip, recipe.color)
    return DataLoader(
        _dataset(recipe, samples, augmentation), batch_size=recipe.batch_size,
        sampler=EpochSampler(len(samples), seed=recipe.seed), collate_fn=collate, drop_last=True,
        num_workers=recipe.workers, persistent_workers=recipe.workers > 0)


def validation_loader(recipe: Recipe, samples: Samples) -> DataLoader:
    """
    Load whole frames at the size of the network's input.

    :param recipe: what to train
    :param samples: frames with their truth
    :return: batches, see ``collate``
    """
    return DataLoader(
        _dataset(recipe, samples, None), batch_size=recipe.batch_size, collate_fn=collate,
        num_workers=recipe.workers, persistent_workers=recipe.workers > 0)


def _trainer(recipe: Recipe, out: Path) -> lightning.Trainer:
    return lightning.Trainer(
        accelerator='cpu',
        max_epochs=recipe.epochs,
        gradient_clip_val=recipe.gradient_clip,
        logger=CSVLogger(out, name='logs'),
        log_every_n_steps=20,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        callbacks=[
            EMAWeightAveraging(
                decay=recipe.ema_decay, update_starting_at_step=recipe.warmup_steps),
            LearningRateMonitor('step'),
            ModelCheckpoint(out, filename='last', enable_version_counter=False),
            TQDMProgressBar(refresh_rate=20),
        ],
    )
