"""Measure an exported model on a data set, in the pixels of its pictures."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from edgenext_core.data.classes import find_classes
from edgenext_core.data.samples import Frames, Sample
from edgenext_core.labels.label_set import LabelSet
from edgenext_core.measure.accuracy import Accuracy, measure_pipeline
from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.pipeline import open_pipeline
from edgenext_core.train.tasks import TRAINING_TASKS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Describe the command.

    :param parser: takes its options
    """
    parser.add_argument('model', type=Path, help='ONNX file')
    parser.add_argument('--data', type=Path, required=True, metavar='ROOT',
                        help='folder of a data set')
    parser.add_argument('--split', default='val', help='of the data set (default: %(default)s)')
    parser.add_argument('--classes', nargs='+', metavar='NAME',
                        help='what the values of masks mean: the names of the classes, or the '
                        "name of a label set or of an entry of the data's classes.json")


def run(options: argparse.Namespace) -> int:
    """
    Measure, and print the figures.

    :param options: what the parser made of the command line
    :return: exit status 0
    :raises EngineError: when the model cannot be opened or run
    :raises ModelCardError: when the model does not describe itself
    :raises DataError: when the data cannot be used or have classes that the model does not know
    :raises AccuracyError: when there is nothing true in the data
    """
    with open_pipeline(str(options.model)) as pipeline:
        pipeline.settings = pipeline.task.accuracy_settings
        frames = _open_frames(pipeline.card, options)
        accuracy = measure_pipeline(pipeline, _samples(frames))
    _print(accuracy, pipeline.card)
    return 0


def _open_frames(card: ModelCard, options: argparse.Namespace) -> Frames:
    wanted = options.classes
    if wanted is not None and len(wanted) == 1:
        wanted = wanted[0]
    return TRAINING_TASKS[card.task].open_frames(
        options.data, split=options.split,
        classes=find_classes(options.data, wanted, like=card.labels),
        labels=LabelSet(card.labels, card.colors_rgb))


def _samples(frames: Frames) -> Iterator[Sample]:
    for index in tqdm(range(len(frames)), unit='frame', disable=None):
        yield frames[index]


def _print(accuracy: Accuracy, card: ModelCard) -> None:
    support = ''.join(f', {count} {name}' for name, count in accuracy.support.items())
    print(f'{accuracy.frames} frames{support}')
    for name, value in accuracy.figures.items():
        print(f'{name:24} {value:.4f}')
    print(f'{next(iter(accuracy.figures))} by class:')
    for class_id, value in accuracy.per_class.items():
        print(f'  {card.labels[class_id]:22} {value:.4f}')
