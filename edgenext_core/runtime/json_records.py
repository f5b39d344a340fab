"""Records as JSON knows them, for other programs: one function a task."""

from typing import Any, Dict

import numpy as np

from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.records import Classification, ClassMask, Detections


def classification_to_json(record: Classification, card: ModelCard) -> Dict[str, Any]:
    """
    List the classes.

    :param record: the record
    :param card: the model's card
    :return: ``classes``: label, class id and score of each, most probable first
    """
    return {'classes': [_scored(card, class_id, score)
                        for class_id, score in zip(record.class_ids, record.scores)]}


def detections_to_json(record: Detections, card: ModelCard) -> Dict[str, Any]:
    """
    List the objects.

    :param record: the record
    :param card: the model's card
    :return: ``objects``: label, class id, score and ``box_xyxy`` of each, in pixels of the frame,
        highest score first
    """
    return {'objects': [
        dict(_scored(card, class_id, score), box_xyxy=[round(float(edge), 2) for edge in box])
        for box, class_id, score in zip(record.boxes_xyxy, record.class_ids, record.scores)]}


def mask_to_json(record: ClassMask, card: ModelCard) -> Dict[str, Any]:
    """
    Say how much of the frame each class covers; the mask itself is a picture.

    :param record: the record
    :param card: the model's card
    :return: ``shares``: 0 to 1 by label, of the classes that are there
    """
    counts = np.bincount(record.class_ids.ravel(), minlength=len(card.labels))
    return {'shares': {card.labels[class_id]: round(counts[class_id] / record.class_ids.size, 6)
                       for class_id in np.flatnonzero(counts)}}


def _scored(card: ModelCard, class_id: int, score: float) -> Dict[str, Any]:
    return {'label': card.labels[class_id], 'class_id': int(class_id),
            'score': round(float(score), 6)}
