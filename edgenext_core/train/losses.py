"""
What is minimised: one function a task, from a network's outputs and a batch to named terms.

None of them calls the network, so that the outputs may come from anywhere.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from edgenext_core.data.samples import VOID
from edgenext_core.models import ssd_losses

_LABEL_SMOOTHING = 0.05


def classification_losses(logits: Tensor, batch: dict[str, Any]) -> dict[str, Tensor]:
    """
    Compute a classifier's loss.

    :param logits: (B, K)
    :param batch: with ``class_id`` (B,) int64
    :return: ``cross_entropy`` with smoothed labels
    """
    return {'cross_entropy': functional.cross_entropy(
        logits, batch['class_id'], label_smoothing=_LABEL_SMOOTHING)}


def detection_losses(outputs: dict[str, Tensor], batch: dict[str, Any]) -> dict[str, Tensor]:
    """
    Compute a detector's losses.

    :param outputs: what ``SSDLite`` gives
    :param batch: with ``boxes_xyxy`` and ``class_ids``, a tensor a picture in each
    :return: ``classification`` and ``localization``, see ``ssd_losses``
    """
    return ssd_losses(outputs, [
        {'boxes_xyxy': boxes, 'class_ids': class_ids}
        for boxes, class_ids in zip(batch['boxes_xyxy'], batch['class_ids'])])


def segmentation_losses(outputs: dict[str, Tensor], batch: dict[str, Any]) -> dict[str, Tensor]:
    """
    Compute a segmenter's losses.

    :param outputs: with ``logits`` (B, K, H, W)
    :param batch: with ``mask`` (B, H, W) uint8
    :return: ``cross_entropy`` and ``dice``
    """
    logits, mask = outputs['logits'], batch['mask'].long()
    return {
        'cross_entropy': functional.cross_entropy(logits, mask, ignore_index=VOID),
        'dice': dice_loss(logits, mask),
    }


def dice_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """
    Compute one minus the soft Dice coefficient over a batch, averaged over the classes in it.

    Rare and thin classes weigh as much as the road, as they do in the mean IoU.

    :param logits: (B, K, H, W)
    :param mask: (B, H, W) int64; pixels of ``VOID`` do not count
    :return: scalar, 0 to 1
    """
    classes = logits.shape[1]
    counted = (mask != VOID).unsqueeze(1)  # (B, 1, H, W)
    truth = functional.one_hot(mask.where(counted[:, 0], 0), classes).permute(0, 3, 1, 2)
    truth = (truth * counted).to(logits.dtype)  # (B, K, H, W)
    probabilities = logits.softmax(1) * counted
    overlap = (probabilities * truth).sum((0, 2, 3))  # (K,)
    sizes = (probabilities + truth).sum((0, 2, 3))
    present = truth.sum((0, 2, 3)) > 0
    dice = (2 * overlap + 1) / (sizes + 1)
    return 1 - dice[present].mean() if present.any() else torch.zeros_like(dice[0])
