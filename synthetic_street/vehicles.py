"""Cars and trucks as meshes."""

from typing import Dict, NamedTuple, Sequence, Tuple

import numpy as np

from synthetic_street.colors import Rgb, pick_color, scale_color, vary_color
from synthetic_street.mesh import Mesh, Solid, patch

_PAINTS = ((196, 30, 38), (28, 70, 160), (235, 236, 238), (38, 40, 46), (150, 156, 164),
           (24, 110, 80), (226, 186, 40), (120, 40, 60), (70, 140, 190), (205, 120, 50),
           (92, 100, 70), (220, 205, 180))
_LOADS = ((238, 238, 234), (200, 206, 212), (60, 110, 170), (190, 70, 50), (225, 190, 90),
          (80, 130, 100))
_GLASS, _SKY_IN_GLASS = (52, 66, 82), (84, 104, 124)
_TIRE, _RIM = (26, 26, 28), (150, 152, 156)
_NUMBER_PLATE, _CAR_GRILLE = (228, 228, 220), (30, 32, 36)
_CHASSIS, _TRUCK_GRILLE, _TRUCK_BUMPER = (44, 46, 50), (34, 36, 40), (60, 62, 66)
_GUARD, _GUARD_STRIPE, _DOOR_BAR = (52, 54, 58), (225, 200, 60), (90, 92, 96)
_REAR_LAMPS, _REAR_LAMPS_LIT = (178, 22, 24), (255, 36, 30)
_CAR_HEADLAMPS, _TRUCK_HEADLAMPS = (226, 232, 238), (228, 232, 236)
_HEADLAMPS_LIT = (255, 250, 225)

_TIRE_WIDTH_M = 0.24
_CAR_FLOOR_M = 0.26
_TRUCK_WHEEL_RADIUS_M = 0.45
_CAB_LENGTH_M, _CAB_FLOOR_M, _CAB_ROOF_M = 1.7, 0.45, 2.35
_CHASSIS_M = (0.45, 0.75)
"""From where to where up a truck's chassis reaches; the load stands on it."""

_GUARD_M = (0.48, 0.74)
"""From where to where up the guard under a truck's rear reaches."""

_CIRCLE = np.linspace(0, 2 * np.pi, 12, endpoint=False)


class _CarKind(NamedTuple):
    """What tells a sedan from a hatchback: metres, and how far its windows lean."""

    length_m: Tuple[float, float]
    belt_m: float
    roof_m: float
    wheel_radius_m: float
    tail_m: float
    rear_lean_m: float


_CAR_KINDS: Dict[str, _CarKind] = {
    'sedan': _CarKind((4.2, 4.7), 0.86, 1.42, 0.32, 0.75, 0.5),
    'hatch': _CarKind((3.7, 4.1), 0.90, 1.50, 0.32, 0.08, 0.32),
    'suv': _CarKind((4.3, 4.7), 1.02, 1.74, 0.36, 0.06, 0.32),
}


class _Wheels(NamedTuple):
    """Two axles: where along the vehicle, the wheels' radius and how far out they stand."""

    axles_m: Sequence[float]
    radius_m: float
    half_width_m: float

    def add_tires(self, mesh: Mesh) -> None:
        """Add what of the wheels is under the body; before the body."""
        reach = self.radius_m * 0.8
        for axle in self.axles_m:
            for side in (-1, 1):
                x0, x1 = sorted((side * self.half_width_m,
                                 side * (self.half_width_m - _TIRE_WIDTH_M)))
                mesh.add_block((x0, x1, axle - reach, axle + reach, 0.0),
                               (x0, x1, axle - reach, axle + reach, 0.5), color_rgb=_TIRE)

    def add_discs(self, mesh: Mesh, *, body_half_m: float) -> None:
        """Add the wheels' outsides on the sides of the body; after the body."""
        for axle in self.axles_m:
            for side in (-1, 1):
                mesh.add(self._disc(side, axle, radius_m=self.radius_m,
                                    half_m=body_half_m + 0.01), _TIRE)
                rim = self._disc(side, axle, radius_m=self.radius_m * 0.6,
                                 half_m=body_half_m + 0.015)
                mesh.add(rim + [0, self.radius_m * 0.4, 0], _RIM)

    @staticmethod
    def _disc(side: int, axle_m: float, *, radius_m: float, half_m: float) -> np.ndarray:
        angles = _CIRCLE if side > 0 else -_CIRCLE
        return np.stack([np.full(12, side * half_m), radius_m + radius_m * np.sin(angles),
                         axle_m + radius_m * np.cos(angles)], axis=1)


def _add_lamps(
    mesh: Mesh, face: np.ndarray, *, color: Rgb, low: float, high: float, width: float,
    lit: bool,
) -> None:
    """Add a lamp at each end of a face; ``low``, ``high`` and ``width`` are shares of it."""
    for left in (0.03, 0.97 - width):
        mesh.add(patch(face, (left, low, left + width, high)), color, shines=lit)


def build_car(rng: np.random.RandomState, *, lamps_on: bool) -> Solid:
    """
    Build a car of random kind, size and paint.

    :param rng: random state
    :param lamps_on: whether its lamps are lit
    :return: a ``Solid``
    """
    name = rng.choice(list(_CAR_KINDS))
    kind = _CAR_KINDS[name]
    paint = vary_color(rng, pick_color(rng, _PAINTS), spread=14, low=8, high=245)
    half = rng.uniform(0.86, 0.94)
    # A length is drawn for every kind, so that the kind does not shift what is drawn after it.
    lengths = {other: rng.uniform(*_CAR_KINDS[other].length_m) for other in _CAR_KINDS}
    length = lengths[name]
    belt = kind.belt_m + rng.uniform(-0.03, 0.05)
    roof = kind.roof_m + rng.uniform(-0.04, 0.05)
    back, front = -length / 2, length / 2
    wheels = _Wheels((back + 0.75, front - 0.8), kind.wheel_radius_m, half - 0.03)
    mesh = Mesh()
    wheels.add_tires(mesh)
    body = mesh.add_block((-half, half, back, front, _CAR_FLOOR_M),
                          (-half * 0.97, half * 0.97, back + 0.05, front - 0.10, belt),
                          color_rgb=paint)
    wheels.add_discs(mesh, body_half_m=half)
    tail = back + kind.tail_m
    cabin = mesh.add_block(
        (-half * 0.95, half * 0.95, tail, front - 1.05, belt),
        (-half * 0.74, half * 0.74, tail + kind.rear_lean_m, front - 1.85, roof),
        color_rgb=paint)
    _add_car_windows(mesh, cabin)
    _add_car_ends(mesh, body, paint=paint, lamps_on=lamps_on)
    return Solid(mesh, (2 * half, roof, length))


def _add_car_windows(mesh: Mesh, cabin: Dict[str, np.ndarray]) -> None:
    for name in ('back', 'front'):
        mesh.add(patch(cabin[name], (0.07, 0.12, 0.93, 0.88)), _GLASS)
        mesh.add(patch(cabin[name], (0.07, 0.60, 0.93, 0.88)), _SKY_IN_GLASS)
    for name in ('left', 'right'):
        mesh.add(patch(cabin[name], (0.08, 0.12, 0.49, 0.86)), _GLASS)
        mesh.add(patch(cabin[name], (0.53, 0.12, 0.93, 0.86)), _GLASS)


def _add_car_ends(
    mesh: Mesh, body: Dict[str, np.ndarray], *, paint: Rgb, lamps_on: bool,
) -> None:
    bumper = scale_color(paint, 0.55)
    for name in ('back', 'front'):
        mesh.add(patch(body[name], (0.0, 0.0, 1.0, 0.26)), bumper)
        mesh.add(patch(body[name], (0.37, 0.32, 0.63, 0.50)), _NUMBER_PLATE)
    mesh.add(patch(body['front'], (0.28, 0.55, 0.72, 0.80)), _CAR_GRILLE)
    _add_lamps(mesh, body['back'], color=_REAR_LAMPS_LIT if lamps_on else _REAR_LAMPS,
               low=0.56, high=0.86, width=0.17, lit=lamps_on)
    _add_lamps(mesh, body['front'], color=_HEADLAMPS_LIT if lamps_on else _CAR_HEADLAMPS,
               low=0.52, high=0.84, width=0.20, lit=lamps_on)


def build_truck(rng: np.random.RandomState, *, lamps_on: bool, oncoming: bool) -> Solid:
    """
    Build a box truck of random size and paint.

    :param rng: random state
    :param lamps_on: whether its lamps are lit
    :param oncoming: whether it shows the camera its front
    :return: a ``Solid``
    """
    half = rng.uniform(1.10, 1.22)
    roof = rng.uniform(2.8, 3.3)
    length = rng.uniform(5.5, 6.8)
    back, front = -length / 2, length / 2
    load = vary_color(rng, pick_color(rng, _LOADS), spread=10, low=10, high=245)
    paint, stripe = pick_color(rng, _PAINTS), pick_color(rng, _PAINTS)
    wheels = _Wheels((back + 1.1, front - 0.9), _TRUCK_WHEEL_RADIUS_M, half - 0.05)
    mesh = Mesh()
    wheels.add_tires(mesh)
    low, high = _CHASSIS_M
    mesh.add_block((-half * 0.9, half * 0.9, back, front - 0.2, low),
                   (-half * 0.9, half * 0.9, back, front - 0.2, high), color_rgb=_CHASSIS)
    wheels.add_discs(mesh, body_half_m=half)
    # What is farther from the camera is painted first.
    if not oncoming:
        _add_cab(mesh, half_m=half, front_m=front, paint=paint, lamps_on=lamps_on)
    _add_load(mesh, half_m=half, roof_m=roof, span_m=(back, front - _CAB_LENGTH_M - 0.1),
              color=load, stripe=stripe)
    _add_guard(mesh, half_m=half, back_m=back, lamps_on=lamps_on)
    if oncoming:
        _add_cab(mesh, half_m=half, front_m=front, paint=paint, lamps_on=lamps_on)
    return Solid(mesh, (2 * half, roof, length))


def _add_cab(mesh: Mesh, *, half_m: float, front_m: float, paint: Rgb, lamps_on: bool) -> None:
    back = front_m - _CAB_LENGTH_M
    cab = mesh.add_block((-half_m * 0.96, half_m * 0.96, back, front_m, _CAB_FLOOR_M),
                         (-half_m * 0.92, half_m * 0.92, back, front_m - 0.25, _CAB_ROOF_M),
                         color_rgb=paint)
    mesh.add(patch(cab['front'], (0.08, 0.50, 0.92, 0.90)), _GLASS)
    mesh.add(patch(cab['front'], (0.08, 0.76, 0.92, 0.90)), _SKY_IN_GLASS)
    mesh.add(patch(cab['front'], (0.2, 0.22, 0.8, 0.42)), _TRUCK_GRILLE)
    for name in ('left', 'right'):
        mesh.add(patch(cab[name], (0.2, 0.52, 0.85, 0.88)), _GLASS)
    mesh.add(patch(cab['front'], (0.0, 0.0, 1.0, 0.10)), _TRUCK_BUMPER)
    _add_lamps(mesh, cab['front'], color=_HEADLAMPS_LIT if lamps_on else _TRUCK_HEADLAMPS,
               low=0.10, high=0.21, width=0.17, lit=lamps_on)


def _add_load(
    mesh: Mesh, *, half_m: float, roof_m: float, span_m: Tuple[float, float], color: Rgb,
    stripe: Rgb,
) -> None:
    """Add the box, from where to where along the truck, with its rear doors and a stripe."""
    back, front = span_m
    box = mesh.add_block((-half_m, half_m, back, front, _CHASSIS_M[1]),
                         (-half_m, half_m, back, front, roof_m), color_rgb=color)
    edge, rear = scale_color(color, 0.62), box['back']
    for left, width in ((0.0, 0.04), (0.49, 0.02), (0.96, 0.04)):
        mesh.add(patch(rear, (left, 0.0, left + width, 1.0)), edge)
    mesh.add(patch(rear, (0.0, 0.95, 1.0, 1.0)), edge)
    for left in (0.40, 0.56):
        mesh.add(patch(rear, (left, 0.1, left + 0.025, 0.8)), _DOOR_BAR)
    for name in ('left', 'right'):
        mesh.add(patch(box[name], (0.05, 0.35, 0.95, 0.62)), stripe)


def _add_guard(mesh: Mesh, *, half_m: float, back_m: float, lamps_on: bool) -> None:
    """Add the striped guard under the rear, which carries the lamps."""
    low, high = _GUARD_M
    behind = back_m - 0.02
    guard = np.array([[-half_m, low, behind], [half_m, low, behind], [half_m, high, behind],
                      [-half_m, high, behind]])
    mesh.add(guard, _GUARD)
    for index in range(1, 5):
        mesh.add(patch(guard, (index / 6, 0.25, (index + 0.5) / 6, 0.75)), _GUARD_STRIPE)
    _add_lamps(mesh, guard, color=_REAR_LAMPS_LIT if lamps_on else _REAR_LAMPS,
               low=0.15, high=0.85, width=0.11, lit=lamps_on)
