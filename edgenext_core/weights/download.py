"""A file from the network: with progress, resumed where it broke off, and verified."""

import hashlib
from pathlib import Path

from edgenext_core.runtime.errors import EdgeNextError

TIMEOUT_S = 30
RETRIES = 3
"""How often a connection that broke is made again within one call, each time to go on."""


class DownloadError(EdgeNextError):
    """A file cannot be had from the network, or is not what was expected: try again."""


def download(url: str, path: Path, *, sha256: str | None = None) -> None:
    """
    Download a file; it appears under its name only when it is whole.

    What a broken download left is kept beside it and continued by the next call.

    :param url: where the file is
    :param path: where it is wanted
    :param sha256: its checksum in hexadecimal digits, if known
    :raises DownloadError: if the network or the server fails, or the size or checksum is wrong
    """
    import gdown  # Takes 0.4 s, which nobody should wait for who only lists the releases.

    path.parent.mkdir(parents=True, exist_ok=True)
    received, digest = path.with_name(f'{path.name}.received'), hashlib.sha256()
    try:
        gdown.download(url, str(received), resume=True, retries=RETRIES, timeout=TIMEOUT_S,
                       use_cookies=False, hasher=digest)
    except (gdown.DownloadError, OSError) as error:
        raise DownloadError(
            f'cannot download {url} ({_reason(error)}); run it again to go on, delete '
            f'{received}*.part to start anew, or put the file at {path} yourself') from error
    if sha256 is not None and digest.hexdigest() != sha256:
        received.unlink()
        raise DownloadError(f'{url} is not the file that was released: its sha256 is not {sha256}')
    received.replace(path)


def _reason(error: BaseException) -> str:
    """Take what happened first: what was raised on top of it repeats it at length."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return ' '.join(str(error).split()).rstrip('.;')
