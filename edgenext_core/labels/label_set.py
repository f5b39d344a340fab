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


CAMVID = LabelSet(
    names=('sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign_symbol', 'fence',
           'car', 'pedestrian', 'bicyclist'),
    colors_rgb=((128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222),
                (128, 128, 0), (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0),
                (0, 128, 192)),
    ignore_index=11,
)
"""CamVid in SegNet's 11 classes; index 11 is void."""
