"""From a detector's outputs to boxes, for validation; a robot does this without torch."""

import torch
from torchvision.ops import batched_nms

from edgenext_core.models.anchors import decode_boxes


@torch.no_grad()
def ssd_detections(outputs: dict[str, torch.Tensor], *, score_threshold: float = 0.01,
                   nms_iou: float = 0.5, candidates_per_class: int = 400,
                   max_detections: int = 200) -> list[dict[str, torch.Tensor]]:
    """
    Decode, threshold and suppress a detector's outputs.

    :param outputs: what :class:`ssdlite.SSDLite` returns
    :param score_threshold: smallest score kept; the default is that of the mAP measurement
    :param nms_iou: of two boxes of one class that overlap more than this, the weaker goes
    :param candidates_per_class: boxes of one class that enter suppression, best first
    :param max_detections: boxes of one image kept, best first
    :return: for each image ``boxes_xyxy`` (N, 4) in [0, 1], ``scores`` (N,) descending and
        ``class_ids`` (N,) int64 from 0
    """
    boxes = decode_boxes(outputs['box_deltas'], outputs['anchors_cxcywh']).clamp(0, 1)  # (B, A, 4)
    scores = outputs['class_logits'].float().softmax(-1)[..., 1:]  # (B, A, K)
    return [_detections_of_image(*image, score_threshold=score_threshold, nms_iou=nms_iou,
                                 candidates_per_class=candidates_per_class,
                                 max_detections=max_detections)
            for image in zip(boxes, scores)]


def _detections_of_image(boxes: torch.Tensor, scores: torch.Tensor, *, score_threshold: float,
                         nms_iou: float, candidates_per_class: int,
                         max_detections: int) -> dict[str, torch.Tensor]:
    best, anchors = scores.topk(min(candidates_per_class, len(scores)), dim=0)  # (C, K) each
    class_ids = torch.arange(scores.shape[1], device=scores.device).expand_as(best)  # (C, K)
    sure = best > score_threshold
    boxes, best, class_ids = boxes[anchors[sure]], best[sure], class_ids[sure]  # (M, 4), (M,)
    kept = batched_nms(boxes, best, class_ids, nms_iou)[:max_detections]
    return {'boxes_xyxy': boxes[kept], 'scores': best[kept], 'class_ids': class_ids[kept]}
