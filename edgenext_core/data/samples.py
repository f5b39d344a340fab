"""What a data set is made of: pictures, what is true of them, and the classes that this names."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from edgenext_core.labels.label_set import LabelSet
from edgenext_core.runtime.errors import EdgeNextError
from edgenext_core.runtime.records import Record

VOID = 255
"""The class id, in every mask that is read, of pixels that count for nothing."""
_NAMES_IN_MESSAGE = 12


class DataError(EdgeNextError):
    """A data set lacks something or disagrees with its labels: mend it or choose another one."""


class Sample(NamedTuple):
    """A picture (H, W, 3) uint8 BGR, and its truth in the picture's own pixels."""

    image_bgr: np.ndarray
    truth: Record


class Frames(Protocol):
    """
    A sequence of samples of one task.

    The class ids of their truth are indices into ``labels``; a mask has ``VOID`` as well.
    """

    labels: LabelSet

    def __len__(self) -> int:
        """Return the number of samples, at least 1."""

    def __getitem__(self, index: int) -> Sample:
        """
        Read one sample.

        :param index: from 0
        :return: the picture with its truth
        :raises DataError: when a file cannot be decoded or its truth makes no sense
        """


class OpenFrames(Protocol):
    """
    What opens one split of a data set.

    ``classes`` says what the classes of the data are; None leaves that to the data. Truth is
    numbered by ``labels``, class by class of the same name; None numbers it by the data's classes.
    """

    def __call__(self, root: Path, *, split: str, classes: LabelSet | None = None,
                 labels: LabelSet | None = None) -> Frames:
        """
        Open a split.

        :param root: folder of the data set
        :param split: ``train``, ``val`` or ``test``
        :param classes: those of the data
        :param labels: those to number the truth by
        :return: the samples
        :raises DataError: when something is missing, or a class of the data is not in ``labels``
        """


def require_root(root: Path) -> None:
    """
    Check that a data set is there.

    :param root: its folder
    :raises DataError: when it is not
    """
    if not root.is_dir():
        raise DataError(f'the data folder {root} is not there; give the root of a data set')


def require_split(root: Path, split: str) -> Path:
    """
    Find the folder of a split.

    :param root: folder of the data set
    :param split: its name
    :return: the folder
    :raises DataError: when one of the two is not there
    """
    require_root(root)
    if not (root / split).is_dir():
        found = sorted(path.name for path in root.iterdir() if path.is_dir())
        raise DataError(f'{root} has no split {split!r}, expected a folder {root / split}; it has '
                        f'{", ".join(found) or "no folders"}')
    return root / split


def renumber(names: Sequence[str], labels: LabelSet, *, source: Path) -> np.ndarray:
    """
    Find each class of a data set among other labels, by name.

    :param names: the classes of the data set
    :param labels: the classes to number by
    :param source: the file or folder that has these names
    :return: (len(names),) int64, for each class its index in ``labels``
    :raises DataError: when a class is not there
    """
    unknown = [name for name in names if name not in labels.names]
    if unknown:
        raise DataError(f'{source} has the classes {listed(names)}, of which {unknown[0]!r} is '
                        f'none of {listed(labels.names)}; use data and a model of the same '
                        'classes')
    return np.array([labels.names.index(name) for name in names], np.int64)


def listed(names: Sequence[str]) -> str:
    """
    Put names into a sentence, the first dozen.

    :param names: any number
    :return: such as 'car, truck and 3 more'
    """
    more = len(names) - _NAMES_IN_MESSAGE
    return ', '.join(names[:_NAMES_IN_MESSAGE]) + (f' and {more} more' if more > 0 else '')
