"""
Records drawn on frames, legible from 320 to 1920 pixels of width.

Every function returns a new picture and leaves the frame alone.
"""

import math
from typing import NamedTuple, Sequence

import cv2
import numpy as np

from edgenext_core.runtime.errors import FrameError
from edgenext_core.runtime.model_card import ModelCard
from edgenext_core.runtime.palette import Color, color_bgr, color_mask, readable_name
from edgenext_core.runtime.preprocess import check_frame
from edgenext_core.runtime.records import Classification, ClassMask, Detections

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_MASK_OPACITY = 0.55
_PANEL_OPACITY = 0.65
_LEGEND_FROM = 0.002
"""Share of the picture from which a class is listed in the legend."""


class _Style(NamedTuple):
    """Sizes that go with the picture's: font scale, and in pixels the rest."""

    font_scale: float
    stroke: int
    line: int
    outline: int
    gap: int
    row: int


class _Row(NamedTuple):
    """A line of a panel: a value or '', a name, the class's colour, its share in [0, 1]."""

    value: str
    name: str
    color: Color
    share: float


def draw_classification(frame_bgr: np.ndarray, record: Classification,
                        card: ModelCard) -> np.ndarray:
    """
    Draw the classes as a panel of bars, top left.

    :param frame_bgr: (H, W, 3) uint8 BGR
    :param record: the classes
    :param card: for names and colours
    :return: a new picture of the frame's size
    :raises FrameError: when the frame is not a picture
    """
    check_frame(frame_bgr)
    picture = frame_bgr.copy()
    rows = [_Row(f'{100 * score:.0f}%', readable_name(card, class_id), color_bgr(card, class_id),
                 min(max(float(score), 0.0), 1.0))
            for class_id, score in zip(record.class_ids, record.scores)]
    _draw_panel(picture, rows, is_bar=True)
    return picture


def draw_detections(frame_bgr: np.ndarray, record: Detections, card: ModelCard) -> np.ndarray:
    """
    Draw the boxes with a tag each; the best is drawn last, on top.

    :param frame_bgr: (H, W, 3) uint8 BGR
    :param record: the objects, in the frame's pixels
    :param card: for names and colours
    :return: a new picture of the frame's size
    :raises FrameError: when the frame is not a picture
    """
    check_frame(frame_bgr)
    picture = frame_bgr.copy()
    style = _style_for(picture)
    boxes = np.round(record.boxes_xyxy).astype(int)
    order = range(len(boxes) - 1, -1, -1)
    for index in order:
        left, top, right, bottom = boxes[index].tolist()
        corners = (left, top), (right - 1, bottom - 1)
        if style.outline:
            cv2.rectangle(picture, *corners, _BLACK, style.line + 2 * style.outline)
        cv2.rectangle(picture, *corners, color_bgr(card, record.class_ids[index]), style.line)
    for index in order:
        class_id = record.class_ids[index]
        text = f'{readable_name(card, class_id)} {100 * record.scores[index]:.0f}%'
        _draw_tag(picture, text, boxes[index].tolist(), color_bgr(card, class_id), style)
    return picture


def draw_mask(frame_bgr: np.ndarray, record: ClassMask, card: ModelCard) -> np.ndarray:
    """
    Lay the classes' colours over the frame, with a legend of those present.

    Ids without a label, as a truth's void, stay as they are in the frame.

    :param frame_bgr: (H, W, 3) uint8 BGR
    :param record: the mask, of the frame's size
    :param card: for names and colours
    :return: a new picture of the frame's size
    :raises FrameError: when the frame is not a picture, or the mask has another size
    """
    check_frame(frame_bgr)
    if record.class_ids.shape != frame_bgr.shape[:2]:
        raise FrameError(f'the mask is {record.class_ids.shape}, the frame '
                         f'{frame_bgr.shape[:2]}, expected equal sizes; draw a mask on the '
                         'frame it was made from')
    picture = cv2.addWeighted(color_mask(record.class_ids, card), _MASK_OPACITY, frame_bgr,
                              1 - _MASK_OPACITY, 0)
    counts = cv2.calcHist([record.class_ids], [0], None, [256], [0, 256])[:, 0]
    if counts[len(card.labels):].any():
        void = cv2.threshold(record.class_ids, len(card.labels) - 1, 1, cv2.THRESH_BINARY)[1]
        cv2.copyTo(frame_bgr, void, picture)
    shares = counts[:len(card.labels)] / record.class_ids.size
    rows = [_Row('', readable_name(card, class_id), color_bgr(card, class_id),
                 float(shares[class_id]))
            for class_id in np.argsort(-shares, kind='stable')
            if shares[class_id] >= _LEGEND_FROM]
    _draw_panel(picture, rows, is_bar=False)
    return picture


def _style_for(picture: np.ndarray) -> _Style:
    unit = math.sqrt(picture.shape[0] * picture.shape[1] / (640 * 480))
    font_scale = max(0.36, 0.5 * unit)
    text_height = cv2.getTextSize('A', _FONT, font_scale, 1)[0][1]
    return _Style(font_scale=font_scale, stroke=max(1, int(round(unit))),
                  line=max(2, int(round(2 * unit))), outline=int(round(0.7 * unit)),
                  gap=max(3, int(round(6 * unit))), row=int(round(1.9 * text_height)))


def _draw_panel(picture: np.ndarray, rows: Sequence[_Row], *, is_bar: bool) -> None:
    """Write rows of text top left, each over a bar as long as its share or after a swatch."""
    style = _style_for(picture)
    rows = rows[:max(1, (picture.shape[0] - 3 * style.gap) // style.row)]
    if not rows:
        return
    swatch = 0 if is_bar else style.row
    values = max(_text_width(row.value, style) for row in rows)
    indent = style.gap // 2 + swatch + values + (style.gap if values else 0)
    width = indent + max(_text_width(row.name, style) for row in rows) + style.gap * 3 // 2
    left = top = style.gap
    _shade(picture, left, top, width, len(rows) * style.row + style.gap)
    left, top = left + style.gap // 2, top + style.gap // 2
    for row in rows:
        length = int(round((width - style.gap) * row.share)) if is_bar else style.row - style.line
        _fill(picture, left, top, length, style.row - style.line, row.color)
        value_left = left + style.gap // 2 + values - _text_width(row.value, style)
        _write_on_bar(picture, row.value, value_left, top, style)
        _write_on_bar(picture, row.name, left + indent, top, style)
        top += style.row


def _draw_tag(picture: np.ndarray, text: str, box: Sequence[int], color: Color,
              style: _Style) -> None:
    """Write on a filled tag above the box, or inside where there is no room above."""
    height, width = picture.shape[:2]
    tag_width = _text_width(text, style) + style.gap
    left = max(0, min(box[0], width - tag_width))
    top = box[1] - style.row if box[1] >= style.row else max(0, min(box[1], height - style.row))
    _fill(picture, left, top, tag_width, style.row, color)
    _write(picture, text, left + style.gap // 2, top, _contrast(color), style)


def _write(picture: np.ndarray, text: str, left: int, top: int, color: Color,
           style: _Style) -> None:
    origin = (left, top + int(round(0.74 * style.row)))
    cv2.putText(picture, text, origin, _FONT, style.font_scale, color, style.stroke, cv2.LINE_AA)


def _write_on_bar(picture: np.ndarray, text: str, left: int, top: int, style: _Style) -> None:
    """Write in white with a shadow, as a bar of any colour may end below the text."""
    _write(picture, text, left + style.stroke, top + style.stroke, _BLACK, style)
    _write(picture, text, left, top, _WHITE, style)


def _text_width(text: str, style: _Style) -> int:
    return cv2.getTextSize(text, _FONT, style.font_scale, style.stroke)[0][0]


def _shade(picture: np.ndarray, left: int, top: int, width: int, height: int) -> None:
    corner = picture[top:top + height, left:left + width]
    if corner.size:
        corner[:] = cv2.convertScaleAbs(corner, alpha=1 - _PANEL_OPACITY)


def _fill(picture: np.ndarray, left: int, top: int, width: int, height: int,
          color: Color) -> None:
    picture[top:top + height, left:left + width] = color


def _contrast(color: Color) -> Color:
    blue, green, red = color
    return _BLACK if 0.114 * blue + 0.587 * green + 0.299 * red > 140 else _WHITE
