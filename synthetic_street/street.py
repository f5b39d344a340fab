"""One synthetic street, drawn at any time of its three seconds with exact truth."""

from typing import List, Optional, Sequence

import cv2
import numpy as np

from synthetic_street import lens
from synthetic_street.actors import STREET_S, Actor, choose_cast
from synthetic_street.atmosphere import choose_atmosphere
from synthetic_street.backdrop import Backdrop
from synthetic_street.buildings import paint_buildings
from synthetic_street.camera import (
    FRAME_HEIGHT_PX,
    FRAME_WIDTH_PX,
    Place,
    choose_ride,
    fixed_point,
)
from synthetic_street.canvas import FIRST_OBJECT, Canvas, paint_sprite
from synthetic_street.errors import StreetError
from synthetic_street.ground import paint_ground
from synthetic_street.labels import STREET_SCENES
from synthetic_street.layout import LANE_M, choose_layout
from synthetic_street.scene import Scene
from synthetic_street.trees import tree_sprite
from synthetic_street.truth import Thing, cast_visible
from synthetic_street.view import View

HELD_OUT_SEED = 1000000
"""Seeds below are for training, this one and all above for tests and demos."""

SEEDS = 2 ** 32
"""Seeds are 0 .. ``SEEDS`` - 1."""

SMALLEST_PX, LARGEST_PX = 16, 4096
"""Smallest and largest width and height of a frame."""

_WIDEST = 4
_ROUND = np.linspace(0, 2 * np.pi, 14, endpoint=False)
_NEAREST_ACTOR_M, _NEAREST_TREE_M = 1.2, 2.5


class Street:
    """
    A procedurally drawn street: light, weather, houses, traffic and one thing to notice.

    The same seed and size give the same street and, at the same time, the same pixels.
    """

    def __init__(
        self, seed: int, *, width: int = FRAME_WIDTH_PX, height: int = FRAME_HEIGHT_PX,
        label_id: Optional[int] = None,
    ) -> None:
        """
        Draw the street's plan.

        :param seed: 0 .. 2**32 - 1; below ``HELD_OUT_SEED`` for training
        :param width: of the frames in pixels
        :param height: of the frames in pixels
        :param label_id: index of ``STREET_SCENES``; None lets the seed choose
        :raises StreetError: when the seed, the size or the label cannot be
        """
        check_seed(seed)
        check_size(width, height)
        count = len(STREET_SCENES.names)
        if label_id is not None and not 0 <= label_id < count:
            raise StreetError(
                f'label_id is {label_id}, expected 0..{count - 1}, an index of STREET_SCENES')
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
        self._ride = choose_ride(rng)
        self._blur_px = int(rng.choice([0, 2, 3], p=[0.7, 0.2, 0.1]))
        self._noise = int(rng.choice([3, 5, 7])) + (2 if self._atmosphere.light == 'night' else 0)
        self._backdrop = Backdrop(rng, self._atmosphere, camera=self._view(0.0).camera)

    def _view(self, time_s: float) -> View:
        camera = self._ride.camera(time_s, width=self._width, height=self._height)
        return View(camera=camera, atmosphere=self._atmosphere,
                    travelled_m=self._cast.speed_mps * time_s, time_s=time_s)

    def scene(self, time_s: float) -> Scene:
        """
        Draw the street at a time.

        :param time_s: seconds 0..3; other times show the nearest of these
        :return: a ``Scene``
        """
        view = self._view(min(max(float(time_s), 0.0), STREET_S))
        canvas = Canvas(self._width, self._height)
        self._backdrop.paint(canvas, view.camera)
        paint_ground(canvas, self._layout, view=view)
        lens.grain_ground(canvas.image, view)
        paint_buildings(canvas, self._layout, view=view)
        kept, identities, boxes = cast_visible(canvas.identities, self._things(view))
        for thing in kept:
            if thing.shadow is not None:
                canvas.darken(thing.shadow, 0.25 + 0.25 * self._atmosphere.sun)
        for thing in kept:
            paint_sprite(canvas.image, thing.sprite)
        image = lens.expose(canvas.image, view, noise=self._noise,
                            blur_px=round(self._blur_px * self._width / FRAME_WIDTH_PX))
        return Scene(image_bgr=image, label_id=self.label_id,
                     boxes_xyxy=np.array([box for _, box in boxes], np.float32).reshape(-1, 4),
                     box_class_ids=np.array([kept[i].class_id for i, _ in boxes], np.int64),
                     mask=cv2.LUT(identities, _surfaces_of(kept)))

    def _things(self, view: View) -> List[Thing]:
        """List trees and actors with their shadows, far to near."""
        things = [Thing(tree_sprite(tree, view)) for tree in self._layout.trees
                  if tree.along_m - view.travelled_m > _NEAREST_TREE_M]
        for actor in self._cast.actors:
            place = actor.place(view.time_s, speed_mps=self._cast.speed_mps)
            if place.along_m >= _NEAREST_ACTOR_M:
                things.append(Thing(actor.draw(view, place), actor.class_id,
                                    _shadow(actor, place, view=view)))
        return sorted(things, key=lambda thing: -thing.sprite.along_m)


def _shadow(actor: Actor, place: Place, *, view: View) -> np.ndarray:
    """Give the (14, 2) corners in 1/16 pixel of an actor's shadow, which leans from the sun."""
    width, _, length = actor.size_m
    lean = -view.atmosphere.sun_side * view.atmosphere.sun
    half = width * (0.5 + 0.35 * abs(lean))
    along = place.along_m + (0.56 * length + 0.1) * np.sin(_ROUND)
    points = np.stack([place.lateral_m + 0.3 * lean * width + half * np.cos(_ROUND),
                       np.zeros(len(_ROUND)), np.maximum(along, _NEAREST_ACTOR_M)], axis=1)
    return fixed_point(view.camera.project(points))


def _surfaces_of(kept: Sequence[Thing]) -> np.ndarray:
    """Make the look-up table from identities to the mask's classes."""
    table = np.arange(256, dtype=np.uint8)
    for index, thing in enumerate(kept):
        table[FIRST_OBJECT + index] = thing.sprite.surface
    return table


def check_seed(seed: int) -> None:
    """
    Refuse what is no seed.

    :param seed: of a street or a drive
    :raises StreetError: when it is not 0 .. 2**32 - 1
    """
    if not 0 <= seed < SEEDS:
        raise StreetError(f'seed is {seed}, expected 0..{SEEDS - 1}')


def check_size(width: int, height: int) -> None:
    """
    Refuse frames that cannot be drawn.

    :param width: pixels
    :param height: pixels
    :raises StreetError: when a side is too short or too long, or the frame far too flat
    """
    if not (SMALLEST_PX <= width <= LARGEST_PX and SMALLEST_PX <= height <= LARGEST_PX
            and width <= _WIDEST * height):
        raise StreetError(
            f'a frame of {width}x{height} pixels cannot be drawn, expected {SMALLEST_PX} to '
            f'{LARGEST_PX} each way and a width of at most {_WIDEST} times the height')


def draw_scene(
    seed: int, *, width: int = FRAME_WIDTH_PX, height: int = FRAME_HEIGHT_PX,
) -> Scene:
    """
    Draw a still: one street at one time, both chosen by the seed.

    :param seed: 0 .. 2**32 - 1; below ``HELD_OUT_SEED`` for training
    :param width: pixels
    :param height: pixels
    :return: a ``Scene``
    :raises StreetError: when the seed or the size cannot be
    """
    street = Street(seed, width=width, height=height)
    return street.scene(street.still_time_s)
