"""Trees as sprites."""

import numpy as np

from synthetic_street.camera import fixed_point
from synthetic_street.canvas import Sprite
from synthetic_street.surfaces import VEGETATION


def tree_sprite(tree, camera, atmosphere, *, along_m):
    """
    Draw a tree.

    :param tree: the ``Tree``
    :param camera: the ``Camera``
    :param atmosphere: the ``Atmosphere``
    :param along_m: where it is before the camera
    :return: a ``Sprite``
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
