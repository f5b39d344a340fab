"""Lawns, pavements, the road and its marks."""

from typing import List, NamedTuple, Sequence, Tuple

import cv2
import numpy as np

from synthetic_street.camera import FIXED_POINT_BITS, Camera, fixed_point
from synthetic_street.canvas import Canvas
from synthetic_street.colors import Rgb, scale_color
from synthetic_street.layout import DASH_PERIOD_M, KERB_M, LANE_M, Layout
from synthetic_street.surfaces import PAVEMENT, ROAD, VEGETATION
from synthetic_street.view import View

BANDS_M = np.array([1.4, 3, 5, 8, 12, 17, 24, 35, 55, 100.0])
"""Distances between which a strip along the street has one colour."""

_NEAREST_MARK_M = 1.3
_GROUND_END_M = 60
_KERBSTONE_M = (0.02, 0.22)
_JOINT_PERIOD_M, _JOINT_M = 1.5, 0.06
_DASH_M, _MIDDLE_LINE_M, _EDGE_LINE_M = 3, 0.16, 0.14
_STOP_LINE_M = 0.45
_CROSSWALK_M, _ZEBRA_M, _ZEBRA_PERIOD_M = 2.8, 0.5, 1.0
_WHITE = (232, 232, 226)

_Rectangle = Tuple[float, float, float, float]


class Strip(NamedTuple):
    """A strip along the whole street between two edges, each (lateral, up) in metres."""

    first: Tuple[float, float]
    second: Tuple[float, float]
    color: Rgb
    surface: int


def paint_ground(canvas: Canvas, layout: Layout, *, view: View) -> None:
    """
    Paint lawns, pavements, the road and its marks.

    :param canvas: the ``Canvas``
    :param layout: the ``Layout``
    :param view: the ``View``
    """
    left, right = layout.sides
    wet = 0.82 if view.atmosphere.weather == 'rain' else 1.0
    paving, strips = layout.paving, []
    for sign, side in ((-1, left), (1, right)):
        kerb, outer = sign * side.edge_m, sign * (side.edge_m + side.pavement_m)
        ground = (paving, PAVEMENT) if side.kind == 'shops' else (layout.grass, VEGETATION)
        stone = [(kerb + sign * edge_m, KERB_M) for edge_m in _KERBSTONE_M]
        strips += [
            Strip((outer, KERB_M), (sign * _GROUND_END_M, KERB_M), *ground),
            Strip((kerb, KERB_M), (outer, KERB_M), paving, PAVEMENT),
            Strip(stone[0], stone[1], scale_color(paving, 1.1), PAVEMENT),
            Strip((kerb, 0), (kerb, KERB_M), scale_color(paving, 0.72), PAVEMENT)]
    asphalt = scale_color(layout.asphalt, wet)
    strips.append(Strip((-left.edge_m, 0), (right.edge_m, 0), asphalt, ROAD))
    paint_strips(canvas, strips, view=view)
    _paint_joints(canvas, layout, view=view)
    _paint_marks(canvas, layout, view=view)


def paint_strips(canvas: Canvas, strips: Sequence[Strip], *, view: View) -> None:
    """
    Paint strips that run along the whole street, each from far to near.

    :param canvas: the ``Canvas``
    :param strips: sequence of ``Strip``
    :param view: the ``View``
    """
    count = len(BANDS_M)
    points = np.empty((len(strips), 2, count, 3))
    for edges, strip in zip(points, strips):
        edges[0, :, :2], edges[1, :, :2] = strip.first, strip.second
    points[..., 2] = BANDS_M
    pixels = fixed_point(view.camera.project(points.reshape(-1, 3)))
    for (first, second), strip in zip(pixels.reshape(len(strips), 2, count, 2), strips):
        outline = np.concatenate([first, second[::-1]])
        cv2.fillPoly(canvas.identities, [outline], strip.surface, cv2.LINE_8, FIXED_POINT_BITS)
        for i in range(count - 2, -1, -1):
            quad = np.array([first[i], first[i + 1], second[i + 1], second[i]])
            canvas.decorate(quad, view.atmosphere.shade_one(strip.color, 1.15 * BANDS_M[i]))


def _flat_quads(
    camera: Camera, rectangles: Sequence[_Rectangle], *, up_m: float = 0.0,
) -> Tuple[np.ndarray, np.ndarray]:
    """Project ground rectangles (x0, x1, near, far); those behind the camera are left out."""
    spans = np.array(rectangles, dtype=float).reshape(-1, 4)
    spans[:, 2:] = np.maximum(spans[:, 2:], _NEAREST_MARK_M)
    spans = spans[spans[:, 3] > spans[:, 2]]
    corners = np.empty((len(spans), 4, 3))
    corners[:, :, 0] = spans[:, [0, 1, 1, 0]]
    corners[:, :, 1] = up_m
    corners[:, :, 2] = spans[:, [2, 2, 3, 3]]
    return fixed_point(camera.project(corners.reshape(-1, 3))).reshape(-1, 4, 2), spans


def _paint_joints(canvas: Canvas, layout: Layout, *, view: View) -> None:
    """Paint the joints across the pavements between their slabs."""
    color = view.atmosphere.shade_one(scale_color(layout.paving, 0.88), 8.0)
    start = -(view.travelled_m % _JOINT_PERIOD_M)
    for sign, side in zip((-1, 1), layout.sides):
        low, high = sorted((sign * (side.edge_m + _KERBSTONE_M[1]),
                            sign * (side.edge_m + side.pavement_m)))
        joints = [(low, high, start + _JOINT_PERIOD_M * i, start + _JOINT_PERIOD_M * i + _JOINT_M)
                  for i in range(1, 12)]
        quads, _ = _flat_quads(view.camera, joints, up_m=KERB_M)
        canvas.decorate_many(quads, color)


def _paint_marks(canvas: Canvas, layout: Layout, *, view: View) -> None:
    """Paint the lines, the stop line and the crosswalk, in white that fades far away."""
    quads, spans = _flat_quads(view.camera, _marks(layout, view.travelled_m))
    whites = np.repeat([_WHITE], len(quads), axis=0)
    for quad, shade in zip(quads, view.atmosphere.shade(whites, spans[:, 2:3])):
        canvas.decorate(quad, shade.tolist())


def _marks(layout: Layout, travelled_m: float) -> List[_Rectangle]:
    middle, edge = -LANE_M / 2, LANE_M / 2
    start = layout.dash_phase_m - travelled_m % DASH_PERIOD_M - DASH_PERIOD_M
    marks = [(middle - _MIDDLE_LINE_M / 2, middle + _MIDDLE_LINE_M / 2,
              start + DASH_PERIOD_M * i, start + DASH_PERIOD_M * i + _DASH_M) for i in range(9)]
    if layout.strip:
        marks += [(edge - _EDGE_LINE_M / 2, edge + _EDGE_LINE_M / 2, near, far)
                  for near, far in zip(BANDS_M[:-2], BANDS_M[1:-1])]
    if layout.stop_line_m is not None:
        line = layout.stop_line_m - travelled_m
        marks.append((middle + 0.1, edge - 0.05, line, line + _STOP_LINE_M))
    if layout.crosswalk_m is not None:
        near = layout.crosswalk_m - travelled_m
        left, right = -layout.sides[0].edge_m + 0.3, layout.sides[1].edge_m - 0.2
        marks += [(x, x + _ZEBRA_M, near, near + _CROSSWALK_M)
                  for x in np.arange(left, right - 0.4, _ZEBRA_PERIOD_M)]
    return marks
