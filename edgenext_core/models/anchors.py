"""SSD's anchors, and boxes as offsets from them. All coordinates are shares of the image."""

import functools
import math
from collections.abc import Sequence

import torch
from torchvision.models.detection._utils import BoxCoder

CENTER_VARIANCE = 0.1
SIZE_VARIANCE = 0.2
LARGEST_SIZE_DELTA = math.log(1000 / 16)
"""Decoded boxes are at most this factor larger than their anchor, so that exp cannot overflow."""

PAPER_SCALES = (0.1, 1.05)
LEVEL_RATIOS = ((2.0, 3.0),) * 5 + ((2.0,),)
"""Aspect ratios of the 6 levels, besides the two squares that each has."""


def anchors_per_position() -> tuple[int, ...]:
    """
    Count the anchors of one position.

    :return: for each of the 6 levels
    """
    return tuple(2 + 2 * len(ratios) for ratios in LEVEL_RATIOS)


def level_sizes(scales: tuple[float, float]) -> tuple[tuple[tuple[float, float], ...], ...]:
    """
    Give widths and heights of the anchors of each level.

    :param scales: first and last of 7 equally spaced scales. Level i's small square has side i
        of these, its large one the geometric mean of i and i + 1
    :return: for each of the 6 levels, (width, height) of the small square, the large square and
        then each ratio lying and standing
    """
    first, last = scales
    count = len(LEVEL_RATIOS)
    steps = [first + (last - first) * level / count for level in range(count + 1)]
    levels = []
    for small, following, ratios in zip(steps, steps[1:], LEVEL_RATIOS):
        large = math.sqrt(small * following)
        sizes = [(small, small), (large, large)]
        for ratio in ratios:
            long, short = small * math.sqrt(ratio), small / math.sqrt(ratio)
            sizes += [(long, short), (short, long)]
        levels.append(tuple(sizes))
    return tuple(levels)


def make_anchors(map_sizes: tuple[tuple[int, int], ...], scales: tuple[float, float],
                 device: torch.device) -> torch.Tensor:
    """
    Place the anchors on the feature maps; they are kept for the next image of the same size.

    :param map_sizes: (height, width) of each level's feature map, as it really is: a size worked
        out from the stride is wrong for images that are no multiple of 32
    :param scales: as in :func:`level_sizes`
    :param device: where the anchors are wanted
    :return: (A, 4) float32, center x, center y, width, height, all cut to [0, 1]; level by
        level, row by row, position by position
    """
    # A compiler works them out once by itself.
    place = _place_anchors if torch.compiler.is_dynamo_compiling() else _kept_anchors
    return place(map_sizes, scales, device)


def _place_anchors(map_sizes: tuple[tuple[int, int], ...], scales: tuple[float, float],
                   device: torch.device) -> torch.Tensor:
    # A tensor made in inference mode could not take part in training later.
    with torch.inference_mode(False):
        levels = []
        for (height, width), sizes in zip(map_sizes, level_sizes(scales)):
            y = (torch.arange(height) + 0.5) / height  # (H,)
            x = (torch.arange(width) + 0.5) / width  # (W,)
            grid_y, grid_x = torch.meshgrid(y, x, indexing='ij')  # (H, W) each
            centers = torch.stack((grid_x, grid_y), dim=-1).reshape(-1, 1, 2)  # (H * W, 1, 2)
            boxes = torch.tensor(sizes)[None].expand(len(centers), -1, 2)  # (H * W, sizes, 2)
            level = torch.cat((centers.expand_as(boxes), boxes), dim=-1)  # (H * W, sizes, 4)
            levels.append(level.reshape(-1, 4))
        return torch.cat(levels).clamp(0, 1).to(device)  # (A, 4)


_kept_anchors = functools.lru_cache(maxsize=32)(_place_anchors)


def decode_boxes(box_deltas: torch.Tensor, anchors_cxcywh: torch.Tensor) -> torch.Tensor:
    """
    Turn offsets into boxes; the inverse of :func:`encode_boxes`.

    :param box_deltas: (..., A, 4), what the network gives
    :param anchors_cxcywh: (A, 4) or (..., A, 4), shares of the image
    :return: (..., A, 4) corners x1, y1, x2, y2, shares of the image, not cut at its border
    """
    deltas = box_deltas.float()
    anchor_centers, anchor_sizes = anchors_cxcywh[..., :2], anchors_cxcywh[..., 2:]
    centers = anchor_centers + CENTER_VARIANCE * deltas[..., :2] * anchor_sizes  # (..., A, 2)
    growth = (SIZE_VARIANCE * deltas[..., 2:]).clamp(max=LARGEST_SIZE_DELTA)
    halves = anchor_sizes * growth.exp() / 2  # (..., A, 2)
    return torch.cat((centers - halves, centers + halves), dim=-1)


def encode_boxes(boxes_xyxy: torch.Tensor, anchors_cxcywh: torch.Tensor) -> torch.Tensor:
    """
    Express boxes as offsets from anchors, with the variances 0.1 and 0.2 of SSD.

    :param boxes_xyxy: (A, 4) corners of the box wanted at each anchor, with a positive area
    :param anchors_cxcywh: (A, 4)
    :return: (A, 4) offsets of the center and logarithms of the growth
    """
    coder = BoxCoder((1 / CENTER_VARIANCE, 1 / CENTER_VARIANCE,
                      1 / SIZE_VARIANCE, 1 / SIZE_VARIANCE))
    return coder.encode_single(boxes_xyxy, corners(anchors_cxcywh))


def corners(boxes_cxcywh: torch.Tensor) -> torch.Tensor:
    """
    Turn centers and sizes into corners.

    :param boxes_cxcywh: (..., 4) center x, center y, width, height
    :return: (..., 4) x1, y1, x2, y2
    """
    halves = boxes_cxcywh[..., 2:] / 2
    return torch.cat((boxes_cxcywh[..., :2] - halves, boxes_cxcywh[..., :2] + halves), dim=-1)


def map_sizes_of(features: Sequence[torch.Tensor]) -> tuple[tuple[int, int], ...]:
    """
    Give the sizes of feature maps.

    :param features: (B, C, H, W) each
    :return: (H, W) of each
    """
    return tuple((int(x.shape[2]), int(x.shape[3])) for x in features)
