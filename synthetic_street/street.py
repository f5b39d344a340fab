"""One synthetic street, drawn at any time of its three seconds with exact truth."""

import cv2
import numpy as np

from synthetic_street import lens
from synthetic_street.actors import STREET_S, choose_cast
from synthetic_street.atmosphere import choose_atmosphere
from synthetic_street.backdrop import Backdrop
from synthetic_street.buildings import paint_buildings
from synthetic_street.camera import Camera, fixed_point
from synthetic_street.canvas import FIRST_OBJECT, Canvas, paint_sprite
from synthetic_street.ground import paint_ground
from synthetic_street.labels import STREET_SCENES
from synthetic_street.layout import LANE_M, choose_layout
from synthetic_street.scene import Scene
from synthetic_street.trees import tree_sprite
from synthetic_street.truth import cast_visible

HELD_OUT_SEED = 1000000
"""Seeds below are for training, this one and all above for tests and demos."""

_ROUND = np.linspace(0, 2 * np.pi, 14, endpoint=False)
_NEAREST_M = 1.2


class Street:
    """
    A procedurally drawn street: light, weather, houses, traffic and one thing to notice.

    The same seed and size give the same street and, at the same time, the same pixels.
    """

    def __init__(self, seed, *, width=640, height=480, label_id=None):
        """
        Draw the street's plan.

        :param seed: 0 .. 2**32 - 1; below ``HELD_OUT_SEED`` for training
        :param width: of the frames in pixels
        :param height: of the frames in pixels
        :param label_id: index of ``STREET_SCENES``; None lets the seed choose
        :raises ValueError: when ``label_id`` is not a class of ``STREET_SCENES``
        """
        count = len(STREET_SCENES.names)
        if label_id is not None and not 0 <= label_id < count:
            raise ValueError('label_id is {}, expected 0..{}; see STREET_SCENES'.format(
                label_id, count - 1))
        rng = np.random.RandomState(seed)
        chosen = int(rng.randint(count))
        self.label_id = chosen if label_id is None else int(label_id)
        self.still_time_s = float(rng.uniform(0, STREET_S))
        self._width, self._height = width, height
        self._atmosphere = choose_atmosphere(rng)
        strip_m = float(rng.choice([0.35, 1.3, 2.2], p=[0.3, 0.3, 0.4]))
        left_edge_m = 1.5 * LANE_M + float(rng.choice([0.3, 2.2]))
        self._cast = choose_cast(rng, self._atmosphere, label_id=self.label_id, strip_m=strip_m,
                                 left_edge_m=left_edge_m)
        self._layout = choose_layout(rng, strip_m=strip_m, left_edge_m=left_edge_m,
                                             stop_line_m=self._cast.stop_line_m)
        self._view = (rng.uniform(1.05, 1.35), rng.uniform(0.42, 0.47), rng.uniform(-0.15, 0.15),
                      rng.uniform(-0.03, 0.03), rng.uniform(-0.0022, 0.0022),
                      rng.uniform(0, 2 * np.pi))
        self._blur = int(rng.choice([0, 2, 3], p=[0.7, 0.2, 0.1]))
        self._noise = int(rng.choice([3, 5, 7])) + (2 if self._atmosphere.light == 'night' else 0)
        self._backdrop = Backdrop(rng, self._atmosphere, camera=self._camera(0.0))

    def _camera(self, time_s):
        height_m, horizon, lateral, heading, curvature, phase = self._view
        sway = np.sin(phase + 1.3 * time_s)
        return Camera(
            width=self._width, height=self._height, focal_px=0.9 * self._width,
            horizon_px=horizon * self._height + 0.003 * self._width * np.sin(phase + 2.9 * time_s),
            height_m=height_m, lateral_m=lateral + 0.05 * sway, heading=heading + 0.008 * sway,
            curvature=curvature)

    def scene(self, time_s):
        """
        Draw the street at a time.

        :param time_s: seconds 0..3; other times show the nearest of these
        :return: a ``Scene``
        """
        time_s = min(max(float(time_s), 0.0), STREET_S)
        camera, atmosphere = self._camera(time_s), self._atmosphere
        travelled = self._cast.speed_mps * time_s
        canvas = Canvas(self._width, self._height)
        self._backdrop.paint(canvas, camera)
        paint_ground(canvas, camera, atmosphere, self._layout, travelled_m=travelled)
        lens.grain_ground(canvas.image, camera, travelled_m=travelled,
                          strength=float(np.mean(atmosphere.gain)))
        paint_buildings(canvas, camera, atmosphere, self._layout, travelled_m=travelled)
        things, shadows = self._things(camera, time_s, travelled)
        kept, identities, boxes = cast_visible(canvas.identities, things)
        for sprite, _ in kept:
            if id(sprite) in shadows:
                canvas.darken(shadows[id(sprite)], 0.25 + 0.25 * atmosphere.sun)
        for sprite, _ in kept:
            paint_sprite(canvas.image, sprite)
        image = lens.expose(canvas.image, time_s=time_s, rain=atmosphere.weather == 'rain',
                            blur_px=round(self._blur * self._width / 640), noise=self._noise)
        return Scene(image_bgr=image, label_id=self.label_id,
                     boxes_xyxy=np.array([box for _, box in boxes], np.float32).reshape(-1, 4),
                     box_class_ids=np.array([kept[i][1] for i, _ in boxes], np.int64),
                     mask=cv2.LUT(identities, _surfaces_of(kept)))

    def _things(self, camera, time_s, travelled_m):
        """Sprites of trees and actors, far to near, and the shadows of the actors."""
        things, shadows = [], {}
        for tree in self._layout.trees:
            along = tree.along_m - travelled_m
            if along > 2.5:
                sprite = tree_sprite(tree, camera, self._atmosphere, along_m=along)
                things.append((sprite, None))
        for actor in self._cast.actors:
            lateral, along = actor.place(time_s, speed_mps=self._cast.speed_mps)
            if along < _NEAREST_M:
                continue
            sprite = actor.draw(camera, self._atmosphere, lateral, along, time_s)
            things.append((sprite, actor.class_id))
            shadows[id(sprite)] = self._shadow(camera, actor, lateral, along)
        things.sort(key=lambda thing: -thing[0].along_m)
        return things, shadows

    def _shadow(self, camera, actor, lateral_m, along_m):
        width, _, length = actor.size_m
        lean = -self._atmosphere.sun_side * self._atmosphere.sun
        half = width * (0.5 + 0.35 * abs(lean))
        points = np.stack([lateral_m + 0.3 * lean * width + half * np.cos(_ROUND),
                           np.zeros(len(_ROUND)),
                           np.maximum(along_m + (0.56 * length + 0.1) * np.sin(_ROUND),
                                      _NEAREST_M)], axis=1)
        return fixed_point(camera.project(points))


def _surfaces_of(kept):
    """Look-up table from identities to the mask's classes."""
    table = np.arange(256, dtype=np.uint8)
    for index, (sprite, _) in enumerate(kept):
        table[FIRST_OBJECT + index] = sprite.surface
    return table


def draw_scene(seed, *, width=640, height=480):
    """
    Draw a still: one street at one time, both chosen by the seed.

    :param seed: below ``HELD_OUT_SEED`` for training
    :param width: pixels
    :param height: pixels
    :return: a ``Scene``
    """
    street = Street(seed, width=width, height=height)
    return street.scene(street.still_time_s)
