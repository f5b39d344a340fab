"""
Equal networks with less to compute, for inference and export.

Every function takes a model in evaluation mode and gives a changed copy that computes the same to
rounding. Folding happens in float64.
"""

import copy
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from edgenext_core.models.blocks import ConvBlock, DenseDownsampleConv, SDTABlock
from edgenext_core.models.edgenext import ClassifierHead, EdgeNeXt
from edgenext_core.models.errors import ModelError
from edgenext_core.models.layers import FourierPositionEncoding, LayerNorm2d


def fold_for_export(model: nn.Module, *, height: int, width: int) -> nn.Module:
    """
    Fold all that can be folded, for inputs of one size.

    The input's normalisation and channel order are not among it, see :func:`fold_normalization`
    and :func:`fold_channel_order`.

    :param model: any model of this project
    :param height: of the input, pixels
    :param width: of the input, pixels
    :return: an equal model
    """
    model = fold_layer_scales(fold_layer_norms(fold_batch_norms(model)))
    return freeze_position_encodings(model, height=height, width=width)


@torch.no_grad()
def fold_normalization(model: nn.Module, *, mean: Sequence[float],
                       std: Sequence[float]) -> nn.Module:
    """
    Fold the normalisation of the input into the stem: the copy takes images as they are.

    :param model: any model of this project whose stem pads nothing
    :param mean: of the three channels, in the images' unit
    :param std: of the three channels
    :return: a model that gives for x what the old one gives for (x - mean) / std
    :raises ModelError: if the stem pads: its zeros would no longer be the mean
    """
    model = _copy(model)
    conv = stem_of(model)[0]
    if stem_pads(model):
        raise ModelError(f'the stem pads by {conv.padding[0]}; with the normalisation folded in, '
                         'its border would be black instead of grey; keep it in front')
    scale = 1 / torch.tensor(std, dtype=torch.float64, device=conv.weight.device)
    shift = -torch.tensor(mean, dtype=torch.float64, device=conv.weight.device) * scale
    _fold_before_conv(conv, scale, shift)
    return model


@torch.no_grad()
def fold_channel_order(model: nn.Module) -> nn.Module:
    """
    Let a model take BGR images instead of RGB ones, or the reverse.

    :param model: any model of this project
    :return: a model that gives for x what the old one gives for ``x.flip(1)``
    """
    model = _copy(model)
    conv = stem_of(model)[0]
    conv.weight = nn.Parameter(conv.weight.flip(1))
    return model


@torch.no_grad()
def fold_layer_scales(model: nn.Module) -> nn.Module:
    """
    Fold the layer scales into the linear layers in front of them.

    :param model: any model of this project
    :return: an equal model whose blocks multiply by nothing
    """
    model = _copy(model)
    for block in _blocks(model):
        _scale_output(block.mlp.fc2, block.gamma)
        block.gamma = None
        if isinstance(block, SDTABlock):
            _scale_output(block.xca.proj, block.gamma_xca)
            block.gamma_xca = None
    return model


@torch.no_grad()
def fold_layer_norms(model: nn.Module) -> nn.Module:
    """
    Fold weight and bias of the layer normalisations into the layers behind them.

    In front of a dense downsampling (an output stride of 8 or 16) they stay: its padding comes
    between.

    :param model: any model of this project
    :return: an equal model, whose normalisations only subtract and divide
    """
    model = _copy(model)
    for norm, layer in _norms_and_next_layers(model):
        if isinstance(norm, LayerNorm2d) and norm.weight is not None:
            _fold_before(layer, norm.weight.double(), norm.bias.double())
            norm.weight = norm.bias = None
    return model


@torch.no_grad()
def fold_batch_norms(model: nn.Module) -> nn.Module:
    """
    Fold batch normalisations into the convolution in front of them, or into the layer behind.

    Two kinds stay, since something comes between: that of the attention's stream, and that in
    front of a dense downsampling.

    :param model: any model of this project
    :return: an equal model with fewer batch normalisations
    """
    model = _copy(model)
    for module in list(model.modules()):
        if isinstance(module, nn.Sequential):
            _fold_into_conv_in_front(module)
        elif isinstance(module, ConvBlock) and isinstance(module.norm, nn.BatchNorm2d):
            module.conv_dw = fuse_batch_norm(module.conv_dw, module.norm)
            module.norm = nn.Identity()
    owners = {id(child): (parent, name) for parent in model.modules()
              for name, child in parent.named_children()}
    for norm, layer in _norms_and_next_layers(model):
        if isinstance(norm, nn.BatchNorm2d):
            _fold_before(layer, *_scale_and_shift(norm))
            parent, name = owners[id(norm)]
            setattr(parent, name, nn.Identity())
    return model


class FrozenPositionEncoding(nn.Module):
    """A position encoding at one size, (1, C, H, W)."""

    def __init__(self, encoding: Tensor):
        super().__init__()
        self.register_buffer('encoding', encoding)

    def forward(self, height: int, width: int) -> Tensor:
        """
        Give the encoding.

        :param height: rows of the map
        :param width: columns of the map
        :return: (1, C, height, width)
        :raises ModelError: if it was frozen at another size
        """
        frozen = tuple(self.encoding.shape[2:])
        if not torch.jit.is_tracing() and frozen != (height, width):
            raise ModelError(
                f'the position encoding is frozen for a map of {frozen[0]}x{frozen[1]}, this one '
                f'has {height}x{width}; freeze it at the size in use')
        return self.encoding


@torch.no_grad()
def freeze_position_encodings(model: nn.Module, *, height: int, width: int) -> nn.Module:
    """
    Replace the position encodings by constants: exporters spell them out in sines otherwise.

    :param model: any model of this project
    :param height: of the input, pixels
    :param width: of the input, pixels
    :return: an equal model for inputs of this size
    """
    model = _copy(model)
    encodings = [module for module in model.modules()
                 if isinstance(module, FourierPositionEncoding)]
    values: dict[nn.Module, Tensor] = {}
    hooks = [module.register_forward_hook(lambda module, _, value: values.update({module: value}))
             for module in encodings]
    weight = next(model.parameters())
    model(torch.zeros(1, 3, height, width, dtype=weight.dtype, device=weight.device))
    for hook in hooks:
        hook.remove()
    for block in _blocks(model):
        if isinstance(block, SDTABlock) and block.pos_embd in values:
            block.pos_embd = FrozenPositionEncoding(values[block.pos_embd])
    return model


def fuse_batch_norm(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """
    Make one convolution of a convolution and the batch normalisation behind it.

    :param conv: the convolution
    :param norm: the normalisation, with the statistics of its training
    :return: a convolution that computes what both do
    """
    fused = copy.deepcopy(conv)
    scale, shift = _scale_and_shift(norm)
    bias = shift if conv.bias is None else shift + scale * conv.bias.double()
    fused.bias = _parameter(bias, like=conv.weight)
    fused.weight = _parameter(scale[:, None, None, None] * conv.weight.double(), like=conv.weight)
    return fused


def stem_pads(model: nn.Module) -> bool:
    """
    Tell whether a model's first convolution adds a border, as that of timm's small_rw does.

    :param model: any model of this project
    :return: True if it does
    """
    return any(stem_of(model)[0].padding)


def stem_of(model: nn.Module) -> nn.Sequential:
    """
    Find the first convolution and its normalisation.

    :param model: any model of this project
    :return: both
    """
    return next(module for module in model.modules() if isinstance(module, EdgeNeXt)).stem


def _copy(model: nn.Module) -> nn.Module:
    if model.training:
        raise ModelError('the model is in training mode, in which folding changes what it '
                         'computes; call eval() first')
    return copy.deepcopy(model)


def _blocks(model: nn.Module) -> list[ConvBlock | SDTABlock]:
    return [module for module in model.modules() if isinstance(module, (ConvBlock, SDTABlock))]


def _norms_and_next_layers(model: nn.Module) -> Iterator[tuple[nn.Module, nn.Conv2d | nn.Linear]]:
    """Give every normalisation behind which a linear layer comes at once."""
    for module in model.modules():
        if isinstance(module, (ConvBlock, SDTABlock)):
            yield module.norm, module.mlp.fc1
        if isinstance(module, SDTABlock) and not module.normalized_stream:
            yield module.norm_xca, module.xca.qkv
        if isinstance(module, ClassifierHead):
            yield module.norm, module.fc
        if isinstance(module, EdgeNeXt):
            yield from (stage.downsample for stage in module.stages
                        if isinstance(stage.downsample, nn.Sequential)
                        and not isinstance(stage.downsample[1], DenseDownsampleConv))


def _fold_before(layer: nn.Conv2d | nn.Linear, scale: Tensor, shift: Tensor) -> None:
    if isinstance(layer, nn.Conv2d):
        _fold_before_conv(layer, scale, shift)
        return
    weight = layer.weight.double()
    layer.bias = _parameter(layer.bias.double() + weight @ shift, like=layer.weight)
    layer.weight = _parameter(weight * scale, like=layer.weight)


def _fold_before_conv(conv: nn.Conv2d, scale: Tensor, shift: Tensor) -> None:
    weight = conv.weight.double()  # (O, I, H, W)
    bias = torch.einsum('oihw,i->o', weight, shift)  # (O,)
    if conv.bias is not None:
        bias += conv.bias.double()
    conv.bias = _parameter(bias, like=conv.weight)
    conv.weight = _parameter(weight * scale[:, None, None], like=conv.weight)


def _scale_output(layer: nn.Linear, scale: Tensor | None) -> None:
    if scale is not None:
        layer.weight = _parameter(scale.double()[:, None] * layer.weight.double(), like=scale)
        layer.bias = _parameter(scale.double() * layer.bias.double(), like=scale)


def _fold_into_conv_in_front(sequence: nn.Sequential) -> None:
    for index in range(1, len(sequence)):
        conv, norm = sequence[index - 1], sequence[index]
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            sequence[index - 1], sequence[index] = fuse_batch_norm(conv, norm), nn.Identity()


def _scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return scale, norm.bias.double() - scale * norm.running_mean.double()


def _parameter(value: Tensor, *, like: Tensor) -> nn.Parameter:
    return nn.Parameter(value.to(like.dtype))
