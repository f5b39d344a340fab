"""Houses with their windows and shops, and hedges."""

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from synthetic_street.camera import Camera, fixed_point
from synthetic_street.canvas import Canvas
from synthetic_street.colors import Rgb, scale_color
from synthetic_street.ground import Strip, paint_strips
from synthetic_street.layout import ROOF_M, Building, Layout, Side
from synthetic_street.surfaces import BUILDING, VEGETATION
from synthetic_street.view import View

_NEAREST_M = 1.0
"""Walls are cut off here; what is nearer is beside the camera."""

_DEPTH_M = 9
_CORNICE_M = 0.45
_SILL_M, _LINTEL_M = 0.95, 0.35
_THRESHOLD_M = 0.1
_FRAME_M = 0.1
_SHOP_WINDOW_M = (0.5, 2.5)
_SHOP_SIGN_M = (2.5, 3.05)
_WINDOWS_END_M = 45
_HEDGE_M = 0.7
_DARK_GLASS, _LIT_GLASS = (58, 72, 88), (250, 206, 128)
_DARK_SHOP, _LIT_SHOP = (70, 84, 98), (250, 214, 150)

_Rectangle = Tuple[float, float, float, float]


class _Wall(NamedTuple):
    """A house's wall along the street, as far as it is before the camera now."""

    building: Building
    near_m: float
    far_m: float

    @property
    def lateral_m(self) -> float:
        return self.building.side * self.building.wall_m

    @property
    def start_m(self) -> float:
        return max(self.near_m, _NEAREST_M)

    @property
    def middle_m(self) -> float:
        """Give the distance at which the wall's light is reckoned."""
        return 0.6 * self.start_m + 0.4 * self.far_m


class _Window(NamedTuple):
    """A window or a door: its glass and its frame (low, high, near, far) in metres."""

    glass: _Rectangle
    frame: _Rectangle
    lit: bool


def paint_buildings(canvas: Canvas, layout: Layout, *, view: View) -> None:
    """
    Paint houses and hedges from far to near.

    :param canvas: the ``Canvas``
    :param layout: the ``Layout``
    :param view: the ``View``
    """
    for building in layout.buildings:
        wall = _Wall(building, building.near_m - view.travelled_m,
                     building.far_m - view.travelled_m)
        if wall.far_m > 2.0:
            _paint_building(canvas, wall, view=view)
    for sign, side in zip((-1, 1), layout.sides):
        if side.hedge_m:
            _paint_hedge(canvas, side, sign=sign, view=view)


def _corners(x: float, rectangle: _Rectangle) -> np.ndarray:
    """Give the (4, 3) corners of a rectangle (low, high, near, far) of the wall at lateral x."""
    low, high, near, far = rectangle
    return np.array([[x, low, near], [x, low, far], [x, high, far], [x, high, near]], dtype=float)


def _wall_quads(camera: Camera, x: float, *, rectangles: Sequence[_Rectangle]) -> np.ndarray:
    """Project rectangles (low, high, near, far) of the wall at lateral x, all at once."""
    sides = np.array(rectangles)
    corners = np.empty((len(sides), 4, 3))
    corners[..., 0] = x
    corners[..., 1] = sides[:, [0, 0, 1, 1]]
    corners[..., 2] = sides[:, [2, 3, 3, 2]]
    return fixed_point(camera.project(corners.reshape(-1, 3))).reshape(-1, 4, 2)


def _paint_building(canvas: Canvas, wall: _Wall, *, view: View) -> None:
    building, atmosphere, near = wall.building, view.atmosphere, wall.start_m
    x, top = wall.lateral_m, building.height_m
    sunny = 1.08 if building.side != atmosphere.sun_side else 1.0 - 0.22 * atmosphere.sun
    color = scale_color(building.color, sunny)
    outer = x + building.side * _DEPTH_M
    front = np.array([[x, 0, near], [outer, 0, near], [outer, top, near], [x, top, near]])
    front, side, cornice = fixed_point(view.camera.project(np.concatenate([
        front, _corners(x, (0, top, near, wall.far_m)),
        _corners(x, (top - _CORNICE_M, top, near, wall.far_m))]))).reshape(3, 4, 2)
    if wall.near_m > _NEAREST_M:
        dark = atmosphere.shade_one(scale_color(building.color, 0.84), near)
        canvas.fill(front, dark, surface=BUILDING)
    canvas.fill(side, atmosphere.shade_one(color, wall.middle_m), surface=BUILDING)
    canvas.decorate(cornice, atmosphere.shade_one(scale_color(color, 0.72), wall.middle_m))
    if wall.middle_m <= _WINDOWS_END_M:
        _paint_windows(canvas, wall, view=view)
        if building.shop:
            _paint_shop(canvas, wall, shop=building.shop, view=view)


def _windows(wall: _Wall) -> List[_Window]:
    """List the windows and the door before the camera; those far up are out of its sight."""
    building, windows = wall.building, []
    step = (wall.far_m - wall.near_m) / building.columns
    storey = (building.height_m - ROOF_M) / building.storeys
    for row in range(1 if building.shop else 0, building.storeys):
        if storey * row > 0.42 * wall.far_m + 3:
            break
        low, high = storey * row + _SILL_M, storey * (row + 1) - _LINTEL_M
        for column in range(building.columns):
            start = wall.near_m + (column + 0.24) * step
            stop = start + 0.52 * step
            if start < _NEAREST_M:
                continue
            door = row == 0 and column == building.columns // 2
            bottom, sill = (_THRESHOLD_M, _THRESHOLD_M) if door else (low, low - 0.12)
            windows.append(_Window(
                glass=(bottom, high, start, stop),
                frame=(sill, high + _FRAME_M, start - _FRAME_M, stop + _FRAME_M),
                lit=bool(building.lit[row, column])))
    return windows


def _paint_windows(canvas: Canvas, wall: _Wall, *, view: View) -> None:
    windows, atmosphere = _windows(wall), view.atmosphere
    if not windows:
        return
    rectangles = [window.frame for window in windows] + [window.glass for window in windows]
    quads = _wall_quads(view.camera, wall.lateral_m, rectangles=rectangles)
    frames, glass = quads[:len(windows)], quads[len(windows):]
    shining = np.array([window.lit and atmosphere.lamps_on for window in windows])
    frame_color = scale_color(wall.building.color, 1.18, limit=250)
    canvas.decorate_many(frames, atmosphere.shade_one(frame_color, wall.middle_m))
    canvas.decorate_many(glass[~shining], atmosphere.shade_one(_DARK_GLASS, wall.middle_m))
    canvas.decorate_many(glass[shining], atmosphere.fade([_LIT_GLASS], wall.far_m)[0].tolist())


def _paint_shop(canvas: Canvas, wall: _Wall, *, shop: Rgb, view: View) -> None:
    start, stop = max(wall.near_m + 0.5, _NEAREST_M), wall.far_m - 0.5
    glass = _LIT_SHOP if view.atmosphere.lamps_on else _DARK_SHOP
    for (low, high), color in ((_SHOP_WINDOW_M, glass), (_SHOP_SIGN_M, shop)):
        corners = _corners(wall.lateral_m, (low, high, start, stop))
        polygon = fixed_point(view.camera.project(corners))
        canvas.decorate(polygon, view.atmosphere.shade_one(color, wall.middle_m))


def _paint_hedge(canvas: Canvas, side: Side, *, sign: int, view: View) -> None:
    x, top = sign * (side.edge_m + side.pavement_m + 0.1), side.hedge_m
    paint_strips(canvas, (
        Strip((x, top), (x + sign * _HEDGE_M, top), (86, 124, 58), VEGETATION),
        Strip((x, 0), (x, top), (52, 88, 42), VEGETATION),
        Strip((x, 0), (x, 0.35 * top), (40, 68, 36), VEGETATION)), view=view)
