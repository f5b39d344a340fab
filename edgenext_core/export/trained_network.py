"""What can be exported: the checkpoint of a training run, or released weights."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from edgenext_core.labels.label_set import LabelSet, read_label_set
from edgenext_core.models import create_model, model_task
from edgenext_core.weights.checkpoint import CheckpointError, load_checkpoint, read_run
from edgenext_core.weights.releases import find_release, pull_weights

FROM_LABELS = ('num_classes', 'features_only')
"""Options of ``create_model`` that the classes of a run decide."""
_WORDS: dict[type, str] = {str: 'a text', dict: 'names and values', tuple: 'a list'}


class TrainedNetwork(NamedTuple):
    """
    A trained network, and what its model card has to say.

    ``architecture`` is a name of ``create_model``; ``input_size`` height and width in pixels;
    ``defaults`` are the settings of the card that differ from the task's; ``training`` is what
    there is to tell of the training, ``accuracy`` what was measured by data set. Files are called
    by ``name``; ``checkpoint_sha256`` is the digest of the weights' file.
    """

    network: nn.Module
    task: str
    architecture: str
    labels: LabelSet
    input_size: tuple[int, int]
    resize: str
    defaults: dict[str, Any]
    training: dict[str, Any]
    accuracy: dict[str, Any]
    name: str
    checkpoint_sha256: str


def from_run(path: Path) -> TrainedNetwork:
    """
    Take the averaged weights of a training run.

    :param path: its ``last.ckpt``
    :return: the network in evaluation mode, with its recipe, under the name of the run's folder
    :raises CheckpointError: if the file cannot be read, is not of a training run, or does not
        tell what an export needs
    :raises ModelError: if there is no such model or option
    """
    run = read_run(path)
    task = _take(path, run, 'recipe.task', str)
    architecture = _take(path, run, 'recipe.model.name', str)
    options = _take(path, run, 'recipe.model.options', dict)
    labels = LabelSet(_take(path, run, 'labels.names', tuple),
                      _take(path, run, 'labels.colors_rgb', tuple))
    if model_task(architecture) != task:
        raise CheckpointError(f'{path} is of a run for {task}, but its model {architecture} is '
                              f'for {model_task(architecture)}; train it with another model')
    for option in FROM_LABELS:
        if option in options:
            raise CheckpointError(f'{path} has {option!r} among the options of its model, whose '
                                  'classes are those of its labels; train it without that option')
    network = create_model(architecture, num_classes=len(labels.names), **options).eval()
    load_checkpoint(network, path)
    return TrainedNetwork(
        network, task, architecture, labels, _take_size(path, run),
        _take(path, run, 'recipe.model.resize', str),
        _take(path, run, 'recipe.model.defaults', dict),
        training={'recipe': run['recipe']}, accuracy={'validation': run['metrics']},
        name=path.resolve().parent.name or path.stem, checkpoint_sha256=_sha256(path))


def from_release(name: str) -> TrainedNetwork:
    """
    Take released weights, downloading them if they are not in the user's cache.

    :param name: one of ``edgenext weights list``
    :return: the classifier in evaluation mode, with the classes of ImageNet-1K
    :raises ReleaseError: if there is no such release
    :raises DownloadError: if the file cannot be had
    :raises CheckpointError: if it does not hold what it should
    """
    release = find_release(name)
    network = create_model(release.model).eval()
    path = pull_weights(name)
    load_checkpoint(network, path)
    side = release.resolution
    return TrainedNetwork(
        network, model_task(release.model), release.model, read_label_set('imagenet_1k'),
        (side, side), 'center_crop', {},
        training={'release': {'name': name, 'url': release.url, 'licence': release.licence}},
        accuracy={'ImageNet-1K validation': {'top1': release.top1 / 100}},
        name=name, checkpoint_sha256=_sha256(path))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _take(path: Path, run: dict[str, Any], key: str, kind: type) -> Any:
    value: Any = run
    for name in key.split('.'):
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, kind):
        raise CheckpointError(
            f'{path} does not tell how to export it: its {key} is {value!r:.60}, expected '
            f'{_WORDS[kind]}; train it again with this version')
    return value


def _take_size(path: Path, run: dict[str, Any]) -> tuple[int, int]:
    size = _take(path, run, 'recipe.model.input_size', tuple)
    if len(size) != 2 or not all(type(side) is int for side in size):
        raise CheckpointError(f'{path} does not tell how to export it: its '
                              f'recipe.model.input_size is {size!r}, expected height and width in '
                              'pixels; train it again with this version')
    return size
