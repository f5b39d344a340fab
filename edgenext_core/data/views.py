"""
How a network sees a picture: transforms of torchvision's second kind.

A view begins with one of the two transforms that take a camera's frame, an ``Image`` (3, H, W)
uint8 in the order BGR, and give it in the size that the network trains on, in the order RGB, so
that what follows may be any transform of torchvision. ``ToNetworkInput`` ends it. Masks and boxes
follow their picture through all of them.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2.functional import get_size

from edgenext_core.data.samples import VOID
from edgenext_core.runtime.model_card import PAD_VALUE
from edgenext_core.runtime.preprocess import Geometry, apply_geometry, boxes_to_input, plan_resize

_LEAST_VISIBLE = 0.4
"""A box of which less than this share lies inside a window is not to be found there."""


class Augmentation(NamedTuple):
    """
    How a training sample is taken from a frame.

    ``size`` is its height and width in pixels; ``window`` the smallest and the largest share of
    the frame that it shows, see ``RandomWindow``; ``flip`` the probability to mirror it; ``color``
    the strength of the colour changes, see ``RandomColors``.
    """

    size: tuple[int, int]
    window: tuple[float, float] = (1.0, 1.0)
    flip: float = 0.0
    color: float = 0.0


def random_view(augmentation: Augmentation, *, ending: Sequence[v2.Transform] = ()) -> v2.Compose:
    """
    Make the transform of a training sample.

    :param augmentation: how the sample is taken
    :param ending: what is done to it last
    :return: the transform
    """
    return v2.Compose([
        RandomWindow(augmentation.size, share=augmentation.window),
        v2.RandomHorizontalFlip(augmentation.flip),
        RandomColors(augmentation.color),
        *ending,
        ToNetworkInput(),
    ])


def whole_view(size: tuple[int, int], *, rule: str) -> v2.Compose:
    """
    Make the transform of a validation sample, which does to a frame what the robot does.

    :param size: height and width of the network's input in pixels
    :param rule: that resizes the frame, see ``plan_resize``
    :return: the transform
    """
    return v2.Compose([ResizeFrame(size, rule=rule), ToNetworkInput()])


class ResizeFrame(v2.Transform):
    """Bring a whole frame to the network's size by the robot's own rule."""

    def __init__(self, size: tuple[int, int], *, rule: str) -> None:
        """
        Take the size.

        :param size: height and width in pixels
        :param rule: see ``plan_resize``
        """
        super().__init__()
        self.size = size
        self.rule = rule

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """
        Plan the way of the pixels.

        :param flat_inputs: the frame and its truth
        :return: the ``geometry``
        """
        frame_height, frame_width = get_size(flat_inputs[0])
        height, width = self.size
        return {'geometry': plan_resize(frame_width, frame_height, width=width, height=height,
                                        rule=self.rule)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """
        Take the frame, or its truth, along.

        :param inpt: ``Image``, ``Mask`` or ``BoundingBoxes``
        :param params: of ``make_params``
        :return: the same in the new size; of boxes, what lies inside
        """
        return _follow(inpt, params['geometry'])


class RandomWindow(v2.Transform):
    """
    Cut a window out of a frame at random and resize it.

    It has the aspect ratio of the size asked for, a side that is a random share of the largest
    window that fits, and lies anywhere in the frame. Of a box that is hidden, nothing is left.
    """

    def __init__(self, size: tuple[int, int], *, share: tuple[float, float]) -> None:
        """
        Take the limits.

        :param size: height and width in pixels to resize it to
        :param share: smallest and largest share
        """
        super().__init__()
        self.size = size
        self.share = share

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """
        Draw the window.

        :param flat_inputs: the frame and its truth
        :return: the ``geometry`` that cuts and resizes
        """
        frame_height, frame_width = get_size(flat_inputs[0])
        height, width = self.size
        aspect = width / height
        side = min(float(frame_width), frame_height * aspect) * _uniform(*self.share)
        window_width = max(1, round(side))
        window_height = max(1, min(frame_height, round(side / aspect)))
        return {'geometry': Geometry(
            frame_width, frame_height,
            crop_left=_whole_number(frame_width - window_width),
            crop_top=_whole_number(frame_height - window_height),
            crop_width=window_width, crop_height=window_height,
            resized_width=width, resized_height=height, left=0, top=0,
            input_width=width, input_height=height)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """
        Take the frame, or its truth, along.

        :param inpt: ``Image``, ``Mask`` or ``BoundingBoxes``
        :param params: of ``make_params``
        :return: the same in the new size; a hidden box has no area
        """
        return _follow(inpt, params['geometry'], least_visible=_LEAST_VISIBLE)


class RandomColors(v2.Transform):
    """
    Change saturation, gamma, contrast, brightness and white balance at random.

    One lookup table does all but the first: a fifth of the time of ``v2.ColorJitter``, which knows
    neither gamma nor white balance.
    """

    def __init__(self, strength: float) -> None:
        """
        Take the strength.

        :param strength: 0 changes nothing, 0.3 is moderate
        """
        super().__init__()
        self.strength = strength

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """
        Draw the changes.

        :param flat_inputs: the picture and its truth
        :return: the factor of the ``saturation`` and the ``table`` (1, 256, 3) uint8
        """
        draws = self.strength * (2 * torch.rand(7).numpy() - 1)
        saturation, gamma, contrast, brightness = draws[:4]
        balance = 1 + 0.3 * draws[4:]  # (3,)
        levels = np.linspace(0, 1, 256) ** np.exp(gamma)  # (256,)
        levels = (levels - 0.5) * (1 + contrast) + 0.5 + 0.5 * brightness
        table = np.clip(levels[:, np.newaxis] * balance, 0, 1) * 255  # (256, 3)
        return {'saturation': 1 + float(saturation),
                'table': np.rint(table).astype(np.uint8)[np.newaxis]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """
        Change a picture; truth stays.

        :param inpt: anything; an ``Image`` is RGB
        :param params: of ``make_params``
        :return: the same kind
        """
        if not isinstance(inpt, tv_tensors.Image) or self.strength == 0:
            return inpt
        picture, saturation = _pixels(inpt), params['saturation']
        gray = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        mixed = cv2.addWeighted(picture, saturation, gray, 1 - saturation, 0)
        return _image(cv2.LUT(mixed, params['table']))


class ToNetworkInput(v2.Transform):
    """Turn a picture and its truth into plain tensors, the picture as a camera gives it."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """
        Turn one of them.

        :param inpt: ``Image`` (3, H, W) RGB, ``Mask`` (H, W) or ``BoundingBoxes`` (N, 4), pixels
        :param params: nothing
        :return: (H, W, 3) uint8 BGR, (H, W) uint8, or (N, 4) float32, 0 to 1
        """
        if isinstance(inpt, tv_tensors.Image):
            return torch.from_numpy(cv2.cvtColor(_pixels(inpt), cv2.COLOR_RGB2BGR))
        if isinstance(inpt, tv_tensors.BoundingBoxes):
            height, width = inpt.canvas_size
            return inpt.as_subclass(Tensor) / torch.tensor([width, height, width, height])
        return inpt.as_subclass(Tensor)


def _follow(inpt: Any, geometry: Geometry, *, least_visible: float = 0.0) -> Any:
    """Bring a frame, a mask or boxes to where a geometry puts the frame's pixels."""
    if isinstance(inpt, tv_tensors.Image):
        picture = apply_geometry(_pixels(inpt), geometry, pad_value=PAD_VALUE)
        return _image(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    if isinstance(inpt, tv_tensors.Mask):
        mask = apply_geometry(inpt.numpy(), geometry, pad_value=VOID,
                              interpolation=cv2.INTER_NEAREST)
        return tv_tensors.Mask(torch.from_numpy(mask))
    if isinstance(inpt, tv_tensors.BoundingBoxes):
        size = geometry.input_height, geometry.input_width
        boxes = boxes_to_input(inpt.numpy(), geometry)  # (N, 4)
        inside = np.clip(boxes, 0, np.array([size[1], size[0]] * 2, np.float32))
        inside[_areas(inside) < least_visible * _areas(boxes)] = 0
        return tv_tensors.BoundingBoxes(torch.from_numpy(inside), format='XYXY', canvas_size=size)
    return inpt


def _areas(boxes_xyxy: np.ndarray) -> np.ndarray:
    return (boxes_xyxy[:, 2] - boxes_xyxy[:, 0]) * (boxes_xyxy[:, 3] - boxes_xyxy[:, 1])


def _pixels(image: Tensor) -> np.ndarray:
    """Give a picture (3, H, W) as OpenCV has it, (H, W, 3), mostly without a copy."""
    return np.ascontiguousarray(image.permute(1, 2, 0).numpy())


def _image(pixels: np.ndarray) -> tv_tensors.Image:
    return tv_tensors.Image(torch.from_numpy(pixels).permute(2, 0, 1))


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))


def _whole_number(limit: int) -> int:
    """Draw a whole number from 0 to the limit."""
    return int(torch.randint(limit + 1, ()))
