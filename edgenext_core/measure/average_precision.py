"""Boxes and objects of many frames, measured by pycocotools."""

import contextlib
import io
from typing import Any, Dict, List

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval, Params

from edgenext_core.runtime.records import Detections

_ALL_SIZES = [[0, 1e10]]


class CocoBoxes:
    """Found and true boxes, in COCO's form."""

    def __init__(self) -> None:
        """Start with no frame."""
        self._images: List[Dict[str, Any]] = []
        self._truths: List[Dict[str, Any]] = []
        self._found: List[Dict[str, Any]] = []

    @property
    def objects(self) -> int:
        """Return the number of true boxes."""
        return len(self._truths)

    def add(self, found: Detections, truth: Detections) -> None:
        """
        Add a frame.

        :param found: boxes with scores
        :param truth: boxes whose scores are not looked at
        """
        image_id = len(self._images) + 1
        self._images.append({'id': image_id})
        self._truths += _rows(truth, image_id)
        self._found += [dict(row, score=score) for row, score
                        in zip(_rows(found, image_id), found.scores.tolist())]

    def precision_per_class(self) -> Dict[int, np.ndarray]:
        """
        Compute the average precision of every class that occurs in the truth.

        :return: by class id (T,) float, for the IoU thresholds 0.50, 0.55, ... 0.95
        """
        class_ids = sorted({row['category_id'] for row in self._truths})
        found = [row for row in self._found if row['category_id'] in class_ids]
        if not found:
            return {class_id: np.zeros(len(Params().iouThrs)) for class_id in class_ids}
        with contextlib.redirect_stdout(io.StringIO()):
            coco = COCO()
            coco.dataset = {
                'images': self._images, 'info': {},
                'annotations': [dict(row, id=number) for number, row
                                in enumerate(self._truths, start=1)],
                'categories': [{'id': class_id} for class_id in class_ids]}
            coco.createIndex()
            evaluation = COCOeval(coco, coco.loadRes(found), 'bbox')
            evaluation.params.areaRng, evaluation.params.areaRngLbl = _ALL_SIZES, ['all']
            evaluation.evaluate()
            evaluation.accumulate()
        # (T IoU thresholds, 101 recalls, K classes, 1 size, 3 limits of 1, 10 and 100 boxes)
        precision = evaluation.eval['precision'][:, :, :, 0, -1]
        return dict(zip(class_ids, precision.mean(axis=1).T))


def _rows(boxes: Detections, image_id: int) -> List[Dict[str, Any]]:
    rows = []
    for (left, top, right, bottom), class_id in zip(boxes.boxes_xyxy.tolist(),
                                                    boxes.class_ids.tolist()):
        width, height = right - left, bottom - top
        rows.append({'image_id': image_id, 'category_id': class_id, 'iscrowd': 0,
                     'bbox': [left, top, width, height], 'area': width * height})
    return rows
