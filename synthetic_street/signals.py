"""Traffic lights, stop signs and cones as meshes."""

from typing import NamedTuple, Tuple

import numpy as np

from synthetic_street.colors import Rgb, scale_color
from synthetic_street.mesh import Mesh, Solid

_CIRCLE = np.linspace(0, 2 * np.pi, 16, endpoint=False)
_OCTAGON = np.pi / 8 + np.linspace(0, 2 * np.pi, 8, endpoint=False)
_LETTERS = {
    'S': (((1, 1), (0, 1)), ((0, 1), (0, .5)), ((0, .5), (1, .5)), ((1, .5), (1, 0)),
          ((1, 0), (0, 0))),
    'T': (((0, 1), (1, 1)), ((.5, 1), (.5, 0))),
    'O': (((0, 0), (1, 0)), ((1, 0), (1, 1)), ((1, 1), (0, 1)), ((0, 1), (0, 0))),
    'P': (((0, 0), (0, 1)), ((0, 1), (1, 1)), ((1, 1), (1, .5)), ((1, .5), (0, .5))),
}
_LETTER_M = (0.12, 0.26)
_LETTER_PITCH_M, _STROKE_M = 0.18, 0.036
_LIGHT_POLE, _SIGN_POLE = (92, 96, 100), (150, 154, 158)
_THICKNESS_M = 0.1

_HOUSING_M = (0.58, 1.25)
_LAMP_PITCH_M, _LAMP_M, _GLOW_M, _CORE_M = 0.40, 0.165, 0.195, 0.075
_PLATE_M = 0.49

_CONE_FOOT_M, _CONE_FOOT_HEIGHT_M = 0.54, 0.06
_CONE_HALF_M = (0.20, 0.035)
"""Half of the cone's width above its foot and at its top."""

_WHITE_BAND = (240, 240, 236)


class _Lamp(NamedTuple):
    """Colours of a lamp that is on and of one that is off."""

    bright: Rgb
    dim: Rgb


_LAMPS = (_Lamp((255, 44, 36), (62, 20, 20)), _Lamp((255, 190, 40), (60, 48, 18)),
          _Lamp((50, 255, 130), (16, 52, 32)))
"""Red, yellow, green: from above."""


def _disc(
    center_up_m: float, radius_m: float, *, forward_m: float, angles: np.ndarray = _CIRCLE,
) -> np.ndarray:
    return np.stack([radius_m * np.cos(angles), center_up_m + radius_m * np.sin(angles),
                     np.full(len(angles), forward_m)], axis=1)


def _plate(*, left: float, right: float, low: float, high: float, forward_m: float) -> np.ndarray:
    return np.array([[left, low, forward_m], [right, low, forward_m], [right, high, forward_m],
                     [left, high, forward_m]], dtype=float)


def build_traffic_light(rng: np.random.RandomState, *, red: bool) -> Solid:
    """
    Build a traffic light on its pole.

    :param rng: random state
    :param red: whether it shows red, else green
    :return: a ``Solid``; its size is that of the housing
    """
    low = rng.uniform(2.15, 2.5)
    high = low + _HOUSING_M[1]
    half = _HOUSING_M[0] / 2
    mesh = Mesh()
    mesh.add_block((-0.11, 0.11, 0.1, 0.32, 0.0), (-0.11, 0.11, 0.1, 0.32, high - 0.2),
                   color_rgb=_LIGHT_POLE, own=False)
    mesh.add_block((-0.20, 0.20, 0.03, 0.40, 0.0), (-0.17, 0.17, 0.05, 0.38, 0.5),
                   color_rgb=_LIGHT_POLE, own=False)
    rim = (232, 226, 200) if rng.rand() < 0.5 else (206, 170, 50)
    mesh.add(_plate(left=-half, right=half, low=low, high=high, forward_m=0.0), rim)
    mesh.add(_plate(left=-half + 0.04, right=half - 0.04, low=low + 0.04, high=high - 0.04,
                    forward_m=-0.01), (24, 26, 28))
    for index, lamp in enumerate(_LAMPS):
        _add_lamp(mesh, lamp, center_m=high - 0.225 - _LAMP_PITCH_M * index,
                  on=index == (0 if red else 2))
    return Solid(mesh, (*_HOUSING_M, _THICKNESS_M))


def _add_lamp(mesh: Mesh, lamp: _Lamp, *, center_m: float, on: bool) -> None:
    """Add a lamp; one that is on has a glow around it and a core that is nearly white."""
    if on:
        glow = scale_color(lamp.bright, 0.45)
        mesh.add(_disc(center_m, _GLOW_M, forward_m=-0.02), glow, shines=True)
    mesh.add(_disc(center_m, _LAMP_M, forward_m=-0.03), lamp.bright if on else lamp.dim,
             shines=on)
    if on:
        red, green, blue = scale_color(lamp.bright, 0.5)
        mesh.add(_disc(center_m, _CORE_M, forward_m=-0.04), (red + 127, green + 127, blue + 127),
                 shines=True)


def build_stop_sign(rng: np.random.RandomState) -> Solid:
    """
    Build a stop sign on its pole.

    :param rng: random state
    :return: a ``Solid``; its size is that of the plate
    """
    center = rng.uniform(1.9, 2.3)
    mesh = Mesh()
    mesh.add_block((-0.09, 0.09, 0.02, 0.2, 0.0), (-0.09, 0.09, 0.02, 0.2, center + 0.3),
                   color_rgb=_SIGN_POLE, own=False)
    mesh.add(_disc(center, _PLATE_M, forward_m=0.0, angles=_OCTAGON), (236, 236, 236))
    red = (206 + rng.uniform(-14, 14), 22, 30)
    mesh.add(_disc(center, _PLATE_M * 0.91, forward_m=-0.01, angles=_OCTAGON), red)
    for index, letter in enumerate('STOP'):
        _add_letter(mesh, letter, left_m=-0.345 + _LETTER_PITCH_M * index, low_m=center - 0.13)
    return Solid(mesh, (2 * _PLATE_M, 2 * _PLATE_M, _THICKNESS_M))


def _add_letter(mesh: Mesh, letter: str, *, left_m: float, low_m: float) -> None:
    width, height = _LETTER_M
    half = _STROKE_M / 2
    for (x0, y0), (x1, y1) in _LETTERS[letter]:
        xs = sorted((left_m + width * x0, left_m + width * x1))
        ys = sorted((low_m + height * y0, low_m + height * y1))
        mesh.add(_plate(left=xs[0] - half, right=xs[1] + half, low=ys[0] - half,
                        high=ys[1] + half, forward_m=-0.02), (244, 244, 244))


def build_cone(rng: np.random.RandomState) -> Solid:
    """
    Build a traffic cone.

    :param rng: random state
    :return: a ``Solid``
    """
    height = rng.uniform(0.84, 0.96)
    orange = (246, 108 + rng.uniform(-14, 14), 24)
    mesh, half = Mesh(), _CONE_FOOT_M / 2
    mesh.add_block((-half, half, -half, half, 0.0),
                   (-half, half, -half, half, _CONE_FOOT_HEIGHT_M), color_rgb=(222, 92, 24))

    def ring(share: float) -> Tuple[float, float]:
        """Give half of the width, and how far up, at a share of the way to the top."""
        return (_CONE_HALF_M[0] - (_CONE_HALF_M[0] - _CONE_HALF_M[1]) * share,
                _CONE_FOOT_HEIGHT_M + share * (height - _CONE_FOOT_HEIGHT_M))
    for low, high, color in ((0, .28, orange), (.28, .48, _WHITE_BAND), (.48, .66, orange),
                             (.66, .82, _WHITE_BAND), (.82, 1.0, orange)):
        (x0, y0), (x1, y1) = ring(low), ring(high)
        mesh.add(np.array([[-x0, y0, -0.1], [x0, y0, -0.1], [x1, y1, -0.1], [-x1, y1, -0.1]]),
                 color)
        # The right side is in the shade.
        mesh.add(np.array([[x0 * .4, y0, -.11], [x0, y0, -.11], [x1, y1, -.11],
                           [x1 * .4, y1, -.11]]), scale_color(color, 0.82))
    return Solid(mesh, (_CONE_FOOT_M, height, _CONE_FOOT_M))
