"""Cars and trucks as meshes."""

import numpy as np

from synthetic_street.mesh import Mesh, patch

_PAINTS = ((196, 30, 38), (28, 70, 160), (235, 236, 238), (38, 40, 46), (150, 156, 164),
           (24, 110, 80), (226, 186, 40), (120, 40, 60), (70, 140, 190), (205, 120, 50),
           (92, 100, 70), (220, 205, 180))
_GLASS = (52, 66, 82)
_TIRE = (26, 26, 28)
_CIRCLE = np.linspace(0, 2 * np.pi, 12, endpoint=False)


def _wheel(side, center_m, radius_m, half_width_m):
    angles = _CIRCLE if side > 0 else -_CIRCLE
    return np.stack([np.full(12, side * half_width_m), radius_m + radius_m * np.sin(angles),
                     center_m + radius_m * np.cos(angles)], axis=1)


def _add_wheels(mesh, half_width_m, radius_m, centers_m):
    for center in centers_m:
        for side in (-1, 1):
            x0, x1 = sorted((side * half_width_m, side * (half_width_m - 0.24)))
            mesh.add_block((x0, x1, center - radius_m * 0.8, center + radius_m * 0.8, 0.0),
                           (x0, x1, center - radius_m * 0.8, center + radius_m * 0.8, 0.5), _TIRE)


def _add_wheel_discs(mesh, half_width_m, radius_m, centers_m):
    for center in centers_m:
        for side in (-1, 1):
            mesh.add(_wheel(side, center, radius_m, half_width_m + 0.01), _TIRE)
            rim = _wheel(side, center, radius_m * 0.6, half_width_m + 0.015)
            mesh.add(rim + [0, radius_m * 0.4, 0], (150, 152, 156))


def _add_lamps(mesh, face, *, colors_rgb, low, high, width, lit):
    for left in (0.03, 0.97 - width):
        mesh.add(patch(face, left, low, left + width, high), colors_rgb, shines=lit)


def build_car(rng, *, lamps_on):
    """
    Build a car of random kind, size and paint.

    :param rng: random state
    :param lamps_on: whether its lamps are lit
    :return: (mesh, (width, height, length) in metres)
    """
    kind = rng.choice(['sedan', 'hatch', 'suv'])
    paint = np.array(_PAINTS[rng.randint(len(_PAINTS))], float)
    paint = np.clip(paint + rng.uniform(-14, 14, 3), 8, 245)
    half = rng.uniform(0.86, 0.94)
    length = {'sedan': rng.uniform(4.2, 4.7), 'hatch': rng.uniform(3.7, 4.1),
              'suv': rng.uniform(4.3, 4.7)}[kind]
    belt = {'sedan': 0.86, 'hatch': 0.90, 'suv': 1.02}[kind] + rng.uniform(-0.03, 0.05)
    roof = {'sedan': 1.42, 'hatch': 1.50, 'suv': 1.74}[kind] + rng.uniform(-0.04, 0.05)
    back, front = -length / 2, length / 2
    radius = 0.36 if kind == 'suv' else 0.32
    mesh = Mesh()
    centers = (back + 0.75, front - 0.8)
    _add_wheels(mesh, half - 0.03, radius, centers)
    body = mesh.add_block((-half, half, back, front, 0.26),
                          (-half * 0.97, half * 0.97, back + 0.05, front - 0.10, belt), paint)
    _add_wheel_discs(mesh, half, radius, centers)
    tail = {'sedan': 0.75, 'hatch': 0.08, 'suv': 0.06}[kind]
    cabin = mesh.add_block(
        (-half * 0.95, half * 0.95, back + tail, front - 1.05, belt),
        (-half * 0.74, half * 0.74, back + tail + (0.5 if kind == 'sedan' else 0.32),
         front - 1.85, roof), paint)
    for name in ('back', 'front'):
        mesh.add(patch(cabin[name], 0.07, 0.12, 0.93, 0.88), _GLASS)
        mesh.add(patch(cabin[name], 0.07, 0.60, 0.93, 0.88), (84, 104, 124))
    for name in ('left', 'right'):
        mesh.add(patch(cabin[name], 0.08, 0.12, 0.49, 0.86), _GLASS)
        mesh.add(patch(cabin[name], 0.53, 0.12, 0.93, 0.86), _GLASS)
    bumper = tuple(0.55 * c for c in paint)
    for name in ('back', 'front'):
        mesh.add(patch(body[name], 0.0, 0.0, 1.0, 0.26), bumper)
        mesh.add(patch(body[name], 0.37, 0.32, 0.63, 0.50), (228, 228, 220))
    mesh.add(patch(body['front'], 0.28, 0.55, 0.72, 0.80), (30, 32, 36))
    _add_lamps(mesh, body['back'], colors_rgb=(255, 36, 30) if lamps_on else (178, 22, 24),
               low=0.56, high=0.86, width=0.17, lit=lamps_on)
    _add_lamps(mesh, body['front'], colors_rgb=(255, 250, 225) if lamps_on else (226, 232, 238),
               low=0.52, high=0.84, width=0.20, lit=lamps_on)
    return mesh, (2 * half, roof, length)


def build_truck(rng, *, lamps_on, oncoming):
    """
    Build a box truck of random size and paint.

    :param rng: random state
    :param lamps_on: whether its lamps are lit
    :param oncoming: whether it shows the camera its front
    :return: (mesh, (width, height, length) in metres)
    """
    half = rng.uniform(1.10, 1.22)
    roof = rng.uniform(2.8, 3.3)
    length = rng.uniform(5.5, 6.8)
    back, front = -length / 2, length / 2
    cab_back = front - 1.7
    load = np.array([(238, 238, 234), (200, 206, 212), (60, 110, 170), (190, 70, 50),
                     (225, 190, 90), (80, 130, 100)][rng.randint(6)], float)
    load = np.clip(load + rng.uniform(-10, 10, 3), 10, 245)
    paint = _PAINTS[rng.randint(len(_PAINTS))]
    mesh = Mesh()
    centers = (back + 1.1, front - 0.9)
    _add_wheels(mesh, half - 0.05, 0.45, centers)
    mesh.add_block((-half * 0.9, half * 0.9, back, front - 0.2, 0.45),
                   (-half * 0.9, half * 0.9, back, front - 0.2, 0.75), (44, 46, 50))
    _add_wheel_discs(mesh, half, 0.45, centers)

    def add_cab():
        cab = mesh.add_block((-half * 0.96, half * 0.96, cab_back, front, 0.45),
                             (-half * 0.92, half * 0.92, cab_back, front - 0.25, 2.35), paint)
        mesh.add(patch(cab['front'], 0.08, 0.50, 0.92, 0.90), _GLASS)
        mesh.add(patch(cab['front'], 0.08, 0.76, 0.92, 0.90), (84, 104, 124))
        mesh.add(patch(cab['front'], 0.2, 0.22, 0.8, 0.42), (34, 36, 40))
        for name in ('left', 'right'):
            mesh.add(patch(cab[name], 0.2, 0.52, 0.85, 0.88), _GLASS)
        mesh.add(patch(cab['front'], 0.0, 0.0, 1.0, 0.10), (60, 62, 66))
        _add_lamps(mesh, cab['front'], low=0.10, high=0.21, width=0.17, lit=lamps_on,
                   colors_rgb=(255, 250, 225) if lamps_on else (228, 232, 236))

    def add_load():
        box = mesh.add_block((-half, half, back, cab_back - 0.1, 0.75),
                             (-half, half, back, cab_back - 0.1, roof), load)
        edge = tuple(0.62 * c for c in load)
        rear = box['back']
        for left in (0.0, 0.49, 0.96):
            mesh.add(patch(rear, left, 0.0, left + (0.02 if left == 0.49 else 0.04), 1.0), edge)
        mesh.add(patch(rear, 0.0, 0.95, 1.0, 1.0), edge)
        for left in (0.40, 0.56):
            mesh.add(patch(rear, left, 0.1, left + 0.025, 0.8), (90, 92, 96))
        stripe = tuple(_PAINTS[rng.randint(len(_PAINTS))])
        for name in ('left', 'right'):
            mesh.add(patch(box[name], 0.05, 0.35, 0.95, 0.62), stripe)
        low = np.array([[-half, 0.48, back - 0.02], [half, 0.48, back - 0.02],
                        [half, 0.74, back - 0.02], [-half, 0.74, back - 0.02]])
        mesh.add(low, (52, 54, 58))
        for index in range(6):
            if index not in (0, 5):
                mesh.add(patch(low, index / 6, 0.25, (index + 0.5) / 6, 0.75), (225, 200, 60))
        _add_lamps(mesh, low, colors_rgb=(255, 36, 30) if lamps_on else (178, 22, 24),
                   low=0.15, high=0.85, width=0.11, lit=lamps_on)

    for add_part in ((add_load, add_cab) if oncoming else (add_cab, add_load)):
        add_part()
    return mesh, (2 * half, roof, length)
