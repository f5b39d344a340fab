"""
Networks for CPUs: every layer on a map is a convolution on planes, and nothing is permuted.

Convolutions are what ONNX Runtime is fastest at. It lays their maps out in blocks of channels, and
bias, Hardswish and shortcut disappear into them; a linear layer on the last dimension would want
the map back in planes and permuted. The layer normalisations sum squares, for which float16 is
too small, so these networks are for float32.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgenext_core.export.folding import fold_layer_scales, fuse_batch_norm, stem_of
from edgenext_core.models.blocks import ConvBlock, SDTABlock
from edgenext_core.models.edgenext import ClassifierHead
from edgenext_core.models.layers import LAYER_NORM_EPS, CrossCovarianceAttention, LayerNorm2d, Mlp

SMALLEST_SQUARE = 1e-24
"""Guards a product of two lengths, each of which the network guards by 1e-12."""


@torch.no_grad()
def to_channels_first(model: nn.Module) -> nn.Module:
    """
    Write a network as convolutions on planes.

    :param model: any model of this project, in evaluation mode, folded or not
    :return: an equal model
    """
    model = fold_layer_scales(model)
    _replace_children(model)
    return model.eval()


@torch.no_grad()
def read_rows(model: nn.Module) -> nn.Module:
    """
    Let a network take images as they lie in memory, pixel by pixel, as one wide plane.

    Its first convolution becomes one of a single channel, three times as wide, with three times
    the stride: what permuting the image to planes takes is saved.

    :param model: any model of this project
    :return: a model that gives for x (B, 1, H, 3 * W) what the old one gives for its three planes
    """
    model = copy.deepcopy(model)
    stem = stem_of(model)
    conv = stem[0]
    channels, colors, height, width = conv.weight.shape
    rows = nn.Conv2d(1, channels, (height, colors * width), bias=conv.bias is not None,
                     stride=(conv.stride[0], colors * conv.stride[1]),
                     padding=(conv.padding[0], colors * conv.padding[1]))
    rows.weight = nn.Parameter(conv.weight.permute(0, 2, 3, 1).reshape(rows.weight.shape))
    rows.bias = conv.bias
    stem[0] = rows
    return model


class PlanesNorm(nn.Module):
    """
    A :class:`LayerNorm2d` on planes.

    The sums over channels are products with a row, several times as fast as a ReduceMean that
    jumps from plane to plane. Weight and bias, where they are not folded away, are a convolution
    as well, so that the next one finds its map in blocks.

    :param norm: the normalisation
    """

    def __init__(self, norm: LayerNorm2d) -> None:
        super().__init__()
        self.register_buffer('averaging', torch.full((1, norm.channels), 1 / norm.channels))
        self.affine: nn.Module = nn.Identity()
        if norm.weight is not None:
            self.affine = _channelwise(norm.weight, norm.bias)

    def forward(self, x: Tensor) -> Tensor:
        """
        Normalise every place of a map over its channels.

        :param x: (B, C, H, W)
        :return: (B, C, H, W)
        """
        planes = x.flatten(2)  # (B, C, N)
        centered = planes - self.averaging @ planes
        variance = self.averaging @ (centered * centered)  # (B, 1, N)
        # The reciprocal of one plane, and a product with all: dividing all would be slower.
        normed = centered * (1 / (variance + LAYER_NORM_EPS).sqrt())
        return self.affine(normed.reshape(x.shape))


class PlanesConvBlock(nn.Module):
    """
    A :class:`ConvBlock` on planes.

    :param block: a block without layer scale
    """

    def __init__(self, block: ConvBlock) -> None:
        super().__init__()
        self.shortcut_after_conv = block.shortcut_after_conv
        self.conv_dw = block.conv_dw
        self.norm = _planes_norm(block.norm)
        self.mlp = _planes_mlp(block.mlp)

    def forward(self, x: Tensor) -> Tensor:
        """
        Run the block.

        :param x: (B, C_in, H, W)
        :return: (B, C, H / stride, W / stride)
        """
        mixed = self.conv_dw(x)  # (B, C, H / stride, W / stride)
        shortcut = mixed if self.shortcut_after_conv else x
        return shortcut + self.mlp(self.norm(mixed))


class ChunkConvs(nn.Module):
    """
    The convolutions of the chunks of an :class:`SDTABlock`, and its normalisation of the stream.

    Each runs over all channels and leaves those of other chunks as they are: chunks of their own
    would be too odd in number for blocks of channels, and copied twice.

    :param block: the block
    """

    def __init__(self, block: SDTABlock) -> None:
        super().__init__()
        self.chunk = block.convs[0].in_channels
        channels = block.xca.proj.in_features
        convs = [_on_all_channels(conv, channels, first=index * self.chunk)
                 for index, conv in enumerate(block.convs)]
        if block.normalized_stream:
            convs[-1] = fuse_batch_norm(convs[-1], block.norm_xca)
        self.convs = nn.ModuleList(convs)

    def forward(self, x: Tensor) -> Tensor:
        """
        Convolve chunk by chunk.

        :param x: (B, C, H, W)
        :return: (B, C, H, W)
        """
        x = self.convs[0](x)
        for index, conv in enumerate(self.convs[1:], start=1):
            before, first, behind = (self.chunk * (index + step) for step in (-1, 0, 1))
            chunk = x[:, before:first] + x[:, first:behind]  # (B, chunk, H, W)
            x = conv(torch.cat((x[:, :first], chunk, x[:, behind:]), dim=1))
        return x


class PlanesAttention(nn.Module):
    """
    A :class:`CrossCovarianceAttention` on planes.

    Queries, keys and values have a convolution each, since splitting their maps would copy them.
    The lengths divide the small products, not the maps.

    :param attention: the attention
    """

    def __init__(self, attention: CrossCovarianceAttention) -> None:
        super().__init__()
        self.heads = attention.heads
        self.register_buffer('temperature', attention.temperature.detach())
        weights, biases = attention.qkv.weight.chunk(3), attention.qkv.bias.chunk(3)
        self.q, self.k, self.v = (_pointwise(*layer) for layer in zip(weights, biases))
        self.proj = _pointwise(attention.proj.weight, attention.proj.bias)

    def forward(self, x: Tensor) -> Tensor:
        """
        Mix the channels of all places.

        :param x: (B, C, H, W)
        :return: (B, C, H, W)
        """
        batch, channels = x.shape[:2]
        heads = (batch, self.heads, channels // self.heads, -1)
        q, k, v = (conv(x).reshape(heads) for conv in (self.q, self.k, self.v))  # (B, heads, d, N)
        lengths = _lengths(q) @ _lengths(k).transpose(-2, -1)  # (B, heads, d, d)
        attention = q @ k.transpose(-2, -1) / lengths.clamp_min(SMALLEST_SQUARE)
        attention = (attention * self.temperature).softmax(-1)  # (B, heads, d, d)
        return self.proj((attention @ v).reshape(x.shape))


def _lengths(x: Tensor) -> Tensor:
    # Not norm(): its ReduceL2 takes twice as long.
    return (x * x).sum(-1, keepdim=True).sqrt()


class PlanesSDTABlock(nn.Module):
    """
    An :class:`SDTABlock` on planes.

    :param block: a block without layer scales
    """

    def __init__(self, block: SDTABlock) -> None:
        super().__init__()
        self.stream = ChunkConvs(block)
        self.pos_embd = block.pos_embd
        # A constant comes in planes, and so does a sum with it. Times one, it is in blocks again,
        # where the projection of the attention takes it in as its shortcut.
        channels = block.xca.proj.in_features
        self.to_blocks = _channelwise(torch.ones(channels), torch.zeros(channels))
        self.norm_xca = (nn.Identity() if block.normalized_stream
                         else _planes_norm(block.norm_xca))
        self.xca = PlanesAttention(block.xca)
        self.norm = _planes_norm(block.norm)
        self.mlp = _planes_mlp(block.mlp)

    def forward(self, x: Tensor) -> Tensor:
        """
        Run the block.

        :param x: (B, C, H, W)
        :return: (B, C, H, W)
        """
        stream = self.stream(x)  # (B, C, H, W)
        if self.pos_embd is not None:
            stream = self.to_blocks(stream + self.pos_embd(x.shape[2], x.shape[3]))
        stream = stream + self.xca(self.norm_xca(stream))
        return x + self.mlp(self.norm(stream))


class PooledHead(nn.Module):
    """
    A :class:`ClassifierHead` with a layer normalisation, which it does on the pooled vector.

    :param head: the head
    """

    def __init__(self, head: ClassifierHead) -> None:
        super().__init__()
        self.norm = head.norm
        self.fc = head.fc

    def forward(self, x: Tensor) -> Tensor:
        """
        Classify a map.

        :param x: (B, C, H, W)
        :return: logits (B, K)
        """
        pooled = x.mean((2, 3))  # (B, C)
        return self.fc(F.layer_norm(pooled, (self.norm.channels,), self.norm.weight,
                                    self.norm.bias, LAYER_NORM_EPS))


def _replace_children(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, ConvBlock):
            setattr(module, name, PlanesConvBlock(child))
        elif isinstance(child, SDTABlock):
            setattr(module, name, PlanesSDTABlock(child))
        elif isinstance(child, LayerNorm2d):
            setattr(module, name, PlanesNorm(child))
        elif isinstance(child, ClassifierHead) and isinstance(child.norm, LayerNorm2d):
            setattr(module, name, PooledHead(child))
        else:
            _replace_children(child)


def _on_all_channels(conv: nn.Conv2d, channels: int, *, first: int) -> nn.Conv2d:
    """Widen a depthwise convolution, so that it begins at ``first`` and leaves the rest."""
    side, = set(conv.kernel_size)
    wide = nn.Conv2d(channels, channels, side, padding=conv.padding, dilation=conv.dilation,
                     groups=channels)
    wide.weight.zero_()
    wide.weight[:, :, side // 2, side // 2] = 1
    wide.weight[first:first + conv.in_channels] = conv.weight
    wide.bias.zero_()
    if conv.bias is not None:
        wide.bias[first:first + conv.in_channels] = conv.bias
    return wide


def _channelwise(scale: Tensor, shift: Tensor) -> nn.Conv2d:
    conv = nn.Conv2d(len(scale), len(scale), 1, groups=len(scale))
    conv.weight.copy_(scale[:, None, None, None])
    conv.bias.copy_(shift)
    return conv


def _pointwise(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    conv = nn.Conv2d(weight.shape[1], weight.shape[0], 1)
    conv.weight.copy_(weight[:, :, None, None])
    conv.bias.copy_(bias)
    return conv


def _planes_norm(norm: nn.Module) -> nn.Module:
    return PlanesNorm(norm) if isinstance(norm, LayerNorm2d) else norm


def _planes_mlp(mlp: Mlp) -> nn.Sequential:
    return nn.Sequential(_pointwise(mlp.fc1.weight, mlp.fc1.bias), mlp.act,
                         _pointwise(mlp.fc2.weight, mlp.fc2.bias))
