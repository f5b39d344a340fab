"""Pedestrians and cyclists: skeletons of rounded limbs, flattened towards the camera."""

import math
from typing import NamedTuple, Tuple

import numpy as np

from synthetic_street.camera import fixed_point
from synthetic_street.canvas import Sprite

_CAP = np.stack([-np.sin(np.linspace(0, np.pi, 6)), np.cos(np.linspace(0, np.pi, 6))], axis=1)
_RING = np.linspace(0, 2 * np.pi, 18, endpoint=False)
_SKINS = ((236, 196, 168), (208, 158, 122), (150, 102, 72), (98, 66, 48))
_HAIRS = ((40, 30, 26), (92, 62, 36), (196, 160, 96), (150, 150, 150), (20, 20, 24))
_TOPS = ((200, 50, 56), (40, 90, 180), (236, 232, 224), (36, 38, 44), (240, 170, 40),
         (60, 140, 90), (130, 70, 150), (230, 120, 160), (110, 180, 200), (120, 96, 70))
_TROUSERS = ((36, 44, 70), (30, 30, 34), (120, 104, 84), (70, 76, 84), (88, 60, 50),
             (60, 90, 130))

Rgb = Tuple[float, float, float]


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


def choose_look(rng):
    """
    Dress a person.

    :param rng: random state
    :return: a ``Look``
    """
    def pick(colors):
        return tuple(np.clip(np.array(colors[rng.randint(len(colors))]) + rng.uniform(-10, 10, 3),
                             5, 250))
    return Look(height_m=rng.uniform(1.58, 1.92), skin=pick(_SKINS), hair=pick(_HAIRS),
                top=pick(_TOPS), trousers=pick(_TROUSERS), long_coat=bool(rng.rand() < 0.25),
                bag=bool(rng.rand() < 0.4), bicycle=pick(_TOPS))


def _capsule(start, end, radius_start, radius_end):
    direction = math.atan2(end[1] - start[1], end[0] - start[0])
    cosine, sine = math.cos(direction), math.sin(direction)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    outline = np.empty((2 * len(_CAP), 2))
    outline[:len(_CAP)] = start[:2] + radius_start * _CAP @ turn
    outline[len(_CAP):] = end[:2] - radius_end * _CAP @ turn
    return outline


class _Figure:
    """Limbs in (right, up, forward) metres, turned by the yaw, nearest painted last."""

    def __init__(self, yaw):
        self._cosine, self._sine = np.cos(yaw), np.sin(yaw)
        self._parts = []

    def turned(self, point):
        return (self._cosine * point[0] + self._sine * point[2], point[1],
                -self._sine * point[0] + self._cosine * point[2])

    def limb(self, start, end, radius_start, radius_end, color, *, lift=0.0):
        start, end = self.turned(start), self.turned(end)
        depth = (start[2] + end[2]) / 2 - lift
        self._parts.append((depth, _capsule(start, end, radius_start, radius_end), color))

    def wheel(self, center, radius, color, *, lift=0.0):
        middle = self.turned(center)
        width = max(abs(self._sine) * radius, 0.045 * radius / 0.34)
        ring = np.stack([middle[0] + width * np.cos(_RING), middle[1] + radius * np.sin(_RING)],
                        axis=1)
        self._parts.append((middle[2] - lift, ring, color))

    def sprite(self, camera, atmosphere, *, lateral_m, along_m, surface):
        parts = sorted(self._parts, key=lambda part: -part[0])
        origin = camera.project(np.array([[lateral_m, 0.0, along_m]]))[0]
        scale = camera.focal_px / along_m
        colors = atmosphere.shade([part[2] for part in parts], along_m).tolist()
        joined = fixed_point(origin + np.concatenate([part[1] for part in parts])
                             * (scale, -scale))
        ends = np.cumsum([len(part[1]) for part in parts])[:-1]
        polygons = np.split(joined, ends)
        return Sprite(along_m=along_m, polygons=polygons, colors_bgr=colors,
                      own=[True] * len(parts), surface=surface)


def _darker(color, share=0.75):
    return tuple(share * channel for channel in color)


def pedestrian_sprite(look, camera, atmosphere, *, lateral_m, along_m, yaw, stride, phase,
                      surface):
    """
    Draw a standing or walking person.

    :param look: the ``Look``
    :param camera: the ``Camera``
    :param atmosphere: the ``Atmosphere``
    :param lateral_m: where the feet are
    :param along_m: where the feet are
    :param yaw: where the person looks; 0 is away from the camera
    :param stride: 0 (stands) .. 1 (walks fast)
    :param phase: angle of the step in rad
    :param surface: the mask's class
    :return: a ``Sprite``
    """
    figure = _Figure(yaw)
    unit = look.height_m
    swing = 0.17 * stride * np.sin(phase)
    for side in (-1, 1):
        reach = side * swing
        hip = (side * 0.055 * unit, 0.49 * unit, 0)
        foot = (side * 0.07 * unit, 0.045, reach * unit)
        knee = (side * 0.065 * unit, 0.27 * unit, (0.6 * reach + 0.02) * unit)
        trousers = look.trousers if side > 0 else _darker(look.trousers, 0.82)
        figure.limb(hip, knee, 0.055 * unit, 0.045 * unit, trousers)
        figure.limb(knee, foot, 0.045 * unit, 0.034 * unit, trousers)
        figure.limb(foot, (foot[0], 0.04, foot[2] + 0.11), 0.042, 0.038, (34, 28, 26))
        shoulder = (side * 0.115 * unit, 0.79 * unit, 0)
        hand = (side * 0.145 * unit, 0.47 * unit, -0.8 * reach * unit)
        elbow = (side * 0.145 * unit, 0.62 * unit, -0.5 * reach * unit)
        sleeve = _darker(look.top, 0.86)
        figure.limb(shoulder, elbow, 0.036 * unit, 0.032 * unit, sleeve, lift=0.02)
        figure.limb(elbow, hand, 0.030 * unit, 0.026 * unit, sleeve, lift=0.02)
        figure.limb(hand, hand, 0.027 * unit, 0.027 * unit, look.skin, lift=0.03)
    hem = 0.36 if look.long_coat else 0.50
    for half in (-0.5, 0.5):
        figure.limb((half * 0.13 * unit, 0.775 * unit, 0), (half * 0.10 * unit, hem * unit, 0),
                    0.062 * unit, 0.066 * unit, look.top)
    figure.limb((0, 0.77 * unit, 0), (0, hem * unit, 0), 0.075 * unit, 0.07 * unit, look.top,
                lift=0.01)
    if look.bag:
        figure.limb((0, 0.76 * unit, -0.1), (0, 0.62 * unit, -0.1), 0.08 * unit, 0.085 * unit,
                    look.bicycle)
    figure.limb((0, 0.84 * unit, 0), (0, 0.88 * unit, 0), 0.032 * unit, 0.032 * unit, look.skin)
    figure.limb((0, 0.915 * unit, 0.01), (0, 0.935 * unit, 0.01), 0.058 * unit, 0.060 * unit,
                look.skin, lift=0.02)
    figure.limb((0, 0.935 * unit, -0.035), (0, 0.945 * unit, -0.035), 0.060 * unit, 0.058 * unit,
                look.hair, lift=0.02)
    return figure.sprite(camera, atmosphere, lateral_m=lateral_m, along_m=along_m,
                         surface=surface)


def cyclist_sprite(look, camera, atmosphere, *, lateral_m, along_m, yaw, phase, surface):
    """
    Draw a rider with the bicycle.

    :param look: the ``Look``
    :param camera: the ``Camera``
    :param atmosphere: the ``Atmosphere``
    :param lateral_m: where the bicycle is
    :param along_m: where the bicycle is
    :param yaw: where it rides; 0 is away from the camera, pi / 2 to the right
    :param phase: angle of the pedals in rad
    :param surface: the mask's class
    :return: a ``Sprite``
    """
    figure = _Figure(yaw)
    for along in (-0.54, 0.54):
        figure.wheel((0, 0.35, along), 0.35, (24, 24, 26))
        figure.wheel((0, 0.35, along), 0.285, (168, 172, 176), lift=0.001)
        figure.wheel((0, 0.35, along), 0.06, (60, 60, 64), lift=0.002)
    frame = look.bicycle
    for start, end in (((0, 0.35, -0.54), (0, 0.42, -0.05)), ((0, 0.42, -0.05), (0, 0.88, -0.2)),
                       ((0, 0.42, -0.05), (0, 0.85, 0.40)), ((0, 0.86, -0.18), (0, 0.85, 0.40)),
                       ((0, 1.02, 0.38), (0, 0.35, 0.54)), ((0, 0.35, -0.54), (0, 0.86, -0.18))):
        figure.limb(start, end, 0.035, 0.035, frame, lift=0.01)
    figure.limb((-0.27, 1.04, 0.38), (0.27, 1.04, 0.38), 0.03, 0.03, (30, 30, 34))
    figure.limb((0, 0.92, -0.3), (0, 0.92, -0.1), 0.06, 0.04, (30, 28, 28))
    for side in (-1, 1):
        turn = phase + (np.pi if side > 0 else 0)
        foot = (side * 0.11, 0.30 + 0.16 * np.sin(turn), 0.02 + 0.16 * np.cos(turn))
        knee = (side * 0.12, 0.64 + 0.10 * np.sin(turn), 0.24 + 0.06 * np.cos(turn))
        trousers = look.trousers if side > 0 else _darker(look.trousers, 0.82)
        figure.limb((side * 0.09, 0.95, -0.2), knee, 0.095, 0.075, trousers, lift=0.02)
        figure.limb(knee, foot, 0.07, 0.05, trousers, lift=0.02)
        figure.limb(foot, (foot[0], foot[1] - 0.02, foot[2] + 0.13), 0.05, 0.04, (30, 26, 24),
                    lift=0.02)
        figure.limb((side * 0.18, 1.40, 0.12), (side * 0.25, 1.07, 0.36), 0.06, 0.045,
                    _darker(look.top, 0.86), lift=0.03)
    for half in (-0.5, 0.5):
        figure.limb((half * 0.24, 1.40, 0.10), (half * 0.18, 1.0, -0.18), 0.11, 0.11, look.top,
                    lift=0.02)
    figure.limb((0, 1.50, 0.14), (0, 1.56, 0.16), 0.055, 0.055, look.skin)
    figure.limb((0, 1.62, 0.2), (0, 1.66, 0.2), 0.10, 0.105, look.skin, lift=0.02)
    figure.limb((0, 1.70, 0.14), (0, 1.72, 0.22), 0.115, 0.11, look.hair, lift=0.03)
    return figure.sprite(camera, atmosphere, lateral_m=lateral_m, along_m=along_m,
                         surface=surface)
