"""The layers that EdgeNeXt's blocks are made of. Maps are (B, C, H, W), tokens (B, N, C)."""

import math

import torch
import torch.nn.functional as F
from torch import nn

LAYER_NORM_EPS = 1e-6


class LayerNorm2d(nn.Module):
    """
    Normalise every pixel of a (B, C, H, W) map over its channels.

    One fused ``layer_norm`` on permuted data: it exports as ONNX LayerNormalization, which does
    not overflow in float16 as the written-out mean and variance of the authors' code do, and it
    leaves the map in channels-last memory, in which the blocks' permutations cost nothing.
    ``weight`` and ``bias`` are None once they are folded into the next layer.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        Normalise a map.

        :param x: (B, C, H, W)
        :return: (B, C, H, W)
        """
        x = F.layer_norm(x.permute(0, 2, 3, 1), (self.channels,), self.weight, self.bias,
                         LAYER_NORM_EPS)
        return x.permute(0, 3, 1, 2)


def scale_channels(x: torch.Tensor, scale: torch.Tensor | None) -> torch.Tensor:
    """
    Multiply by a layer scale.

    :param x: (..., C)
    :param scale: (C,), or None where it is folded into the layer before
    :return: (..., C)
    """
    return x if scale is None else scale * x


def may_overwrite() -> bool:
    """
    Tell whether a layer may write its result over its input.

    In plain inference the widest tensors of the network are not allocated a second time then,
    which saves a tenth of the time on a CPU.

    :return: False while gradients are recorded or the network is traced or compiled
    """
    return not (torch.is_grad_enabled() or torch.jit.is_tracing()
                or torch.compiler.is_compiling())


class GELU(nn.GELU):
    """The exact GELU, over its input in plain inference."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        Activate.

        :param x: any shape; not to be used afterwards
        :return: the same shape
        """
        return torch.ops.aten.gelu_(x) if may_overwrite() else super().forward(x)


class Hardswish(nn.Hardswish):
    """Hardswish, over its input in plain inference."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        Activate.

        :param x: any shape; not to be used afterwards
        :return: the same shape
        """
        return F.hardswish(x, inplace=may_overwrite())


class Mlp(nn.Module):
    """Two linear layers around an activation, on the last dimension."""

    def __init__(self, channels: int, *, hidden: int, activation: nn.Module):
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.act = activation
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        Expand, activate and project back.

        :param x: (..., C)
        :return: (..., C)
        """
        return self.fc2(self.act(self.fc1(x)))


class FourierPositionEncoding(nn.Module):
    """
    Give every place of a map a learned projection of the sines and cosines of its coordinates.

    The last row and the last column are at angle 2 pi whatever the size, so one encoding serves
    every resolution. Rows and columns enter the 1x1 projection separately and are added after
    it, which is the same sum with H + W instead of H * W * 2 sets of sines, so cheap that there
    is nothing to cache. Angles are computed in float32 and cast to the projection's dtype, which
    lets float16 and bfloat16 models run.

    Source: section 3.2; the frequencies are those of the authors' code.
    """

    FREQUENCIES = 32
    TEMPERATURE = 10000.0

    def __init__(self, channels: int):
        super().__init__()
        self.token_projection = nn.Conv2d(2 * self.FREQUENCIES, channels, kernel_size=1)

    def forward(self, height: int, width: int) -> torch.Tensor:
        """
        Encode the places of a map.

        :param height: rows of the map
        :param width: columns of the map
        :return: (1, C, height, width) in the projection's dtype
        """
        weight = self.token_projection.weight.flatten(1)  # (C, 2 * FREQUENCIES)
        rows = F.linear(self._axis_features(height), weight[:, :self.FREQUENCIES],
                        self.token_projection.bias)  # (height, C)
        columns = F.linear(self._axis_features(width), weight[:, self.FREQUENCIES:])  # (width, C)
        return (rows[:, None] + columns[None]).permute(2, 0, 1)[None]

    def _axis_features(self, size: int) -> torch.Tensor:
        weight = self.token_projection.weight
        steps = torch.arange(1, size + 1, device=weight.device, dtype=torch.float32)
        pairs = torch.arange(self.FREQUENCIES // 2, device=weight.device, dtype=torch.float32)
        periods = self.TEMPERATURE ** (2 * pairs / self.FREQUENCIES)
        angles = (steps / (size + 1e-6) * (2 * math.pi))[:, None] / periods  # (size, pairs)
        waves = torch.stack((angles.sin(), angles.cos()), dim=-1)  # (size, pairs, 2)
        return waves.flatten(1).to(weight.dtype)  # (size, FREQUENCIES)


class CrossCovarianceAttention(nn.Module):
    """
    Attend between channels instead of places: the attention map is d x d for each head.

    Queries and keys are normalised along the tokens, so the cost is linear in their number. The
    norm is computed in float32 even in a float16 network: a sum of squares over 1024 tokens
    overflows float16 once their root mean square passes 8, and the guard of 1e-12 against a zero
    norm is itself zero there.

    Source: equation 4; the learned temperature of each head is in the authors' code only.
    """

    def __init__(self, channels: int, *, heads: int):
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """
        Mix the channels of all tokens.

        :param tokens: (B, N, C)
        :return: (B, N, C)
        """
        batch, count, channels = tokens.shape
        qkv = self.qkv(tokens).reshape(batch, count, 3, self.heads, channels // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 4, 1).unbind(0)  # (B, heads, d, N) each
        attention = unit_norm(q) @ unit_norm(k).transpose(-2, -1)  # (B, heads, d, d)
        attention = (attention * self.temperature).softmax(dim=-1)
        mixed = attention @ v  # (B, heads, d, N)
        return self.proj(mixed.permute(0, 3, 1, 2).reshape(batch, count, channels))


def unit_norm(x: torch.Tensor) -> torch.Tensor:
    """
    Scale the vectors along the last dimension to length 1, zeros staying zero.

    :param x: (..., N)
    :return: (..., N) in the dtype of x, computed in float32
    """
    wide = x.float()
    return (wide / wide.norm(dim=-1, keepdim=True).clamp_min(1e-12)).to(x.dtype)
