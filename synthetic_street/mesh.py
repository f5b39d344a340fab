"""Solids made of flat faces: built once, placed and projected in every frame."""

import numpy as np

from synthetic_street.camera import NEAR_M, clip_near, fixed_point
from synthetic_street.canvas import Sprite

_IN_FRONT = np.array([-np.inf, -np.inf, 0.05])


def patch(face, left, bottom, right, top):
    """
    Cut a smaller quad out of a quad.

    :param face: (4, 3) corners: bottom left, bottom right, top right, top left from outside
    :param left: share 0..1 of the width
    :param bottom: share 0..1 of the height
    :param right: share 0..1 of the width
    :param top: share 0..1 of the height
    :return: (4, 3) corners in the same order
    """
    def at(u, v):
        low = face[0] + u * (face[1] - face[0])
        return low + v * (face[3] + u * (face[2] - face[3]) - low)
    return np.array([at(left, bottom), at(right, bottom), at(right, top), at(left, top)])


class Mesh:
    """
    Convex faces with colours in the thing's own metres (right, up, forward).

    Faces are painted in the order in which they were added; those that look away from the
    camera are left out.
    """

    def __init__(self):
        """Make a mesh without faces."""
        self._faces = []
        self._joined = None
        self._colors = []
        self._shines = []
        self._own = []

    def add(self, face, color_rgb, *, shines=False, own=True):
        """
        Add a face.

        :param face: (N, 3) corners, counter-clockwise from outside
        :param color_rgb: its colour 0..255
        :param shines: whether it is a lamp, which no light changes
        :param own: whether it belongs to the object's box
        """
        self._joined = None
        self._faces.append(np.asarray(face, dtype=float))
        self._colors.append(color_rgb)
        self._shines.append(shines)
        self._own.append(own)

    def add_block(self, base, top, color_rgb, *, own=True):
        """
        Add a block with a rectangular base and top.

        :param base: (left, right, back, front, up) of the base in metres
        :param top: the same of the top
        :param color_rgb: its colour; the faces differ a little in brightness
        :param own: whether it belongs to the object's box
        :return: dict of the faces 'back', 'front', 'left', 'right', 'top', each (4, 3)
        """
        a, b = (np.array([[x0, y, z0], [x1, y, z0], [x1, y, z1], [x0, y, z1]], dtype=float)
                for x0, x1, z0, z1, y in (base, top))
        faces = {
            'back': np.array([a[0], a[1], b[1], b[0]]),
            'front': np.array([a[2], a[3], b[3], b[2]]),
            'left': np.array([a[3], a[0], b[0], b[3]]),
            'right': np.array([a[1], a[2], b[2], b[1]]),
            'top': np.array([b[0], b[1], b[2], b[3]]),
        }
        light = {'back': 0.88, 'front': 0.88, 'left': 0.72, 'right': 0.78, 'top': 1.12}
        for name in ('front', 'left', 'right', 'back', 'top'):
            color = tuple(min(255.0, light[name] * c) for c in color_rgb)
            self.add(faces[name], color, own=own)
        return faces

    def sprite(self, camera, atmosphere, *, lateral_m, along_m, yaw, surface):
        """
        Place the mesh in the street and project it.

        :param camera: the ``Camera``
        :param atmosphere: the ``Atmosphere``
        :param lateral_m: where its origin is
        :param along_m: where its origin is
        :param yaw: turn about the vertical in rad; 0 looks along the street
        :param surface: the mask's class
        :return: a ``Sprite``
        """
        if self._joined is None:
            self._joined = np.concatenate(self._faces), np.array(self._colors, dtype=float)
        points, colors_rgb = self._joined
        cosine, sine = np.cos(yaw), np.sin(yaw)
        placed = np.empty_like(points)
        placed[:, 0] = lateral_m + cosine * points[:, 0] + sine * points[:, 2]
        placed[:, 1] = points[:, 1]
        placed[:, 2] = along_m - sine * points[:, 0] + cosine * points[:, 2]
        depth = max(float(placed[:, 2].min()), NEAR_M)
        lit = atmosphere.shade(colors_rgb, depth).tolist()
        shining = atmosphere.fade(colors_rgb, depth).tolist()
        cut = depth <= NEAR_M
        pixels = fixed_point(camera.project(np.maximum(placed, _IN_FRONT)))
        polygons, colors, owns = [], [], []
        start = 0
        for index, face in enumerate(self._faces):
            stop = start + len(face)
            corners = pixels[start:stop]
            if cut and placed[start:stop, 2].min() < NEAR_M:
                clipped = clip_near(placed[start:stop])
                corners = fixed_point(camera.project(clipped)) if len(clipped) else clipped
            start = stop
            if len(corners) > 2 and _looks_at_us(corners):
                polygons.append(corners)
                colors.append((shining if self._shines[index] else lit)[index])
                owns.append(self._own[index])
        return Sprite(along_m=along_m, polygons=polygons, colors_bgr=colors, own=owns,
                      surface=surface)


def _looks_at_us(corners):
    area, (x0, y0) = 0, corners[-1].tolist()
    for x1, y1 in corners.tolist():
        area += x0 * y1 - x1 * y0
        x0, y0 = x1, y1
    return area < 0
