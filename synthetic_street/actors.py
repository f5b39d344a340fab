"""Things that carry a box: where each one is at a time, and which ones a street has."""

from typing import Callable, List, NamedTuple, Optional, Tuple

import numpy as np

from synthetic_street import surfaces
from synthetic_street.atmosphere import Atmosphere
from synthetic_street.camera import Place
from synthetic_street.canvas import Sprite
from synthetic_street.labels import STREET_OBJECTS, STREET_SCENES
from synthetic_street.layout import LANE_M
from synthetic_street.mesh import Size, Solid
from synthetic_street.people import choose_look, cyclist_sprite, pedestrian_sprite
from synthetic_street.signals import build_cone, build_stop_sign, build_traffic_light
from synthetic_street.vehicles import build_car, build_truck
from synthetic_street.view import View

CAR, TRUCK, PEDESTRIAN, CYCLIST, TRAFFIC_LIGHT, STOP_SIGN, CONE = range(len(STREET_OBJECTS.names))
(CLEAR_ROAD, VEHICLE_AHEAD, PEDESTRIAN_AHEAD, STOP_SIGN_AHEAD, RED_LIGHT, GREEN_LIGHT,
 ROADWORKS) = range(len(STREET_SCENES.names))

STREET_S = 3.0
"""A street's label holds for this long."""

MAX_ACTORS = 8

_PEDESTRIAN_M = (0.7, 1.8, 0.4)
_CYCLIST_M = (0.8, 1.85, 1.7)
_STEPS_PER_M = 0.75
_PEDALLING_RAD_PER_S = 5.0
_WALKING_MPS = 1.1
_STOP_LINE_BEFORE_M = 0.8
_FRAME_EDGE = 0.42
"""How far beside its middle the frame still shows a thing, in its distances."""

_HIDDEN, _HIDDEN_CONE = 0.25, 0.1
"""Share of the narrower of two actors that the other may cover."""

Draw = Callable[[View, Place], Sprite]


class Actor(NamedTuple):
    """
    One thing with a box.

    It starts at ``start`` and moves with ``lateral_mps`` and ``along_mps`` over the ground;
    ``size_m`` is width, height, length. ``draw`` gives its sprite at a place in a view.
    """

    class_id: int
    start: Place
    lateral_mps: float
    along_mps: float
    size_m: Size
    draw: Draw

    def place(self, time_s: float, *, speed_mps: float) -> Place:
        """
        Say where the actor is.

        :param time_s: seconds since the street's start
        :param speed_mps: the camera's speed
        :return: a ``Place``
        """
        return Place(self.start.lateral_m + self.lateral_mps * time_s,
                     self.start.along_m + (self.along_mps - speed_mps) * time_s)


class Cast(NamedTuple):
    """All actors of a street, the camera's speed, and what the ground must show for them."""

    actors: Tuple[Actor, ...]
    speed_mps: float
    stop_line_m: Optional[float] = None


class _Setting(NamedTuple):
    """What the choice of actors depends on; the kerbs are so far right and left."""

    atmosphere: Atmosphere
    strip_m: float
    right_kerb_m: float
    left_kerb_m: float


def choose_cast(
    rng: np.random.RandomState, atmosphere: Atmosphere, *, label_id: int, strip_m: float,
    left_edge_m: float,
) -> Cast:
    """
    Choose the actors of a street so that its label is true for ``STREET_S`` seconds.

    :param rng: random state
    :param atmosphere: the ``Atmosphere``
    :param label_id: index of ``STREET_SCENES``
    :param strip_m: width of the strip right of the own lane
    :param left_edge_m: how far left the other kerb is
    :return: a ``Cast``
    """
    setting = _Setting(atmosphere, strip_m, LANE_M / 2 + strip_m, left_edge_m)
    cast = _choose_key(rng, setting, label_id=label_id)
    actors = list(cast.actors)
    for actor in _choose_others(rng, setting, speed_mps=cast.speed_mps):
        if len(actors) < MAX_ACTORS and not any(
                _clash(actor, other, speed_mps=cast.speed_mps) for other in actors):
            actors.append(actor)
    return cast._replace(actors=tuple(actors))


def _solid_actor(
    class_id: int, solid: Solid, *, start: Place, yaw: float = 0.0, along_mps: float = 0.0,
) -> Actor:
    surface = surfaces.VEHICLE if class_id in (CAR, TRUCK) else surfaces.TRAFFIC_OBJECT

    def draw(view: View, place: Place) -> Sprite:
        return solid.mesh.sprite(view, place, yaw=yaw, surface=surface)
    return Actor(class_id, start, 0.0, along_mps, solid.size_m, draw)


def _vehicle(
    rng: np.random.RandomState, setting: _Setting, *, lateral_m: float, rear_m: float,
    oncoming: bool = False, along_mps: float = 0.0, truck_share: float = 0.4,
) -> Actor:
    yaw = rng.uniform(-0.03, 0.03) + (np.pi if oncoming else 0.0)
    lamps_on = setting.atmosphere.lamps_on
    if rng.rand() < truck_share:
        class_id, solid = TRUCK, build_truck(rng, lamps_on=lamps_on, oncoming=oncoming)
    else:
        class_id, solid = CAR, build_car(rng, lamps_on=lamps_on)
    return _solid_actor(class_id, solid, start=Place(lateral_m, rear_m + solid.size_m[2] / 2),
                        yaw=yaw, along_mps=along_mps)


def _pedestrian(
    rng: np.random.RandomState, start: Place, *, lateral_mps: float = 0.0,
    along_mps: float = 0.0,
) -> Actor:
    look, phase = choose_look(rng), rng.uniform(0, 2 * np.pi)
    speed = float(np.hypot(lateral_mps, along_mps))
    yaw = np.arctan2(lateral_mps, along_mps) if speed > 0 else rng.uniform(-np.pi, np.pi)
    yaw += rng.uniform(-0.25, 0.25)

    def draw(view: View, place: Place) -> Sprite:
        return pedestrian_sprite(look, view, place=place, yaw=yaw, stride=min(1.0, speed + 0.1),
                                 phase=phase + 2 * np.pi * _STEPS_PER_M * speed * view.time_s)
    return Actor(PEDESTRIAN, start, lateral_mps, along_mps, _PEDESTRIAN_M, draw)


def _cyclist(rng: np.random.RandomState, start: Place, *, along_mps: float) -> Actor:
    look, phase = choose_look(rng), rng.uniform(0, 2 * np.pi)
    yaw = rng.uniform(-0.3, 0.3) + (np.pi if along_mps < 0 else 0.0)

    def draw(view: View, place: Place) -> Sprite:
        return cyclist_sprite(look, view, place=place, yaw=yaw,
                              phase=phase + _PEDALLING_RAD_PER_S * view.time_s)
    return Actor(CYCLIST, start, 0.0, along_mps, _CYCLIST_M, draw)


def _choose_key(rng: np.random.RandomState, setting: _Setting, *, label_id: int) -> Cast:
    """Choose the actors that make the label true, and a speed at which they stay in sight."""
    cruising_mps = rng.uniform(1.0, 3.0)
    if label_id == VEHICLE_AHEAD:
        return _vehicle_ahead(rng, setting, speed_mps=cruising_mps)
    if label_id == PEDESTRIAN_AHEAD:
        return _people_ahead(rng)
    if label_id == STOP_SIGN_AHEAD:
        return _stop_sign_ahead(rng, setting)
    if label_id in (RED_LIGHT, GREEN_LIGHT):
        return _light_ahead(rng, setting, red=label_id == RED_LIGHT)
    if label_id == ROADWORKS:
        return _cones_ahead(rng)
    return Cast((), cruising_mps)


def _vehicle_ahead(rng: np.random.RandomState, setting: _Setting, *, speed_mps: float) -> Cast:
    vehicle = _vehicle(rng, setting, lateral_m=rng.uniform(-0.25, 0.25),
                       rear_m=rng.uniform(5.5, 12.5),
                       along_mps=speed_mps + rng.uniform(-0.25, 0.6))
    return Cast((vehicle,), speed_mps)


def _people_ahead(rng: np.random.RandomState) -> Cast:
    speed, along = rng.uniform(0.3, 0.9), rng.uniform(6.0, 10.5)
    if rng.rand() < 0.6:
        way = rng.choice([-1, 1])
        pace = rng.uniform(0.35, 0.75)
        first = _pedestrian(rng, Place(way * rng.uniform(-1.15, -0.95), along),
                            lateral_mps=way * pace)
    else:
        first = _pedestrian(rng, Place(rng.uniform(-0.9, 0.9), along))
    if rng.rand() >= 0.25:
        return Cast((first,), speed)
    second = _pedestrian(rng, Place(-first.start.lateral_m or 0.9, along + rng.uniform(-1, 1)))
    return Cast((first, second), speed)


def _stop_sign_ahead(rng: np.random.RandomState, setting: _Setting) -> Cast:
    speed = rng.uniform(0.4, 1.2)
    lateral = setting.right_kerb_m + rng.uniform(0.6, 0.8)
    along = max(rng.uniform(9.5, 14.5), _first_along_m(lateral, speed))
    sign = _solid_actor(STOP_SIGN, build_stop_sign(rng), start=Place(lateral, along),
                        yaw=rng.uniform(-0.15, 0.15))
    return Cast((sign,), speed, along - _STOP_LINE_BEFORE_M)


def _light_ahead(rng: np.random.RandomState, setting: _Setting, *, red: bool) -> Cast:
    speed = rng.uniform(0.5, 1.2)
    lateral = setting.right_kerb_m + rng.uniform(0.5, 0.7)
    along = max(rng.uniform(11.5, 15.5), _first_along_m(lateral, speed))
    light = _solid_actor(TRAFFIC_LIGHT, build_traffic_light(rng, red=red),
                         start=Place(lateral, along), yaw=rng.uniform(-0.12, 0.12))
    return Cast((light,), speed, along - _STOP_LINE_BEFORE_M)


def _first_along_m(lateral_m: float, speed_mps: float) -> float:
    """Give the distance at the start that keeps a thing beside the road in view to the end."""
    return lateral_m / _FRAME_EDGE + speed_mps * STREET_S


def _cones_ahead(rng: np.random.RandomState) -> Cast:
    speed = rng.uniform(0.3, 0.7)
    count, way = rng.randint(3, 6), rng.choice([-1, 1])
    along, cones = rng.uniform(5.2, 6.5), []
    for lateral in way * np.linspace(-1.25, 1.25, count):
        solid = build_cone(rng)
        cones.append(_solid_actor(CONE, solid,
                                  start=Place(lateral + rng.uniform(-0.1, 0.1), along)))
        along += rng.uniform(0.4, 1.1)
    return Cast(tuple(cones), speed)


def _choose_others(
    rng: np.random.RandomState, setting: _Setting, *, speed_mps: float,
) -> List[Actor]:
    """Choose who else is there, beside the own lane; not all of them will find room."""
    return (_choose_oncoming(rng, setting) + _choose_beside(rng, setting, speed_mps=speed_mps)
            + _choose_parked_left(rng, setting) + _choose_walkers(rng, setting))


def _choose_oncoming(rng: np.random.RandomState, setting: _Setting) -> List[Actor]:
    if rng.rand() < 0.65:
        return [_vehicle(rng, setting, lateral_m=-LANE_M + rng.uniform(-0.2, 0.1),
                         rear_m=rng.uniform(9, 20), oncoming=True,
                         along_mps=-rng.uniform(0.0, 2.2))]
    if rng.rand() < 0.5:
        start = Place(-LANE_M + rng.uniform(-0.4, 0.3), rng.uniform(8, 16))
        return [_cyclist(rng, start, along_mps=-rng.uniform(0.5, 1.5))]
    return []


def _choose_beside(
    rng: np.random.RandomState, setting: _Setting, *, speed_mps: float,
) -> List[Actor]:
    """Choose parked vehicles on a wide strip, or a cyclist on one that is wide enough."""
    kerb, others = setting.right_kerb_m, []
    if setting.strip_m > 1.5 and rng.rand() < 0.6:
        along = rng.uniform(5, 13)
        for _ in range(rng.randint(1, 3)):
            others.append(_vehicle(rng, setting, lateral_m=kerb - 0.95, rear_m=along,
                                   oncoming=bool(rng.rand() < 0.2), truck_share=0.25))
            along += rng.uniform(6.5, 9)
    elif setting.strip_m > 1.0 and rng.rand() < 0.75:
        start = Place(kerb - 0.55, rng.uniform(5, 14))
        others.append(_cyclist(rng, start, along_mps=speed_mps + rng.uniform(-0.6, 0.9)))
    return others


def _choose_parked_left(rng: np.random.RandomState, setting: _Setting) -> List[Actor]:
    if setting.left_kerb_m > 1.5 * LANE_M + 1 and rng.rand() < 0.5:
        return [_vehicle(rng, setting, lateral_m=-setting.left_kerb_m + 1.1, oncoming=True,
                         rear_m=rng.uniform(7, 18), truck_share=0.25)]
    return []


def _choose_walkers(rng: np.random.RandomState, setting: _Setting) -> List[Actor]:
    others = []
    for side, edge in ((1, setting.right_kerb_m), (-1, setting.left_kerb_m)):
        for _ in range(rng.choice([0, 1, 2], p=[0.2, 0.5, 0.3])):
            pace = float(rng.choice([-_WALKING_MPS, 0.0, _WALKING_MPS]))
            start = Place(side * (edge + rng.uniform(0.9, 1.9)), rng.uniform(6.0, 13))
            others.append(_pedestrian(rng, start, along_mps=pace))
    return others


def _clash(actor: Actor, other: Actor, *, speed_mps: float) -> bool:
    """Tell whether two actors hide each other or touch at some time of the street."""
    allowed = _HIDDEN_CONE if CONE in (actor.class_id, other.class_id) else _HIDDEN
    for time_s in (0.0, STREET_S / 2, STREET_S):
        a0, a1 = _span(actor, time_s, speed_mps=speed_mps)
        b0, b1 = _span(other, time_s, speed_mps=speed_mps)
        overlap = min(a1, b1) - max(a0, b0)
        if overlap > allowed * min(a1 - a0, b1 - b0):
            return True
    return False


def _span(actor: Actor, time_s: float, *, speed_mps: float) -> Tuple[float, float]:
    """Say from where to where an actor is seen, right of the middle over distance."""
    lateral, along = actor.place(time_s, speed_mps=speed_mps)
    width, _, length = actor.size_m
    near, far = max(along - length / 2, 1.0), max(along + length / 2, 1.0)
    edges = [(lateral + side * width / 2) / depth for side in (-1, 1) for depth in (near, far)]
    return min(edges), max(edges)
