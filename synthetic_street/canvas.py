"""The two buffers that every polygon goes into: the picture and who is where."""

from typing import List, NamedTuple, Sequence

import cv2
import numpy as np

from synthetic_street.camera import FIXED_POINT_BITS

FIRST_OBJECT = 16
"""Identities below this are surfaces; object i of a frame has ``FIRST_OBJECT`` + i."""


class Sprite(NamedTuple):
    """
    One thing ready to paint: convex polygons, back to front.

    ``polygons`` (N, 2) int32 in 1/16 pixel, ``colors_bgr`` one each, ``own`` whether the
    polygon belongs to the object's box (a pole does not), ``surface`` the mask's class.
    """

    along_m: float
    polygons: List[np.ndarray]
    colors_bgr: List[Sequence[float]]
    own: List[bool]
    surface: int


class Canvas:
    """The picture and the identity of every pixel, painted together."""

    def __init__(self, width: int, height: int) -> None:
        """
        Make empty buffers.

        :param width: pixels
        :param height: pixels
        """
        self.image = np.empty((height, width, 3), np.uint8)
        self.identities = np.empty((height, width), np.uint8)

    def fill(self, polygon: np.ndarray, color_bgr: Sequence[float], *, surface: int) -> None:
        """
        Fill one convex polygon in both buffers.

        :param polygon: (N, 2) int32 in 1/16 pixel
        :param color_bgr: three numbers 0..255
        :param surface: the mask's class
        """
        cv2.fillConvexPoly(self.image, polygon, color_bgr, cv2.LINE_AA, FIXED_POINT_BITS)
        cv2.fillConvexPoly(self.identities, polygon, surface, cv2.LINE_8, FIXED_POINT_BITS)

    def decorate(self, polygon: np.ndarray, color_bgr: Sequence[float]) -> None:
        """
        Fill one convex polygon in the picture only.

        :param polygon: (N, 2) int32 in 1/16 pixel
        :param color_bgr: three numbers 0..255
        """
        cv2.fillConvexPoly(self.image, polygon, color_bgr, cv2.LINE_AA, FIXED_POINT_BITS)

    def decorate_many(self, polygons: np.ndarray, color_bgr: Sequence[float]) -> None:
        """
        Fill polygons that do not overlap in the picture only.

        :param polygons: (P, N, 2) int32 in 1/16 pixel
        :param color_bgr: three numbers 0..255
        """
        if len(polygons):
            cv2.fillPoly(self.image, list(polygons), color_bgr, cv2.LINE_AA, FIXED_POINT_BITS)

    def darken(self, polygon: np.ndarray, strength: float) -> None:
        """
        Lay a shadow on the picture.

        :param polygon: (N, 2) int32 in 1/16 pixel
        :param strength: 0 (none) .. 1 (black)
        """
        height, width = self.identities.shape
        left, top = np.maximum(polygon.min(axis=0) >> FIXED_POINT_BITS, 0)
        right, bottom = (polygon.max(axis=0) >> FIXED_POINT_BITS) + 2
        right, bottom = min(right, width), min(bottom, height)
        if right <= left or bottom <= top:
            return
        region = self.image[top:bottom, left:right]
        inside = np.zeros(region.shape[:2], np.uint8)
        shifted = polygon - np.array([left, top], np.int32) * (1 << FIXED_POINT_BITS)
        cv2.fillConvexPoly(inside, shifted.astype(np.int32), 255, cv2.LINE_8, FIXED_POINT_BITS)
        dark = cv2.convertScaleAbs(region, alpha=1 - strength)
        region[inside > 0] = dark[inside > 0]


def paint_sprite(image: np.ndarray, sprite: Sprite) -> None:
    """
    Paint a thing on the picture.

    :param image: (H, W, 3) uint8 BGR, changed in place
    :param sprite: the ``Sprite``
    """
    for polygon, color in zip(sprite.polygons, sprite.colors_bgr):
        cv2.fillConvexPoly(image, polygon, color, cv2.LINE_AA, FIXED_POINT_BITS)


def stamp_sprite(identities: np.ndarray, sprite: Sprite, *, identity: int) -> None:
    """
    Write a thing's identity where it is.

    :param identities: (H, W) uint8, changed in place
    :param sprite: the ``Sprite``
    :param identity: number for the polygons that belong to the object; the others get the
        sprite's surface
    """
    for polygon, own in zip(sprite.polygons, sprite.own):
        value = identity if own else sprite.surface
        cv2.fillConvexPoly(identities, polygon, value, cv2.LINE_8, FIXED_POINT_BITS)
