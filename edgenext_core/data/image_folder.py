"""
Pictures of one class each, in either of two layouts.

``<root>/<split>/<class>/*.jpg``, a folder a class; or ``<root>/<split>/images/`` with a table
``<root>/<split>/labels.csv`` beside it, whose columns are ``file_name`` and ``label``, the name of
the class.
"""

import csv
from pathlib import Path

import numpy as np
from torchvision.datasets import ImageFolder

from edgenext_core.data.classes import named_classes
from edgenext_core.data.images import SUFFIXES, read_image, require_files
from edgenext_core.data.samples import DataError, Sample, renumber, require_split
from edgenext_core.labels.label_set import LabelSet
from edgenext_core.runtime.records import Classification

_COLUMNS = ('file_name', 'label')


class LabelledImages:
    """
    Pictures, each with the name of its class.

    Without other word, the classes are all names that occur, in alphabetical order.
    """

    def __init__(self, root: Path, *, split: str, classes: LabelSet | None = None,
                 labels: LabelSet | None = None) -> None:
        """
        Find the files, see ``OpenFrames``.

        :param root: folder of the data set
        :param split: name of the split
        :param classes: those of the data
        :param labels: those to number the truth by
        :raises DataError: when there are no pictures, or a class is not among the labels
        """
        folder = require_split(root, split)
        table = folder / 'labels.csv'
        self._images, names = _read_table(table) if table.is_file() else _read_folders(folder)
        found = sorted(set(names))
        self.labels = labels or classes or named_classes(found, source=str(folder))
        numbers = dict(zip(found, renumber(found, self.labels, source=folder)))
        self._class_ids = [numbers[name] for name in names]

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._images)

    def __getitem__(self, index: int) -> Sample:
        """
        Read one picture.

        :param index: in the table's order, or by folder and name
        :return: the picture and a ``Classification``
        :raises DataError: when it cannot be decoded
        """
        truth = Classification(np.array([self._class_ids[index]]), np.ones(1, np.float32))
        return Sample(read_image(self._images[index]), truth)


def _read_folders(folder: Path) -> tuple[list[Path], list[str]]:
    if (folder / 'images').is_dir():
        raise DataError(f'{folder} has images, but nothing says of which class they are, expected '
                        f'{folder / "labels.csv"}, or a folder a class instead; add one of them')
    try:
        found = ImageFolder(folder, is_valid_file=_is_image)
    except FileNotFoundError as error:  # torchvision's: no class, or one without pictures
        raise DataError(f'{folder} holds no classes of pictures, expected a folder a class with '
                        f'pictures in each, or images and labels.csv ({error})') from error
    return ([Path(path) for path, _ in found.samples],
            [found.classes[index] for _, index in found.samples])


def _is_image(path: str) -> bool:
    return Path(path).suffix.lower() in SUFFIXES and not Path(path).name.startswith('.')


def _read_table(path: Path) -> tuple[list[Path], list[str]]:
    with open(path, encoding='utf-8-sig', newline='') as file:
        rows = list(csv.DictReader(file))
    if not rows or not all(row.get(column) for row in rows for column in _COLUMNS):
        raise DataError(f'{path} is incomplete, expected a first line {",".join(_COLUMNS)} and '
                        'both of them in a line for each picture; write it anew')
    images = [path.parent / 'images' / row['file_name'] for row in rows]
    require_files(images)
    return images, [row['label'] for row in rows]
