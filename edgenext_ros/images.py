"""
Image messages to frames and back: NumPy and OpenCV, no cv_bridge.

A frame is (H, W, 3) uint8 BGR. Where the message already holds that, the frame is a view of the
message's own memory, not a copy.
"""

from typing import Any, Callable, Dict, NamedTuple

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from edgenext_core.runtime.errors import FrameError


class _Encoding(NamedTuple):
    """How the rows of an encoding are laid out, and the step from them to BGR."""

    channels: int
    dtype: Any
    to_bgr: Callable[[np.ndarray], np.ndarray]
    rows_per_two: int = 2
    even_width: bool = False


def _by_code(code: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda pixels: cv2.cvtColor(pixels, code)


def _upper_byte(pixels: np.ndarray) -> np.ndarray:
    return (pixels >> 8).astype(np.uint8)


def _by_code_16(code: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda pixels: cv2.cvtColor(_upper_byte(pixels), code)


def _encodings() -> Dict[str, _Encoding]:
    gray = _by_code(cv2.COLOR_GRAY2BGR)
    uyvy, yuyv = _by_code(cv2.COLOR_YUV2BGR_UYVY), _by_code(cv2.COLOR_YUV2BGR_YUY2)
    table = {
        'bgr8': _Encoding(3, np.uint8, np.ascontiguousarray),
        '8UC3': _Encoding(3, np.uint8, np.ascontiguousarray),
        'rgb8': _Encoding(3, np.uint8, _by_code(cv2.COLOR_RGB2BGR)),
        'bgra8': _Encoding(4, np.uint8, _by_code(cv2.COLOR_BGRA2BGR)),
        'rgba8': _Encoding(4, np.uint8, _by_code(cv2.COLOR_RGBA2BGR)),
        'mono8': _Encoding(1, np.uint8, gray),
        '8UC1': _Encoding(1, np.uint8, gray),
        'mono16': _Encoding(1, np.uint16, _by_code_16(cv2.COLOR_GRAY2BGR)),
        'yuv422': _Encoding(2, np.uint8, uyvy, even_width=True),
        'uyvy': _Encoding(2, np.uint8, uyvy, even_width=True),
        'yuv422_yuy2': _Encoding(2, np.uint8, yuyv, even_width=True),
        'yuyv': _Encoding(2, np.uint8, yuyv, even_width=True),
        'nv12': _Encoding(1, np.uint8, _by_code(cv2.COLOR_YUV2BGR_NV12), 3, even_width=True),
        'nv21': _Encoding(1, np.uint8, _by_code(cv2.COLOR_YUV2BGR_NV21), 3, even_width=True),
    }
    # OpenCV names a Bayer pattern by its second row, ROS by its first two pixels of each row.
    for pattern, code in (('rggb', cv2.COLOR_BayerBG2BGR), ('bggr', cv2.COLOR_BayerRG2BGR),
                          ('gbrg', cv2.COLOR_BayerGR2BGR), ('grbg', cv2.COLOR_BayerGB2BGR)):
        table['bayer_' + pattern + '8'] = _Encoding(1, np.uint8, _by_code(code))
        table['bayer_' + pattern + '16'] = _Encoding(1, np.uint16, _by_code_16(code))
    return table


_ENCODINGS = _encodings()
ENCODINGS = tuple(sorted(_ENCODINGS))
"""The encodings of sensor_msgs/Image that ``frame_from_image`` reads."""


def frame_from_image(message: Image) -> np.ndarray:
    """
    Decode a raw image.

    16-bit values keep their upper byte. The alpha channel is ignored.

    :param message: the image, in one of ``ENCODINGS``
    :return: (H, W, 3) uint8 BGR, contiguous
    :raises FrameError: when the encoding is unknown, the size is zero or odd where the encoding
        needs pairs, or width, height, step and data disagree
    """
    encoding = _ENCODINGS.get(message.encoding)
    if encoding is None:
        raise FrameError(f'image encoding {message.encoding!r} is not supported, expected one of '
                         f'{", ".join(ENCODINGS)}; set the camera driver to one of these')
    try:
        return encoding.to_bgr(_pixels(message, encoding))
    except cv2.error as error:
        raise FrameError(f'a {message.width}x{message.height} {message.encoding} image cannot be '
                         f'converted ({error.err}); check the camera driver') from error


def _pixels(message: Image, encoding: _Encoding) -> np.ndarray:
    """Return (rows, W) or (rows, W, channels), where possible a view into the message."""
    width, height, step = message.width, message.height, message.step
    what = f'a {width}x{height} {message.encoding} image'
    if width == 0 or height == 0:
        raise FrameError(f'{what} has no pixels; check the camera driver')
    if (encoding.even_width and width % 2) or (encoding.rows_per_two == 3 and height % 2):
        raise FrameError(f'{what} has an odd size, but {message.encoding} stores colour for pairs '
                         'of pixels; set an even size in the camera driver')
    itemsize = np.dtype(encoding.dtype).itemsize
    row_bytes = width * encoding.channels * itemsize
    rows = height * encoding.rows_per_two // 2
    if step < row_bytes:
        raise FrameError(f'{what} has step {step}, expected at least {row_bytes} bytes a row; '
                         'the camera driver fills the message wrongly')
    if len(message.data) != step * rows:
        raise FrameError(f'{what} with step {step} has {len(message.data)} bytes of data, '
                         f'expected {step * rows}; the camera driver fills the message wrongly')
    data = np.frombuffer(message.data, dtype=np.uint8).reshape(rows, step)[:, :row_bytes]
    if itemsize == 2:
        order = '>u2' if message.is_bigendian else '<u2'
        return np.ascontiguousarray(data).view(order)
    if encoding.channels > 1:
        return data.reshape(rows, width, encoding.channels)
    return data


def frame_from_compressed(message: CompressedImage) -> np.ndarray:
    """
    Decode a JPEG or PNG image.

    OpenCV fills what is missing of a truncated JPEG with grey and says nothing, so the end marker
    is looked for first.

    :param message: the compressed image
    :return: (H, W, 3) uint8 BGR
    :raises FrameError: when the data is empty, truncated or no picture
    """
    data = bytes(message.data)
    what = f'a compressed image of {len(data)} bytes (format {message.format!r})'
    if not data:
        raise FrameError(f'{what} is empty; check the camera driver')
    if 'compressedDepth' in message.format:
        raise FrameError(f'{what} is a depth image; subscribe to a colour camera')
    if _is_truncated(data):
        raise FrameError(f'{what} is truncated: its end marker is missing; check the camera '
                         'driver or the link')
    try:
        frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        frame = None  # as for most data that is no picture
    if frame is None:
        raise FrameError(f'{what} cannot be decoded, expected JPEG or PNG; check the camera '
                         'driver')
    return frame


def _is_truncated(data: bytes) -> bool:
    if data.startswith(b'\xff\xd8'):
        # Entropy-coded data never holds FF D9; a thumbnail in the header may, so look only
        # behind the last start of scan.
        return data.find(b'\xff\xd9', max(data.rfind(b'\xff\xda'), 0)) < 0
    if data.startswith(b'\x89PNG'):
        return b'IEND' not in data[-64:]
    return False


def image_from_frame(frame: np.ndarray, header: Header, encoding: str) -> Image:
    """
    Make a raw image message.

    :param frame: (H, W, 3) uint8 for ``bgr8`` or ``rgb8``, (H, W) uint8 for ``mono8``
    :param header: the header to carry
    :param encoding: what the frame holds
    :return: the message, its own copy of the pixels
    """
    pixels = np.ascontiguousarray(frame)
    message = Image(header=header, height=pixels.shape[0], width=pixels.shape[1],
                    encoding=encoding, is_bigendian=0, step=pixels.strides[0])
    # Into the array that is there already: 1 ms at 1920x1080, where handing data to the
    # constructor takes 50 ms, and assigning a list 1.4 s.
    message.data.frombytes(pixels.data.cast('B'))
    return message


def compressed_from_frame(frame_bgr: np.ndarray, header: Header, *, quality: int = 90
                          ) -> CompressedImage:
    """
    Make a JPEG image message.

    :param frame_bgr: (H, W, 3) uint8 BGR
    :param header: the header to carry
    :param quality: JPEG quality, 1 to 100
    :return: the message
    """
    _, jpeg = cv2.imencode('.jpg', frame_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    message = CompressedImage(header=header, format='bgr8; jpeg compressed bgr8')
    message.data.frombytes(jpeg.tobytes())
    return message
