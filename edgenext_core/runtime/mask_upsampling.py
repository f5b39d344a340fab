"""
From logits on a coarse grid to the class of every pixel of the frame, exactly.

Bilinear interpolation is a weighted mean of a cell's four corners and so keeps their order: where
one class has the largest logit at all four corners, it has it everywhere between them. Only where
the winners differ is anything computed, and there not every logit of every pixel but the place
where one class passes another: on the rows of the grid first, pixel by pixel of the frame, then
down the segments between those rows. On a segment logits are linear, so two winners change once;
segments on which a third class comes between are computed pixel by pixel. Where winners change
almost everywhere, as in a network that was not trained, all pixels are computed.
"""

import functools
from typing import Iterable, Iterator, NamedTuple, Tuple

import cv2
import numpy as np

from edgenext_core.runtime.preprocess import Geometry

_HEADROOM = np.float32(0.125)
"""Logits times this power of two keep their order, and no difference of two leaves float32."""
_TINY = np.float32(1e-37)
_NEVER = np.float32(2)
_CHUNK = 1 << 15
"""So many numbers are computed at once: they stay in the cache, and asking the system for more
memory than that costs as much as the arithmetic."""
_PIXELS_A_CHANGE = 24
"""With fewer pixels for each segment that changes, computing all of them is quicker."""


class _Axis(NamedTuple):
    """
    Where the frame's pixels lie between the grid's points, in one direction.

    A cell lies between two neighbouring points; outside the first or the last one both are the
    same. Cells without pixels are left out. ``first`` and ``last`` (cells,) are the indices of
    their points, ``starts`` and ``counts`` (cells,) say which pixels they have. ``weights``
    (pixels,) float32, 0 to 1, are those of the last point.
    """

    first: np.ndarray
    last: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    weights: np.ndarray


class _Contested(NamedTuple):
    """
    Segments on which a third class comes between the two winners.

    ``row`` and ``column`` (T,) say which; ``rivals`` (C, T) bool, which classes can win there;
    ``start`` (C, T) float32 are the logits at the upper end, ``slope`` (C, T) how much they differ
    at the lower one.
    """

    row: np.ndarray
    column: np.ndarray
    rivals: np.ndarray
    start: np.ndarray
    slope: np.ndarray


def upsample_mask(logits: np.ndarray, geometry: Geometry) -> np.ndarray:
    """
    Interpolate logits bilinearly at the frame's pixel centres and take the largest.

    The grid's points are the centres of equal parts of the network input, and beyond the outer
    ones logits stay as they are: so does ``torch.nn.functional.interpolate`` unless corners are
    to be aligned. Of classes that are equal up to rounding, any may be taken.

    :param logits: (K, h, w) float32, finite, on a grid over the whole network input; K at most 256
    :param geometry: of the frame that they come from, one that covers the whole frame
    :return: class ids (frame_height, frame_width) uint8
    """
    rows, columns = _axes(geometry, height=logits.shape[1], width=logits.shape[2])
    logits = logits * _HEADROOM
    ids = _classes_in_question(logits, rows, columns)  # (C,)
    lines = _interpolate_rows(logits[ids], columns)  # (C, h, W)
    winners = _largest(lines)  # (h, W), as places in ids
    above, below = winners[rows.first], winners[rows.last]  # (R, W) each: ends of the segments
    segments = np.flatnonzero(above != below)  # (S,), of different winners at the ends
    if _fills_input(geometry) and (geometry.frame_width * geometry.frame_height
                                   < _PIXELS_A_CHANGE * len(segments)):
        return ids[_largest(_enlarge(logits[ids], geometry))]
    changes = np.full(above.shape, _NEVER, np.float32)  # (R, W)
    contested = []
    for chunk in _chunks(segments, _CHUNK // len(ids)):
        changes.reshape(-1)[chunk], more = _find_changes(lines, rows, chunk, above=above,
                                                         below=below)
        contested.append(more)
    mask = _divide_segments(rows, above=ids[above], below=ids[below], changes=changes)
    for more in contested:
        _fill_contested(mask, rows, more, ids)
    return mask


def _fills_input(geometry: Geometry) -> bool:
    return (geometry.crop_width == geometry.frame_width
            and geometry.crop_height == geometry.frame_height
            and geometry.resized_width == geometry.input_width
            and geometry.resized_height == geometry.input_height)


def _enlarge(logits: np.ndarray, geometry: Geometry) -> Iterator[np.ndarray]:
    """Interpolate everything, class by class; OpenCV knows no offset, so not for a letterbox."""
    size = (geometry.frame_width, geometry.frame_height)
    return (cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in logits)


def _chunks(indices: np.ndarray, size: int) -> Iterator[np.ndarray]:
    size = max(1, size)
    return (indices[begin:begin + size] for begin in range(0, len(indices), size))


def _axes(geometry: Geometry, *, height: int, width: int) -> Tuple[_Axis, _Axis]:
    rows = _axis(height, geometry.frame_height, geometry.crop_top, geometry.crop_height,
                 geometry.resized_height, geometry.top, geometry.input_height)
    columns = _axis(width, geometry.frame_width, geometry.crop_left, geometry.crop_width,
                    geometry.resized_width, geometry.left, geometry.input_width)
    return rows, columns


@functools.lru_cache(maxsize=16)
def _axis(points: int, pixels: int, crop_start: int, crop_size: int, resized: int, start: int,
          input_size: int) -> _Axis:
    in_input = (np.arange(pixels) + 0.5 - crop_start) * resized / crop_size + start  # (pixels,)
    positions = in_input * points / input_size - 0.5  # (pixels,) where points are 0, 1, 2 ...
    cell_of_pixel = np.clip(np.floor(positions), -1, points - 1).astype(np.int64)
    cells, starts, counts = np.unique(cell_of_pixel, return_index=True, return_counts=True)
    first, last = np.maximum(cells, 0), np.minimum(cells + 1, points - 1)
    weights = np.clip(positions - cell_of_pixel, 0, 1).astype(np.float32)
    return _Axis(first, last, starts, counts, weights)


def _classes_in_question(logits: np.ndarray, rows: _Axis, columns: _Axis) -> np.ndarray:
    """
    Leave out the classes that can win nowhere.

    In a cell a class cannot win if one of the winners at its corners is at least as large at all
    four of them.

    :return: (C,) uint8, ascending, C <= K
    """
    flat = logits.reshape(len(logits), -1)  # (K, h * w)
    winners = flat.argmax(axis=0)  # (h * w,)
    corners = np.stack([
        (row[:, np.newaxis] * logits.shape[2] + column).ravel()
        for row in (rows.first, rows.last) for column in (columns.first, columns.last)])
    at_corners = winners[corners]  # (4, cells)
    mixed = np.flatnonzero((at_corners != at_corners[0]).any(axis=0))  # (M,)
    values = np.take(flat, corners[:, mixed], axis=1)  # (K, 4, M)
    can_win = np.ones((len(logits), len(mixed)), bool)
    for winner in at_corners[:, mixed]:  # (M,)
        of_winner = values[winner, :, np.arange(len(mixed))].T  # (4, M)
        can_win &= (values > of_winner).any(axis=1)
    wins = np.bincount(winners, minlength=len(logits))  # (K,)
    return np.flatnonzero((wins > 0) | can_win.any(axis=1)).astype(np.uint8)


def _interpolate_rows(logits: np.ndarray, columns: _Axis) -> np.ndarray:
    """
    Interpolate the grid's rows at the frame's columns.

    Not a product with a matrix, although that is quicker: BLAS takes all cores for it, and on a
    busy robot its threads wait for each other many times as long as they compute.

    :param logits: (C, h, w)
    :param columns: cells of W pixels
    :return: (C, h, W) float32
    """
    start = logits[:, :, columns.first]  # (C, h, cells)
    slope = logits[:, :, columns.last] - start
    lines = np.empty((*logits.shape[:2], len(columns.weights)), np.float32)
    for line, at_start, difference in zip(lines, start, slope):
        np.multiply(np.repeat(difference, columns.counts, axis=1), columns.weights, out=line)
        line += np.repeat(at_start, columns.counts, axis=1)
    return lines


def _find_changes(lines: np.ndarray, rows: _Axis, segments: np.ndarray, *, above: np.ndarray,
                  below: np.ndarray) -> Tuple[np.ndarray, _Contested]:
    """
    Find where on each segment the winner above gives way to the winner below.

    A third class is the largest anywhere on the segment only if it is larger at that place: it is
    larger at neither end, and logits are linear between.

    :param lines: (C, h, W) logits on the grid's rows
    :param rows: R cells, so R segments in each of W columns
    :param segments: (S,) flat indices into (R, W)
    :param above: (R, W) winners at the segments' upper ends, as places in ``lines``
    :param below: (R, W) those at the lower ends, others than above
    :return: (S,) float32 weights of the lower ends; and the segments with a third class
    """
    row, column = np.divmod(segments, above.shape[1])
    upper, lower = above[row, column], below[row, column]  # (S,) winners
    flat = lines.reshape(len(lines), -1)
    start = np.take(flat, rows.first[row] * above.shape[1] + column, axis=1)  # (C, S)
    slope = np.take(flat, rows.last[row] * above.shape[1] + column, axis=1)
    slope -= start  # (C, S)
    each = np.arange(len(segments))
    lead = start[upper, each] - start[lower, each]  # (S,), not negative
    gain = slope[lower, each] - slope[upper, each]  # (S,), at least the lead
    change = np.minimum(lead / np.maximum(gain, _TINY), 1)
    there = slope * change
    there += start  # (C, S)
    both = np.maximum(there[upper, each], there[lower, each])  # (S,), as they differ by rounding
    larger = there > both  # (C, S)
    chosen = np.flatnonzero(larger.any(axis=0))  # (T,)
    rivals = larger[:, chosen]
    rivals[upper[chosen], np.arange(len(chosen))] = True
    rivals[lower[chosen], np.arange(len(chosen))] = True
    return change, _Contested(row[chosen], column[chosen], rivals, start[:, chosen],
                              slope[:, chosen])


def _divide_segments(rows: _Axis, *, above: np.ndarray, below: np.ndarray, changes: np.ndarray
                     ) -> np.ndarray:
    """
    Fill each segment with two classes.

    :param rows: R cells of H pixels
    :param above: (R, W) class ids uint8, up to the change
    :param below: (R, W) class ids uint8, behind it
    :param changes: (R, W) weights of the lower ends at which the classes change
    :return: (H, W) uint8
    """
    mask = np.empty((len(rows.weights), above.shape[1]), np.uint8)
    difference = above ^ below
    for row, (start, count) in enumerate(zip(rows.starts, rows.counts)):
        part = mask[start:start + count]
        behind = np.greater(rows.weights[start:start + count, np.newaxis], changes[row])
        # No selection by a mask is as quick as bits.
        np.multiply(behind.view(np.uint8), difference[row], out=part)
        np.bitwise_xor(part, above[row], out=part)
    return mask


def _fill_contested(mask: np.ndarray, rows: _Axis, contested: _Contested, ids: np.ndarray
                    ) -> None:
    """
    Take the largest logit at every pixel of the segments that have more than one change.

    :param mask: (H, W) uint8, changed in place
    :param rows: cells of H pixels
    :param contested: T segments
    :param ids: (C,) uint8, the classes' ids
    """
    most = rows.counts.max()
    in_order = np.argsort(contested.rivals.sum(axis=0), kind='mergesort')  # few rivals together
    for segments in _chunks(in_order, _CHUNK // most):  # (T',)
        rivals = _places_of_true(contested.rivals[:, segments])  # (n, T')
        row = contested.row[segments]
        # Cells with fewer pixels than the largest one have their last one several times.
        pixel_row = rows.starts[row] + np.minimum(np.arange(most)[:, np.newaxis],
                                                  rows.counts[row] - 1)  # (P, T')
        winners = _largest(_along(contested.start[rivals, segments],
                                  contested.slope[rivals, segments], rows.weights[pixel_row]))
        pixels = pixel_row * mask.shape[1] + contested.column[segments]  # (P, T')
        mask.reshape(-1)[pixels] = ids[rivals][winners, np.arange(len(segments))]


def _places_of_true(flags: np.ndarray) -> np.ndarray:
    """
    List the rows that are true in each column, ascending, the last one repeated to fill up.

    :param flags: (C, T) bool, at least one true in each column
    :return: (n, T) rows, n the most in a column
    """
    counts = flags.sum(axis=0)  # (T,)
    _, rows = np.nonzero(flags.T)
    slots = np.minimum(np.arange(counts.max())[:, np.newaxis], counts - 1)  # (n, T)
    return rows[np.cumsum(counts) - counts + slots]


def _along(start: np.ndarray, slope: np.ndarray, weights: np.ndarray) -> Iterator[np.ndarray]:
    """Go down segments, one rival after the other; each array is overwritten by the next."""
    value = None
    for at_start, difference in zip(start, slope):
        value = np.multiply(weights, difference, out=value)
        value += at_start
        yield value


def _largest(planes: Iterable[np.ndarray]) -> np.ndarray:
    """
    Say which plane is the largest, the first of equals.

    :param planes: float32 arrays of one shape, 1 to 256
    :return: places uint8 of that shape
    """
    remaining = iter(planes)
    best = next(remaining).copy()
    places = np.zeros(best.shape, np.uint8)
    better = np.empty(best.shape, bool)
    for place, plane in enumerate(remaining, 1):
        np.greater(plane, best, out=better)
        np.maximum(plane, best, out=best)
        # The place grows, so that the larger of two is the newer.
        np.maximum(places, better.view(np.uint8) * np.uint8(place), out=places)
    return places
