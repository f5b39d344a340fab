"""Samples of the three tasks as a network wants them, cut and coloured at random for training."""

from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset, default_collate

from edgenext_core.data.transforms import (
    Window,
    cut,
    cut_boxes,
    flip_boxes,
    jitter_colors,
    sample_window,
)
from edgenext_core.runtime.preprocess import Geometry, boxes_to_input, resize_frame

PAD_VALUE = 114
"""What fills a letterbox's border, 0 to 255."""


class Augmentation(NamedTuple):
    """
    How a training sample is taken from a frame.

    ``height`` and ``width`` of the sample in pixels; ``window``, the smallest and the largest
    share of the frame that it shows; ``flip``, the probability to mirror it; ``color``, the
    strength of the colour changes.
    """

    height: int
    width: int
    window: tuple[float, float] = (1.0, 1.0)
    flip: float = 0.0
    color: float = 0.0


class InputSize(NamedTuple):
    """The size of a network's input in pixels and the rule that brings a whole frame to it."""

    height: int
    width: int
    resize: str


class Samples(Protocol):
    """
    A sequence of frames with their truth.

    Every item has ``image_bgr`` (H, W, 3) uint8 and what its task needs: ``label_id``; or
    ``mask`` (H, W) uint8; or ``boxes_xyxy`` (N, 4) in pixels and ``box_class_ids`` (N,).
    """

    def __len__(self) -> int:
        """Return the number of frames."""

    def __getitem__(self, index: int) -> Any:
        """Return one frame with its truth."""


class FrameDataset(Dataset):
    """
    The frame of a sample, whole or as a random view, and the truth that belongs to it.

    The number of an item is ``epoch * size + index``, see ``EpochSampler``.

    :param samples: frames with their truth
    :param input_size: how a whole frame becomes a network input
    :param augmentation: how a random view is taken; None gives whole frames
    :param seed: seed of the random views
    """

    def __init__(
        self, samples: Samples, *, input_size: InputSize, augmentation: Augmentation | None = None,
        seed: int = 0,
    ) -> None:
        self._samples = samples
        self._input_size = input_size
        self._augmentation = augmentation
        self._seed = seed

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._samples)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """
        Return one item.

        :param number: ``epoch * size + index``
        :return: ``image`` (H, W, 3) uint8 BGR and the keys of ``collate``'s truth
        """
        sample = self._samples[number % len(self)]
        if self._augmentation is None:
            return self.whole(sample)
        rng = np.random.default_rng((self._seed, number))
        return self.random_view(sample, self._augmentation, rng)

    def whole(self, sample: Any) -> dict[str, Any]:
        """
        Bring a whole frame to the network's input size.

        :param sample: a frame with its truth
        :return: the item
        """
        return {'image': _tensor(self._resize_whole(sample.image_bgr)[0])}

    def random_view(
        self, sample: Any, view: Augmentation, rng: np.random.Generator,
    ) -> dict[str, Any]:
        """
        Take a random view of a frame.

        :param sample: a frame with its truth
        :param view: how the view is taken
        :param rng: source of the randomness
        :return: the item
        """
        window, flipped = _sample_view(sample, view, rng)
        return {'image': _view_image(sample, view, window, flipped, rng)}

    def _resize_whole(
        self, image: np.ndarray, interpolation: int | None = None, pad_value: int = PAD_VALUE,
    ) -> tuple[np.ndarray, Geometry]:
        size = self._input_size
        return resize_frame(
            image, width=size.width, height=size.height, rule=size.resize, pad_value=pad_value,
            interpolation=interpolation)


class ClassificationDataset(FrameDataset):
    """Frames and ``label_id``."""

    def whole(self, sample: Any) -> dict[str, Any]:
        """Bring a whole frame to the network's input size, see ``FrameDataset``."""
        return {**super().whole(sample), 'label_id': int(sample.label_id)}

    def random_view(
        self, sample: Any, view: Augmentation, rng: np.random.Generator,
    ) -> dict[str, Any]:
        """Take a random view of a frame; the window must be large enough to keep its label."""
        return {**super().random_view(sample, view, rng), 'label_id': int(sample.label_id)}


class SegmentationDataset(FrameDataset):
    """
    Frames and ``mask`` (H, W) int64.

    :param ignore_index: class of pixels that count for nothing; the padding has it, too
    """

    def __init__(self, samples: Samples, *, ignore_index: int, **options: Any) -> None:
        super().__init__(samples, **options)
        self._ignore_index = ignore_index

    def whole(self, sample: Any) -> dict[str, Any]:
        """Bring a whole frame and its mask to the network's input size."""
        mask, _ = self._resize_whole(sample.mask, cv2.INTER_NEAREST, self._ignore_index)
        return {**super().whole(sample), 'mask': _tensor(mask).long()}

    def random_view(
        self, sample: Any, view: Augmentation, rng: np.random.Generator,
    ) -> dict[str, Any]:
        """Take a random view of a frame and the same view of its mask."""
        window, flipped = _sample_view(sample, view, rng)
        mask = _resize_view(sample.mask, view, window, flipped, cv2.INTER_NEAREST)
        return {
            'image': _view_image(sample, view, window, flipped, rng),
            'mask': _tensor(mask).long(),
        }


class DetectionDataset(FrameDataset):
    """
    Frames, ``boxes_xyxy`` (N, 4) float32, 0 to 1 in the network's input, and ``class_ids`` (N,).

    Boxes of whole frames follow the resize rule; boxes at a window's border are clipped.
    """

    def whole(self, sample: Any) -> dict[str, Any]:
        """Bring a whole frame and its boxes to the network's input size."""
        image, geometry = self._resize_whole(sample.image_bgr)
        size = (self._input_size.width, self._input_size.height) * 2
        boxes = np.clip(boxes_to_input(sample.boxes_xyxy, geometry) / size, 0, 1)
        return {'image': _tensor(image), **_box_targets(boxes, sample.box_class_ids)}

    def random_view(
        self, sample: Any, view: Augmentation, rng: np.random.Generator,
    ) -> dict[str, Any]:
        """Take a random view of a frame and the boxes that it shows."""
        window, flipped = _sample_view(sample, view, rng)
        boxes, kept = cut_boxes(sample.boxes_xyxy, window)
        boxes = flip_boxes(boxes) if flipped else boxes
        return {
            'image': _view_image(sample, view, window, flipped, rng),
            **_box_targets(boxes, sample.box_class_ids[kept]),
        }


def collate(items: list[dict[str, Any]]) -> dict[str, Any]:
    """
    Make a batch of items.

    :param items: what the data sets of this module give
    :return: the same keys, stacked; ``boxes_xyxy`` and ``class_ids`` stay lists of tensors
    """
    ragged = {'boxes_xyxy', 'class_ids'}
    batch = default_collate([
        {key: value for key, value in item.items() if key not in ragged} for item in items])
    for key in ragged & items[0].keys():
        batch[key] = [item[key] for item in items]
    return batch


def _box_targets(boxes_xyxy: np.ndarray, class_ids: np.ndarray) -> dict[str, torch.Tensor]:
    return {
        'boxes_xyxy': torch.tensor(boxes_xyxy, dtype=torch.float32).reshape(-1, 4),
        'class_ids': torch.tensor(class_ids, dtype=torch.int64),
    }


def _tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(image))


def _sample_view(
    sample: Any, view: Augmentation, rng: np.random.Generator,
) -> tuple[Window, bool]:
    window = sample_window(
        rng, frame_size=sample.image_bgr.shape[:2], aspect=view.width / view.height,
        fraction=view.window)
    return window, bool(rng.random() < view.flip)


def _view_image(
    sample: Any, view: Augmentation, window: Window, flipped: bool, rng: np.random.Generator,
) -> torch.Tensor:
    image = _resize_view(sample.image_bgr, view, window, flipped)
    return _tensor(jitter_colors(rng, image, view.color))


def _resize_view(
    image: np.ndarray, view: Augmentation, window: Window, flipped: bool,
    interpolation: int | None = None,
) -> np.ndarray:
    resized, _ = resize_frame(
        np.ascontiguousarray(cut(image, window)), width=view.width, height=view.height,
        rule='stretch', pad_value=0, interpolation=interpolation)
    return resized[:, ::-1] if flipped else resized
