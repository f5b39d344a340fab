"""What feeds a run: batches of random views to train on, of whole frames to validate on."""

import torch
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from edgenext_core.data.sampler import EpochSampler
from edgenext_core.data.samples import Frames
from edgenext_core.data.view_dataset import ViewDataset, collate
from edgenext_core.data.views import Augmentation, random_view, whole_view
from edgenext_core.train.recipe import Recipe
from edgenext_core.train.tasks import TRAINING_TASKS


def training_loader(recipe: Recipe, frames: Frames) -> DataLoader:
    """
    Load random views of frames, in another order in every epoch.

    :param recipe: what to train
    :param frames: pictures with their truth
    :return: batches, see ``collate``
    """
    section = recipe.augmentation
    augmentation = Augmentation(
        section.size or recipe.model.input_size, section.window, section.flip, section.color)
    view = random_view(augmentation, ending=TRAINING_TASKS[recipe.task].view_ending)
    return _loader(recipe, frames, view, drop_last=True,
                   sampler=EpochSampler(len(frames), seed=recipe.seed))


def validation_loader(recipe: Recipe, frames: Frames) -> DataLoader:
    """
    Load whole frames at the size of the network's input.

    :param recipe: what to train
    :param frames: pictures with their truth
    :return: batches, see ``collate``
    """
    return _loader(recipe, frames, whole_view(recipe.model.input_size, rule=recipe.model.resize))


def _loader(recipe: Recipe, frames: Frames, view: v2.Transform, *,
            sampler: EpochSampler | None = None, drop_last: bool = False) -> DataLoader:
    dataset = ViewDataset(
        frames, targets=TRAINING_TASKS[recipe.task].targets, view=view, seed=recipe.seed)
    return DataLoader(
        dataset, batch_size=recipe.data.batch_size, sampler=sampler, drop_last=drop_last,
        collate_fn=collate, num_workers=recipe.data.workers,
        persistent_workers=recipe.data.workers > 0,
        # Its own, as a loader draws a number when it begins, with workers another one.
        generator=torch.Generator())
