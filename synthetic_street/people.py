"""Pedestrians and cyclists: skeletons of rounded limbs, flattened towards the camera."""

import math
from typing import List, NamedTuple, Tuple

import numpy as np

from synthetic_street.camera import Place, fixed_point
from synthetic_street.canvas import Sprite
from synthetic_street.colors import Rgb, pick_color, scale_color, vary_color
from synthetic_street.surfaces import PERSON
from synthetic_street.view import View

_CAP = np.stack([-np.sin(np.linspace(0, np.pi, 6)), np.cos(np.linspace(0, np.pi, 6))], axis=1)
_RING = np.linspace(0, 2 * np.pi, 18, endpoint=False)
_SKINS = ((236, 196, 168), (208, 158, 122), (150, 102, 72), (98, 66, 48))
_HAIRS = ((40, 30, 26), (92, 62, 36), (196, 160, 96), (150, 150, 150), (20, 20, 24))
_TOPS = ((200, 50, 56), (40, 90, 180), (236, 232, 224), (36, 38, 44), (240, 170, 40),
         (60, 140, 90), (130, 70, 150), (230, 120, 160), (110, 180, 200), (120, 96, 70))
_TROUSERS = ((36, 44, 70), (30, 30, 34), (120, 104, 84), (70, 76, 84), (88, 60, 50),
             (60, 90, 130))
_PEDESTRIAN_SHOE, _CYCLIST_SHOE = (34, 28, 26), (30, 26, 24)
_TIRE, _SPOKES, _HUB, _HANDLEBAR, _SADDLE = (
    (24, 24, 26), (168, 172, 176), (60, 60, 64), (30, 30, 34), (30, 28, 28))
_SLEEVE, _FAR_LEG = 0.86, 0.82
"""Brightness of sleeves and of the left leg against the rest of the clothes."""

_STRIDE = 0.17
"""How far a foot swings to each side at full stride, in heights of the person."""

_WHEEL_M, _RIM_M, _HUB_M, _TIRE_M = 0.35, 0.285, 0.06, 0.045
_CRANK_M = 0.16
_AXLES_M = (-0.54, 0.54)
_TUBES_M = (
    ((0, 0.35, -0.54), (0, 0.42, -0.05)), ((0, 0.42, -0.05), (0, 0.88, -0.2)),
    ((0, 0.42, -0.05), (0, 0.85, 0.40)), ((0, 0.86, -0.18), (0, 0.85, 0.40)),
    ((0, 1.02, 0.38), (0, 0.35, 0.54)), ((0, 0.35, -0.54), (0, 0.86, -0.18)))
"""The bicycle's frame."""

Point = Tuple[float, float, float]


class Look(NamedTuple):
    """How a person is dressed; colours are RGB, ``height_m`` from shoe to hair."""

    height_m: float
    skin: Rgb
    hair: Rgb
    top: Rgb
    trousers: Rgb
    long_coat: bool
    bag: bool
    bicycle: Rgb


def choose_look(rng: np.random.RandomState) -> Look:
    """
    Dress a person.

    :param rng: random state
    :return: a ``Look``
    """
    def pick(palette: Tuple[Rgb, ...]) -> Rgb:
        return vary_color(rng, pick_color(rng, palette), spread=10, low=5, high=250)
    return Look(height_m=rng.uniform(1.58, 1.92), skin=pick(_SKINS), hair=pick(_HAIRS),
                top=pick(_TOPS), trousers=pick(_TROUSERS), long_coat=bool(rng.rand() < 0.25),
                bag=bool(rng.rand() < 0.4), bicycle=pick(_TOPS))


def _capsule(start: Point, end: Point, *, radii_m: Tuple[float, float]) -> np.ndarray:
    """Give the (12, 2) outline, right and up, of a limb with round ends."""
    direction = math.atan2(end[1] - start[1], end[0] - start[0])
    cosine, sine = math.cos(direction), math.sin(direction)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    outline = np.empty((2 * len(_CAP), 2))
    outline[:len(_CAP)] = start[:2] + radii_m[0] * _CAP @ turn
    outline[len(_CAP):] = end[:2] - radii_m[1] * _CAP @ turn
    return outline


class _Part(NamedTuple):
    """One outline (N, 2), right and up of the feet in metres, and how far away it is."""

    depth_m: float
    outline: np.ndarray
    color: Rgb


class _Figure:
    """Limbs in (right, up, forward) metres, turned by the yaw, nearest painted last."""

    def __init__(self, yaw: float) -> None:
        self._cosine, self._sine = np.cos(yaw), np.sin(yaw)
        self._parts: List[_Part] = []

    def _turned(self, point: Point) -> Point:
        return (self._cosine * point[0] + self._sine * point[2], point[1],
                -self._sine * point[0] + self._cosine * point[2])

    def limb(
        self, start: Point, end: Point, *, radii_m: Tuple[float, float], color: Rgb,
        lift_m: float = 0.0,
    ) -> None:
        """Add a limb; it is painted as if it were nearer by ``lift_m``."""
        start, end = self._turned(start), self._turned(end)
        depth = (start[2] + end[2]) / 2 - lift_m
        self._parts.append(_Part(depth, _capsule(start, end, radii_m=radii_m), color))

    def wheel(self, center: Point, radius_m: float, *, color: Rgb, lift_m: float = 0.0) -> None:
        """Add an upright disc that rolls forward; from behind it is as wide as a tire."""
        middle = self._turned(center)
        width = max(abs(self._sine) * radius_m, _TIRE_M * radius_m / 0.34)
        ring = np.stack([middle[0] + width * np.cos(_RING), middle[1] + radius_m * np.sin(_RING)],
                        axis=1)
        self._parts.append(_Part(middle[2] - lift_m, ring, color))

    def sprite(self, view: View, place: Place) -> Sprite:
        """Project the figure with its feet at a place."""
        parts = sorted(self._parts, key=lambda part: -part.depth_m)
        origin = view.camera.project(np.array([[place.lateral_m, 0.0, place.along_m]]))[0]
        scale = view.camera.focal_px / place.along_m
        colors = view.atmosphere.shade([part.color for part in parts], place.along_m).tolist()
        joined = fixed_point(origin + np.concatenate([part.outline for part in parts])
                             * (scale, -scale))
        ends = np.cumsum([len(part.outline) for part in parts])[:-1]
        return Sprite(along_m=place.along_m, polygons=np.split(joined, ends), colors_bgr=colors,
                      own=[True] * len(parts), surface=PERSON)


def pedestrian_sprite(
    look: Look, view: View, *, place: Place, yaw: float, stride: float, phase: float,
) -> Sprite:
    """
    Draw a standing or walking person.

    :param look: the ``Look``
    :param view: the ``View``
    :param place: where the feet are
    :param yaw: where the person looks; 0 is away from the camera
    :param stride: 0 (stands) .. 1 (walks fast)
    :param phase: angle of the step in rad
    :return: a ``Sprite``
    """
    figure = _Figure(yaw)
    swing = _STRIDE * stride * np.sin(phase)
    for side in (-1, 1):
        _add_walking_leg(figure, look, side=side, reach=side * swing)
        _add_swinging_arm(figure, look, side=side, reach=side * swing)
    _add_upright_trunk(figure, look)
    _add_upright_head(figure, look)
    return figure.sprite(view, place)


# Below, lengths are in metres; a pedestrian's are shares of the height, which is `unit`.

def _add_walking_leg(figure: _Figure, look: Look, *, side: int, reach: float) -> None:
    unit = look.height_m
    hip = (side * 0.055 * unit, 0.49 * unit, 0)
    foot = (side * 0.07 * unit, 0.045, reach * unit)
    knee = (side * 0.065 * unit, 0.27 * unit, (0.6 * reach + 0.02) * unit)
    toes = (foot[0], 0.04, foot[2] + 0.11)
    trousers = look.trousers if side > 0 else scale_color(look.trousers, _FAR_LEG)
    figure.limb(hip, knee, radii_m=(0.055 * unit, 0.045 * unit), color=trousers)
    figure.limb(knee, foot, radii_m=(0.045 * unit, 0.034 * unit), color=trousers)
    figure.limb(foot, toes, radii_m=(0.042, 0.038), color=_PEDESTRIAN_SHOE)


def _add_swinging_arm(figure: _Figure, look: Look, *, side: int, reach: float) -> None:
    unit, sleeve = look.height_m, scale_color(look.top, _SLEEVE)
    shoulder = (side * 0.115 * unit, 0.79 * unit, 0)
    hand = (side * 0.145 * unit, 0.47 * unit, -0.8 * reach * unit)
    elbow = (side * 0.145 * unit, 0.62 * unit, -0.5 * reach * unit)
    figure.limb(shoulder, elbow, radii_m=(0.036 * unit, 0.032 * unit), color=sleeve, lift_m=0.02)
    figure.limb(elbow, hand, radii_m=(0.030 * unit, 0.026 * unit), color=sleeve, lift_m=0.02)
    figure.limb(hand, hand, radii_m=(0.027 * unit, 0.027 * unit), color=look.skin, lift_m=0.03)


def _add_upright_trunk(figure: _Figure, look: Look) -> None:
    unit = look.height_m
    hem = 0.36 if look.long_coat else 0.50
    for half in (-0.5, 0.5):
        figure.limb((half * 0.13 * unit, 0.775 * unit, 0), (half * 0.10 * unit, hem * unit, 0),
                    radii_m=(0.062 * unit, 0.066 * unit), color=look.top)
    figure.limb((0, 0.77 * unit, 0), (0, hem * unit, 0), radii_m=(0.075 * unit, 0.07 * unit),
                color=look.top, lift_m=0.01)
    if look.bag:
        figure.limb((0, 0.76 * unit, -0.1), (0, 0.62 * unit, -0.1),
                    radii_m=(0.08 * unit, 0.085 * unit), color=look.bicycle)


def _add_upright_head(figure: _Figure, look: Look) -> None:
    unit = look.height_m
    figure.limb((0, 0.84 * unit, 0), (0, 0.88 * unit, 0), radii_m=(0.032 * unit, 0.032 * unit),
                color=look.skin)
    figure.limb((0, 0.915 * unit, 0.01), (0, 0.935 * unit, 0.01),
                radii_m=(0.058 * unit, 0.060 * unit), color=look.skin, lift_m=0.02)
    figure.limb((0, 0.935 * unit, -0.035), (0, 0.945 * unit, -0.035),
                radii_m=(0.060 * unit, 0.058 * unit), color=look.hair, lift_m=0.02)


def cyclist_sprite(look: Look, view: View, *, place: Place, yaw: float, phase: float) -> Sprite:
    """
    Draw a rider with the bicycle.

    :param look: the ``Look``
    :param view: the ``View``
    :param place: where the bicycle is
    :param yaw: where it rides; 0 is away from the camera, pi / 2 to the right
    :param phase: angle of the pedals in rad
    :return: a ``Sprite``
    """
    figure = _Figure(yaw)
    _add_bicycle(figure, look.bicycle)
    for side in (-1, 1):
        _add_pedalling_leg(figure, look, side=side, phase=phase + (np.pi if side > 0 else 0))
        figure.limb((side * 0.18, 1.40, 0.12), (side * 0.25, 1.07, 0.36), radii_m=(0.06, 0.045),
                    color=scale_color(look.top, _SLEEVE), lift_m=0.03)
    for half in (-0.5, 0.5):
        figure.limb((half * 0.24, 1.40, 0.10), (half * 0.18, 1.0, -0.18), radii_m=(0.11, 0.11),
                    color=look.top, lift_m=0.02)
    figure.limb((0, 1.50, 0.14), (0, 1.56, 0.16), radii_m=(0.055, 0.055), color=look.skin)
    figure.limb((0, 1.62, 0.2), (0, 1.66, 0.2), radii_m=(0.10, 0.105), color=look.skin,
                lift_m=0.02)
    figure.limb((0, 1.70, 0.14), (0, 1.72, 0.22), radii_m=(0.115, 0.11), color=look.hair,
                lift_m=0.03)
    return figure.sprite(view, place)


def _add_bicycle(figure: _Figure, color: Rgb) -> None:
    for along in _AXLES_M:
        axle = (0, _WHEEL_M, along)
        figure.wheel(axle, _WHEEL_M, color=_TIRE)
        figure.wheel(axle, _RIM_M, color=_SPOKES, lift_m=0.001)
        figure.wheel(axle, _HUB_M, color=_HUB, lift_m=0.002)
    for start, end in _TUBES_M:
        figure.limb(start, end, radii_m=(0.035, 0.035), color=color, lift_m=0.01)
    figure.limb((-0.27, 1.04, 0.38), (0.27, 1.04, 0.38), radii_m=(0.03, 0.03), color=_HANDLEBAR)
    figure.limb((0, 0.92, -0.3), (0, 0.92, -0.1), radii_m=(0.06, 0.04), color=_SADDLE)


def _add_pedalling_leg(figure: _Figure, look: Look, *, side: int, phase: float) -> None:
    foot = (side * 0.11, 0.30 + _CRANK_M * np.sin(phase), 0.02 + _CRANK_M * np.cos(phase))
    knee = (side * 0.12, 0.64 + 0.10 * np.sin(phase), 0.24 + 0.06 * np.cos(phase))
    toes = (foot[0], foot[1] - 0.02, foot[2] + 0.13)
    trousers = look.trousers if side > 0 else scale_color(look.trousers, _FAR_LEG)
    figure.limb((side * 0.09, 0.95, -0.2), knee, radii_m=(0.095, 0.075), color=trousers,
                lift_m=0.02)
    figure.limb(knee, foot, radii_m=(0.07, 0.05), color=trousers, lift_m=0.02)
    figure.limb(foot, toes, radii_m=(0.05, 0.04), color=_CYCLIST_SHOE, lift_m=0.02)
