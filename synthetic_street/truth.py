"""Who is visible: boxes and mask from the identities of the pixels."""

import numpy as np

from synthetic_street.canvas import FIRST_OBJECT, stamp_sprite

MIN_WIDTH_PX, MIN_HEIGHT_PX = 14, 28
"""Smallest box in a frame of 640 pixels width; other sizes in proportion."""

MIN_VISIBLE = 0.35
"""Smallest visible share of an object's pixels inside the frame."""


def cast_visible(surfaces, sprites):
    """
    Leave out what would be too hidden or too small, and say where the rest is.

    :param surfaces: (H, W) uint8 classes of what stands still
    :param sprites: list of (sprite, class id or None), far to near; None has no box
    :return: (kept, identities, boxes): kept is the list without what was left out, identities
        (H, W) uint8 where kept thing i has ``FIRST_OBJECT`` + i, boxes a list of (i, box) with
        box (left, top, right, bottom) in pixels, right and bottom exclusive
    """
    kept = list(sprites)
    unit = surfaces.shape[1] / 640
    while True:
        identities = surfaces.copy()
        areas = []
        for index, (sprite, class_id) in enumerate(kept):
            stamp_sprite(identities, sprite, FIRST_OBJECT + index)
            areas.append(0 if class_id is None else _area(identities, sprite, index))
        boxes, offender = [], None
        for index, (sprite, class_id) in enumerate(kept):
            if class_id is None:
                continue
            box, visible = _extent(identities, sprite, index)
            if (visible == 0 or visible < MIN_VISIBLE * areas[index]
                    or box[2] - box[0] < MIN_WIDTH_PX * unit
                    or box[3] - box[1] < MIN_HEIGHT_PX * unit):
                offender = index
            boxes.append((index, box))
        if offender is None:
            return kept, identities, boxes
        del kept[offender]


def _region(shape, sprite):
    """Pixels that the sprite can touch, as slices; empty when it is outside the frame."""
    if not sprite.polygons:
        return slice(0, 0), slice(0, 0)
    corners = np.concatenate(sprite.polygons)
    left, top = (corners.min(axis=0) >> 4) - 1
    right, bottom = (corners.max(axis=0) >> 4) + 3
    return (slice(min(max(top, 0), shape[0]), min(max(bottom, 0), shape[0])),
            slice(min(max(left, 0), shape[1]), min(max(right, 0), shape[1])))


def _area(identities, sprite, index):
    region = identities[_region(identities.shape, sprite)]
    return int(np.count_nonzero(region == FIRST_OBJECT + index))


def _extent(identities, sprite, index):
    rows, columns = _region(identities.shape, sprite)
    mine = identities[rows, columns] == FIRST_OBJECT + index
    visible = int(np.count_nonzero(mine))
    if not visible:
        return (0, 0, 0, 0), 0
    ys, xs = np.flatnonzero(mine.any(axis=1)), np.flatnonzero(mine.any(axis=0))
    return (columns.start + xs[0], rows.start + ys[0],
            columns.start + xs[-1] + 1, rows.start + ys[-1] + 1), visible
