"""Pictures and masks from ``<root>/<split>/images/`` and ``<root>/<split>/masks/``."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

_IMAGE_SUFFIXES = {'.jpg', '.jpeg', '.png', '.bmp'}


class MaskedImage(NamedTuple):
    """A picture (H, W, 3) uint8 BGR and the class of each of its pixels (H, W) uint8."""

    image_bgr: np.ndarray
    mask: np.ndarray


class SegmentationFolder:
    """
    The pictures of one split, in the order of their names; a mask has its picture's stem.

    :param root: folder of the data set
    :param split: ``train``, ``val`` or ``test``
    :raises FileNotFoundError: if there are no pictures, or one has no mask
    """

    def __init__(self, root: Path, *, split: str) -> None:
        folder = Path(root) / split
        images = sorted((folder / 'images').glob('*'))
        self._images = [path for path in images if path.suffix.lower() in _IMAGE_SUFFIXES]
        self._masks = [folder / 'masks' / f'{path.stem}.png' for path in self._images]
        if not self._images:
            raise FileNotFoundError(f'{folder / "images"} holds no pictures (jpg, png, bmp)')
        missing = [path for path in self._masks if not path.is_file()]
        if missing:
            raise FileNotFoundError(
                f'{missing[0]} is missing, as are the masks of {len(missing) - 1} more pictures')

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._images)

    def __getitem__(self, index: int) -> MaskedImage:
        """
        Read one picture and its mask.

        :param index: place in the order of names
        :return: the picture and its mask
        :raises ValueError: if a file cannot be decoded or the two differ in size
        """
        image = cv2.imread(str(self._images[index]), cv2.IMREAD_COLOR)
        mask = cv2.imread(str(self._masks[index]), cv2.IMREAD_UNCHANGED)
        if image is None or mask is None:
            broken = self._images[index] if image is None else self._masks[index]
            raise ValueError(f'{broken} cannot be decoded; replace the file or leave it out')
        if mask.shape != image.shape[:2]:
            raise ValueError(
                f'{self._masks[index]} has the shape {mask.shape}, expected one channel of '
                f'the size of its picture, {image.shape[:2]}')
        return MaskedImage(image, mask)
