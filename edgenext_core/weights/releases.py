"""The weights that the authors and timm have released, and where this machine keeps them."""

import os
from pathlib import Path
from typing import NamedTuple

from edgenext_core.runtime.errors import EdgeNextError
from edgenext_core.weights.download import download

AUTHORS = 'https://github.com/mmaaz60/EdgeNeXt/releases/download'
TIMM = 'https://huggingface.co/timm'


class ReleaseError(EdgeNextError):
    """Released weights have another name, or no place on this machine: see the message."""


class Release(NamedTuple):
    """
    One released file.

    ``model`` is the name to create, ``top1`` the accuracy on ImageNet-1K in percent at the test
    ``resolution`` in pixels; ``sha256`` is None where nobody has published it.
    """

    name: str
    model: str
    url: str
    top1: float
    remark: str = ''
    resolution: int = 256
    licence: str = 'MIT'
    sha256: str | None = None


USI = 'distilled from TResNet-L'
RELEASES = (
    Release('edgenext_xx_small', 'edgenext_xx_small', f'{AUTHORS}/v1.0/edgenext_xx_small.pth',
            71.23),
    Release('edgenext_x_small', 'edgenext_x_small', f'{AUTHORS}/v1.0/edgenext_x_small.pth',
            74.96),
    Release('edgenext_small', 'edgenext_small', f'{AUTHORS}/v1.0/edgenext_small.pth', 79.41),
    Release('edgenext_small_usi', 'edgenext_small', f'{AUTHORS}/v1.1/edgenext_small_usi.pth',
            81.07, USI),
    Release('edgenext_base', 'edgenext_base', f'{AUTHORS}/v1.2/edgenext_base.pth', 82.47),
    Release('edgenext_base_usi', 'edgenext_base', f'{AUTHORS}/v1.2/edgenext_base_usi.pth', 83.68,
            USI),
    Release('edgenext_base_in21k', 'edgenext_base', f'{AUTHORS}/v1.21/edgenext_base_IN21K.pth',
            83.31, 'pretrained on ImageNet-21K'),
    Release('edgenext_xx_small_bn_hs', 'edgenext_xx_small_bn_hs',
            f'{AUTHORS}/v1.0/edgenext_xx_small_bn_hs.pth', 70.33),
    Release('edgenext_x_small_bn_hs', 'edgenext_x_small_bn_hs',
            f'{AUTHORS}/v1.0/edgenext_x_small_bn_hs.pth', 74.87),
    Release('edgenext_small_bn_hs', 'edgenext_small_bn_hs',
            f'{AUTHORS}/v1.0/edgenext_small_bn_hs.pth', 78.39),
    Release('edgenext_small_rw', 'edgenext_small_rw',
            f'{TIMM}/edgenext_small_rw.sw_in1k/resolve/0a9ca4b559dcd2174212314d161598bf1eedb194/'
            'pytorch_model.bin', 80.46, "trained in timm, by timm's own recipe", resolution=320,
            sha256='5a8be35cd9370e9c413c4e37586aa16c7bdb6fedf558e80187bad89c7b7eb531'),
)
"""
All classifiers for ImageNet-1K; no detector and no segmenter was ever released.

Accuracies: the authors' README; results/results-imagenet.csv of timm. The one checksum: Hugging
Face's page of the file.
"""


def cache_folder() -> Path:
    """
    Say where downloaded weights are kept.

    :return: a folder in the user's cache; it need not exist
    :raises ReleaseError: if the user has no home folder and names no cache
    """
    try:
        cache = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    except RuntimeError as error:
        raise ReleaseError('this user has no home folder to keep weights in; set XDG_CACHE_HOME '
                           'to a folder') from error
    return Path(cache) / 'edgenext' / 'weights'


def local_path(release: Release) -> Path:
    """
    Say where a release is kept once it is downloaded.

    :param release: one of :data:`RELEASES`
    :return: the file; it need not exist
    """
    return cache_folder() / (release.name + Path(release.url).suffix)


def find_release(name: str) -> Release:
    """
    Look a release up.

    :param name: its name
    :return: the release
    :raises ReleaseError: if there is none
    """
    for release in RELEASES:
        if release.name == name:
            return release
    names = ', '.join(release.name for release in RELEASES)
    raise ReleaseError(f'no released weights are called {name!r}; there are {names}')


def pull_weights(name: str) -> Path:
    """
    Download released weights, unless they are here already.

    :param name: one of the names of :data:`RELEASES`
    :return: the file, for :func:`checkpoint.load_checkpoint`
    :raises ReleaseError: if there is no such release, or no place for it
    :raises DownloadError: if the file cannot be had
    """
    release = find_release(name)
    path = local_path(release)
    if not path.is_file():
        download(release.url, path, sha256=release.sha256)
    return path


def releases_table() -> str:
    """
    Write the releases as a Markdown table.

    :return: the table's lines
    """
    lines = ['| name | model | top-1, % | at, pixels | licence | here | remark | URL |',
             '|' + '---|' * 8]
    for release in RELEASES:
        here = 'yes' if local_path(release).is_file() else 'no'
        lines.append(f'| {release.name} | {release.model} | {release.top1:.2f} '
                     f'| {release.resolution} | {release.licence} | {here} | {release.remark} '
                     f'| {release.url} |')
    return '\n'.join(lines)
