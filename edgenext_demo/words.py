"""Results in a few words, for people who watch."""

import collections
from typing import Union

import numpy as np

from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.records import Classification, ClassMask, Detections

_CLASSES_SHOWN = 4


def describe(record: Union[Classification, Detections, ClassMask], card: ModelCard) -> str:
    """
    Describe a result of any task.

    :param record: the result
    :param card: the model's card
    :return: a few words
    """
    if isinstance(record, Classification):
        return describe_classification(record, card)
    if isinstance(record, Detections):
        return describe_detections(record, card)
    return describe_mask(record, card)


def describe_classification(record: Classification, card: ModelCard) -> str:
    """
    Name the most probable class.

    :param record: the result
    :param card: the model's card
    :return: such as 'pedestrian ahead 97 %'
    """
    if len(record.class_ids) == 0:
        return 'no class'
    return f'{_name(card, record.class_ids[0])} {100 * record.scores[0]:.0f} %'


def describe_detections(record: Detections, card: ModelCard) -> str:
    """
    Count the objects by class, most frequent first.

    :param record: the result
    :param card: the model's card
    :return: such as '3 car, 1 stop sign', or 'nothing found'
    """
    counts = collections.Counter(record.class_ids.tolist()).most_common(_CLASSES_SHOWN)
    return ', '.join(f'{count} {_name(card, class_id)}'
                     for class_id, count in counts) or 'nothing found'


def describe_mask(record: ClassMask, card: ModelCard) -> str:
    """
    Say how much of the picture each class covers, largest first.

    :param record: the result
    :param card: the model's card
    :return: such as 'road 41 %, sky 30 %'
    """
    pixels = record.class_ids[::4, ::4]
    shares = np.bincount(pixels.ravel(), minlength=len(card.labels)) / pixels.size
    largest = np.argsort(-shares[:len(card.labels)], kind='stable')[:_CLASSES_SHOWN]
    return ', '.join(f'{_name(card, class_id)} {100 * shares[class_id]:.0f} %'
                     for class_id in largest if shares[class_id] >= 0.005)


def _name(card: ModelCard, class_id: int) -> str:
    return card.labels[int(class_id)].replace('_', ' ')
