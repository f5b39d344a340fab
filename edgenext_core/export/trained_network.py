"""What can be exported: the checkpoint of a training run, or released weights."""

from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from edgenext_core.labels.label_set import LabelSet, read_label_set
from edgenext_core.models import create_model
from edgenext_core.weights.checkpoint import load_checkpoint, read_run
from edgenext_core.weights.releases import find_release, pull_weights


class Source(NamedTuple):
    """
    A trained network, and what its model card has to say.

    ``architecture`` is a name of ``create_model``; ``input_size`` height and width in pixels;
    ``defaults`` are thresholds of the card that differ from the task's; ``training`` is what
    there is to tell of the training.
    """

    model: nn.Module
    task: str
    architecture: str
    labels: LabelSet
    input_size: tuple[int, int]
    resize: str
    defaults: dict[str, Any]
    training: dict[str, Any]


def from_run(path: Path) -> Source:
    """
    Take the averaged weights of a training run.

    :param path: its ``last.ckpt``
    :return: the network in evaluation mode, with its recipe
    :raises CheckpointError: if the file cannot be read or is not of a training run
    """
    checkpoint = read_run(path)
    recipe, labels = checkpoint['recipe'], LabelSet(**checkpoint['labels'])
    model = create_model(
        recipe['model'], num_classes=len(labels.names), **recipe['model_options']).eval()
    load_checkpoint(model, path)
    return Source(
        model, recipe['task'], recipe['model'], labels, recipe['input_size'], recipe['resize'],
        recipe['card_defaults'],
        {'recipe': recipe, 'validation': checkpoint['metrics']})


def from_release(name: str) -> Source:
    """
    Take released weights, downloading them if they are not in the user's cache.

    :param name: one of ``edgenext weights list``
    :return: the classifier in evaluation mode, with the classes of ImageNet-1K
    :raises ValueError: if there is no such release
    :raises DownloadError: if the file cannot be had
    :raises CheckpointError: if it does not hold what it should
    """
    release = find_release(name)
    model = create_model(release.model).eval()
    load_checkpoint(model, pull_weights(name))
    side = release.resolution
    return Source(
        model, 'classification', release.model, read_label_set('imagenet_1k'), (side, side),
        'center_crop', {},
        {'release': {'name': name, 'url': release.url, 'licence': release.licence,
                     'top1_percent': release.top1}})
