"""Lawns, pavements, the road and its marks."""

import cv2
import numpy as np

from synthetic_street.camera import FIXED_POINT_BITS, fixed_point
from synthetic_street.layout import KERB_M, LANE_M
from synthetic_street.surfaces import PAVEMENT, ROAD, VEGETATION

BANDS_M = np.array([1.4, 3, 5, 8, 12, 17, 24, 35, 55, 100.0])
"""Distances between which a strip along the street has one colour."""


def paint_ground(canvas, camera, atmosphere, layout, *, travelled_m):
    """
    Paint lawns, pavements, the road and its marks.

    :param canvas: the ``Canvas``
    :param camera: the ``Camera``
    :param atmosphere: the ``Atmosphere``
    :param layout: the ``Layout``
    :param travelled_m: how far the camera has driven
    """
    left, right = layout.sides
    wet = 0.82 if atmosphere.weather == 'rain' else 1.0
    asphalt = tuple(wet * channel for channel in layout.asphalt)
    strips = []
    for sign, side in ((-1, left), (1, right)):
        kerb, outer = sign * side.edge_m, sign * (side.edge_m + side.pavement_m)
        ground = layout.paving if side.kind == 'shops' else layout.grass
        strips.append((outer, KERB_M, sign * 60, KERB_M, ground,
                       PAVEMENT if side.kind == 'shops' else VEGETATION))
        strips.append((kerb, KERB_M, outer, KERB_M, layout.paving, PAVEMENT))
        strips.append((kerb + sign * 0.02, KERB_M, kerb + sign * 0.22, KERB_M,
                       tuple(1.1 * c for c in layout.paving), PAVEMENT))
        strips.append((kerb, 0, kerb, KERB_M, tuple(0.72 * c for c in layout.paving), PAVEMENT))
    strips.append((-left.edge_m, 0, right.edge_m, 0, asphalt, ROAD))
    paint_strips(canvas, camera, atmosphere, strips)
    _paint_joints(canvas, camera, atmosphere, layout, travelled_m)
    _paint_marks(canvas, camera, atmosphere, layout, travelled_m)


def paint_strips(canvas, camera, atmosphere, strips):
    """
    Paint strips that run along the whole street, each from far to near.

    :param canvas: the ``Canvas``
    :param camera: the ``Camera``
    :param atmosphere: the ``Atmosphere``
    :param strips: sequence of (lateral, up, lateral, up, RGB colour, the mask's class): the
        two edges in metres and how the strip looks
    """
    count = len(BANDS_M)
    points = np.empty((len(strips), 2, count, 3))
    for strip, (x0, up0, x1, up1, _, _) in zip(points, strips):
        strip[0, :, :2], strip[1, :, :2] = (x0, up0), (x1, up1)
    points[..., 2] = BANDS_M
    pixels = fixed_point(camera.project(points.reshape(-1, 3))).reshape(len(strips), 2, count, 2)
    for (near, far), (_, _, _, _, color, surface) in zip(pixels, strips):
        outline = np.concatenate([near, far[::-1]])
        cv2.fillPoly(canvas.identities, [outline], surface, cv2.LINE_8, FIXED_POINT_BITS)
        for i in range(count - 2, -1, -1):
            quad = np.array([near[i], near[i + 1], far[i + 1], far[i]])
            canvas.decorate(quad, atmosphere.shade_one(color, 1.15 * BANDS_M[i]))


def _flat_quads(camera, rectangles, *, up_m=0.0):
    """Project ground rectangles (x0, x1, near, far); those behind the camera are left out."""
    rectangles = np.array(rectangles, dtype=float).reshape(-1, 4)
    rectangles[:, 2:] = np.maximum(rectangles[:, 2:], 1.3)
    rectangles = rectangles[rectangles[:, 3] > rectangles[:, 2]]
    corners = np.empty((len(rectangles), 4, 3))
    corners[:, :, 0] = rectangles[:, [0, 1, 1, 0]]
    corners[:, :, 1] = up_m
    corners[:, :, 2] = rectangles[:, [2, 2, 3, 3]]
    return fixed_point(camera.project(corners.reshape(-1, 3))).reshape(-1, 4, 2), rectangles


def _paint_joints(canvas, camera, atmosphere, layout, travelled_m):
    for sign, side in zip((-1, 1), layout.sides):
        low, high = sorted((sign * (side.edge_m + 0.22), sign * (side.edge_m + side.pavement_m)))
        start = -(travelled_m % 1.5)
        quads, _ = _flat_quads(camera, [(low, high, start + 1.5 * i, start + 1.5 * i + 0.06)
                                            for i in range(1, 12)], up_m=KERB_M)
        color = atmosphere.shade_one(tuple(0.88 * c for c in layout.paving), 8.0)
        canvas.decorate_many(quads, color)


def _paint_marks(canvas, camera, atmosphere, layout, travelled_m):
    middle, edge = -LANE_M / 2, LANE_M / 2
    start = layout.dash_phase_m - travelled_m % 7 - 7
    marks = [(middle - 0.08, middle + 0.08, start + 7 * i, start + 7 * i + 3) for i in range(9)]
    if layout.strip:
        marks += [(edge - 0.07, edge + 0.07, near, far)
                  for near, far in zip(BANDS_M[:-2], BANDS_M[1:-1])]
    if layout.stop_line_m is not None:
        line = layout.stop_line_m - travelled_m
        marks.append((middle + 0.1, edge - 0.05, line, line + 0.45))
    if layout.crosswalk_m is not None:
        near = layout.crosswalk_m - travelled_m
        left, right = -layout.sides[0].edge_m + 0.3, layout.sides[1].edge_m - 0.2
        marks += [(x, x + 0.5, near, near + 2.8) for x in np.arange(left, right - 0.4, 1.0)]
    quads, spans = _flat_quads(camera, marks)
    shades = atmosphere.shade(np.repeat([(232, 232, 226)], len(quads), axis=0), spans[:, 2:3])
    for quad, shade in zip(quads, shades):
        canvas.decorate(quad, shade.tolist())
