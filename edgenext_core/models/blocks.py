"""EdgeNeXt's two blocks, and the way from one stage to the next."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import StochasticDepth

from edgenext_core.models.errors import ModelError
from edgenext_core.models.layers import (
    CrossCovarianceAttention,
    FourierPositionEncoding,
    Mlp,
    scale_channels,
)

MLP_RATIO = 4

NormLayer = Callable[[int], nn.Module]
"""Makes the normalisation of a (B, C, H, W) map from its number of channels."""


class ConvBlock(nn.Module):
    """
    Mix places with a depthwise convolution, then channels with an MLP, and add the input.

    With a stride, or with more output than input channels, the shortcut starts behind the
    convolution: that is how timm's small_rw downsamples.

    Source: equation 1 and Fig. 2. The paper's equation puts the activation behind the second
    linear layer; the authors' code, followed here, has it between the two.
    """

    def __init__(self, in_channels: int, channels: int, *, kernel_size: int, stride: int,
                 dilation: int, bias: bool, norm: NormLayer, activation: Callable[[], nn.Module],
                 layer_scale_init: float, drop_path: float):
        super().__init__()
        self.shortcut_after_conv = stride > 1 or in_channels != channels
        self.conv_dw = nn.Conv2d(in_channels, channels, kernel_size, stride=stride,
                                 padding=dilation * (kernel_size // 2), dilation=dilation,
                                 groups=in_channels, bias=bias)
        self.norm = norm(channels)
        self.mlp = Mlp(channels, hidden=MLP_RATIO * channels, activation=activation())
        self.gamma = nn.Parameter(torch.full((channels,), layer_scale_init))
        self.drop_path = _drop_path(drop_path)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        Run the block.

        :param x: (B, C_in, H, W)
        :return: (B, C, H / stride, W / stride)
        """
        mixed = self.conv_dw(x)  # (B, C, H / stride, W / stride)
        shortcut = mixed if self.shortcut_after_conv else x
        mixed = self.norm(mixed).permute(0, 2, 3, 1)  # channels last, as linear layers want them
        mixed = scale_channels(self.mlp(mixed), self.gamma)
        return shortcut + self.drop_path(mixed.permute(0, 3, 1, 2))


class SDTABlock(nn.Module):
    """
    Split depth-wise transpose attention: multi-scale convolutions, then attention over channels.

    The channels are split into chunks; each chunk but the last goes through a depthwise 3x3
    convolution after the previous chunk's result has been added to it, so later chunks see
    farther. Then cross-covariance attention mixes the channels of the whole map, and an MLP
    without a shortcut of its own gives what is added to the block's input.

    With batch normalisation the stream that attention adds to is the normalised one
    (``normalized_stream``), as in the authors' ``_bn_hs`` networks.

    Source: equations 2 to 4 and Fig. 2. The paper leaves the first chunk untouched and adds the
    position encoding in front of the block; the authors' code, followed here, leaves the last
    chunk untouched and adds the encoding behind the convolutions, where the shortcut does not
    carry it.
    """

    def __init__(self, channels: int, *, splits: int, heads: int, dilation: int, bias: bool,
                 position_encoding: bool, norm: NormLayer, activation: Callable[[], nn.Module],
                 normalized_stream: bool, layer_scale_init: float, drop_path: float):
        """
        Make the block.

        :raises ModelError: when the channels cannot be split so that every chunk has some
        """
        super().__init__()
        self.chunk = math.ceil(channels / splits)
        if splits < 2 or self.chunk * (splits - 1) >= channels:
            raise ModelError(
                f'{channels} channels cannot be split into {splits} chunks of {self.chunk}, '
                'the last one smaller but not empty; use 2 or more splits that leave a rest')
        self.convs = nn.ModuleList(
            nn.Conv2d(self.chunk, self.chunk, 3, padding=dilation, dilation=dilation,
                      groups=self.chunk, bias=bias)
            for _ in range(splits - 1))
        self.pos_embd = FourierPositionEncoding(channels) if position_encoding else None
        self.normalized_stream = normalized_stream
        self.norm_xca = norm(channels)
        self.gamma_xca = nn.Parameter(torch.full((channels,), layer_scale_init))
        self.xca = CrossCovarianceAttention(channels, heads=heads)
        self.norm = norm(channels)
        self.mlp = Mlp(channels, hidden=MLP_RATIO * channels, activation=activation())
        self.gamma = nn.Parameter(torch.full((channels,), layer_scale_init))
        self.drop_path = _drop_path(drop_path)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        Run the block.

        :param x: (B, C, H, W)
        :return: (B, C, H, W)
        """
        stream = self._convolve_chunks(x)  # (B, C, H, W)
        if self.normalized_stream:
            stream = self.norm_xca(stream)
        if self.pos_embd is not None:
            stream = stream + self.pos_embd(x.shape[2], x.shape[3])  # + (1, C, H, W)

        attended = stream if self.normalized_stream else self.norm_xca(stream)
        tokens = attended.flatten(2).transpose(1, 2)  # (B, H * W, C)
        tokens = scale_channels(self.xca(tokens), self.gamma_xca)
        attended = tokens.transpose(1, 2).reshape(x.shape)  # (B, C, H, W)
        stream = stream + self.drop_path(attended)

        mixed = self.norm(stream).permute(0, 2, 3, 1)  # (B, H, W, C)
        mixed = scale_channels(self.mlp(mixed), self.gamma)
        return x + self.drop_path(mixed.permute(0, 3, 1, 2))

    def _convolve_chunks(self, x: torch.Tensor) -> torch.Tensor:
        # Slices with constant borders: torch.split of uneven chunks has failed in ONNX.
        done: list[torch.Tensor] = []
        for index, conv in enumerate(self.convs):
            chunk = x[:, index * self.chunk:(index + 1) * self.chunk]  # (B, chunk, H, W)
            done.append(conv(chunk + done[-1] if done else chunk))
        done.append(x[:, len(self.convs) * self.chunk:])  # (B, what is left, H, W)
        return torch.cat(done, dim=1)


def _drop_path(rate: float) -> nn.Module:
    return StochasticDepth(rate, 'row') if rate > 0 else nn.Identity()


class DenseDownsampleConv(nn.Conv2d):
    """
    The 2x2 convolution in front of a stage, kept at stride 1 for a smaller output stride.

    Zeros at the right and at the bottom keep the size, and every position that the strided
    convolution has is bit-identical to it. ``dilation`` is the distance, on this map, between
    what were neighbours in the strided network. With ``pad_all_sides`` there are zeros at the
    left and at the top as well, and the map grows by ``dilation``.
    """

    def __init__(self, in_channels: int, channels: int, *, dilation: int, bias: bool,
                 pad_all_sides: bool):
        super().__init__(in_channels, channels, 2, dilation=dilation, bias=bias)
        before = dilation if pad_all_sides else 0
        self.margins = (before, dilation, before, dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        Convolve without making the map smaller.

        :param x: (B, C_in, H, W)
        :return: (B, C, H, W), or (B, C, H + dilation, W + dilation) with ``pad_all_sides``
        """
        return super().forward(F.pad(x, self.margins))  # left, right, top, bottom
