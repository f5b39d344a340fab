"""The plan of a street: its sides, buildings and trees, and which marks the road has."""

from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from synthetic_street.colors import Rgb, pick_color, vary_color

LANE_M = 3.3
"""Width of a lane; the own one reaches from -LANE_M / 2 to LANE_M / 2."""

KERB_M = 0.13
"""Height of the pavements above the road."""

DASH_PERIOD_M = 7
"""Distance from one dash of the middle line to the next."""

ROOF_M = 0.6
"""Height of a building above its uppermost storey."""

LEAVES_RGB = ((58, 104, 44), (78, 122, 50), (46, 88, 52), (104, 126, 48), (66, 110, 66))
"""Colours that trees take."""

_HOUSES_END_M, _TREES_END_M = 90.0, 60
_WALLS = ((178, 110, 84), (205, 186, 150), (188, 190, 194), (150, 84, 70), (222, 208, 188),
          (134, 142, 150), (196, 150, 104), (164, 170, 158))
_STOP_LINE_TO_CROSSWALK_M = 0.9
_STOP_LINE_TO_TREES_M = 3
_CLUMP = np.stack([np.cos(np.linspace(0, 2 * np.pi, 14, endpoint=False)),
                   np.sin(np.linspace(0, 2 * np.pi, 14, endpoint=False))], axis=1)
_CLUMP_SHADES = np.repeat([0.70, 0.86, 1.0, 1.13], [3, 4, 4, 4])
"""Brightness of a tree's clumps, back to front."""


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
    color: Rgb
    storeys: int
    columns: int
    shop: Optional[Rgb]
    lit: np.ndarray


class Tree(NamedTuple):
    """A tree: place, size, its clumps of leaves (N, 14, 2) right and up, their colours."""

    lateral_m: float
    along_m: float
    trunk_m: float
    clumps: np.ndarray
    colors: np.ndarray


class Layout(NamedTuple):
    """All that stands still in a street, metres at time 0; ``sides`` are left and right."""

    sides: Tuple[Side, Side]
    asphalt: Rgb
    paving: Rgb
    grass: Rgb
    dash_phase_m: float
    crosswalk_m: Optional[float]
    stop_line_m: Optional[float]
    strip: bool
    buildings: Tuple[Building, ...]
    trees: Tuple[Tree, ...]


def choose_layout(
    rng: np.random.RandomState, *, strip_m: float, left_edge_m: float,
    stop_line_m: Optional[float],
) -> Layout:
    """
    Draw a street.

    :param rng: random state
    :param strip_m: width of the strip for parking and cycling right of the own lane
    :param left_edge_m: how far left the other kerb is
    :param stop_line_m: where a stop line is, or None
    :return: a ``Layout``
    """
    sides = (_choose_side(rng, left_edge_m), _choose_side(rng, LANE_M / 2 + strip_m))
    buildings: List[Building] = []
    trees: List[Tree] = []
    for sign, side in zip((-1, 1), sides):
        buildings += _choose_buildings(rng, side, sign=sign)
        trees += _choose_trees(rng, side, sign=sign)
    if stop_line_m is not None:
        trees = [tree for tree in trees
                 if tree.lateral_m < 0 or tree.along_m > stop_line_m + _STOP_LINE_TO_TREES_M]
    crosswalk_m = _choose_crosswalk(rng, stop_line_m)
    gray = rng.uniform(72, 108)
    stone = rng.uniform(150, 186)
    return Layout(
        sides=sides, asphalt=(gray, gray + 1, gray + rng.uniform(0, 7)),
        paving=(stone + rng.uniform(0, 12), stone, stone - rng.uniform(2, 16)),
        grass=(86 + rng.uniform(-14, 16), 132 + rng.uniform(-14, 12), 60.0),
        dash_phase_m=rng.uniform(0, DASH_PERIOD_M), crosswalk_m=crosswalk_m,
        stop_line_m=stop_line_m, strip=strip_m > 1.0,
        buildings=tuple(sorted(buildings, key=lambda building: -building.far_m)),
        trees=tuple(trees))


def _choose_side(rng: np.random.RandomState, edge_m: float) -> Side:
    kind = str(rng.choice(['shops', 'houses', 'park'], p=[0.42, 0.36, 0.22]))
    shops = kind == 'shops'
    pavement_m = rng.uniform(2.6, 3.6) if shops else rng.uniform(2.0, 2.6)
    hedge_m = rng.uniform(0.8, 1.3) if not shops and rng.rand() < 0.6 else 0.0
    return Side(kind=kind, edge_m=edge_m, pavement_m=pavement_m, hedge_m=hedge_m)


def _choose_crosswalk(rng: np.random.RandomState, stop_line_m: Optional[float]) -> Optional[float]:
    if stop_line_m is not None:
        return stop_line_m + _STOP_LINE_TO_CROSSWALK_M if rng.rand() < 0.5 else None
    return rng.uniform(6, 22) if rng.rand() < 0.3 else None


def _choose_buildings(rng: np.random.RandomState, side: Side, *, sign: int) -> List[Building]:
    if side.kind == 'park':
        return []
    shops = side.kind == 'shops'
    wall = side.edge_m + side.pavement_m + (0.0 if shops else rng.uniform(4.0, 6.5))
    buildings, along = [], rng.uniform(-6, 3)
    while along < _HOUSES_END_M:
        length = rng.uniform(8, 15)
        storeys = rng.randint(3, 6) if shops else rng.randint(2, 4)
        columns = max(2, int(length / rng.uniform(2.2, 3.2)))
        color = vary_color(rng, pick_color(rng, _WALLS), spread=14, low=20, high=245)
        buildings.append(Building(
            side=sign, wall_m=wall + (0 if shops else rng.uniform(0, 0.8)), near_m=along,
            far_m=along + length, height_m=storeys * rng.uniform(2.9, 3.4) + ROOF_M,
            color=color, storeys=storeys, columns=columns,
            shop=_shop_color(rng) if shops and rng.rand() < 0.7 else None,
            lit=rng.rand(storeys, columns) < 0.4))
        along += length + (0.0 if shops and rng.rand() < 0.85 else rng.uniform(1.5, 7))
    return buildings


def _shop_color(rng: np.random.RandomState) -> Rgb:
    red, green, blue = rng.uniform(40, 220, 3).tolist()
    return red, green, blue


def _choose_trees(rng: np.random.RandomState, side: Side, *, sign: int) -> List[Tree]:
    if side.kind == 'shops' and rng.rand() < 0.6:
        return []
    trees, along = [], rng.uniform(4, 12)
    while along < _TREES_END_M:
        outer = side.edge_m + side.pavement_m + rng.uniform(1.2, 3.0)
        lateral = side.edge_m + 0.5 if side.kind == 'shops' else outer
        trees.append(_choose_tree(rng, lateral_m=sign * lateral, along_m=along))
        along += rng.uniform(5, 12) * (0.7 if side.kind == 'park' else 1.3)
    return trees


def _choose_tree(rng: np.random.RandomState, *, lateral_m: float, along_m: float) -> Tree:
    size = rng.uniform(0.85, 1.3)
    leaves = np.array(pick_color(rng, LEAVES_RGB), float)
    trunk = rng.uniform(2.3, 2.9)
    shades, count = _CLUMP_SHADES, len(_CLUMP_SHADES)
    # Bright clumps sit higher and further left than dark ones.
    centers = np.stack([
        rng.uniform(-1.0, 1.0, count) * size - (shades - 0.85) * 0.6,
        trunk + (1.2 + (shades - 0.85) * 1.6 + rng.uniform(-0.7, 0.8, count)) * size], axis=1)
    radii = rng.uniform(0.55, 1.0, count) * size * np.where(shades < 0.8, 1.15, 0.75)
    outlines = _CLUMP * (radii[:, None] * rng.uniform(0.88, 1.1, (count, 14)))[..., None]
    colors = leaves * (shades * rng.uniform(0.94, 1.06, count))[:, None]
    return Tree(lateral_m=lateral_m, along_m=along_m, trunk_m=trunk,
                clumps=centers[:, None] + outlines, colors=colors)
