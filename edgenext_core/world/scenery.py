"""What stands still: the road and its marks, pavements, buildings, hedges, trees, the sky."""

from typing import NamedTuple, Optional, Tuple

import cv2
import numpy as np

from edgenext_core.labels import WORLD_SURFACES
from edgenext_core.world.camera import FIXED_POINT_BITS, fixed_point
from edgenext_core.world.canvas import Sprite

ROAD, PAVEMENT, BUILDING, VEGETATION, SKY, VEHICLE, PERSON, TRAFFIC_OBJECT = range(
    len(WORLD_SURFACES.names))

LANE_M = 3.3
"""Width of a lane; the own one reaches from -LANE_M / 2 to LANE_M / 2."""

KERB_M = 0.13
_BANDS_M = np.array([1.4, 3, 5, 8, 12, 17, 24, 35, 55, 100.0])
_FAR_M = 90.0
_WALLS = ((178, 110, 84), (205, 186, 150), (188, 190, 194), (150, 84, 70), (222, 208, 188),
          (134, 142, 150), (196, 150, 104), (164, 170, 158))
_LEAVES = ((58, 104, 44), (78, 122, 50), (46, 88, 52), (104, 126, 48), (66, 110, 66))
_CLUMP = np.stack([np.cos(np.linspace(0, 2 * np.pi, 14, endpoint=False)),
                   np.sin(np.linspace(0, 2 * np.pi, 14, endpoint=False))], axis=1)


class Side(NamedTuple):
    """One side of the street: ``kind`` is 'shops', 'houses' or 'park'; widths in metres."""

    kind: str
    edge_m: float
    pavement_m: float
    hedge_m: float


class Building(NamedTuple):
    """A house: where its street wall is, from where to where it reaches, how it looks."""

    side: int
    wall_m: float
    near_m: float
    far_m: float
    height_m: float
    color: Tuple[float, float, float]
    storeys: int
    columns: int
    shop: Optional[Tuple[float, float, float]]
    lit: np.ndarray


class Tree(NamedTuple):
    """A tree: place, size, its clumps of leaves (N, 14, 2) right and up, their colours."""

    lateral_m: float
    along_m: float
    trunk_m: float
    clumps: np.ndarray
    colors: np.ndarray


class Layout(NamedTuple):
    """All that stands still in a street, in street metres at time 0."""

    sides: Tuple[Side, Side]
    asphalt: Tuple[float, float, float]
    paving: Tuple[float, float, float]
    grass: Tuple[float, float, float]
    dash_phase_m: float
    crosswalk_m: Optional[float]
    stop_line_m: Optional[float]
    strip: bool
    buildings: Tuple[Building, ...]
    trees: Tuple[Tree, ...]


def choose_layout(rng, *, strip_m, left_edge_m, stop_line_m):
    """
    Draw a street.

    :param rng: random state.
    :param strip_m: width of the strip for parking and cycling right of the own lane.
    :param left_edge_m: how far left the other kerb is.
    :param stop_line_m: where a stop line is, or None.
    :return: a ``Layout``.
    """
    sides = []
    for edge in (left_edge_m, LANE_M / 2 + strip_m):
        kind = str(rng.choice(['shops', 'houses', 'park'], p=[0.42, 0.36, 0.22]))
        sides.append(Side(kind=kind, edge_m=edge,
                          pavement_m=rng.uniform(2.6, 3.6) if kind == 'shops'
                          else rng.uniform(2.0, 2.6),
                          hedge_m=rng.uniform(0.8, 1.3) if kind != 'shops' and rng.rand() < 0.6
                          else 0.0))
    buildings, trees = [], []
    for sign, side in zip((-1, 1), sides):
        buildings += _choose_buildings(rng, sign, side)
        trees += _choose_trees(rng, sign, side)
    if stop_line_m is not None:
        trees = [tree for tree in trees if tree.lateral_m < 0 or tree.along_m > stop_line_m + 3]
    crosswalk = None
    if stop_line_m is not None and rng.rand() < 0.5:
        crosswalk = stop_line_m + 0.9
    elif stop_line_m is None and rng.rand() < 0.3:
        crosswalk = rng.uniform(6, 22)
    gray = rng.uniform(72, 108)
    stone = rng.uniform(150, 186)
    return Layout(
        sides=tuple(sides), asphalt=(gray, gray + 1, gray + rng.uniform(0, 7)),
        paving=(stone + rng.uniform(0, 12), stone, stone - rng.uniform(2, 16)),
        grass=(86 + rng.uniform(-14, 16), 132 + rng.uniform(-14, 12), 60.0),
        dash_phase_m=rng.uniform(0, 7), crosswalk_m=crosswalk, stop_line_m=stop_line_m,
        strip=strip_m > 1.0, buildings=tuple(sorted(buildings, key=lambda b: -b.far_m)),
        trees=tuple(trees))


def _choose_buildings(rng, sign, side):
    if side.kind == 'park':
        return []
    shops = side.kind == 'shops'
    wall = side.edge_m + side.pavement_m + (0.0 if shops else rng.uniform(4.0, 6.5))
    buildings, along = [], rng.uniform(-6, 3)
    while along < _FAR_M:
        length = rng.uniform(8, 15)
        storeys = rng.randint(3, 6) if shops else rng.randint(2, 4)
        columns = max(2, int(length / rng.uniform(2.2, 3.2)))
        color = np.array(_WALLS[rng.randint(len(_WALLS))]) + rng.uniform(-14, 14, 3)
        buildings.append(Building(
            side=sign, wall_m=wall + (0 if shops else rng.uniform(0, 0.8)), near_m=along,
            far_m=along + length, height_m=storeys * rng.uniform(2.9, 3.4) + 0.6,
            color=tuple(np.clip(color, 20, 245)), storeys=storeys, columns=columns,
            shop=tuple(rng.uniform(40, 220, 3)) if shops and rng.rand() < 0.7 else None,
            lit=rng.rand(storeys, columns) < 0.4))
        along += length + (0.0 if shops and rng.rand() < 0.85 else rng.uniform(1.5, 7))
    return buildings


def _choose_trees(rng, sign, side):
    if side.kind == 'shops' and rng.rand() < 0.6:
        return []
    trees, along = [], rng.uniform(4, 12)
    while along < 60:
        outer = side.edge_m + side.pavement_m + rng.uniform(1.2, 3.0)
        lateral = side.edge_m + 0.5 if side.kind == 'shops' else outer
        size, leaves = rng.uniform(0.85, 1.3), np.array(_LEAVES[rng.randint(len(_LEAVES))], float)
        trunk = rng.uniform(2.3, 2.9)
        shares = np.repeat([0.70, 0.86, 1.0, 1.13], [3, 4, 4, 4])
        count = len(shares)
        centers = np.stack([
            rng.uniform(-1.0, 1.0, count) * size - (shares - 0.85) * 0.6,
            trunk + (1.2 + (shares - 0.85) * 1.6 + rng.uniform(-0.7, 0.8, count)) * size], axis=1)
        radii = rng.uniform(0.55, 1.0, count) * size * np.where(shares < 0.8, 1.15, 0.75)
        outlines = _CLUMP * (radii[:, None] * rng.uniform(0.88, 1.1, (count, 14)))[..., None]
        colors = leaves * (shares * rng.uniform(0.94, 1.06, count))[:, None]
        trees.append(Tree(lateral_m=sign * lateral, along_m=along, trunk_m=trunk,
                          clumps=centers[:, None] + outlines, colors=colors))
        along += rng.uniform(5, 12) * (0.7 if side.kind == 'park' else 1.3)
    return trees


class Backdrop:
    """The sky with clouds, sun and the trees on the horizon: drawn once, shifted per frame."""

    def __init__(self, rng, atmosphere, *, camera):
        """
        Draw the panorama.

        :param rng: random state.
        :param atmosphere: the ``Atmosphere``.
        :param camera: the ``Camera`` at time 0; gives size and horizon.
        """
        width, height = camera.width, int(np.ceil(camera.horizon_px)) + 3
        self._margin = width // 6
        wide = width + 2 * self._margin
        small = (wide // 4, height // 4)
        share = np.linspace(0, 1, small[1])[:, None] ** 1.3
        top, bottom = np.array(atmosphere.sky_top), np.array(atmosphere.sky_bottom)
        rows = (top * (1 - share) + bottom * share)[:, ::-1].astype(np.float32)
        clouds = sum(cv2.resize(rng.rand(3 * k, 4 * k).astype(np.float32), small,
                                interpolation=cv2.INTER_CUBIC) / k for k in (1, 2, 4))
        cover = np.clip((clouds - rng.uniform(0.8, 1.15)) * 2.2, 0, 0.8)[..., None]
        cloud = (bottom * 0.75 + 60 * (np.mean(bottom) > 120))[::-1].clip(0, 252)
        sky = rows[:, None, :] * (1 - cover) + cloud.astype(np.float32) * cover
        if atmosphere.sun > 0.5:
            self._add_sun(rng, sky, atmosphere)
        sky = cv2.resize(sky, (wide, height), interpolation=cv2.INTER_LINEAR)
        self._sky = np.clip(sky, 0, 255).astype(np.uint8)
        self._surfaces = np.full(self._sky.shape[:2], SKY, np.uint8)
        self._add_horizon_trees(rng, atmosphere, camera)
        self._ground = atmosphere.shade([(86, 112, 60)], 90.0)[0].tolist()

    def _add_sun(self, rng, sky, atmosphere):
        height, wide = sky.shape[:2]
        low = atmosphere.light == 'low_sun'
        x = wide * (0.5 + atmosphere.sun_side * rng.uniform(0.05, 0.3))
        y = height * (rng.uniform(0.3, 0.6) if low else rng.uniform(0.05, 0.25))
        ys, xs = np.mgrid[0:height, 0:wide].astype(np.float32)
        distance = np.hypot(xs - x, ys - y) / wide
        glow = 1.1 * np.exp(-(distance / 0.022) ** 2) + 0.38 * np.exp(-distance / 0.09)
        sky += glow[..., None] * np.array([170, 215, 255], np.float32)

    def _add_horizon_trees(self, rng, atmosphere, camera):
        wide = self._surfaces.shape[1]
        unit = camera.width / 640
        x = 0.0
        while x < wide:
            radius = rng.uniform(12, 26) * unit
            color = np.array(_LEAVES[rng.randint(len(_LEAVES))]) * rng.uniform(0.8, 1.0)
            shade = atmosphere.shade([color], 45.0)[0].tolist()
            center = (int(x), int(camera.horizon_px + 4 * unit - rng.uniform(0, 6) * unit))
            cv2.circle(self._sky, center, int(radius), shade, -1, cv2.LINE_AA)
            cv2.circle(self._surfaces, center, int(radius), VEGETATION, -1)
            x += radius * 0.8

    def paint(self, canvas, camera):
        """
        Paint the part that the camera sees.

        :param canvas: the ``Canvas``.
        :param camera: the ``Camera``.
        """
        height = self._sky.shape[0]
        shift = int(np.clip(round(self._margin - camera.focal_px * camera.heading), 0,
                            2 * self._margin))
        canvas.image[:height] = self._sky[:, shift:shift + camera.width]
        canvas.identities[:height] = self._surfaces[:, shift:shift + camera.width]
        canvas.identities[height:] = VEGETATION
        cv2.rectangle(canvas.image, (0, height), (camera.width, canvas.image.shape[0]),
                      self._ground, -1)


def paint_ground(canvas, camera, atmosphere, layout, *, travelled_m):
    """
    Paint lawns, pavements, the road and its marks.

    :param canvas: the ``Canvas``.
    :param camera: the ``Camera``.
    :param atmosphere: the ``Atmosphere``.
    :param layout: the ``Layout``.
    :param travelled_m: how far the camera has driven.
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
    _paint_strips(canvas, camera, atmosphere, strips)
    _paint_joints(canvas, camera, atmosphere, layout, travelled_m)
    _paint_marks(canvas, camera, atmosphere, layout, travelled_m)


def _paint_strips(canvas, camera, atmosphere, strips):
    """Paint strips (x0, up0, x1, up1, RGB, surface) along the street, each far to near."""
    count = len(_BANDS_M)
    points = np.empty((len(strips), 2, count, 3))
    for strip, (x0, up0, x1, up1, _, _) in zip(points, strips):
        strip[0, :, :2], strip[1, :, :2] = (x0, up0), (x1, up1)
    points[..., 2] = _BANDS_M
    pixels = fixed_point(camera.project(points.reshape(-1, 3))).reshape(len(strips), 2, count, 2)
    for (near, far), (_, _, _, _, color, surface) in zip(pixels, strips):
        outline = np.concatenate([near, far[::-1]])
        cv2.fillPoly(canvas.identities, [outline], surface, cv2.LINE_8, FIXED_POINT_BITS)
        for i in range(count - 2, -1, -1):
            quad = np.array([near[i], near[i + 1], far[i + 1], far[i]])
            canvas.decorate(quad, atmosphere.shade_one(color, 1.15 * _BANDS_M[i]))


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
                  for near, far in zip(_BANDS_M[:-2], _BANDS_M[1:-1])]
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


def paint_buildings(canvas, camera, atmosphere, layout, *, travelled_m):
    """
    Paint houses and hedges from far to near.

    :param canvas: the ``Canvas``.
    :param camera: the ``Camera``.
    :param atmosphere: the ``Atmosphere``.
    :param layout: the ``Layout``.
    :param travelled_m: how far the camera has driven.
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

    def quad(points):
        return fixed_point(camera.project(points))

    if true_near > 1.0:
        outer = x + building.side * 9
        front = np.array([[x, 0, near], [outer, 0, near], [outer, top, near], [x, top, near]])
        canvas.fill(quad(front), shade(tuple(0.84 * c for c in building.color), near), BUILDING)
    canvas.fill(quad(_wall(x, 0, top, near, far)), shade(color), BUILDING)
    canvas.decorate(quad(_wall(x, top - 0.45, top, near, far)),
                    shade(tuple(0.72 * c for c in color)))
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
        frames, panes, bright = quads[:len(panes)], quads[len(panes):], np.array(bright)
        canvas.decorate_many(frames, shade(tuple(min(250, 1.18 * c) for c in building.color)))
        canvas.decorate_many(panes[~bright], shade((58, 72, 88)))
        canvas.decorate_many(panes[bright],
                             atmosphere.fade([(250, 206, 128)], far)[0].tolist())
    if building.shop:
        start, stop = max(true_near + 0.5, 1.0), far - 0.5
        glass = (250, 214, 150) if atmosphere.lamps_on else (70, 84, 98)
        for low, high, color in ((0.5, 2.5, glass), (2.5, 3.05, building.shop)):
            polygon = fixed_point(camera.project(_wall(x, low, high, start, stop)))
            canvas.decorate(polygon, shade(color))


def _paint_hedge(canvas, camera, atmosphere, sign, side):
    x, top = sign * (side.edge_m + side.pavement_m + 0.1), side.hedge_m
    _paint_strips(canvas, camera, atmosphere, (
        (x, top, x + sign * 0.7, top, (86, 124, 58), VEGETATION),
        (x, 0, x, top, (52, 88, 42), VEGETATION),
        (x, 0, x, 0.35 * top, (40, 68, 36), VEGETATION)))


def tree_sprite(tree, camera, atmosphere, *, along_m):
    """
    Draw a tree.

    :param tree: the ``Tree``.
    :param camera: the ``Camera``.
    :param atmosphere: the ``Atmosphere``.
    :param along_m: where it is before the camera.
    :return: a ``Sprite``.
    """
    origin = camera.project(np.array([[tree.lateral_m, 0.0, along_m]]))[0]
    scale = camera.focal_px / along_m
    crown_m = tree.trunk_m + 0.8
    trunk = np.array([[-0.16, 0], [0.16, 0], [0.11, crown_m], [-0.11, crown_m]])
    step = 2 if along_m > 35 else 1
    leaves = fixed_point(origin + tree.clumps[::step] * (scale, -scale))
    polygons = [fixed_point(origin + trunk * (scale, -scale)), *leaves]
    colors = atmosphere.shade(np.concatenate([[(92, 68, 48)], tree.colors[::step]]), along_m)
    return Sprite(along_m=along_m, polygons=polygons, colors_bgr=colors.tolist(),
                  own=[False] * len(polygons), surface=VEGETATION)
