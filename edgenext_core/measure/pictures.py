"""The pictures that models are compared and timed on: a folder's, or drawn ones."""

import os
from typing import Iterable, Iterator, List, NamedTuple, Optional

import cv2
import numpy as np

from edgenext_core.measure.probes import make_probes
from edgenext_core.runtime.errors import SourceError
from edgenext_core.runtime.frame_sources import list_images

DRAWN = 'drawn pictures'
_HEIGHT, _WIDTH = 480, 640
"""A camera's."""


class Picture(NamedTuple):
    """A picture (H, W, 3) uint8 BGR, None where its file cannot be decoded, and its name."""

    name: str
    image_bgr: Optional[np.ndarray]


def draw_pictures(count: int) -> List[Picture]:
    """
    Draw pictures of a camera's size, always the same.

    :param count: how many
    :return: the pictures
    """
    return [Picture(f'drawn picture {number}', probe[0]) for number, probe
            in enumerate(make_probes(count, height=_HEIGHT, width=_WIDTH), start=1)]


def read_pictures(folder: str) -> Iterator[Picture]:
    """
    Read a folder's pictures in the order of their names, one at a time.

    :param folder: the folder
    :return: the pictures
    :raises SourceError: when there is no image file in it
    """
    for path in list_images(folder):
        yield Picture(os.path.basename(path), _decode(path))


def load_pictures(folder: str, *, most: int) -> List[Picture]:
    """
    Read a folder's first pictures.

    :param folder: the folder
    :param most: so many at most
    :return: those that can be decoded
    :raises SourceError: when there is none
    """
    pictures: List[Picture] = []
    for picture in read_pictures(folder):
        if picture.image_bgr is not None:
            pictures.append(picture)
        if len(pictures) == most:
            break
    if not pictures:
        raise no_picture(folder)
    return pictures


def frames_of(pictures: Iterable[Picture]) -> List[np.ndarray]:
    """
    Take the frames out of pictures.

    :param pictures: the pictures
    :return: (H, W, 3) uint8 BGR each, without those that cannot be decoded
    """
    return [picture.image_bgr for picture in pictures if picture.image_bgr is not None]


def no_picture(folder: str) -> SourceError:
    """
    Say that a folder is of no use.

    :param folder: one whose image files cannot be decoded
    :return: the error
    """
    return SourceError(f'none of the image files in {folder!r} can be decoded, expected pictures '
                       'that OpenCV reads; name another folder')


def _decode(path: str) -> Optional[np.ndarray]:
    try:
        return cv2.imread(path, cv2.IMREAD_COLOR)
    except cv2.error:  # a size beyond OpenCV's limits
        return None
