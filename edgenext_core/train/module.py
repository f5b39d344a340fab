"""A network in training: the Lightning module of every task."""

from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from edgenext_core.labels.label_set import LabelSet
from edgenext_core.measure.accuracy import METERS
from edgenext_core.models.normalization import FrameNormalization
from edgenext_core.train.optimizer import make_optimizer
from edgenext_core.train.recipe import Recipe
from edgenext_core.train.tasks import TRAINING_TASKS, Batch


class TrainingModule(lightning.LightningModule):
    """
    A network with its recipe and classes; the task's row of ``TRAINING_TASKS`` does the rest.

    :param network: of the recipe
    :param recipe: what the run was told; it goes into every checkpoint
    :param labels: what the network learns; they go there, too
    """

    def __init__(self, network: nn.Module, recipe: Recipe, *, labels: LabelSet) -> None:
        super().__init__()
        self.model = network
        self.recipe = recipe
        self.labels = labels
        self.task = TRAINING_TASKS[recipe.task]
        self.normalization = FrameNormalization()
        self._meter = METERS[recipe.task](len(labels.names))

    def forward(self, image: Tensor) -> Any:
        """
        Run the network on camera bytes.

        :param image: (B, H, W, 3) uint8 BGR
        :return: what the network's ``forward`` gives
        """
        return self.model(self.normalization(image))

    def losses(self, outputs: Any, batch: Batch) -> dict[str, Tensor]:
        """
        Compute the terms whose sum is minimised, without calling the network.

        :param outputs: what ``forward`` gave for the batch
        :param batch: what ``collate`` gives
        :return: scalar terms by name
        """
        return self.task.losses(outputs, batch)

    def update_metrics(self, outputs: Any, batch: Batch) -> None:
        """
        Add a validation batch to what is measured, without calling the network.

        :param outputs: what ``forward`` gave for the batch
        :param batch: what ``collate`` gives
        """
        for found, true in zip(self.task.found(outputs, batch), self.task.true(batch)):
            self._meter.add(found, true)

    def metrics(self) -> dict[str, float]:
        """
        Compute the figures of the batches so far and start anew.

        :return: by name, 0 to 1, the one to quote first
        :raises AccuracyError: when the truth of all batches is empty
        """
        accuracy = self._meter.accuracy()
        self._meter = METERS[self.recipe.task](len(self.labels.names))
        figures = dict(accuracy.figures)
        if self.task.class_figure is not None:
            figures.update((f'{self.task.class_figure}_{self.labels.names[class_id]}', value)
                           for class_id, value in accuracy.per_class.items())
        return figures

    def on_train_batch_start(self, batch: Batch, batch_index: int) -> None:
        """
        Seed the step, so that neither workers nor an interruption change what it draws.

        :param batch: what ``collate`` gives
        :param batch_index: number of the batch in its epoch
        """
        place = self.recipe.seed, self.current_epoch, batch_index, self.global_rank
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """
        Compute the loss of a step.

        :param batch: what ``collate`` gives
        :param batch_index: number of the batch in its epoch
        :return: the sum of the terms
        """
        terms = self.losses(self(batch['image']), batch)
        total = torch.stack(list(terms.values())).sum()
        size = len(batch['image'])
        self.log('loss', total, prog_bar=True, batch_size=size)
        self.log_dict({f'loss/{name}': term for name, term in terms.items()}, batch_size=size)
        return total

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """
        Add a batch to what is measured.

        :param batch: what ``collate`` gives
        :param batch_index: number of the batch
        """
        self.update_metrics(self(batch['image']), batch)

    def on_validation_epoch_end(self) -> None:
        """Log the figures under ``val/``."""
        for place, (name, value) in enumerate(self.metrics().items()):
            self.log(f'val/{name}', value, prog_bar=place == 0)

    def configure_optimizers(self) -> dict[str, Any]:
        """
        Make the optimiser and its schedule.

        :return: lightning's description of both
        """
        return make_optimizer(self.model.parameters(), self.recipe.optimizer,
                              steps=int(self.trainer.estimated_stepping_batches))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """
        Put the recipe, the labels and the last validation's figures into a checkpoint.

        :param checkpoint: the checkpoint being written
        """
        checkpoint['recipe'] = self.recipe.as_dict()
        checkpoint['labels'] = self.labels._asdict()
        checkpoint['metrics'] = {
            name: float(value) for name, value in self.trainer.callback_metrics.items()
            if name.startswith('val/')
        }
