"""
The task table of training: how data are opened, what is minimised, what is measured, a row each.

A fourth task is a fourth row, with a reader in ``data``, targets in ``data.view_dataset``, and its
functions in ``losses`` and ``validation``.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn
from torchvision.transforms import v2

from edgenext_core.data.coco import CocoFolder
from edgenext_core.data.image_folder import LabelledImages
from edgenext_core.data.mask_folder import MaskFolder
from edgenext_core.data.samples import OpenFrames
from edgenext_core.data.view_dataset import Targets, box_targets, class_target, mask_target
from edgenext_core.models.deeplabv3 import DeepLabV3
from edgenext_core.models.edgenext import EdgeNeXt
from edgenext_core.models.ssdlite import SSDLite
from edgenext_core.runtime.records import Record
from edgenext_core.train import losses, validation

Batch = dict[str, Any]
"""``image`` (B, H, W, 3) uint8 BGR and the targets of the task, see ``data.view_dataset``."""


class TrainingTask(NamedTuple):
    """
    How the networks of one task, all of the class ``network``, are trained.

    ``open_frames`` opens a split of a data set; ``targets`` makes of a frame's truth what
    transforms understand, and ``view_ending`` are those that a random view ends with. ``losses``
    gives the terms whose sum is minimised, ``found`` and ``true`` the records that are compared.
    ``class_figure`` is the name of the first figure where it is told by class, else None.
    """

    network: type[nn.Module]
    open_frames: OpenFrames
    targets: Targets
    view_ending: tuple[v2.Transform, ...]
    losses: Callable[[Any, Batch], dict[str, Tensor]]
    found: Callable[[Any, Batch], Sequence[Record]]
    true: Callable[[Batch], Sequence[Record]]
    class_figure: str | None


def _class_ids(item: dict[str, Any]) -> Tensor:
    return item['class_ids']


TRAINING_TASKS = {
    'classification': TrainingTask(
        network=EdgeNeXt,
        open_frames=LabelledImages,
        targets=class_target,
        view_ending=(),
        losses=losses.classification_losses,
        found=validation.found_classes,
        true=validation.true_classes,
        # There may be a thousand classes.
        class_figure=None,
    ),
    'detection': TrainingTask(
        network=SSDLite,
        open_frames=CocoFolder,
        targets=box_targets,
        # Hidden boxes go, and their classes with them.
        view_ending=(v2.SanitizeBoundingBoxes(labels_getter=_class_ids),),
        losses=losses.detection_losses,
        found=validation.found_boxes,
        true=validation.true_boxes,
        class_figure='ap50',
    ),
    'segmentation': TrainingTask(
        network=DeepLabV3,
        open_frames=MaskFolder,
        targets=mask_target,
        view_ending=(),
        losses=losses.segmentation_losses,
        found=validation.found_masks,
        true=validation.true_masks,
        class_figure='iou',
    ),
}
"""How each task is trained, by the task's name."""
