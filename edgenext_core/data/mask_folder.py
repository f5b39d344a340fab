"""Pictures and masks from ``<root>/<split>/images/`` and ``<root>/<split>/masks/``."""

from pathlib import Path

import cv2
import numpy as np

from edgenext_core.data.images import list_images, read_image, read_mask, require_files
from edgenext_core.data.samples import VOID, DataError, Sample, renumber, require_split
from edgenext_core.labels.label_set import LabelSet
from edgenext_core.runtime.records import ClassMask

_MISTAKE = VOID - 1
"""What a value that is no class becomes, until it is refused."""


class MaskFolder:
    """
    The pictures of one split, in the order of their names; a mask is a PNG of its picture's stem.

    A mask's values are class ids; ``VOID`` and the classes' ``ignore_index`` count for nothing.
    """

    def __init__(self, root: Path, *, split: str, classes: LabelSet | None = None,
                 labels: LabelSet | None = None) -> None:
        """
        Find the files, see ``OpenFrames``.

        :param root: folder of the data set
        :param split: name of the split
        :param classes: what the values of the masks mean
        :param labels: what to number the masks by
        :raises DataError: when a file is missing or nobody says what the values mean
        """
        folder = require_split(root, split)
        self._images = list_images(folder / 'images')
        self._masks = [folder / 'masks' / f'{path.stem}.png' for path in self._images]
        if not self._images:
            raise DataError(f'{folder / "images"} holds no pictures, expected some, with their '
                            f'masks in {folder / "masks"}; put them there')
        require_files(self._masks)
        if classes is None:
            raise DataError(
                f'{folder / "masks"} holds numbers only, and nobody says which classes they are; '
                f"list the names in the recipe's data.classes, in --classes of edgenext evaluate, "
                f'or in {root / "classes.json"}')
        self.labels = labels or classes
        self._last_id = len(classes.names) - 1
        self._table = _table(classes, renumber(classes.names, self.labels, source=folder))

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._images)

    def __getitem__(self, index: int) -> Sample:
        """
        Read one picture and its mask.

        :param index: place in the order of names
        :return: the picture and a ``ClassMask``
        :raises DataError: when a file cannot be decoded, the two differ in size, or a value is of
            no class
        """
        image = read_image(self._images[index])
        mask = cv2.LUT(read_mask(self._masks[index], size=image.shape[:2]), self._table)
        if (mask == _MISTAKE).any():
            self._refuse(self._masks[index], image.shape[:2])
        return Sample(image, ClassMask(mask))

    def _refuse(self, path: Path, size: tuple[int, int]) -> None:
        values = np.unique(read_mask(path, size=size))
        wrong = values[self._table[values] == _MISTAKE]
        ignored = np.flatnonzero(self._table == VOID)
        raise DataError(
            f'{path} has the value {wrong[0]}, expected that of a class, '
            f'0 to {self._last_id}, or {" or ".join(map(str, ignored))} for pixels that count for '
            'nothing; mend the mask or the list of classes')


def _table(classes: LabelSet, numbers: np.ndarray) -> np.ndarray:
    """Give for each value of a mask (256,) uint8 its class id, ``VOID`` or ``_MISTAKE``."""
    if len(classes.names) > _MISTAKE:
        raise DataError(f'there are {len(classes.names)} classes, expected at most {_MISTAKE}, as '
                        'masks are bytes; leave some out')
    table = np.full(256, _MISTAKE, np.uint8)
    table[:len(numbers)] = numbers
    table[[VOID] if classes.ignore_index is None else [VOID, classes.ignore_index]] = VOID
    return table
