"""Who is visible: boxes and mask from the identities of the pixels."""

from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from synthetic_street.camera import FIXED_POINT_BITS, FRAME_WIDTH_PX
from synthetic_street.canvas import FIRST_OBJECT, Sprite, stamp_sprite

MIN_WIDTH_PX, MIN_HEIGHT_PX = 14, 28
"""Smallest box in a frame of ``FRAME_WIDTH_PX``; other sizes in proportion."""

MIN_VISIBLE = 0.35
"""Smallest visible share of an object's pixels inside the frame."""

Box = Tuple[int, int, int, int]


class Thing(NamedTuple):
    """A sprite, its class where it has a box, and its shadow, a polygon, where it has one."""

    sprite: Sprite
    class_id: Optional[int] = None
    shadow: Optional[np.ndarray] = None


class Visible(NamedTuple):
    """
    What of a frame's things can be seen.

    ``kept`` are the things without those left out, far to near; ``identities`` (H, W) uint8,
    where kept thing i has ``FIRST_OBJECT`` + i; ``boxes`` pairs of i and its box (left, top,
    right, bottom) in pixels, right and bottom exclusive.
    """

    kept: List[Thing]
    identities: np.ndarray
    boxes: List[Tuple[int, Box]]


def cast_visible(surfaces: np.ndarray, things: Sequence[Thing]) -> Visible:
    """
    Leave out what would be too hidden or too small, and say where the rest is.

    :param surfaces: (H, W) uint8 classes of what stands still
    :param things: far to near
    :return: a ``Visible``
    """
    kept = list(things)
    while True:
        identities = surfaces.copy()
        areas = []
        for index, (sprite, class_id, _) in enumerate(kept):
            stamp_sprite(identities, sprite, identity=FIRST_OBJECT + index)
            areas.append(0 if class_id is None else _area(identities, sprite, index=index))
        boxes, offender = [], None
        for index, (sprite, class_id, _) in enumerate(kept):
            if class_id is None:
                continue
            box, visible_px = _extent(identities, sprite, index=index)
            if (visible_px == 0 or visible_px < MIN_VISIBLE * areas[index]
                    or _is_small(box, surfaces.shape[1])):
                offender = index
            boxes.append((index, box))
        if offender is None:
            return Visible(kept, identities, boxes)
        del kept[offender]


def _is_small(box: Box, frame_width: int) -> bool:
    unit = frame_width / FRAME_WIDTH_PX
    return box[2] - box[0] < MIN_WIDTH_PX * unit or box[3] - box[1] < MIN_HEIGHT_PX * unit


def _region(shape: Tuple[int, ...], sprite: Sprite) -> Tuple[slice, slice]:
    """Give the pixels that the sprite can touch, as slices; empty when it is outside the frame."""
    if not sprite.polygons:
        return slice(0, 0), slice(0, 0)
    corners = np.concatenate(sprite.polygons)
    left, top = (corners.min(axis=0) >> FIXED_POINT_BITS) - 1
    right, bottom = (corners.max(axis=0) >> FIXED_POINT_BITS) + 3
    return (slice(min(max(top, 0), shape[0]), min(max(bottom, 0), shape[0])),
            slice(min(max(left, 0), shape[1]), min(max(right, 0), shape[1])))


def _area(identities: np.ndarray, sprite: Sprite, *, index: int) -> int:
    region = identities[_region(identities.shape, sprite)]
    return int(np.count_nonzero(region == FIRST_OBJECT + index))


def _extent(identities: np.ndarray, sprite: Sprite, *, index: int) -> Tuple[Box, int]:
    """Give the box of a thing's visible pixels, and how many they are."""
    rows, columns = _region(identities.shape, sprite)
    mine = identities[rows, columns] == FIRST_OBJECT + index
    visible_px = int(np.count_nonzero(mine))
    if not visible_px:
        return (0, 0, 0, 0), 0
    ys, xs = np.flatnonzero(mine.any(axis=1)), np.flatnonzero(mine.any(axis=0))
    return (columns.start + xs[0], rows.start + ys[0],
            columns.start + xs[-1] + 1, rows.start + ys[-1] + 1), visible_px
