"""Traffic lights, stop signs and cones as meshes."""

import numpy as np

from synthetic_street.mesh import Mesh

_CIRCLE = np.linspace(0, 2 * np.pi, 16, endpoint=False)
_OCTAGON = np.pi / 8 + np.linspace(0, 2 * np.pi, 8, endpoint=False)
_LETTERS = {
    'S': (((1, 1), (0, 1)), ((0, 1), (0, .5)), ((0, .5), (1, .5)), ((1, .5), (1, 0)),
          ((1, 0), (0, 0))),
    'T': (((0, 1), (1, 1)), ((.5, 1), (.5, 0))),
    'O': (((0, 0), (1, 0)), ((1, 0), (1, 1)), ((1, 1), (0, 1)), ((0, 1), (0, 0))),
    'P': (((0, 0), (0, 1)), ((0, 1), (1, 1)), ((1, 1), (1, .5)), ((1, .5), (0, .5))),
}
_POLE = (92, 96, 100)


def _disc(center_up_m, radius_m, forward_m, angles=_CIRCLE):
    return np.stack([radius_m * np.cos(angles), center_up_m + radius_m * np.sin(angles),
                     np.full(len(angles), forward_m)], axis=1)


def _plate(left, right, low, high, forward_m):
    return np.array([[left, low, forward_m], [right, low, forward_m], [right, high, forward_m],
                     [left, high, forward_m]], dtype=float)


def build_traffic_light(rng, *, red):
    """
    Build a traffic light on its pole.

    :param rng: random state
    :param red: whether it shows red, else green
    :return: (mesh, (width, height, depth) of the housing in metres)
    """
    low = rng.uniform(2.15, 2.5)
    high = low + 1.25
    half = 0.29
    mesh = Mesh()
    mesh.add_block((-0.11, 0.11, 0.1, 0.32, 0.0), (-0.11, 0.11, 0.1, 0.32, high - 0.2), _POLE,
                   own=False)
    mesh.add_block((-0.20, 0.20, 0.03, 0.40, 0.0), (-0.17, 0.17, 0.05, 0.38, 0.5), _POLE,
                   own=False)
    rim = (232, 226, 200) if rng.rand() < 0.5 else (206, 170, 50)
    mesh.add(_plate(-half, half, low, high, 0.0), rim)
    mesh.add(_plate(-half + 0.04, half - 0.04, low + 0.04, high - 0.04, -0.01), (24, 26, 28))
    lit = 0 if red else 2
    for index, (bright, dim) in enumerate((((255, 44, 36), (62, 20, 20)),
                                           ((255, 190, 40), (60, 48, 18)),
                                           ((50, 255, 130), (16, 52, 32)))):
        center = high - 0.225 - 0.40 * index
        on = index == lit
        if on:
            glow = tuple(0.45 * channel for channel in bright)
            mesh.add(_disc(center, 0.195, -0.02), glow, shines=True)
        mesh.add(_disc(center, 0.165, -0.03), bright if on else dim, shines=on)
        if on:
            core = tuple(0.5 * channel + 127 for channel in bright)
            mesh.add(_disc(center, 0.075, -0.04), core, shines=True)
    return mesh, (2 * half, 1.25, 0.1)


def build_stop_sign(rng):
    """
    Build a stop sign on its pole.

    :param rng: random state
    :return: (mesh, (width, height, depth) of the plate in metres)
    """
    center, radius = rng.uniform(1.9, 2.3), 0.49
    mesh = Mesh()
    mesh.add_block((-0.09, 0.09, 0.02, 0.2, 0.0), (-0.09, 0.09, 0.02, 0.2, center + 0.3),
                   (150, 154, 158), own=False)
    mesh.add(_disc(center, radius, 0.0, _OCTAGON), (236, 236, 236))
    red = (206 + rng.uniform(-14, 14), 22, 30)
    mesh.add(_disc(center, radius * 0.91, -0.01, _OCTAGON), red)
    for index, letter in enumerate('STOP'):
        left, low, width, height = -0.345 + 0.18 * index, center - 0.13, 0.12, 0.26
        for (x0, y0), (x1, y1) in _LETTERS[letter]:
            xs = sorted((left + width * x0, left + width * x1))
            ys = sorted((low + height * y0, low + height * y1))
            mesh.add(_plate(xs[0] - 0.018, xs[1] + 0.018, ys[0] - 0.018, ys[1] + 0.018, -0.02),
                     (244, 244, 244))
    return mesh, (2 * radius, 2 * radius, 0.1)


def build_cone(rng):
    """
    Build a traffic cone.

    :param rng: random state
    :return: (mesh, (width, height, depth) in metres)
    """
    height = rng.uniform(0.84, 0.96)
    orange = (246, 108 + rng.uniform(-14, 14), 24)
    mesh = Mesh()
    mesh.add_block((-0.27, 0.27, -0.27, 0.27, 0.0), (-0.27, 0.27, -0.27, 0.27, 0.06),
                   (222, 92, 24))

    def ring(share):
        return 0.20 - 0.165 * share, 0.06 + share * (height - 0.06)
    for low, high, color in ((0, .28, orange), (.28, .48, (240, 240, 236)), (.48, .66, orange),
                             (.66, .82, (240, 240, 236)), (.82, 1.0, orange)):
        (x0, y0), (x1, y1) = ring(low), ring(high)
        mesh.add([[-x0, y0, -0.1], [x0, y0, -0.1], [x1, y1, -0.1], [-x1, y1, -0.1]], color)
        dark = tuple(0.82 * channel for channel in color)
        mesh.add([[x0 * .4, y0, -.11], [x0, y0, -.11], [x1, y1, -.11], [x1 * .4, y1, -.11]], dark)
    return mesh, (0.54, height, 0.54)
