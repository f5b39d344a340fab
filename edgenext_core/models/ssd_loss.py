"""SSD's multi-box loss: which anchor answers for which object, and how wrong it is."""

import torch
import torch.nn.functional as F
from torchvision.models.detection._utils import SSDMatcher
from torchvision.ops import box_iou

from edgenext_core.models.anchors import corners, encode_boxes

MATCH_IOU = 0.5
NEGATIVES_PER_POSITIVE = 3


def ssd_losses(outputs: dict[str, torch.Tensor],
               targets: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """
    Compare a detector's outputs with the truth.

    The negatives are, in each image, the three times as many background anchors as there are
    positive ones that look least like background. An image without objects adds nothing.

    :param outputs: what :class:`ssdlite.SSDLite` returns
    :param targets: for each image ``boxes_xyxy`` (N, 4), shares of the image, with a positive
        area, and ``class_ids`` (N,) int64 from 0; N may be 0
    :return: ``classification`` and ``localization``, both divided by the number of positive
        anchors in the batch (by 1 when there is none); their sum is SSD's loss
    """
    class_logits = outputs['class_logits'].float()  # (B, A, 1 + K)
    box_deltas = outputs['box_deltas'].float()  # (B, A, 4)
    anchors = outputs['anchors_cxcywh']  # (A, 4)
    matched = [match_anchors(anchors, target['boxes_xyxy'], target['class_ids'])
               for target in targets]
    class_targets = torch.stack([classes for classes, _ in matched])  # (B, A)
    box_targets = torch.stack([deltas for _, deltas in matched])  # (B, A, 4)
    positive = class_targets > 0  # (B, A)

    # cross_entropy wants the classes second: (B, 1 + K, A); it gives (B, A).
    entropy = F.cross_entropy(class_logits.transpose(1, 2), class_targets, reduction='none')
    chosen = positive | _hard_negatives(class_logits.detach(), positive)
    distance = F.smooth_l1_loss(box_deltas, box_targets, reduction='none').sum(-1)  # (B, A)
    positives = positive.sum().clamp(min=1)
    return {
        'classification': (entropy * chosen).sum() / positives,
        'localization': (distance * positive).sum() / positives,
    }


def match_anchors(anchors_cxcywh: torch.Tensor, boxes_xyxy: torch.Tensor,
                  class_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Say what each anchor should predict.

    An anchor takes the box that it overlaps most, if by an IoU of at least 0.5; besides, every
    box gets the anchor that overlaps it most, however little that is.

    :param anchors_cxcywh: (A, 4)
    :param boxes_xyxy: (N, 4), N may be 0
    :param class_ids: (N,) from 0
    :return: (A,) int64 classes, 0 for the background and 1 + id otherwise; (A, 4) float32
        offsets, zeros for the background
    """
    class_targets = torch.zeros(len(anchors_cxcywh), dtype=torch.int64,
                                device=anchors_cxcywh.device)
    box_targets = torch.zeros_like(anchors_cxcywh)
    if len(boxes_xyxy) == 0:
        return class_targets, box_targets
    overlap = box_iou(boxes_xyxy, corners(anchors_cxcywh))  # (N, A)
    matches = SSDMatcher(MATCH_IOU)(overlap)  # (A,) index of a box, below 0 for the background
    positive = matches >= 0
    class_targets[positive] = 1 + class_ids[matches[positive]]
    box_targets[positive] = encode_boxes(boxes_xyxy[matches[positive]], anchors_cxcywh[positive])
    return class_targets, box_targets


def _hard_negatives(class_logits: torch.Tensor, positive: torch.Tensor) -> torch.Tensor:
    """Choose the background anchors, (B, A) bool, that look least like background."""
    surprise = -class_logits.log_softmax(-1)[..., 0]  # (B, A), large where background is unlikely
    surprise = surprise.masked_fill(positive, -torch.inf)  # positives come last
    # The inverse of a sorting permutation gives each anchor's place in the order.
    rank = surprise.argsort(dim=1, descending=True).argsort(dim=1)  # (B, A)
    wanted = NEGATIVES_PER_POSITIVE * positive.sum(dim=1, keepdim=True)  # (B, 1)
    return (rank < wanted) & ~positive
