"""AdamW, and the learning rate's way: linear warm-up, then a cosine."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from edgenext_core.train.recipe import OptimizerSection


def make_optimizer(parameters: Iterable[nn.Parameter], section: OptimizerSection, *,
                   steps: int) -> dict[str, Any]:
    """
    Make AdamW and its schedule.

    :param parameters: what is trained
    :param section: of the recipe
    :param steps: of the whole run
    :return: lightning's description of both
    """
    optimizer = torch.optim.AdamW(
        _parameter_groups(parameters, section.weight_decay), lr=section.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: warmup_cosine(step, section.warmup_steps, total_steps=steps))
    return {'optimizer': optimizer,
            'lr_scheduler': {'scheduler': schedule, 'interval': 'step'}}


def warmup_cosine(step: int, warmup_steps: int, *, total_steps: int) -> float:
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
