"""Trees as sprites."""

import numpy as np

from synthetic_street.camera import fixed_point
from synthetic_street.canvas import Sprite
from synthetic_street.layout import Tree
from synthetic_street.surfaces import VEGETATION
from synthetic_street.view import View

_BARK = (92, 68, 48)
_FEW_CLUMPS_M = 35
"""Beyond this distance half of the clumps is enough."""


def tree_sprite(tree: Tree, view: View) -> Sprite:
    """
    Draw a tree.

    :param tree: the ``Tree``
    :param view: the ``View``
    :return: a ``Sprite``
    """
    along = tree.along_m - view.travelled_m
    origin = view.camera.project(np.array([[tree.lateral_m, 0.0, along]]))[0]
    scale = view.camera.focal_px / along
    crown_m = tree.trunk_m + 0.8
    trunk = np.array([[-0.16, 0], [0.16, 0], [0.11, crown_m], [-0.11, crown_m]])
    step = 2 if along > _FEW_CLUMPS_M else 1
    leaves = fixed_point(origin + tree.clumps[::step] * (scale, -scale))
    polygons = [fixed_point(origin + trunk * (scale, -scale)), *leaves]
    colors = view.atmosphere.shade(np.concatenate([[_BARK], tree.colors[::step]]), along)
    return Sprite(along_m=along, polygons=polygons, colors_bgr=colors.tolist(),
                  own=[False] * len(polygons), surface=VEGETATION)
