"""A pinhole camera on a robot that follows a gently bending street."""

from typing import NamedTuple

import numpy as np

FRAME_WIDTH_PX, FRAME_HEIGHT_PX = 640, 480
"""Size of a frame unless another is asked for; lengths in pixels are given for this width."""

NEAR_M = 0.6
"""Nothing nearer than this is drawn."""

FIXED_POINT_BITS = 4
"""Fraction bits of the polygon corners that OpenCV gets."""

_FOCAL_WIDTHS = 0.9


class Place(NamedTuple):
    """A spot on the ground: metres right of the own lane's middle, metres before the camera."""

    lateral_m: float
    along_m: float


class Camera(NamedTuple):
    """
    Where the camera is and how it looks.

    Street coordinates are (lateral, up, along) in metres: lateral 0 is the middle of the own
    lane and grows to the right, up 0 is the road, along 0 is the camera. The street bends
    with ``curvature`` (1/m) and the camera looks ``heading`` (rad) beside its direction.
    """

    width: int
    height: int
    focal_px: float
    horizon_px: float
    height_m: float
    lateral_m: float
    heading: float
    curvature: float

    def project(self, points: np.ndarray) -> np.ndarray:
        """
        Project street points onto the image.

        :param points: (N, 3) float, street coordinates in metres, all with along > 0
        :return: (N, 2) float64 pixels, x to the right and y down
        """
        along = points[:, 2]
        scale = self.focal_px / along
        bend = (self.heading + 0.5 * self.curvature * along) * along
        pixels = np.empty((len(points), 2))
        pixels[:, 0] = (self.width - 1) / 2 + (points[:, 0] - self.lateral_m + bend) * scale
        pixels[:, 1] = self.horizon_px + (self.height_m - points[:, 1]) * scale
        return pixels


class Ride(NamedTuple):
    """
    How a robot carries its camera through a street.

    ``height_m`` above the road, ``horizon`` as a share of the frame's height, ``lateral_m``
    beside the lane's middle, ``heading`` (rad) beside the street's direction, ``curvature``
    (1/m) of the street, ``phase`` (rad) of the swaying.
    """

    height_m: float
    horizon: float
    lateral_m: float
    heading: float
    curvature: float
    phase: float

    def camera(self, time_s: float, *, width: int, height: int) -> Camera:
        """
        Say where the camera is at a time.

        :param time_s: seconds since the street's start
        :param width: of the frame in pixels
        :param height: of the frame in pixels
        :return: a ``Camera``
        """
        sway = np.sin(self.phase + 1.3 * time_s)
        nod = np.sin(self.phase + 2.9 * time_s)
        return Camera(
            width=width, height=height, focal_px=_FOCAL_WIDTHS * width,
            horizon_px=self.horizon * height + 0.003 * width * nod, height_m=self.height_m,
            lateral_m=self.lateral_m + 0.05 * sway, heading=self.heading + 0.008 * sway,
            curvature=self.curvature)


def choose_ride(rng: np.random.RandomState) -> Ride:
    """
    Draw how the camera rides through a street.

    :param rng: random state
    :return: a ``Ride``
    """
    return Ride(height_m=rng.uniform(1.05, 1.35), horizon=rng.uniform(0.42, 0.47),
                lateral_m=rng.uniform(-0.15, 0.15), heading=rng.uniform(-0.03, 0.03),
                curvature=rng.uniform(-0.0022, 0.0022), phase=rng.uniform(0, 2 * np.pi))


def fixed_point(pixels: np.ndarray) -> np.ndarray:
    """
    Round pixels to the fixed-point corners that OpenCV's polygon functions take.

    :param pixels: (..., 2) float pixels
    :return: (..., 2) int32 in units of 1/16 pixel
    """
    return np.rint(pixels * (1 << FIXED_POINT_BITS)).astype(np.int32)


def clip_near(polygon: np.ndarray) -> np.ndarray:
    """
    Cut the part of a polygon off that is nearer than ``NEAR_M``.

    :param polygon: (N, 3) street coordinates
    :return: (M, 3) street coordinates; M is 0 when nothing is left
    """
    along = polygon[:, 2]
    if along.min() >= NEAR_M:
        return polygon
    kept = []
    for first, second in zip(polygon, np.roll(polygon, -1, axis=0)):
        if first[2] >= NEAR_M:
            kept.append(first)
        if (first[2] >= NEAR_M) != (second[2] >= NEAR_M):
            share = (NEAR_M - first[2]) / (second[2] - first[2])
            kept.append(first + share * (second - first))
    return np.array(kept).reshape(-1, 3)
