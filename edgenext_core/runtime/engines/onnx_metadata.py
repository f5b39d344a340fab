"""
What an ONNX file says of itself, read without onnx and without a backend.

An ONNX file is one protocol-buffer message; its fields are walked and the weights skipped, so
that a large model costs no more to look at than a small one.
"""

import os
from typing import BinaryIO, Dict, Iterator, Tuple

from edgenext_core.runtime.errors import EngineError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIELDS = {1: _VARINT, 2: _BYTES, 3: _BYTES, 4: _BYTES, 5: _VARINT, 6: _BYTES, 7: _BYTES,
           8: _BYTES, 14: _BYTES, 20: _BYTES, 25: _BYTES, 26: _BYTES}
"""The fields of onnx.ModelProto and their wire types."""
_LAST_FIELD = 100
_GRAPH, _METADATA = 7, 14
_INITIALIZER = 5
_DATA_TYPE, _FLOAT16 = 2, 10
_SIGNATURES = (
    (b'\xff\xd8\xff', 'a JPEG picture'),
    (b'\x89PNG', 'a PNG picture'),
    (b'PK\x03\x04', 'a zip archive, as PyTorch checkpoints are'),
    (b'\x80\x02', 'a pickle, as old PyTorch checkpoints are'),
    (b'<', 'an HTML or XML page'),
    (b'{', 'a JSON text'),
    (b'version https://git-lfs', 'a Git LFS pointer, to be replaced by: git lfs pull'),
)


def read_metadata(path: str) -> Dict[str, str]:
    """
    Read the string map of an ONNX file.

    :param path: the ONNX file
    :return: its metadata, key to text
    :raises EngineError: when the file is missing, empty, truncated or not ONNX
    """
    if not os.path.exists(path):
        raise EngineError(f'there is no model file {path}; check the path, or make one with: '
                          'edgenext export')
    if not os.path.isfile(path):
        raise EngineError(f'{path} is not a file, expected an ONNX model; name a file')
    try:
        with open(path, 'rb') as stream:
            _check_start(stream.read(32), path)
            stream.seek(0)
            return _walk(stream, path, size=os.path.getsize(path))
    except OSError as error:
        raise EngineError(f'{path} cannot be read ({error.strerror}); check its '
                          'permissions') from error


def stores_float16(path: str) -> bool:
    """
    Tell whether an ONNX file keeps weights in float16, whatever it computes in.

    :param path: the ONNX file, one that ``read_metadata`` reads
    :return: whether any weight is float16
    """
    with open(path, 'rb') as stream:
        return any(
            data_type == _FLOAT16
            for graph_end in _values(stream, _GRAPH, end=os.path.getsize(path))
            for weight_end in _values(stream, _INITIALIZER, end=graph_end)
            for data_type in _values(stream, _DATA_TYPE, end=weight_end))


def _check_start(start: bytes, path: str) -> None:
    if not start:
        raise EngineError(f'{path} is empty, expected an ONNX model; copy or export it again')
    for signature, kind in _SIGNATURES:
        if start.startswith(signature):
            raise EngineError(f'{path} is {kind}, expected an ONNX model; give one made by: '
                              'edgenext export')


def _walk(stream: BinaryIO, path: str, size: int) -> Dict[str, str]:
    metadata, fields = {}, set()
    try:
        for field, length in _bytes_fields(stream):
            end = stream.tell() + length
            if end > size:
                raise EOFError
            if field == _METADATA:
                key, text = _pair(stream, end)
                metadata[key] = text
            fields.add(field)
            stream.seek(end)
        if _GRAPH not in fields:
            raise EOFError
    except EOFError:
        raise EngineError(f'{path} is truncated ({size} bytes); copy or export it again') from None
    except ValueError:
        raise EngineError(f'{path} is not an ONNX model; give one made by: edgenext '
                          'export') from None
    return metadata


def _bytes_fields(stream: BinaryIO) -> Iterator[Tuple[int, int]]:
    """Yield number and length of each field made of bytes; the caller moves past them."""
    while True:
        first = stream.read(1)
        if not first:
            return
        tag = _varint(stream, first)
        field, wire_type = tag >> 3, tag & 7
        if not 1 <= field <= _LAST_FIELD or _FIELDS.get(field, wire_type) != wire_type:
            raise ValueError(f'no field {field} of wire type {wire_type} in ONNX')
        if wire_type == _BYTES:
            yield field, _varint(stream)
        elif wire_type == _VARINT:
            _varint(stream)
        elif wire_type in (_FIXED32, _FIXED64):
            _read(stream, 4 if wire_type == _FIXED32 else 8)
        else:
            raise ValueError(f'no wire type {wire_type} in ONNX')


def _values(stream: BinaryIO, wanted: int, *, end: int) -> Iterator[int]:
    """Yield the values of one field up to ``end``; of one made of bytes, where it ends."""
    while stream.tell() < end:
        tag = _varint(stream)
        wire_type = tag & 7
        if wire_type in (_FIXED32, _FIXED64):
            _read(stream, 4 if wire_type == _FIXED32 else 8)
            continue
        value = _varint(stream)
        after = stream.tell()
        if wire_type == _BYTES:
            after = value = after + value
        if tag >> 3 == wanted:
            yield value
        stream.seek(after)


def _pair(stream: BinaryIO, end: int) -> Tuple[str, str]:
    """Read an onnx.StringStringEntryProto: field 1 the key, field 2 the text."""
    parts = {1: '', 2: ''}
    while stream.tell() < end:
        tag = _varint(stream)
        if tag & 7 != _BYTES:
            raise ValueError(f'a metadata entry has wire type {tag & 7}')
        parts[tag >> 3] = _read(stream, _varint(stream)).decode('utf-8')
    return parts[1], parts[2]


def _varint(stream: BinaryIO, first: bytes = b'') -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = (first if shift == 0 and first else _read(stream, 1))[0]
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return value
    raise ValueError('a number of more than ten bytes')


def _read(stream: BinaryIO, count: int) -> bytes:
    content = stream.read(count)
    if len(content) != count:
        raise EOFError
    return content
