"""Names of weights: who writes which, and what the same weight is called here."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

ENCODER_START = re.compile(
    r'(?P<root>.*?)(?P<encoder>(?:backbone\.|encoder\.)?)'
    r'(?P<stem>stem|downsample_layers\.0)\.0\.weight')


class Naming(NamedTuple):
    """
    How the weights of a file are named.

    ``source`` is 'authors', 'cvnets' or 'timm or ours'; ``root`` stands in front of every name,
    such as 'module.'; ``rename`` gives our name for one without it.
    """

    source: str
    root: str
    rename: Callable[[str], str]


def find_naming(names: Iterable[str]) -> Naming | None:
    """
    Recognise the source of a file by the name of the stem's first weight.

    :param names: of all its weights
    :return: how they are named; None if no EdgeNeXt is among them
    """
    start = next(filter(None, map(ENCODER_START.fullmatch, names)), None)
    if start is None:
        return None
    if start['encoder'] == 'encoder.':
        return Naming('cvnets', start['root'], from_cvnets)
    if start['stem'] == 'stem':
        return Naming('timm or ours', start['root'], from_timm)
    return Naming('authors', start['root'], from_authors)


def from_authors(name: str) -> str:
    """
    Translate a name of the authors' classifiers, or of an encoder called ``backbone``.

    Source: the modules in models/ of github.com/mmaaz60/EdgeNeXt.

    :param name: such as ``downsample_layers.1.0.weight``
    :return: ours, such as ``stages.1.downsample.0.weight``
    """
    if name.startswith('backbone.'):
        return 'backbone.' + from_authors(name.removeprefix('backbone.'))
    name = re.sub(r'^stages\.(\d+)\.(\d+)\.', r'stages.\1.blocks.\2.', name)
    name = re.sub(r'^downsample_layers\.0\.', 'stem.', name)
    name = re.sub(r'^downsample_layers\.(\d+)\.', r'stages.\1.downsample.', name)
    name = re.sub(r'^head\.', 'head.fc.', name)
    name = re.sub(r'^norm\.', 'head.norm.', name)
    return name.replace('.dwconv.', '.conv_dw.').replace('.pwconv', '.mlp.fc')


def from_timm(name: str) -> str:
    """
    Give a name of timm back: ours are the same.

    Source: timm/models/edgenext.py of github.com/huggingface/pytorch-image-models.

    :param name: such as ``stages.1.downsample.0.weight``
    :return: the same
    """
    return name


def from_cvnets(name: str) -> str:
    """
    Translate a name of cvnets' detectors and segmenters: an ``encoder`` of the authors in a frame.

    Source: cvnets/models of github.com/apple/ml-cvnets, MobileViT's code, in which the authors
    trained these two tasks. Heads keep their names, which are none of ours.

    :param name: such as ``encoder.downsample_layers.1.0.weight``
    :return: ours, such as ``backbone.stages.1.downsample.0.weight``
    """
    if not name.startswith('encoder.'):
        return name
    return 'backbone.' + from_authors(name.removeprefix('encoder.'))
