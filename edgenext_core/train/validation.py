"""
Outputs and batches as records, in the pixels of the network's input: what is measured in training.

Neither function of a task calls the network.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgenext_core.models import masks_from_logits, ssd_detections
from edgenext_core.runtime.records import Classification, ClassMask, Detections


def found_classes(logits: Tensor, batch: dict[str, Any]) -> list[Classification]:
    """
    Read a classifier's outputs.

    :param logits: (B, K)
    :param batch: the pictures that they are of
    :return: the most probable class of each picture
    """
    best = logits.detach().float().softmax(-1).max(-1)
    scores, class_ids = best.values.cpu().numpy(), best.indices.cpu().numpy()  # (B,) each
    return [Classification(class_ids[i:i + 1], scores[i:i + 1]) for i in range(len(scores))]


def true_classes(batch: dict[str, Any]) -> list[Classification]:
    """
    Read the truth of a batch.

    :param batch: with ``class_id`` (B,)
    :return: the class of each picture
    """
    class_ids = batch['class_id'].cpu().numpy()
    return [Classification(class_ids[i:i + 1], np.ones(1, np.float32))
            for i in range(len(class_ids))]


def found_boxes(outputs: dict[str, Tensor], batch: dict[str, Any]) -> list[Detections]:
    """
    Read a detector's outputs, as a measurement of average precision wants them.

    :param outputs: what ``SSDLite`` gives
    :param batch: the pictures that they are of
    :return: the objects in each picture
    """
    return [_detections(found['boxes_xyxy'], found['class_ids'], found['scores'], batch)
            for found in ssd_detections(outputs)]


def true_boxes(batch: dict[str, Any]) -> list[Detections]:
    """
    Read the truth of a batch.

    :param batch: with ``boxes_xyxy`` and ``class_ids``, a tensor a picture in each
    :return: the objects in each picture
    """
    return [_detections(boxes, class_ids, torch.ones(len(boxes)), batch)
            for boxes, class_ids in zip(batch['boxes_xyxy'], batch['class_ids'])]


def found_masks(outputs: dict[str, Tensor], batch: dict[str, Any]) -> list[ClassMask]:
    """
    Read a segmenter's outputs.

    :param outputs: with ``logits`` (B, K, H, W)
    :param batch: the pictures that they are of
    :return: the mask of each picture, of the size of its true one
    """
    height, width = batch['mask'].shape[1:]
    masks = masks_from_logits(outputs['logits'], height=height, width=width)
    return [ClassMask(mask) for mask in masks.to(torch.uint8).cpu().numpy()]


def true_masks(batch: dict[str, Any]) -> list[ClassMask]:
    """
    Read the truth of a batch.

    :param batch: with ``mask`` (B, H, W) uint8
    :return: the mask of each picture
    """
    return [ClassMask(mask) for mask in batch['mask'].cpu().numpy()]


def _detections(boxes: Tensor, class_ids: Tensor, scores: Tensor,
                batch: dict[str, Any]) -> Detections:
    """Turn shares of the input into its pixels."""
    height, width = batch['image'].shape[1:3]
    pixels = torch.tensor([width, height, width, height], device=boxes.device)
    return Detections((boxes * pixels).cpu().numpy(), class_ids.cpu().numpy(),
                      scores.cpu().numpy())
