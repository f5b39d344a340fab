"""Files that are whole or not there."""

import json
import math
import os
from typing import Any


def write_whole(path: str, content: bytes) -> None:
    """
    Write a file beside its place and move it there.

    :param path: the file; its folder is made where it is missing
    :param content: all of it
    :raises OSError: when the disk is full or may not be written to; it names the file
    """
    part = f'{path}.{os.getpid()}.part'
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(part, 'wb') as stream:
            stream.write(content)
        os.replace(part, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    finally:
        if os.path.exists(part):
            os.remove(part)


def write_json(path: str, content: Any) -> None:
    """
    Write a JSON file.

    :param path: see ``write_whole``
    :param content: what JSON can hold; numbers that are not finite become null, which it cannot
    :raises OSError: see ``write_whole``
    """
    text = json.dumps(_finite(content), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(path, f'{text}\n'.encode('utf-8'))


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
