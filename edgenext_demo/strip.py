"""Strips of text and bars, which the pictures of a run are put together from."""

from typing import Tuple

import cv2
import numpy as np

from edgenext_core.runtime.palette import Color

INK, INK_RAISED = (24, 20, 18), (44, 38, 34)
WHITE, GREY = (245, 245, 245), (165, 158, 150)
_FONT, _BOLD = cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX
_OVERSAMPLING = 2
"""Strips are drawn this much larger and shrunk, which smooths OpenCV's line font."""


class Strip:
    """A dark strip that text and bars are drawn on, in pixels of the finished picture."""

    def __init__(self, width: int, height: int, *, color: Color = INK) -> None:
        """
        Start empty.

        :param width: in pixels
        :param height: in pixels
        :param color: BGR
        """
        self.width, self.height = width, height
        size = (height * _OVERSAMPLING, width * _OVERSAMPLING, 3)
        self._canvas = np.full(size, color, np.uint8)

    def text(self, text: str, left: float, baseline: float, *, size: float, color: Color = WHITE,
             bold: bool = False, align_right: bool = False) -> float:
        """
        Write.

        :param text: in ASCII, as OpenCV's font has nothing else
        :param left: where it begins, or ends if it is aligned right
        :param baseline: from the strip's top
        :param size: height of a capital letter
        :param color: BGR
        :param bold: with the heavier font
        :param align_right: let it end at ``left``
        :return: its width
        """
        font, scale = (_BOLD if bold else _FONT), size * _OVERSAMPLING / 21.0
        width = text_width(text, size=size, bold=bold)
        place = left - width if align_right else left
        cv2.putText(self._canvas, text, _scaled(place, baseline), font, scale, color,
                    max(1, int(round(size * _OVERSAMPLING / 14))), cv2.LINE_AA)
        return width

    def box(self, left: float, top: float, right: float, bottom: float, *, color: Color) -> None:
        """
        Fill a rectangle.

        :param left: its edges
        :param top: from the strip's top
        :param right: exclusive
        :param bottom: exclusive
        :param color: BGR
        """
        x2, y2 = _scaled(right, bottom)
        cv2.rectangle(self._canvas, _scaled(left, top), (x2 - 1, y2 - 1), color, -1)

    def pixels(self) -> np.ndarray:
        """
        Finish.

        :return: (height, width, 3) uint8 BGR
        """
        return cv2.resize(self._canvas, (self.width, self.height), interpolation=cv2.INTER_AREA)


def text_width(text: str, *, size: float, bold: bool = False) -> float:
    """
    Measure what ``Strip.text`` would write.

    :param text: the text
    :param size: height of a capital letter
    :param bold: with the heavier font
    :return: in pixels of the finished picture
    """
    font, scale = (_BOLD if bold else _FONT), size * _OVERSAMPLING / 21.0
    return cv2.getTextSize(text, font, scale, 1)[0][0] / _OVERSAMPLING


def _scaled(x: float, y: float) -> Tuple[int, int]:
    return int(round(x * _OVERSAMPLING)), int(round(y * _OVERSAMPLING))
