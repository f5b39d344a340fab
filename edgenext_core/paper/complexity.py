"""How many parameters a model has and how many multiply-adds a forward takes, as papers count."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from edgenext_core.models.edgenext import require_size
from edgenext_core.models.layers import (
    CrossCovarianceAttention,
    FourierPositionEncoding,
    LayerNorm2d,
)
from edgenext_core.models.registry import create_model


class Complexity(NamedTuple):
    """
    What a model costs.

    ``products`` are the multiply-adds of convolutions, linear layers and attention; ``madds`` is
    what the paper prints, which adds the normalisations.
    """

    parameters: int
    products: int
    madds: int


def complexity(name: str, *, height: int, width: int, **options: Any) -> Complexity:
    """
    Count one model, without memory for its weights.

    The count is that of fvcore on the authors' code, which gives the paper's figures to the last
    digit: one multiply-add is 1; every value that a layer normalisation gives costs 5, one of a
    batch normalisation 2. The layer normalisations of stem and downsampling, which the authors
    wrote out by hand, cost nothing there, nor do activations, softmax, additions, layer scales
    and resizing.

    :param name: one of :func:`registry.list_models`
    :param height: of the input, pixels
    :param width: of the input, pixels
    :param options: for :func:`registry.create_model`
    :return: the counts for one image
    :raises ModelError: if there is no such model or option, or the input is too small
    """
    require_size(height, width)
    with torch.device('meta'):
        model = create_model(name, **options).eval()
        image = torch.empty(1, 3, height, width)
    products, norms = 0, 0

    def count(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        nonlocal products, norms
        products += _products(module, output)
        norms += _norm_operations(module, output)

    for layer_name, module in model.named_modules():
        if not _is_handwritten_norm(layer_name, module):
            module.register_forward_hook(count)
    with torch.no_grad():
        model(image)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Complexity(parameters, products, products + norms)


def _is_handwritten_norm(name: str, module: nn.Module) -> bool:
    return isinstance(module, LayerNorm2d) and ('stem.' in name or 'downsample.' in name)


def _products(module: nn.Module, output: Tensor) -> int:
    if isinstance(module, nn.Conv2d):
        return output.numel() * module.weight[0].numel()
    if isinstance(module, nn.Linear):
        return output.numel() * module.in_features
    if isinstance(module, CrossCovarianceAttention):
        # (d x N) times (N x d), then (d x d) times (d x N), for every head.
        return 2 * output.numel() * (output.shape[-1] // module.heads)
    if isinstance(module, FourierPositionEncoding):
        # As a 1x1 convolution over the map; ours is cheaper.
        return output.numel() * module.token_projection.in_channels
    return 0


def _norm_operations(module: nn.Module, output: Tensor) -> int:
    if isinstance(module, LayerNorm2d):
        return 5 * output.numel()
    if isinstance(module, nn.BatchNorm2d):
        return 2 * output.numel()
    return 0
