"""What the Lightning modules of the three tasks share: normalisation, steps, optimiser."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from edgenext_core.models.normalization import FrameNormalization
from edgenext_core.train.recipe import Recipe


class TaskModule(lightning.LightningModule):
    """
    A network with its recipe; a task adds ``losses``, ``update_metrics`` and ``metrics``.

    :param model: the network of the recipe
    :param recipe: what the run was told; it goes into every checkpoint
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        super().__init__()
        self.model = model
        self.recipe = recipe
        self.normalization = FrameNormalization()

    def forward(self, image: Tensor) -> Any:
        """
        Run the network on camera bytes.

        :param image: (B, H, W, 3) uint8 BGR
        :return: what the network's ``forward`` gives
        """
        return self.model(self.normalization(image))

    def losses(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """
        Compute the terms whose sum is minimised.

        :param batch: what ``collate`` gives for the task's data set
        :return: scalar terms by name
        """
        raise NotImplementedError

    def update_metrics(self, batch: dict[str, Any]) -> None:
        """
        Add a validation batch to the metrics.

        :param batch: what ``collate`` gives for the task's data set
        """
        raise NotImplementedError

    def metrics(self) -> dict[str, Tensor]:
        """
        Compute the metrics of the batches so far and start anew.

        :return: scalars by name
        """
        raise NotImplementedError

    def on_train_epoch_start(self) -> None:
        """Seed the epoch, so that a resumed run draws what an uninterrupted one does."""
        torch.manual_seed(self.recipe.seed * 100_003 + self.current_epoch)

    def training_step(self, batch: dict[str, Any], batch_index: int) -> Tensor:
        """
        Compute the loss of a step, see ``losses``.

        :param batch: what ``collate`` gives
        :param batch_index: number of the batch in its epoch
        :return: the sum of the terms
        """
        terms = self.losses(batch)
        total = torch.stack(list(terms.values())).sum()
        size = len(batch['image'])
        self.log('loss', total, prog_bar=True, batch_size=size)
        self.log_dict({f'loss/{name}': term for name, term in terms.items()}, batch_size=size)
        return total

    def validation_step(self, batch: dict[str, Any], batch_index: int) -> None:
        """
        Add a batch to the metrics.

        :param batch: what ``collate`` gives
        :param batch_index: number of the batch
        """
        self.update_metrics(batch)

    def on_validation_epoch_end(self) -> None:
        """Log the metrics under ``val/``."""
        self.log_dict({f'val/{name}': value for name, value in self.metrics().items()},
                      prog_bar=True)

    def configure_optimizers(self) -> dict[str, Any]:
        """
        Make AdamW and its schedule: linear warm-up, then a cosine to a hundredth of the peak.

        :return: lightning's description of both
        """
        recipe = self.recipe
        optimizer = torch.optim.AdamW(
            _parameter_groups(self.model.parameters(), recipe.weight_decay),
            lr=recipe.learning_rate)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: warmup_cosine(step, recipe.warmup_steps, steps))
        return {
            'optimizer': optimizer,
            'lr_scheduler': {'scheduler': schedule, 'interval': 'step'},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """
        Put the recipe, its labels and the last validation's metrics into a checkpoint.

        :param checkpoint: the checkpoint being written
        """
        checkpoint['recipe'] = dataclasses.asdict(self.recipe)
        checkpoint['labels'] = self.recipe.labels._asdict()
        checkpoint['metrics'] = {
            name: float(value) for name, value in self.trainer.callback_metrics.items()
            if name.startswith('val/')
        }


def warmup_cosine(step: int, warmup_steps: int, total_steps: int) -> float:
    """
    Give the share of the peak learning rate at a step.

    :param step: number of the step, from 0
    :param warmup_steps: steps of linear rise
    :param total_steps: steps of the whole run
    :return: from above 0 to 1 and down to 0.01
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def _parameter_groups(
    parameters: Iterable[nn.Parameter], weight_decay: float,
) -> list[dict[str, Any]]:
    """Decay the weights, but neither biases nor the scales of norms and layers."""
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for parameter in parameters:
        (decayed if parameter.ndim > 1 else kept).append(parameter)
    return [{'params': decayed, 'weight_decay': weight_decay},
            {'params': kept, 'weight_decay': 0.0}]
