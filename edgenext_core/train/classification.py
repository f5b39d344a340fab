"""Classification: cross-entropy with smoothed labels, top-1 accuracy."""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.classification import MulticlassAccuracy

from edgenext_core.train.recipe import Recipe
from edgenext_core.train.task_module import TaskModule

_LABEL_SMOOTHING = 0.05


class ClassificationModule(TaskModule):
    """
    Train a classifier.

    :param model: gives logits (B, K)
    :param recipe: what the run is told
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        super().__init__(model, recipe)
        self._top1 = MulticlassAccuracy(len(recipe.labels.names), average='micro')

    def losses(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Compute ``cross_entropy``, see ``TaskModule``."""
        logits = self(batch['image'])
        return {'cross_entropy': functional.cross_entropy(
            logits, batch['label_id'], label_smoothing=_LABEL_SMOOTHING)}

    def update_metrics(self, batch: dict[str, Any]) -> None:
        """Add a validation batch to the accuracy."""
        self._top1.update(self(batch['image']), batch['label_id'])

    def metrics(self) -> dict[str, Tensor]:
        """Compute ``top1``, 0 to 1."""
        values = {'top1': self._top1.compute()}
        self._top1.reset()
        return values
