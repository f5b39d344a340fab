"""Houses with their windows and shops, and hedges."""

import numpy as np

from synthetic_street.camera import fixed_point
from synthetic_street.ground import paint_strips
from synthetic_street.surfaces import BUILDING, VEGETATION


def paint_buildings(canvas, camera, atmosphere, layout, *, travelled_m):
    """
    Paint houses and hedges from far to near.

    :param canvas: the ``Canvas``
    :param camera: the ``Camera``
    :param atmosphere: the ``Atmosphere``
    :param layout: the ``Layout``
    :param travelled_m: how far the camera has driven
    """
    for building in layout.buildings:
        near, far = building.near_m - travelled_m, building.far_m - travelled_m
        if far > 2.0:
            _paint_building(canvas, camera, atmosphere, building, max(near, 1.0), near, far)
    for sign, side in zip((-1, 1), layout.sides):
        if side.hedge_m:
            _paint_hedge(canvas, camera, atmosphere, sign, side)


def _wall(x, low, high, near, far):
    return np.array([[x, low, near], [x, low, far], [x, high, far], [x, high, near]], dtype=float)


def _wall_quads(camera, x, rectangles):
    """Project rectangles (low, high, near, far) of the wall at lateral x."""
    rectangles = np.array(rectangles)
    corners = np.empty((len(rectangles), 4, 3))
    corners[..., 0] = x
    corners[..., 1] = rectangles[:, [0, 0, 1, 1]]
    corners[..., 2] = rectangles[:, [2, 3, 3, 2]]
    return fixed_point(camera.project(corners.reshape(-1, 3))).reshape(-1, 4, 2)


def _paint_building(canvas, camera, atmosphere, building, near, true_near, far):
    x, top = building.side * building.wall_m, building.height_m
    sunny = 1.08 if building.side != atmosphere.sun_side else 1.0 - 0.22 * atmosphere.sun
    middle = 0.6 * near + 0.4 * far
    color = tuple(sunny * c for c in building.color)

    def shade(rgb, along=middle):
        return atmosphere.shade_one(rgb, along)

    outer = x + building.side * 9
    front = np.array([[x, 0, near], [outer, 0, near], [outer, top, near], [x, top, near]])
    front, wall, cornice = fixed_point(camera.project(np.concatenate([
        front, _wall(x, 0, top, near, far), _wall(x, top - 0.45, top, near, far)]))
    ).reshape(3, 4, 2)
    if true_near > 1.0:
        canvas.fill(front, shade(tuple(0.84 * c for c in building.color), near), BUILDING)
    canvas.fill(wall, shade(color), BUILDING)
    canvas.decorate(cornice, shade(tuple(0.72 * c for c in color)))
    if middle > 45:
        return
    _paint_windows(canvas, camera, atmosphere, building, true_near, far, shade)


def _paint_windows(canvas, camera, atmosphere, building, true_near, far, shade):
    x = building.side * building.wall_m
    step = (far - true_near) / building.columns
    storey = (building.height_m - 0.6) / building.storeys
    frames, panes, bright = [], [], []
    for row in range(1 if building.shop else 0, building.storeys):
        if storey * row > 0.42 * far + 3:
            break
        low, high = storey * row + 0.95, storey * (row + 1) - 0.35
        for column in range(building.columns):
            start = true_near + (column + 0.24) * step
            stop = start + 0.52 * step
            if start < 1.0:
                continue
            door = row == 0 and column == building.columns // 2
            frames.append((0.1 if door else low - 0.12, high + 0.1, start - 0.1, stop + 0.1))
            panes.append((0.1 if door else low, high, start, stop))
            bright.append(bool(building.lit[row, column]) and atmosphere.lamps_on)
    if panes:
        quads = _wall_quads(camera, x, frames + panes)
        glass, shining = quads[len(panes):], np.array(bright)
        canvas.decorate_many(quads[:len(panes)],
                             shade(tuple(min(250, 1.18 * c) for c in building.color)))
        canvas.decorate_many(glass[~shining], shade((58, 72, 88)))
        canvas.decorate_many(glass[shining],
                             atmosphere.fade([(250, 206, 128)], far)[0].tolist())
    if building.shop:
        start, stop = max(true_near + 0.5, 1.0), far - 0.5
        glass = (250, 214, 150) if atmosphere.lamps_on else (70, 84, 98)
        for low, high, color in ((0.5, 2.5, glass), (2.5, 3.05, building.shop)):
            polygon = fixed_point(camera.project(_wall(x, low, high, start, stop)))
            canvas.decorate(polygon, shade(color))


def _paint_hedge(canvas, camera, atmosphere, sign, side):
    x, top = sign * (side.edge_m + side.pavement_m + 0.1), side.hedge_m
    paint_strips(canvas, camera, atmosphere, (
        (x, top, x + sign * 0.7, top, (86, 124, 58), VEGETATION),
        (x, 0, x, top, (52, 88, 42), VEGETATION),
        (x, 0, x, 0.35 * top, (40, 68, 36), VEGETATION)))
