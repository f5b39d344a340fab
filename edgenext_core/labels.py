"""Class names, colours and void indices of the data sets that the project knows."""

from typing import NamedTuple, Optional, Tuple

Color = Tuple[int, int, int]


class LabelSet(NamedTuple):
    """
    The classes of one data set: index i has name ``names[i]`` and colour ``colors_rgb[i]``.

    No background class is listed: a detector adds its own index 0 inside the network and
    takes it away again before a result leaves it.
    """

    names: Tuple[str, ...]
    colors_rgb: Tuple[Color, ...]
    ignore_index: Optional[int] = None


WORLD_SCENES = LabelSet(
    names=('clear_road', 'vehicle_ahead', 'pedestrian_ahead', 'stop_sign',
           'red_light', 'green_light', 'roadworks'),
    colors_rgb=((120, 170, 120), (0, 90, 220), (230, 60, 120), (200, 30, 30),
                (255, 40, 40), (40, 220, 80), (255, 140, 0)),
)
"""What the robot faces in the synthetic world, one label a frame."""

WORLD_OBJECTS = LabelSet(
    names=('car', 'truck', 'pedestrian', 'cyclist', 'traffic_light', 'stop_sign', 'cone'),
    colors_rgb=((0, 120, 255), (0, 60, 150), (230, 60, 120), (160, 70, 200),
                (250, 200, 30), (200, 30, 30), (255, 140, 0)),
)
"""The objects of the synthetic world that carry a bounding box."""

WORLD_SURFACES = LabelSet(
    names=('road', 'pavement', 'building', 'vegetation', 'sky', 'vehicle', 'person',
           'traffic_object'),
    colors_rgb=((128, 64, 128), (244, 35, 232), (110, 110, 110), (107, 142, 35),
                (70, 130, 180), (0, 60, 200), (220, 20, 60), (250, 170, 30)),
    ignore_index=255,
)
"""
The classes of the synthetic world's masks.

Lane marks belong to the road; ``person`` is pedestrians and cyclists with their bicycles;
``traffic_object`` is poles, traffic lights, signs and cones.
"""

CAMVID = LabelSet(
    names=('sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign_symbol', 'fence',
           'car', 'pedestrian', 'bicyclist'),
    colors_rgb=((128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222),
                (128, 128, 0), (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0),
                (0, 128, 192)),
    ignore_index=11,
)
"""CamVid in SegNet's 11 classes; index 11 is void."""
