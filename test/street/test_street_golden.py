"""
A few numbers of a few frames, so that no change of the code changes the street unnoticed.

OpenCV versions round the edges of polygons differently (4.1.2 and 4.14 in 1 % of the pixels), so
these are means and shares, not hashes; the tolerances are twice what those two versions differ by.
"""

from typing import NamedTuple

import numpy as np
import pytest

from synthetic_street import HELD_OUT_SEED, Drive, draw_scene
from synthetic_street.labels import STREET_OBJECTS, STREET_SCENES, STREET_SURFACES

SIZE = {'width': 320, 'height': 240}


class Expected(NamedTuple):
    label: str
    mean_bgr: tuple
    deviation: float
    surface_shares: tuple
    objects: tuple
    boxes_xyxy: list


STILLS = {
    0: Expected(
        'red_light', (82.53, 87.89, 101.58), 43.69,
        (0.4449, 0.0318, 0.3573, 0.0365, 0.0946, 0.0103, 0.0123, 0.0122),
        ('car', 'traffic_light', 'cyclist'),
        [[93, 106, 134, 130], [265, 55, 279, 86], [301, 84, 320, 173]]),
    1: Expected(
        'green_light', (49.13, 42.34, 38.24), 23.80,
        (0.4208, 0.0393, 0.0, 0.1754, 0.2833, 0.0496, 0.0111, 0.0205),
        ('car', 'traffic_light', 'pedestrian'),
        [[1, 93, 101, 144], [230, 28, 249, 68], [284, 82, 301, 149]]),
    5: Expected(
        'stop_sign', (85.75, 84.17, 105.29), 43.57,
        (0.4218, 0.0266, 0.3748, 0.0062, 0.1017, 0.0622, 0.0, 0.0067),
        ('truck', 'stop_sign', 'car'),
        [[181, 79, 226, 134], [242, 84, 261, 103], [30, 106, 107, 149]]),
    HELD_OUT_SEED + 3: Expected(
        'roadworks', (119.50, 124.45, 120.09), 51.62,
        (0.3964, 0.0350, 0.1674, 0.1633, 0.1799, 0.0, 0.0189, 0.0392),
        ('cone', 'cone', 'cone', 'cone', 'cyclist'),
        [[201, 129, 228, 168], [170, 129, 198, 173], [126, 134, 157, 182], [67, 136, 108, 195],
         [302, 78, 320, 193]]),
}
DRIVE_FRAME = 100
DRIVE = Expected(
    'pedestrian_ahead', (57.25, 54.49, 53.16), 27.28,
    (0.4068, 0.0683, 0.1728, 0.1210, 0.1564, 0.0643, 0.0103, 0.0),
    ('truck', 'pedestrian'), [[38, 61, 117, 136], [174, 85, 192, 158]])


def assert_is(scene, expected):
    assert STREET_SCENES.names[scene.label_id] == expected.label
    assert tuple(STREET_OBJECTS.names[i] for i in scene.box_class_ids) == expected.objects
    np.testing.assert_allclose(scene.boxes_xyxy, expected.boxes_xyxy, atol=1)
    counts = np.bincount(scene.mask.ravel(), minlength=len(STREET_SURFACES.names))
    np.testing.assert_allclose(counts / scene.mask.size, expected.surface_shares, atol=2e-4)
    np.testing.assert_allclose(scene.image_bgr.mean(axis=(0, 1)), expected.mean_bgr, atol=0.06)
    np.testing.assert_allclose(scene.image_bgr.std(), expected.deviation, atol=0.08)


@pytest.mark.parametrize('seed', STILLS)
def test_a_still_is_what_it_always_was(seed):
    assert_is(draw_scene(seed, **SIZE), STILLS[seed])


def test_a_frame_of_a_drive_is_what_it_always_was():
    assert_is(Drive(HELD_OUT_SEED, **SIZE).scene(DRIVE_FRAME), DRIVE)
