"""The classes of the synthetic street: scenes, objects and surfaces."""

from edgenext_core.labels.label_set import LabelSet

STREET_SCENES = LabelSet(
    names=('clear_road', 'vehicle_ahead', 'pedestrian_ahead', 'stop_sign',
           'red_light', 'green_light', 'roadworks'),
    colors_rgb=((120, 170, 120), (0, 90, 220), (230, 60, 120), (200, 30, 30),
                (255, 40, 40), (40, 220, 80), (255, 140, 0)),
)
"""What the robot faces in the synthetic street, one label a frame."""

STREET_OBJECTS = LabelSet(
    names=('car', 'truck', 'pedestrian', 'cyclist', 'traffic_light', 'stop_sign', 'cone'),
    colors_rgb=((0, 120, 255), (0, 60, 150), (230, 60, 120), (160, 70, 200),
                (250, 200, 30), (200, 30, 30), (255, 140, 0)),
)
"""The objects of the synthetic street that carry a bounding box."""

STREET_SURFACES = LabelSet(
    names=('road', 'pavement', 'building', 'vegetation', 'sky', 'vehicle', 'person',
           'traffic_object'),
    colors_rgb=((128, 64, 128), (244, 35, 232), (110, 110, 110), (107, 142, 35),
                (70, 130, 180), (0, 60, 200), (220, 20, 60), (250, 170, 30)),
    ignore_index=255,
)
"""
The classes of the synthetic street's masks.

Lane marks belong to the road; ``person`` is pedestrians and cyclists with their bicycles;
``traffic_object`` is poles, traffic lights, signs and cones.
"""
