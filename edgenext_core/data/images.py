"""Pictures and masks from files."""

from pathlib import Path

import cv2
import numpy as np

from edgenext_core.data.samples import DataError

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')
"""The endings of the files that are taken for pictures, in small letters."""


def list_images(folder: Path) -> list[Path]:
    """
    List the pictures in a folder.

    :param folder: need not exist
    :return: in the order of their names
    """
    return sorted(path for path in folder.glob('*')
                  if path.suffix.lower() in SUFFIXES and not path.name.startswith('.'))


def read_image(path: Path) -> np.ndarray:
    """
    Read a picture.

    :param path: the file
    :return: (H, W, 3) uint8 BGR
    :raises DataError: when it cannot be decoded
    """
    return _decode(path, cv2.IMREAD_COLOR)


def read_mask(path: Path, *, size: tuple[int, int]) -> np.ndarray:
    """
    Read a mask of class ids.

    :param path: the file
    :param size: height and width of its picture
    :return: (H, W) uint8
    :raises DataError: when it cannot be decoded or is no mask of that size
    """
    mask = _decode(path, cv2.IMREAD_UNCHANGED)
    if mask.shape != size or mask.dtype != np.uint8:
        raise DataError(f'{path} is {mask.shape} {mask.dtype}, expected one channel of uint8 in '
                        f'the size of its picture, {size}; write the class ids as such a PNG')
    return mask


def require_files(paths: list[Path]) -> None:
    """
    Check that files are there.

    :param paths: any number
    :raises DataError: when some are not
    """
    missing = [path for path in paths if not path.is_file()]
    if missing:
        more = f', as are {len(missing) - 1} more files' if len(missing) > 1 else ''
        raise DataError(f'{missing[0]} is missing{more}; add what is missing, or take it out of '
                        'the data set')


def _decode(path: Path, flags: int) -> np.ndarray:
    content = np.fromfile(path, np.uint8)
    image = cv2.imdecode(content, flags) if content.size else None
    if image is None:
        raise DataError(f'{path} cannot be decoded; replace the file or leave it out')
    return image
