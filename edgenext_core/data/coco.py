"""
Pictures and boxes from a file in COCO's form.

``<root>/<split>/instances.json`` with the pictures in ``<root>/<split>/images/``; or as COCO has
it, ``<root>/annotations/instances_<split>.json`` with the pictures in ``<root>/<split>/``.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from edgenext_core.data.classes import named_classes
from edgenext_core.data.images import read_image, require_files
from edgenext_core.data.samples import DataError, Sample, renumber, require_split
from edgenext_core.labels.label_set import LabelSet
from edgenext_core.runtime.records import Detections


class CocoFolder:
    """
    The pictures of one split with their boxes, in the order of the file.

    Left out are crowds and boxes without an area. Without other word, the classes are the file's
    categories, in the order of their ids.
    """

    def __init__(self, root: Path, *, split: str, classes: LabelSet | None = None,
                 labels: LabelSet | None = None) -> None:
        """
        Read the file, see ``OpenFrames``.

        :param root: folder of the data set
        :param split: name of the split
        :param classes: those of the data
        :param labels: those to number the truth by
        :raises DataError: when the file is missing or not in COCO's form, a picture is missing, or
            a category is not among the labels
        """
        path, folder = _find_file(root, split)
        content = _read(path)
        names = {row['id']: row['name'] for row in sorted(
            content['categories'], key=lambda row: row['id'])}
        own = named_classes(list(names.values()), source=str(path))
        self.labels = labels or classes or own
        numbers = dict(zip(names, renumber(own.names, self.labels, source=path)))
        self._images = [folder / row['file_name'] for row in content['images']]
        require_files(self._images)
        self._truths = _truths(path, content, numbers)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._images)

    def __getitem__(self, index: int) -> Sample:
        """
        Read one picture.

        :param index: in the file's order
        :return: the picture and its ``Detections``
        :raises DataError: when it cannot be decoded
        """
        return Sample(read_image(self._images[index]), self._truths[index])


def _find_file(root: Path, split: str) -> tuple[Path, Path]:
    """Give the file of a split and the folder of its pictures."""
    folder = require_split(root, split)
    own, central = folder / 'instances.json', root / 'annotations' / f'instances_{split}.json'
    if not own.is_file() and not central.is_file():
        raise DataError(f'{folder} has no boxes, expected {own} or {central} in the form of COCO; '
                        'write one of them')
    return (own, folder / 'images') if own.is_file() else (central, folder)


def _read(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Read a file and check that it has what we want of it."""
    wanted = {'images': ('id', 'file_name'), 'categories': ('id', 'name'),
              'annotations': ('image_id', 'category_id', 'bbox')}
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise DataError(f'{path} is no JSON ({error}); write it anew') from error
    for table, keys in wanted.items():
        rows = content.get(table) if isinstance(content, dict) else None
        if not isinstance(rows, list) or not rows:
            raise DataError(f'{path} has no {table}, expected a list of them, as in the form of '
                            'COCO; add them')
        for index, row in enumerate(rows):
            if not isinstance(row, dict) or not row.keys() >= set(keys):
                raise DataError(f'{path}: entry {index} of {table} is incomplete, expected '
                                f'{", ".join(keys)}; mend it')
    return content


def _truths(path: Path, content: dict[str, list[dict[str, Any]]],
            numbers: dict[Any, int]) -> list[Detections]:
    """Gather the boxes of each picture."""
    boxes: dict[Any, list[tuple[float, ...]]] = {row['id']: [] for row in content['images']}
    class_ids: dict[Any, list[int]] = {image_id: [] for image_id in boxes}
    for index, row in enumerate(content['annotations']):
        image_id, category_id = row['image_id'], row['category_id']
        if image_id not in boxes or category_id not in numbers:
            raise DataError(f'{path}: entry {index} of annotations is of image {image_id!r} and '
                            f'category {category_id!r}, expected ids of the file; mend it')
        left, top, width, height = _box(path, index, row['bbox'])
        if width > 0 and height > 0 and not row.get('iscrowd'):
            boxes[image_id].append((left, top, left + width, top + height))
            class_ids[image_id].append(numbers[category_id])
    return [
        Detections(np.array(boxes[row['id']], np.float32).reshape(-1, 4),
                   np.array(class_ids[row['id']], np.int64),
                   np.ones(len(boxes[row['id']]), np.float32))
        for row in content['images']
    ]


def _box(path: Path, index: int, bbox: Any) -> tuple[float, float, float, float]:
    if (not isinstance(bbox, list) or len(bbox) != 4
            or not all(isinstance(side, (int, float)) for side in bbox)):
        raise DataError(f'{path}: the bbox of entry {index} of annotations is {bbox!r}, expected '
                        '[left, top, width, height] in pixels; mend it')
    left, top, width, height = bbox
    return left, top, width, height
