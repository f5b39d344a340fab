"""Image messages to frames and back."""

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from edgenext_core.runtime.errors import FrameError
from edgenext_ros.images import (
    ENCODINGS,
    compressed_from_frame,
    frame_from_compressed,
    frame_from_image,
    image_from_frame,
)


def _message(encoding, pixels, *, width, height, padding=0, is_bigendian=0):
    """Make an image from one row of bytes a list entry, each row padded."""
    rows = [bytes(row) + b'\xaa' * padding for row in pixels]
    return Image(encoding=encoding, width=width, height=height, step=len(rows[0]),
                 is_bigendian=is_bigendian, data=b''.join(rows))


def _assert_frame(message, expected, tolerance=0):
    frame = frame_from_image(message)
    assert frame.dtype == np.uint8
    assert frame.flags['C_CONTIGUOUS']
    np.testing.assert_allclose(frame.astype(int), np.array(expected), atol=tolerance)


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize(('encoding', 'pixel', 'bgr'), [
    ('bgr8', (1, 2, 3), (1, 2, 3)),
    ('8UC3', (1, 2, 3), (1, 2, 3)),
    ('rgb8', (1, 2, 3), (3, 2, 1)),
    ('bgra8', (1, 2, 3, 99), (1, 2, 3)),
    ('rgba8', (1, 2, 3, 99), (3, 2, 1)),
    ('mono8', (7,), (7, 7, 7)),
    ('8UC1', (7,), (7, 7, 7)),
])
def test_packed_encodings_become_bgr_with_and_without_padding(encoding, pixel, bgr, padding):
    other = tuple(200 + value for value in range(len(pixel)))
    message = _message(encoding, [pixel + other + pixel, other + pixel + pixel], width=3,
                       height=2, padding=padding)
    frame = frame_from_image(message)
    assert frame.shape == (2, 3, 3)
    for row, column in ((0, 0), (0, 2), (1, 1), (1, 2)):
        assert tuple(frame[row, column]) == bgr


@pytest.mark.parametrize('padding', [0, 3])
def test_mono16_keeps_the_upper_byte_in_either_byte_order(padding):
    expected = [[[0x12] * 3, [0xff] * 3]]
    little = _message('mono16', [b'\x34\x12\x00\xff'], width=2, height=1, padding=padding)
    big = _message('mono16', [b'\x12\x34\xff\x00'], width=2, height=1, padding=padding,
                   is_bigendian=1)
    _assert_frame(little, expected)
    _assert_frame(big, expected)


RED_Y, RED_U, RED_V = 82, 90, 240  # BT.601, studio range


@pytest.mark.parametrize(('encoding', 'pair'), [
    ('yuv422', (RED_U, RED_Y, RED_V, RED_Y)),
    ('uyvy', (RED_U, RED_Y, RED_V, RED_Y)),
    ('yuv422_yuy2', (RED_Y, RED_U, RED_Y, RED_V)),
    ('yuyv', (RED_Y, RED_U, RED_Y, RED_V)),
])
def test_yuv422_red_is_red(encoding, pair):
    message = _message(encoding, [pair * 2] * 2, width=4, height=2, padding=2)
    _assert_frame(message, np.full((2, 4, 3), (0, 0, 255)), tolerance=2)


@pytest.mark.parametrize(('encoding', 'chroma'), [('nv12', (RED_U, RED_V)),
                                                  ('nv21', (RED_V, RED_U))])
def test_semi_planar_red_is_red(encoding, chroma):
    rows = [(RED_Y,) * 4] * 2 + [chroma * 2]
    message = _message(encoding, rows, width=4, height=2, padding=2)
    _assert_frame(message, np.full((2, 4, 3), (0, 0, 255)), tolerance=2)


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_bayer_patterns_give_each_colour_its_channel(pattern, bits):
    values = {'r': 200, 'g': 100, 'b': 50}
    quad = np.array([[values[c] for c in pattern[:2]], [values[c] for c in pattern[2:]]])
    mosaic = np.tile(quad, (4, 4))
    rows = mosaic.astype(np.uint8) if bits == 8 else (mosaic << 8).astype('<u2')
    message = _message(f'bayer_{pattern}{bits}', [row.tobytes() for row in rows], width=8,
                       height=8)
    inner = frame_from_image(message)[2:-2, 2:-2]
    np.testing.assert_array_equal(inner, np.full_like(inner, (50, 100, 200)))


def test_an_unknown_encoding_is_named_with_the_known_ones():
    message = _message('32FC1', [b'\0\0\0\0'], width=1, height=1)
    with pytest.raises(FrameError, match=r"'32FC1' is not supported, expected one of .*bgr8.*set"):
        frame_from_image(message)


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_a_zero_sized_image_is_refused_in_every_encoding(encoding):
    with pytest.raises(FrameError, match='a 0x0 .* image has no pixels'):
        frame_from_image(Image(encoding=encoding))


@pytest.mark.parametrize(('step', 'size', 'sentence'), [
    (8, 16, 'step 8, expected at least 9 bytes a row'),
    (9, 17, 'step 9 has 17 bytes of data, expected 18'),
    (9, 19, 'step 9 has 19 bytes of data, expected 18'),
    (9, 0, 'step 9 has 0 bytes of data, expected 18'),
])
def test_step_and_data_that_disagree_are_refused(step, size, sentence):
    message = Image(encoding='bgr8', width=3, height=2, step=step, data=bytes(size))
    with pytest.raises(FrameError, match=sentence):
        frame_from_image(message)


@pytest.mark.parametrize(('encoding', 'width', 'height'), [
    ('yuv422', 3, 2), ('yuyv', 1, 1), ('nv12', 3, 2), ('nv12', 4, 3)])
def test_an_odd_size_is_refused_where_colour_is_stored_for_pairs(encoding, width, height):
    message = Image(encoding=encoding, width=width, height=height, step=width * 2,
                    data=bytes(width * 2 * height))
    with pytest.raises(FrameError, match='odd size'):
        frame_from_image(message)


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_two_by_two_pixels_decode_or_are_refused_with_a_sentence(encoding):
    bytes_a_pixel = 2 if '16' in encoding or 'yu' in encoding or encoding == 'uyvy' else 1
    bytes_a_pixel = {'rgb8': 3, 'bgr8': 3, '8UC3': 3, 'rgba8': 4, 'bgra8': 4}.get(
        encoding, bytes_a_pixel)
    rows = 3 if encoding.startswith('nv') else 2
    message = Image(encoding=encoding, width=2, height=2, step=2 * bytes_a_pixel,
                    data=bytes(2 * bytes_a_pixel * rows))
    try:
        assert frame_from_image(message).shape == (2, 2, 3)
    except FrameError as error:
        assert 'cannot be converted' in str(error)


def test_a_bgr8_frame_is_a_view_of_the_message():
    message = image_from_frame(np.zeros((4, 4, 3), np.uint8), Header(), 'bgr8')
    assert np.shares_memory(frame_from_image(message), np.frombuffer(message.data, np.uint8))


@pytest.mark.parametrize(('shape', 'encoding'), [((5, 7, 3), 'bgr8'), ((1, 1, 3), 'bgr8'),
                                                 ((5, 7), 'mono8')])
def test_a_frame_survives_the_way_to_a_message_and_back(shape, encoding):
    frame = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    header = Header(frame_id='lens')
    message = image_from_frame(frame, header, encoding)
    assert (message.header, message.encoding, message.step) == (header, encoding,
                                                                frame[0].nbytes)
    back = frame_from_image(message)
    np.testing.assert_array_equal(back if frame.ndim == 3 else back[..., 0], frame)


def test_a_frame_that_is_a_slice_is_copied_row_by_row():
    frame = np.random.default_rng(1).integers(0, 256, (6, 8, 3), np.uint8)[1:4, 2:5]
    np.testing.assert_array_equal(
        frame_from_image(image_from_frame(frame, Header(), 'bgr8')), frame)


def _gradient():
    return np.repeat(np.arange(0, 240, 4, np.uint8)[None, :, None], 50, 0).repeat(3, 2)


def test_jpeg_and_png_decode():
    frame = _gradient()
    jpeg = compressed_from_frame(frame, Header(frame_id='lens'))
    assert jpeg.header.frame_id == 'lens'
    np.testing.assert_allclose(frame_from_compressed(jpeg).astype(int), frame, atol=4)
    png = CompressedImage(format='png', data=cv2.imencode('.png', frame)[1].tobytes())
    np.testing.assert_array_equal(frame_from_compressed(png), frame)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('share', [0.3, 0.6, 0.9, 0.995])
def test_a_truncated_picture_is_refused_wherever_it_ends(suffix, share):
    whole = cv2.imencode(suffix, np.random.default_rng(1).integers(
        0, 256, (64, 64, 3), np.uint8))[1].tobytes()
    data = whole[:int(len(whole) * share)]
    with pytest.raises(FrameError, match=f'{len(data)} bytes .* is truncated'):
        frame_from_compressed(CompressedImage(format='jpeg', data=data))


def test_a_jpeg_with_zeros_behind_its_end_is_whole():
    data = cv2.imencode('.jpg', _gradient())[1].tobytes() + bytes(100)
    assert frame_from_compressed(CompressedImage(data=data)).shape == (50, 60, 3)


@pytest.mark.parametrize(('data', 'picture_format', 'sentence'), [
    (b'', 'jpeg', 'of 0 bytes .* is empty'),
    (b'hello, camera', 'jpeg', 'cannot be decoded, expected JPEG or PNG'),
    (b'\xff\xd8\xff\xd9', 'jpeg', 'cannot be decoded, expected JPEG or PNG'),
    (b'\1' * 20, '16UC1; compressedDepth png', 'is a depth image'),
])
def test_what_is_no_picture_is_refused(data, picture_format, sentence):
    with pytest.raises(FrameError, match=sentence):
        frame_from_compressed(CompressedImage(format=picture_format, data=data))
