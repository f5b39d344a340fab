"""Records in a few words, for people who watch."""

import collections

import numpy as np

from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.palette import readable_name
from edgenext_core.runtime.records import Classification, ClassMask, Detections

_CLASSES_SHOWN = 4


def describe_classification(record: Classification, card: ModelCard) -> str:
    """
    Name the most probable class.

    :param record: the record
    :param card: the model's card
    :return: such as 'pedestrian ahead 97 %'
    """
    if len(record.class_ids) == 0:
        return 'no class'
    return f'{readable_name(card, record.class_ids[0])} {100 * record.scores[0]:.0f} %'


def describe_detections(record: Detections, card: ModelCard) -> str:
    """
    Count the objects by class, most frequent first.

    :param record: the record
    :param card: the model's card
    :return: such as '3 car, 1 stop sign', or 'nothing found'
    """
    counts = collections.Counter(record.class_ids.tolist()).most_common(_CLASSES_SHOWN)
    return ', '.join(f'{count} {readable_name(card, class_id)}'
                     for class_id, count in counts) or 'nothing found'


def describe_mask(record: ClassMask, card: ModelCard) -> str:
    """
    Say how much of the picture each class covers, largest first.

    :param record: the record
    :param card: the model's card
    :return: such as 'road 41 %, sky 30 %'
    """
    pixels = record.class_ids[::4, ::4]
    shares = np.bincount(pixels.ravel(), minlength=len(card.labels)) / pixels.size
    largest = np.argsort(-shares[:len(card.labels)], kind='stable')[:_CLASSES_SHOWN]
    return ', '.join(f'{readable_name(card, class_id)} {100 * shares[class_id]:.0f} %'
                     for class_id in largest if shares[class_id] >= 0.005)
