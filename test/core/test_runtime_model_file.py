"""The number of a model file."""

import zlib

import pytest

from edgenext_core.runtime.errors import EngineError
from edgenext_core.runtime.model_file import model_number


def _number(path, content):
    path.write_bytes(content)
    return model_number(str(path))


def test_one_content_has_one_number_wherever_it_lies(tmp_path):
    content = bytes(range(256)) * 10000  # some chunks
    number = _number(tmp_path / 'a.onnx', content)
    assert number == _number(tmp_path / 'b.onnx', content) == zlib.crc32(content) & 0x7fffffff


@pytest.mark.parametrize('place', [0, 1 << 20, -1])
def test_a_byte_that_changes_changes_the_number(tmp_path, place):
    content = bytearray(3 << 20)
    before = _number(tmp_path / 'a.onnx', content)
    content[place] ^= 1
    assert _number(tmp_path / 'a.onnx', content) != before


def test_the_number_fits_into_a_signed_message_field(tmp_path):
    numbers = [_number(tmp_path / 'a.onnx', bytes([value])) for value in range(64)]
    assert all(0 <= number < 1 << 31 for number in numbers)


def test_a_file_that_cannot_be_read_is_told_with_its_name(tmp_path):
    with pytest.raises(EngineError, match='absent.onnx cannot be read'):
        model_number(str(tmp_path / 'absent.onnx'))
