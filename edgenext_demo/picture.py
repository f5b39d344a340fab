"""One picture of a moment: banner, frame with mask and boxes, legend, figures."""

from typing import List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.overlay import draw_detections
from edgenext_core.runtime.palette import Color, color_bgr, color_mask, readable_name
from edgenext_core.runtime.preprocess import resize_mask
from edgenext_core.runtime.records import Classification, ClassMask, Detections
from edgenext_demo.model_folder import DemoModel
from edgenext_demo.recording import Record

INK, INK_RAISED = (24, 20, 18), (44, 38, 34)
WHITE, GREY = (245, 245, 245), (165, 158, 150)
_FONT, _BOLD = cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX
_MASK_OPACITY = 0.42
_OVERSAMPLING = 2
"""Strips of text are drawn this much larger and shrunk, which smooths OpenCV's line font."""
_BANNER_HEIGHT, _FIGURES_HEIGHT = 40, 44
_LEGEND_MARGIN, _LEGEND_ROW = 8, 16
_LEGEND_FROM = 0.004


class Shown(NamedTuple):
    """What one node shows at a moment: its newest result and how it keeps up."""

    model: DemoModel
    record: Optional[Record]
    rate_hz: float
    age_ms: float


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


def compose(frame_bgr: np.ndarray, shown: Sequence[Shown], *, width: int, height: int,
            time_s: float) -> np.ndarray:
    """
    Draw a moment.

    :param frame_bgr: (H, W, 3) uint8 BGR
    :param shown: one per node
    :param width: of the picture, even
    :param height: of the frame in it, even
    :param time_s: since the first frame
    :return: (more than height, width, 3) uint8 BGR, height even
    """
    parts = [banner(shown, width=width, time_s=time_s),
             annotate(frame_bgr, shown, width=width, height=height)]
    parts += [legend(one, width=width) for one in shown if one.model.card.task == 'segmentation']
    parts.append(_figures(shown, width=width))
    return np.vstack(parts)


def annotate(frame_bgr: np.ndarray, shown: Sequence[Shown], *, width: int,
             height: int) -> np.ndarray:
    """
    Scale a frame to fit and lay mask and boxes over it.

    :param frame_bgr: (H, W, 3) uint8 BGR
    :param shown: one per node
    :param width: of the picture
    :param height: of the picture
    :return: (height, width, 3) uint8 BGR, the frame in its middle
    """
    scale = min(width / frame_bgr.shape[1], height / frame_bgr.shape[0])
    size = (max(1, round(frame_bgr.shape[1] * scale)), max(1, round(frame_bgr.shape[0] * scale)))
    picture = cv2.resize(frame_bgr, size,
                         interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    for one in shown:
        if isinstance(one.record, ClassMask):
            picture = blend_mask(picture, one.record.class_ids, one.model.card)
    for one in shown:
        if isinstance(one.record, Detections):
            boxes = one.record._replace(boxes_xyxy=one.record.boxes_xyxy * np.float32(scale))
            picture = draw_detections(picture, boxes, one.model.card)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    return cv2.copyMakeBorder(picture, top, height - size[1] - top, left, width - size[0] - left,
                              cv2.BORDER_CONSTANT, value=INK)


def height_at(frame_bgr: np.ndarray, *, width: int) -> int:
    """
    Return how high a frame is at a width.

    :param frame_bgr: (H, W, 3)
    :param width: in pixels
    :return: in pixels, even as video encoders want it, at least 2
    """
    return max(2, 2 * round(frame_bgr.shape[0] * width / frame_bgr.shape[1] / 2))


def banner(shown: Sequence[Shown], *, width: int, time_s: float) -> np.ndarray:
    """
    Draw the most probable class and the time.

    :param shown: one per node
    :param width: in pixels
    :param time_s: since the first frame
    :return: (height, width, 3) uint8 BGR
    """
    strip = Strip(width, _BANNER_HEIGHT)
    strip.text(f'{time_s:.1f} s', width - 12, 26, size=10, color=GREY, align_right=True)
    for one in shown:
        if isinstance(one.record, Classification) and len(one.record.class_ids):
            class_id, score = int(one.record.class_ids[0]), float(one.record.scores[0])
            color = color_bgr(one.model.card, class_id)
            strip.box(0, 0, 6, _BANNER_HEIGHT, color=color)
            text = readable_name(one.model.card, class_id)
            right = 18 + strip.text(text, 18, 27, size=14, bold=True)
            strip.box(right + 16, 16, right + 116, 26, color=INK_RAISED)
            strip.box(right + 16, 16, right + 16 + 100 * score, 26, color=color)
            strip.text(f'{100 * score:.0f} %', right + 126, 26, size=10, color=GREY)
    return strip.pixels()


def legend(one: Shown, *, width: int) -> np.ndarray:
    """
    List a model's classes, those that the mask holds in colour; each keeps its place.

    :param one: the segmentation, its mask may be still to come
    :param width: in pixels; classes that do not fit into two rows are left out
    :return: (height, width, 3) uint8 BGR, height even
    """
    card, places = one.model.card, _legend_places(one.model.card, width=width)
    strip = Strip(width, _LEGEND_MARGIN + _LEGEND_ROW * (places[-1][1] + 1))
    pixels = np.zeros(0, np.uint8)
    if isinstance(one.record, ClassMask):
        pixels = one.record.class_ids[::4, ::4]
    counts = np.bincount(pixels.ravel(), minlength=256)
    for class_id, (left, row) in enumerate(places):
        is_present = counts[class_id] > _LEGEND_FROM * pixels.size
        top = _LEGEND_MARGIN + _LEGEND_ROW * row
        strip.box(left, top, left + 9, top + 9,
                  color=color_bgr(card, class_id) if is_present else INK_RAISED)
        strip.text(readable_name(card, class_id), left + 13, top + 8, size=8,
                   color=WHITE if is_present else GREY)
    return strip.pixels()


def _legend_places(card: ModelCard, *, width: int) -> List[Tuple[float, int]]:
    """Return left edge and row of each class that fits, the first one in any case."""
    places, left, row = [(12.0, 0)], 12.0, 0
    for class_id in range(1, len(card.labels)):
        left += _legend_width(card, class_id - 1)
        if left + _legend_width(card, class_id) > width:
            left, row = 12.0, row + 1
        if row == 2:
            break
        places.append((left, row))
    return places


def _legend_width(card: ModelCard, class_id: int) -> float:
    return 25 + text_width(readable_name(card, class_id), size=8)


def blend_mask(picture: np.ndarray, class_ids: np.ndarray, card: ModelCard) -> np.ndarray:
    """
    Lay the classes' colours over a picture, light enough to see it through them.

    :param picture: (H, W, 3) uint8 BGR
    :param class_ids: of any size, uint8
    :param card: for the colours
    :return: a new picture
    """
    height, width = picture.shape[:2]
    colors = color_mask(resize_mask(class_ids, width=width, height=height), card)
    return cv2.addWeighted(colors, _MASK_OPACITY, picture, 1 - _MASK_OPACITY, 0)


def _figures(shown: Sequence[Shown], *, width: int) -> np.ndarray:
    strip = Strip(width, _FIGURES_HEIGHT, color=INK_RAISED)
    for place, one in enumerate(shown):
        left = 12 + place * width / len(shown)
        strip.text(one.model.card.task, left, 17, size=8.5, color=GREY)
        strip.text(f'{one.rate_hz:.0f} fps   {one.age_ms:.0f} ms', left, 36, size=11)
    return strip.pixels()


def _scaled(x: float, y: float) -> Tuple[int, int]:
    return int(round(x * _OVERSAMPLING)), int(round(y * _OVERSAMPLING))
