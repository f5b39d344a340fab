"""A file from the network: with progress, resumed where it broke off, and verified."""

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path

from tqdm import tqdm

from edgenext_core.runtime.errors import EdgeNextError

TIMEOUT_S = 30
BLOCK_BYTES = 1 << 16


class DownloadError(EdgeNextError, OSError):
    """Say that a file cannot be had from the network, or is not what was expected."""


def download(url: str, path: Path, *, sha256: str | None = None) -> None:
    """
    Download a file; it appears under its name only when it is whole.

    What a broken download left is kept beside it and continued by the next call.

    :param url: where the file is
    :param path: where it is wanted
    :param sha256: its checksum in hexadecimal digits, if known
    :raises DownloadError: if the network or the server fails, or the size or checksum is wrong
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + '.part')
    try:
        whole_bytes = _receive(url, part)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, 'reason', None) or error
        raise DownloadError(f'cannot download {url} ({reason}); try again with a network, or put '
                            f'the file at {path} yourself') from error
    got_bytes = part.stat().st_size
    if whole_bytes is not None and got_bytes > whole_bytes:
        part.unlink()
        raise DownloadError(f'{part} was of another file than {url}; run it again to start anew')
    if whole_bytes is not None and got_bytes < whole_bytes:
        raise DownloadError(f'{url} broke off after {got_bytes} of {whole_bytes} bytes; '
                            'run it again to continue')
    if sha256 is not None and _sha256(part) != sha256:
        part.unlink()
        raise DownloadError(f'{url} is not the file that was released: its sha256 is not {sha256}')
    part.replace(path)


def _receive(url: str, part: Path) -> int | None:
    """Append to what is there, and give the size that the whole file should have."""
    have_bytes = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={'Range': f'bytes={have_bytes}-'})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        # Nothing is left to send: the part is whole, or belongs to another version of the file.
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and have_bytes:
            return _whole_size(error)
        raise
    with response:
        if response.status != http.client.PARTIAL_CONTENT:
            have_bytes = 0
        length = response.headers.get('Content-Length')
        whole_bytes = None if length is None else have_bytes + int(length)
        with part.open('ab' if have_bytes else 'wb') as file, tqdm(
                desc=part.stem, initial=have_bytes, total=whole_bytes, unit='B', unit_scale=True,
                unit_divisor=1024) as bar:
            while block := response.read(BLOCK_BYTES):
                file.write(block)
                bar.update(len(block))
    return whole_bytes


def _whole_size(error: urllib.error.HTTPError) -> int | None:
    size = (error.headers.get('Content-Range') or '').rpartition('/')[2]
    return int(size) if size.isdigit() else None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
