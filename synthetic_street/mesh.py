"""Solids made of flat faces: built once, placed and projected in every frame."""

from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from synthetic_street.camera import NEAR_M, Place, clip_near, fixed_point
from synthetic_street.canvas import Sprite
from synthetic_street.colors import Rgb, scale_color
from synthetic_street.view import View

_IN_FRONT = np.array([-np.inf, -np.inf, 0.05])
_FACE_LIGHT = {'front': 0.88, 'left': 0.72, 'right': 0.78, 'back': 0.88, 'top': 1.12}
"""Brightness of a block's faces, in the order in which they are painted."""

Size = Tuple[float, float, float]
Section = Tuple[float, float, float, float, float]


def patch(face: np.ndarray, shares: Tuple[float, float, float, float]) -> np.ndarray:
    """
    Cut a smaller quad out of a quad.

    :param face: (4, 3) corners: bottom left, bottom right, top right, top left from outside
    :param shares: (left, bottom, right, top) as shares 0..1 of the face's width and height
    :return: (4, 3) corners in the same order
    """
    left, bottom, right, top = shares

    def at(u: float, v: float) -> np.ndarray:
        low = face[0] + u * (face[1] - face[0])
        return low + v * (face[3] + u * (face[2] - face[3]) - low)
    return np.array([at(left, bottom), at(right, bottom), at(right, top), at(left, top)])


class Mesh:
    """
    Convex faces with colours in the thing's own metres (right, up, forward).

    Faces are painted in the order in which they were added; those that look away from the
    camera are left out.
    """

    def __init__(self) -> None:
        """Make a mesh without faces."""
        self._faces: List[np.ndarray] = []
        self._colors: List[Rgb] = []
        self._shines: List[bool] = []
        self._own: List[bool] = []
        self._joined: Optional[Tuple[np.ndarray, np.ndarray]] = None

    def add(
        self, face: np.ndarray, color_rgb: Rgb, *, shines: bool = False, own: bool = True,
    ) -> None:
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

    def add_block(
        self, base: Section, top: Section, *, color_rgb: Rgb, own: bool = True,
    ) -> Dict[str, np.ndarray]:
        """
        Add a block with a rectangular base and top.

        :param base: (left, right, back, front, up) of the base in metres
        :param top: the same of the top
        :param color_rgb: its colour; the faces differ a little in brightness
        :param own: whether it belongs to the object's box
        :return: the faces 'back', 'front', 'left', 'right', 'top', each (4, 3)
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
        for name, light in _FACE_LIGHT.items():
            self.add(faces[name], scale_color(color_rgb, light, limit=255.0), own=own)
        return faces

    def sprite(self, view: View, place: Place, *, yaw: float, surface: int) -> Sprite:
        """
        Place the mesh in the street and project it.

        :param view: the ``View``
        :param place: where its origin is
        :param yaw: turn about the vertical in rad; 0 looks along the street
        :param surface: the mask's class
        :return: a ``Sprite``
        """
        if self._joined is None:
            self._joined = np.concatenate(self._faces), np.array(self._colors, dtype=float)
        joined, colors_rgb = self._joined
        points = _turned(joined, place, yaw=yaw)
        depth = max(float(points[:, 2].min()), NEAR_M)
        lit = view.atmosphere.shade(colors_rgb, depth).tolist()
        shining = view.atmosphere.fade(colors_rgb, depth).tolist()
        polygons, colors, owns = [], [], []
        for index, corners in enumerate(self._corners(points, view, cut=depth <= NEAR_M)):
            if len(corners) > 2 and _looks_at_us(corners):
                polygons.append(corners)
                colors.append((shining if self._shines[index] else lit)[index])
                owns.append(self._own[index])
        return Sprite(along_m=place.along_m, polygons=polygons, colors_bgr=colors, own=owns,
                      surface=surface)

    def _corners(self, points: np.ndarray, view: View, *, cut: bool) -> List[np.ndarray]:
        """Project the faces, given as (N, 3) points of all of them, and cut those too near."""
        pixels = fixed_point(view.camera.project(np.maximum(points, _IN_FRONT)))
        projected = []
        start = 0
        for face in self._faces:
            stop = start + len(face)
            corners = pixels[start:stop]
            if cut and points[start:stop, 2].min() < NEAR_M:
                clipped = clip_near(points[start:stop])
                corners = fixed_point(view.camera.project(clipped)) if len(clipped) else clipped
            projected.append(corners)
            start = stop
        return projected


class Solid(NamedTuple):
    """A mesh, and the width, height and length in metres of what has the box."""

    mesh: Mesh
    size_m: Size


def _turned(points: np.ndarray, place: Place, *, yaw: float) -> np.ndarray:
    """Turn (N, 3) points of a thing about the vertical and move them to its place."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    turned = np.empty_like(points)
    turned[:, 0] = place.lateral_m + cosine * points[:, 0] + sine * points[:, 2]
    turned[:, 1] = points[:, 1]
    turned[:, 2] = place.along_m - sine * points[:, 0] + cosine * points[:, 2]
    return turned


def _looks_at_us(corners: np.ndarray) -> bool:
    area, (x0, y0) = 0, corners[-1].tolist()
    for x1, y1 in corners.tolist():
        area += x0 * y1 - x1 * y0
        x0, y0 = x1, y1
    return area < 0
