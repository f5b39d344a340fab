"""Things that carry a box: where each one is at a time, and which ones a street has."""

from typing import Callable, List, NamedTuple, Optional, Tuple

import numpy as np

from synthetic_street import surfaces
from synthetic_street.labels import STREET_OBJECTS, STREET_SCENES
from synthetic_street.layout import LANE_M
from synthetic_street.people import choose_look, cyclist_sprite, pedestrian_sprite
from synthetic_street.signals import build_cone, build_stop_sign, build_traffic_light
from synthetic_street.vehicles import build_car, build_truck

CAR, TRUCK, PEDESTRIAN, CYCLIST, TRAFFIC_LIGHT, STOP_SIGN, CONE = range(len(STREET_OBJECTS.names))
(CLEAR_ROAD, VEHICLE_AHEAD, PEDESTRIAN_AHEAD, STOP_SIGN_AHEAD, RED_LIGHT, GREEN_LIGHT,
 ROADWORKS) = range(len(STREET_SCENES.names))

STREET_S = 3.0
"""A street's label holds for this long."""


class Actor(NamedTuple):
    """
    One thing with a box.

    It starts at (``lateral_m``, ``along_m``) before the camera and moves with
    ``lateral_mps`` and ``along_mps`` over the ground; ``size_m`` is width, height, length.
    ``draw(camera, atmosphere, lateral_m, along_m, time_s)`` gives its sprite.
    """

    class_id: int
    lateral_m: float
    along_m: float
    lateral_mps: float
    along_mps: float
    size_m: Tuple[float, float, float]
    draw: Callable

    def place(self, time_s, *, speed_mps):
        """
        Say where the actor is.

        :param time_s: seconds since the street's start
        :param speed_mps: the camera's speed
        :return: (lateral, along) in metres before the camera
        """
        return (self.lateral_m + self.lateral_mps * time_s,
                self.along_m + (self.along_mps - speed_mps) * time_s)


def _mesh_actor(class_id, built, surface, *, lateral_m, along_m, yaw=0.0, along_mps=0.0):
    mesh, size_m = built

    def draw(camera, atmosphere, lateral, along, time_s):
        return mesh.sprite(camera, atmosphere, lateral_m=lateral, along_m=along, yaw=yaw,
                           surface=surface)
    return Actor(class_id, lateral_m, along_m, 0.0, along_mps, size_m, draw)


def _vehicle(rng, atmosphere, *, lateral_m, rear_m, oncoming=False, along_mps=0.0,
             truck_share=0.4):
    yaw = rng.uniform(-0.03, 0.03) + (np.pi if oncoming else 0.0)
    if rng.rand() < truck_share:
        built = build_truck(rng, lamps_on=atmosphere.lamps_on, oncoming=oncoming)
        class_id = TRUCK
    else:
        built, class_id = build_car(rng, lamps_on=atmosphere.lamps_on), CAR
    return _mesh_actor(class_id, built, surfaces.VEHICLE, lateral_m=lateral_m,
                       along_m=rear_m + built[1][2] / 2, yaw=yaw, along_mps=along_mps)


def _pedestrian(rng, *, lateral_m, along_m, lateral_mps=0.0, along_mps=0.0):
    look, phase = choose_look(rng), rng.uniform(0, 2 * np.pi)
    speed = float(np.hypot(lateral_mps, along_mps))
    yaw = np.arctan2(lateral_mps, along_mps) if speed > 0 else rng.uniform(-np.pi, np.pi)
    yaw += rng.uniform(-0.25, 0.25)

    def draw(camera, atmosphere, lateral, along, time_s):
        return pedestrian_sprite(look, camera, atmosphere, lateral_m=lateral, along_m=along,
                                 yaw=yaw, stride=min(1.0, speed + 0.1),
                                 phase=phase + 2 * np.pi * 0.75 * speed * time_s,
                                 surface=surfaces.PERSON)
    return Actor(PEDESTRIAN, lateral_m, along_m, lateral_mps, along_mps, (0.7, 1.8, 0.4), draw)


def _cyclist(rng, *, lateral_m, along_m, along_mps):
    look, phase = choose_look(rng), rng.uniform(0, 2 * np.pi)
    yaw = rng.uniform(-0.3, 0.3) + (np.pi if along_mps < 0 else 0.0)

    def draw(camera, atmosphere, lateral, along, time_s):
        return cyclist_sprite(look, camera, atmosphere, lateral_m=lateral, along_m=along,
                              yaw=yaw, phase=phase + 5.0 * time_s, surface=surfaces.PERSON)
    return Actor(CYCLIST, lateral_m, along_m, 0.0, along_mps, (0.8, 1.85, 1.7), draw)


class Cast(NamedTuple):
    """All actors of a street, the camera's speed, and what the ground must show for them."""

    actors: Tuple[Actor, ...]
    speed_mps: float
    stop_line_m: Optional[float]


def choose_cast(rng, atmosphere, *, label_id, strip_m, left_edge_m):
    """
    Choose the actors of a street so that its label is true for ``STREET_S`` seconds.

    :param rng: random state
    :param atmosphere: the ``Atmosphere``
    :param label_id: index of ``STREET_SCENES``
    :param strip_m: width of the strip right of the own lane
    :param left_edge_m: how far left the other kerb is
    :return: a ``Cast``
    """
    speed = rng.uniform(1.0, 3.0)
    stop_line = None
    kerb = LANE_M / 2 + strip_m
    key: List[Actor] = []
    if label_id == VEHICLE_AHEAD:
        key.append(_vehicle(rng, atmosphere, lateral_m=rng.uniform(-0.25, 0.25),
                            rear_m=rng.uniform(5.5, 12.5),
                            along_mps=speed + rng.uniform(-0.25, 0.6)))
    elif label_id == PEDESTRIAN_AHEAD:
        speed = rng.uniform(0.3, 0.9)
        key = _people_ahead(rng)
    elif label_id == STOP_SIGN_AHEAD:
        speed = rng.uniform(0.4, 1.2)
        lateral = kerb + rng.uniform(0.6, 0.8)
        along = max(rng.uniform(9.5, 14.5), _first_along_m(lateral, speed))
        key.append(_mesh_actor(STOP_SIGN, build_stop_sign(rng), surfaces.TRAFFIC_OBJECT,
                               lateral_m=lateral, along_m=along, yaw=rng.uniform(-0.15, 0.15)))
        stop_line = along - 0.8
    elif label_id in (RED_LIGHT, GREEN_LIGHT):
        speed = rng.uniform(0.5, 1.2)
        lateral = kerb + rng.uniform(0.5, 0.7)
        along = max(rng.uniform(11.5, 15.5), _first_along_m(lateral, speed))
        built = build_traffic_light(rng, red=label_id == RED_LIGHT)
        key.append(_mesh_actor(TRAFFIC_LIGHT, built, surfaces.TRAFFIC_OBJECT,
                               lateral_m=lateral, along_m=along, yaw=rng.uniform(-0.12, 0.12)))
        stop_line = along - 0.8
    elif label_id == ROADWORKS:
        speed = rng.uniform(0.3, 0.7)
        key = _cones(rng)
    others = _choose_others(rng, atmosphere, speed=speed, kerb=kerb, strip_m=strip_m,
                            left_edge_m=left_edge_m)
    actors = list(key)
    for actor in others:
        if len(actors) < 8 and not any(_clash(actor, other, speed) for other in actors):
            actors.append(actor)
    return Cast(actors=tuple(actors), speed_mps=speed, stop_line_m=stop_line)


def _first_along_m(lateral_m, speed_mps):
    """Distance at the start that keeps a thing beside the road in the frame to the end."""
    return lateral_m / 0.42 + speed_mps * STREET_S


def _people_ahead(rng):
    along = rng.uniform(6.0, 10.5)
    if rng.rand() < 0.6:
        way = rng.choice([-1, 1])
        pace = rng.uniform(0.35, 0.75)
        people = [_pedestrian(rng, lateral_m=way * rng.uniform(-1.15, -0.95), along_m=along,
                              lateral_mps=way * pace)]
    else:
        people = [_pedestrian(rng, lateral_m=rng.uniform(-0.9, 0.9), along_m=along)]
    if rng.rand() < 0.25:
        first = people[0]
        people.append(_pedestrian(rng, lateral_m=-first.lateral_m or 0.9,
                                  along_m=along + rng.uniform(-1, 1)))
    return people


def _cones(rng):
    count, way = rng.randint(3, 6), rng.choice([-1, 1])
    along, cones = rng.uniform(5.2, 6.5), []
    for lateral in way * np.linspace(-1.25, 1.25, count):
        cones.append(_mesh_actor(CONE, build_cone(rng), surfaces.TRAFFIC_OBJECT,
                                 lateral_m=lateral + rng.uniform(-0.1, 0.1), along_m=along))
        along += rng.uniform(0.4, 1.1)
    return cones


def _choose_others(rng, atmosphere, *, speed, kerb, strip_m, left_edge_m):
    others = []
    parking = strip_m > 1.5
    if rng.rand() < 0.65:
        others.append(_vehicle(rng, atmosphere, lateral_m=-LANE_M + rng.uniform(-0.2, 0.1),
                               rear_m=rng.uniform(9, 20), oncoming=True,
                               along_mps=-rng.uniform(0.0, 2.2)))
    elif rng.rand() < 0.5:
        others.append(_cyclist(rng, lateral_m=-LANE_M + rng.uniform(-0.4, 0.3),
                               along_m=rng.uniform(8, 16), along_mps=-rng.uniform(0.5, 1.5)))
    if parking and rng.rand() < 0.6:
        along = rng.uniform(5, 13)
        for _ in range(rng.randint(1, 3)):
            others.append(_vehicle(rng, atmosphere, lateral_m=kerb - 0.95, rear_m=along,
                                   oncoming=bool(rng.rand() < 0.2), truck_share=0.25))
            along += rng.uniform(6.5, 9)
    elif strip_m > 1.0 and rng.rand() < 0.75:
        others.append(_cyclist(rng, lateral_m=kerb - 0.55, along_m=rng.uniform(5, 14),
                               along_mps=speed + rng.uniform(-0.6, 0.9)))
    if left_edge_m > 1.5 * LANE_M + 1 and rng.rand() < 0.5:
        others.append(_vehicle(rng, atmosphere, lateral_m=-left_edge_m + 1.1, oncoming=True,
                               rear_m=rng.uniform(7, 18), truck_share=0.25))
    for side, edge in ((1, kerb), (-1, left_edge_m)):
        for _ in range(rng.choice([0, 1, 2], p=[0.2, 0.5, 0.3])):
            pace = float(rng.choice([-1.1, 0.0, 1.1]))
            others.append(_pedestrian(rng, lateral_m=side * (edge + rng.uniform(0.9, 1.9)),
                                      along_m=rng.uniform(6.0, 13), along_mps=pace))
    return others


def _clash(actor, other, speed):
    """Whether two actors hide each other or touch at some time of the street."""
    for time_s in (0.0, 1.5, STREET_S):
        spans = []
        for one in (actor, other):
            lateral, along = one.place(time_s, speed_mps=speed)
            near = max(along - one.size_m[2] / 2, 1.0)
            half = one.size_m[0] / 2
            edges = [(lateral + s * half) / z for s in (-1, 1)
                     for z in (near, max(along + one.size_m[2] / 2, 1.0))]
            spans.append((min(edges), max(edges)))
        (a0, a1), (b0, b1) = spans
        overlap = min(a1, b1) - max(a0, b0)
        allowed = 0.25 if CONE not in (actor.class_id, other.class_id) else 0.1
        if overlap > allowed * min(a1 - a0, b1 - b0):
            return True
    return False
