"""Detection: SSD's losses, mean average precision at an IoU of one half."""

from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics.detection import MeanAveragePrecision

from edgenext_core.models import ssd_detections, ssd_losses
from edgenext_core.train.recipe import Recipe
from edgenext_core.train.task_module import TaskModule


class DetectionModule(TaskModule):
    """
    Train a detector.

    :param model: gives ``class_logits``, ``box_deltas`` and ``anchors_cxcywh``
    :param recipe: what the run is told
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        super().__init__(model, recipe)
        self._precision = MeanAveragePrecision(
            iou_thresholds=[0.5], class_metrics=True, backend='faster_coco_eval')

    def losses(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Compute ``classification`` and ``localization``, see ``TaskModule``."""
        targets = [
            {'boxes_xyxy': boxes, 'class_ids': class_ids}
            for boxes, class_ids in zip(batch['boxes_xyxy'], batch['class_ids'])
        ]
        return ssd_losses(self(batch['image']), targets)

    def update_metrics(self, batch: dict[str, Any]) -> None:
        """Add a validation batch to the precision."""
        height, width = self.recipe.input_size
        pixels = torch.tensor([width, height, width, height], device=self.device)
        found = ssd_detections(self(batch['image']))
        self._precision.update(
            [{'boxes': one['boxes_xyxy'] * pixels, 'scores': one['scores'],
              'labels': one['class_ids']} for one in found],
            [{'boxes': boxes * pixels, 'labels': class_ids}
             for boxes, class_ids in zip(batch['boxes_xyxy'], batch['class_ids'])])

    def metrics(self) -> dict[str, Tensor]:
        """Compute ``map50`` and the average precision of each class, 0 to 1."""
        result = self._precision.compute()
        self._precision.reset()
        names = self.recipe.labels.names
        values = {
            f'ap50_{names[int(index)]}': value
            for index, value in zip(
                result['classes'].reshape(-1), result['map_per_class'].reshape(-1))
        }
        return {'map50': result['map_50'], **values}
