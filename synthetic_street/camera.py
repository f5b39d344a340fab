"""A pinhole camera on a robot that follows a gently bending street."""

from typing import NamedTuple

import numpy as np

NEAR_M = 0.6
"""Nothing nearer than this is drawn."""

FIXED_POINT_BITS = 4
"""Fraction bits of the polygon corners that OpenCV gets."""


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

    def project(self, points):
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


def fixed_point(pixels):
    """
    Round pixels to the fixed-point corners that OpenCV's polygon functions take.

    :param pixels: (..., 2) float pixels
    :return: (..., 2) int32 in units of 1/16 pixel
    """
    return np.rint(pixels * (1 << FIXED_POINT_BITS)).astype(np.int32)


def clip_near(polygon):
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
