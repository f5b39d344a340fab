"""Weights of order one: a fresh network is nearly the identity and hides every error."""

import torch
from torch import nn


def draw_order_one_weights(model: nn.Module, seed: int = 0) -> nn.Module:
    """Draw every parameter and statistic so that each one matters to the output."""
    generator = torch.Generator().manual_seed(seed)

    def normal(like):
        return torch.randn(like.shape, generator=generator, dtype=like.dtype)

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith('bias'):
                parameter.copy_(0.3 * normal(parameter))
            elif parameter.ndim == 1 or name.endswith('temperature'):
                parameter.copy_(1 + 0.3 * normal(parameter))
            else:
                parameter.copy_(normal(parameter) / parameter[0].numel() ** 0.5)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.copy_(0.3 * normal(module.running_mean))
                module.running_var.copy_(1 + 0.3 * normal(module.running_var).abs())
    return model.eval()
