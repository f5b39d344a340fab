"""What a loader takes its items from: views of samples, the same again for the same seed."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, default_collate
from torchvision import tv_tensors
from torchvision.transforms import v2

from edgenext_core.data.samples import Frames
from edgenext_core.runtime.records import Classification, ClassMask, Detections

Targets = Callable[[Any, tuple[int, int]], dict[str, Any]]
"""A record of truth and the height and width of its frame give what transforms understand."""

_RAGGED = ('boxes_xyxy', 'class_ids')


class ViewDataset(Dataset):
    """
    One view of every sample.

    The number of an item is ``epoch * size + index``, see ``EpochSampler``; all that is random in
    the item depends on this number and the seed alone.

    :param frames: pictures with their truth
    :param targets: of the task
    :param view: makes an item of a picture and its targets, see ``data.views``
    :param seed: seed of the random views
    """

    def __init__(self, frames: Frames, *, targets: Targets, view: v2.Transform,
                 seed: int) -> None:
        self._frames = frames
        self._targets = targets
        self._view = view
        self._seed = seed

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._frames)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """
        Return one item.

        :param number: ``epoch * size + index``
        :return: ``image`` (H, W, 3) uint8 BGR and the targets
        """
        frame = self._frames[number % len(self)]
        image = tv_tensors.Image(torch.from_numpy(frame.image_bgr).permute(2, 0, 1))
        targets = self._targets(frame.truth, frame.image_bgr.shape[:2])
        with _seeded(self._seed, number):
            return self._view({'image': image, **targets})


def class_target(truth: Classification, frame_size: tuple[int, int]) -> dict[str, Any]:
    """
    Give the target of a classifier.

    :param truth: the class of a frame
    :param frame_size: height and width of the frame
    :return: ``class_id``
    """
    return {'class_id': int(truth.class_ids[0])}


def box_targets(truth: Detections, frame_size: tuple[int, int]) -> dict[str, Any]:
    """
    Give the targets of a detector.

    :param truth: the objects in a frame
    :param frame_size: height and width of the frame
    :return: ``boxes_xyxy`` (N, 4) float32 and ``class_ids`` (N,) int64
    """
    boxes = torch.from_numpy(truth.boxes_xyxy)
    return {
        'boxes_xyxy': tv_tensors.BoundingBoxes(boxes, format='XYXY', canvas_size=frame_size),
        'class_ids': torch.from_numpy(truth.class_ids),
    }


def mask_target(truth: ClassMask, frame_size: tuple[int, int]) -> dict[str, Any]:
    """
    Give the target of a segmenter.

    :param truth: the class of each pixel of a frame
    :param frame_size: height and width of the frame
    :return: ``mask`` (H, W) uint8
    """
    return {'mask': tv_tensors.Mask(torch.from_numpy(truth.class_ids))}


def collate(items: list[dict[str, Any]]) -> dict[str, Any]:
    """
    Make a batch of items.

    :param items: what ``ViewDataset`` gives
    :return: the same keys, stacked; ``boxes_xyxy`` and ``class_ids`` stay lists of tensors
    """
    batch = default_collate([
        {key: value for key, value in item.items() if key not in _RAGGED} for item in items])
    for key in items[0].keys() & set(_RAGGED):
        batch[key] = [item[key] for item in items]
    return batch


@contextlib.contextmanager
def _seeded(seed: int, number: int) -> Iterator[None]:
    """Let torch draw by a seed and a number, and then go on as if nothing had been drawn."""
    generator = torch.default_generator
    state = generator.get_state()
    generator.manual_seed(int(np.random.SeedSequence((seed, number)).generate_state(1)[0]))
    try:
        yield
    finally:
        generator.set_state(state)
