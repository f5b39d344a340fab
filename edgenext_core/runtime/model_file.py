"""Which model file this is, as one number."""

import zlib

from edgenext_core.runtime.errors import EngineError

_CHUNK_BYTES = 1 << 20


def model_number(path: str) -> int:
    """
    Give a number that changes when the model file does.

    :param path: the file
    :return: the CRC-32 of its bytes without the highest bit, so 0 to 2**31 - 1
    :raises EngineError: when the file cannot be read
    """
    number = 0
    try:
        with open(path, 'rb') as stream:
            for chunk in iter(lambda: stream.read(_CHUNK_BYTES), b''):
                number = zlib.crc32(chunk, number)
    except OSError as error:
        raise EngineError(f'{path} cannot be read ({error.strerror}); check its '
                          'permissions') from error
    return number & 0x7fffffff
