"""Segmentation: cross-entropy and soft Dice, mean intersection over union."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.classification import MulticlassJaccardIndex

from edgenext_core.models import masks_from_logits
from edgenext_core.train.recipe import Recipe
from edgenext_core.train.task_module import TaskModule


class SegmentationModule(TaskModule):
    """
    Train a segmenter.

    :param model: gives ``logits`` (B, K, H, W) at the input's size
    :param recipe: what the run is told
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        super().__init__(model, recipe)
        self._iou = MulticlassJaccardIndex(
            len(recipe.labels.names), average=None, ignore_index=recipe.ignore_index)

    def losses(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Compute ``cross_entropy`` and ``dice``, see ``TaskModule``."""
        logits, mask = self(batch['image'])['logits'], batch['mask']
        void = self.recipe.ignore_index
        return {
            'cross_entropy': functional.cross_entropy(logits, mask, ignore_index=void),
            'dice': dice_loss(logits, mask, ignore_index=void),
        }

    def update_metrics(self, batch: dict[str, Any]) -> None:
        """Add a validation batch to the intersections and unions."""
        logits, mask = self(batch['image'])['logits'], batch['mask']
        height, width = mask.shape[1:]
        self._iou.update(masks_from_logits(logits, height=height, width=width), mask)

    def metrics(self) -> dict[str, Tensor]:
        """Compute ``miou`` and the IoU of each class, 0 to 1, at the masks' size."""
        ious = self._iou.compute()
        self._iou.reset()
        values = {f'iou_{name}': iou for name, iou in zip(self.recipe.labels.names, ious)}
        return {'miou': ious.mean(), **values}


def dice_loss(logits: Tensor, mask: Tensor, *, ignore_index: int) -> Tensor:
    """
    Compute one minus the soft Dice coefficient over a batch, averaged over the classes in it.

    Rare and thin classes weigh as much as the road, as they do in the mean IoU.

    :param logits: (B, K, H, W)
    :param mask: (B, H, W) int64
    :param ignore_index: class of pixels that do not count
    :return: scalar, 0 to 1
    """
    classes = logits.shape[1]
    counted = (mask != ignore_index).unsqueeze(1)
    truth = functional.one_hot(mask.where(counted[:, 0], 0), classes).permute(0, 3, 1, 2)
    truth = (truth * counted).to(logits.dtype)
    probabilities = logits.softmax(1) * counted
    overlap = (probabilities * truth).sum((0, 2, 3))
    sizes = (probabilities + truth).sum((0, 2, 3))
    present = truth.sum((0, 2, 3)) > 0
    dice = (2 * overlap + 1) / (sizes + 1)
    return 1 - dice[present].mean() if present.any() else torch.zeros_like(dice[0])
