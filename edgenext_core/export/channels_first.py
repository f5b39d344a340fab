"""
Networks that stay channels first: every linear layer on a map is a 1x1 convolution on NCHW.

That is what a CPU's convolutions are fastest on: nothing is permuted, and bias, Hardswish and
shortcut disappear into them. The layer normalisations sum squares over channels, which overflows
in float16, so these networks are for float32 only.
"""

import copy

import torch
from torch import Tensor, nn

from edgenext_core.models.blocks import ConvBlock, SDTABlock
from edgenext_core.models.edgenext import ClassifierHead
from edgenext_core.models.layers import LAYER_NORM_EPS, CrossCovarianceAttention, LayerNorm2d, Mlp


@torch.no_grad()
def to_channels_first(model: nn.Module) -> nn.Module:
    """
    Write a folded network so that no map is permuted.

    :param model: what :func:`folding.fold_for_export` gave
    :return: an equal network
    """
    model = copy.deepcopy(model)
    _replace_children(model)
    return model


class PlanesNorm(nn.Module):
    """A :class:`LayerNorm2d` that reads the planes as they lie."""

    def __init__(self, norm: LayerNorm2d) -> None:
        super().__init__()
        self.affine = norm.weight is not None
        if self.affine:
            self.register_buffer('weight', norm.weight.detach()[:, None, None])
            self.register_buffer('bias', norm.bias.detach()[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        """
        Normalise every place of a map over its channels.

        :param x: (B, C, H, W)
        :return: (B, C, H, W)
        """
        centered = x - x.mean(1, keepdim=True)
        variance = (centered * centered).mean(1, keepdim=True)  # (B, 1, H, W)
        normed = centered * (1 / (variance + LAYER_NORM_EPS).sqrt())
        return normed * self.weight + self.bias if self.affine else normed


class PlanesConvBlock(nn.Module):
    """A folded :class:`ConvBlock` that permutes nothing."""

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
        mixed = self.conv_dw(x)
        shortcut = mixed if self.shortcut_after_conv else x
        return shortcut + self.mlp(self.norm(mixed))


class PlanesAttention(nn.Module):
    """
    Cross-covariance attention on planes.

    Attention and projection are one C x C matrix for each image, which the values are multiplied
    by once: P @ blockdiag(A_1, ..., A_heads) @ V. Lengths divide the small matrix, not the maps.
    """

    def __init__(self, attention: CrossCovarianceAttention) -> None:
        super().__init__()
        self.heads = attention.heads
        self.qkv = _conv(attention.qkv)
        channels = attention.proj.in_features
        self.register_buffer('temperature', attention.temperature.detach())
        # (heads, C, d): the columns of the projection that belong to each head
        self.register_buffer('proj', attention.proj.weight.detach().reshape(
            channels, self.heads, -1).permute(1, 0, 2).contiguous())
        self.register_buffer('bias', attention.proj.bias.detach()[:, None])

    def forward(self, x: Tensor) -> Tensor:
        """
        Mix the channels of all places.

        :param x: (B, C, H, W)
        :return: (B, C, H, W)
        """
        batch, channels = x.shape[:2]
        qkv = self.qkv(x).flatten(2)  # (B, 3 * C, N)
        q, k, v = qkv.split(channels, dim=1)  # (B, C, N) each
        heads = (batch, self.heads, channels // self.heads, -1)
        q, k = q.reshape(heads), k.reshape(heads)  # (B, heads, d, N) each
        product = q @ k.transpose(-2, -1)  # (B, heads, d, d)
        lengths = _length(q) * _length(k).transpose(-2, -1)  # (B, heads, d, d)
        attention = (product / lengths * self.temperature).softmax(-1)
        mix = (self.proj @ attention).transpose(1, 2).flatten(2)  # (B, C, C)
        return (mix @ v + self.bias).reshape(x.shape)


def _length(x: Tensor) -> Tensor:
    return x.norm(dim=-1, keepdim=True).clamp_min(1e-12)


class PlanesSDTABlock(nn.Module):
    """A folded :class:`SDTABlock` that permutes nothing."""

    def __init__(self, block: SDTABlock) -> None:
        super().__init__()
        self.chunk = block.chunk
        self.convs = block.convs
        self.pos_embd = block.pos_embd
        self.normalized_stream = block.normalized_stream
        self.norm_xca = _planes_norm(block.norm_xca)
        self.xca = PlanesAttention(block.xca)
        self.norm = _planes_norm(block.norm)
        self.mlp = _planes_mlp(block.mlp)

    def forward(self, x: Tensor) -> Tensor:
        """
        Run the block.

        :param x: (B, C, H, W)
        :return: (B, C, H, W)
        """
        stream = SDTABlock._convolve_chunks(self, x)
        if self.normalized_stream:
            stream = self.norm_xca(stream)
        if self.pos_embd is not None:
            stream = stream + self.pos_embd(x.shape[2], x.shape[3])
        attended = stream if self.normalized_stream else self.norm_xca(stream)
        stream = stream + self.xca(attended)
        return x + self.mlp(self.norm(stream))


class PooledHead(nn.Module):
    """A folded :class:`ClassifierHead` without batch normalisation, on the pooled vector."""

    def __init__(self, head: ClassifierHead) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(head.fc.in_features, eps=LAYER_NORM_EPS, elementwise_affine=False)
        self.fc = head.fc

    def forward(self, x: Tensor) -> Tensor:
        """
        Classify a map.

        :param x: (B, C, H, W)
        :return: logits (B, K)
        """
        return self.fc(self.norm(x.mean((2, 3))))


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


def _planes_norm(norm: nn.Module) -> nn.Module:
    return PlanesNorm(norm) if isinstance(norm, LayerNorm2d) else norm


def _planes_mlp(mlp: Mlp) -> nn.Sequential:
    return nn.Sequential(_conv(mlp.fc1), mlp.act, _conv(mlp.fc2))


def _conv(linear: nn.Linear) -> nn.Conv2d:
    conv = nn.Conv2d(linear.in_features, linear.out_features, 1)
    conv.weight = nn.Parameter(linear.weight.detach()[:, :, None, None])
    conv.bias = linear.bias
    return conv
