"""The weights that EdgeNeXt's authors have released, and where they are kept on this machine."""

import os
from pathlib import Path
from typing import NamedTuple

from edgenext_core.models.download import download

RELEASES_URL = 'https://github.com/mmaaz60/EdgeNeXt/releases/download'


class Release(NamedTuple):
    """
    One released file.

    ``model`` is the name to create, ``top1`` the accuracy on ImageNet-1K in percent; ``sha256``
    is None where nobody has published it.
    """

    name: str
    model: str
    path: str
    top1: float
    remark: str = ''
    licence: str = 'MIT'
    sha256: str | None = None

    @property
    def url(self) -> str:
        """Where the file is."""
        return f'{RELEASES_URL}/{self.path}'


USI = 'distilled from TResNet-L'
RELEASES = (
    Release('edgenext_xx_small', 'edgenext_xx_small', 'v1.0/edgenext_xx_small.pth', 71.23),
    Release('edgenext_x_small', 'edgenext_x_small', 'v1.0/edgenext_x_small.pth', 74.96),
    Release('edgenext_small', 'edgenext_small', 'v1.0/edgenext_small.pth', 79.41),
    Release('edgenext_small_usi', 'edgenext_small', 'v1.1/edgenext_small_usi.pth', 81.07, USI),
    Release('edgenext_base', 'edgenext_base', 'v1.2/edgenext_base.pth', 82.47),
    Release('edgenext_base_usi', 'edgenext_base', 'v1.2/edgenext_base_usi.pth', 83.68, USI),
    Release('edgenext_base_in21k', 'edgenext_base', 'v1.21/edgenext_base_IN21K.pth', 83.31,
            'pretrained on ImageNet-21K'),
    Release('edgenext_xx_small_bn_hs', 'edgenext_xx_small_bn_hs',
            'v1.0/edgenext_xx_small_bn_hs.pth', 70.33),
    Release('edgenext_x_small_bn_hs', 'edgenext_x_small_bn_hs',
            'v1.0/edgenext_x_small_bn_hs.pth', 74.87),
    Release('edgenext_small_bn_hs', 'edgenext_small_bn_hs', 'v1.0/edgenext_small_bn_hs.pth',
            78.39),
)
"""All classifiers for ImageNet-1K; no detector and no segmenter was ever released."""


def cache_folder() -> Path:
    """
    Say where downloaded weights are kept.

    :return: a folder in the user's cache; it need not exist.
    """
    cache = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(cache) / 'edgenext' / 'weights'


def local_path(release: Release) -> Path:
    """
    Say where a release is kept once it is downloaded.

    :param release: one of :data:`RELEASES`.
    :return: the file; it need not exist.
    """
    return cache_folder() / Path(release.path).name


def find_release(name: str) -> Release:
    """
    Look a release up.

    :param name: its name.
    :return: the release.
    :raises ValueError: if there is none.
    """
    for release in RELEASES:
        if release.name == name:
            return release
    names = ', '.join(release.name for release in RELEASES)
    raise ValueError(f'no released weights are called {name!r}; there are {names}')


def pull_weights(name: str) -> Path:
    """
    Download released weights, unless they are here already.

    :param name: one of the names of :data:`RELEASES`.
    :return: the file, for :func:`checkpoints.load_checkpoint`.
    :raises ValueError: if there is no such release.
    :raises DownloadError: if the file cannot be had.
    """
    release = find_release(name)
    path = local_path(release)
    if not path.is_file():
        download(release.url, path, sha256=release.sha256)
    return path


def releases_table() -> str:
    """
    Write the releases as a Markdown table.

    :return: the table's lines.
    """
    lines = ['| name | model | top-1, % | licence | here | remark | URL |', '|' + '---|' * 7]
    for release in RELEASES:
        here = 'yes' if local_path(release).is_file() else 'no'
        lines.append(f'| {release.name} | {release.model} | {release.top1:.2f} '
                     f'| {release.licence} | {here} | {release.remark} | {release.url} |')
    return '\n'.join(lines)
