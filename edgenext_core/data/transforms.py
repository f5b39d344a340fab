"""Random changes to a frame and its truth: windows, flips and colours, on uint8 NumPy arrays."""

from typing import NamedTuple

import cv2
import numpy as np


class Window(NamedTuple):
    """A rectangle of a frame in pixels: left, top, width and height."""

    left: int
    top: int
    width: int
    height: int


def sample_window(
    rng: np.random.Generator, *, frame_size: tuple[int, int], aspect: float,
    fraction: tuple[float, float],
) -> Window:
    """
    Draw a window of a given shape that lies inside the frame.

    :param rng: source of the randomness
    :param frame_size: height and width of the frame in pixels
    :param aspect: width over height of the window
    :param fraction: smallest and largest size, as a share of the largest window that fits
    :return: the window
    """
    frame_height, frame_width = frame_size
    scale = rng.uniform(*fraction)
    largest_width = min(float(frame_width), frame_height * aspect)
    width = max(1, round(largest_width * scale))
    height = max(1, min(frame_height, round(largest_width * scale / aspect)))
    left = int(rng.integers(0, frame_width - width + 1))
    top = int(rng.integers(0, frame_height - height + 1))
    return Window(left, top, width, height)


def cut(image: np.ndarray, window: Window) -> np.ndarray:
    """
    Take a window out of an image.

    :param image: (H, W) or (H, W, C)
    :param window: a rectangle inside the image
    :return: a view of the image
    """
    rows = slice(window.top, window.top + window.height)
    return image[rows, window.left:window.left + window.width]


def cut_boxes(
    boxes_xyxy: np.ndarray, window: Window, *, min_visible: float = 0.4,
) -> tuple[np.ndarray, np.ndarray]:
    """
    Express boxes in a window, and drop those of which too little is left.

    :param boxes_xyxy: (N, 4) float32 in pixels of the frame
    :param window: a rectangle of the frame
    :param min_visible: smallest share of a box's area that must lie inside the window
    :return: the kept boxes (M, 4) float32, 0 to 1 in the window, and the mask (N,) of the kept
    """
    origin = np.array([window.left, window.top] * 2, np.float32)
    size = np.array([window.width, window.height] * 2, np.float32)
    boxes = boxes_xyxy - origin
    clipped = np.clip(boxes, 0, size)
    visible = _areas(clipped) / np.maximum(_areas(boxes), 1e-6)
    kept = visible >= min_visible
    return (clipped[kept] / size).astype(np.float32), kept


def _areas(boxes_xyxy: np.ndarray) -> np.ndarray:
    return (boxes_xyxy[:, 2] - boxes_xyxy[:, 0]) * (boxes_xyxy[:, 3] - boxes_xyxy[:, 1])


def flip_boxes(boxes_xyxy: np.ndarray) -> np.ndarray:
    """
    Mirror normalised boxes left to right.

    :param boxes_xyxy: (N, 4), 0 to 1
    :return: (N, 4), 0 to 1
    """
    flipped = boxes_xyxy.copy()
    flipped[:, 0], flipped[:, 2] = 1 - boxes_xyxy[:, 2], 1 - boxes_xyxy[:, 0]
    return flipped


def jitter_colors(rng: np.random.Generator, image_bgr: np.ndarray, strength: float) -> np.ndarray:
    """
    Change brightness, contrast, white balance, saturation and gamma at random.

    :param rng: source of the randomness
    :param image_bgr: (H, W, 3) uint8
    :param strength: 0 changes nothing, 0.3 is moderate
    :return: a new image (H, W, 3) uint8
    """
    if strength == 0:
        return image_bgr
    saturation = 1 + rng.uniform(-strength, strength)
    gray = cv2.cvtColor(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    mixed = cv2.addWeighted(image_bgr, saturation, gray, 1 - saturation, 0)
    return cv2.LUT(mixed, _color_table(rng, strength))


def _color_table(rng: np.random.Generator, strength: float) -> np.ndarray:
    """Draw one lookup table per channel, (1, 256, 3) uint8."""
    gamma = np.exp(rng.uniform(-strength, strength))
    contrast = 1 + rng.uniform(-strength, strength)
    brightness = rng.uniform(-strength, strength) * 0.5
    balance = 1 + rng.uniform(-strength, strength, size=3) * 0.3
    levels = (np.linspace(0, 1, 256) ** gamma - 0.5) * contrast + 0.5 + brightness
    table = np.clip(levels[:, None] * balance, 0, 1) * 255
    return np.rint(table).astype(np.uint8)[None]
