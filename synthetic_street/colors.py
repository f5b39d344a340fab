"""RGB colours 0..255 as a street's plan holds them, before any light falls on them."""

import math
from typing import Sequence, Tuple

import numpy as np

Rgb = Tuple[float, float, float]


def pick_color(rng: np.random.RandomState, palette: Sequence[Rgb]) -> Rgb:
    """
    Pick one colour, each as likely as another.

    :param rng: random state
    :param palette: the colours
    :return: one of them
    """
    return palette[rng.randint(len(palette))]


def vary_color(
    rng: np.random.RandomState, color: Rgb, *, spread: float, low: float, high: float,
) -> Rgb:
    """
    Change each channel of a colour a little.

    :param rng: random state
    :param color: RGB
    :param spread: by how much a channel may change, up or down
    :param low: smallest value of a channel afterwards
    :param high: largest value of a channel afterwards
    :return: RGB
    """
    varied = np.array(color, float) + rng.uniform(-spread, spread, 3)
    red, green, blue = np.clip(varied, low, high).tolist()
    return red, green, blue


def scale_color(color: Rgb, factor: float, *, limit: float = math.inf) -> Rgb:
    """
    Make a colour darker or brighter.

    :param color: RGB
    :param factor: what each channel is multiplied by
    :param limit: largest value of a channel afterwards
    :return: RGB
    """
    red, green, blue = color
    return min(limit, factor * red), min(limit, factor * green), min(limit, factor * blue)
