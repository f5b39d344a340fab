"""EdgeNeXt: convolution blocks in four stages, each ending with attention over channels."""

from typing import Any

import torch
from torch import nn

from edgenext_core.models.blocks import ConvBlock, DenseDownsampleConv, NormLayer, SDTABlock
from edgenext_core.models.configs import EdgeNeXtConfig
from edgenext_core.models.errors import ModelError
from edgenext_core.models.layers import GELU, Hardswish, LayerNorm2d

SMALLEST_SIDE_PX = 32
STAGES = 4


class ClassifierHead(nn.Module):
    """
    Pool a map, normalise and classify.

    Layer normalisation sees the pooled vector, batch normalisation the map before pooling.
    """

    def __init__(self, channels: int, *, num_classes: int, norm: nn.Module, dropout: float):
        super().__init__()
        self.norm = norm
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        Classify a map.

        :param x: (B, C, H, W)
        :return: logits (B, K)
        """
        if isinstance(self.norm, nn.BatchNorm2d):
            pooled = self.norm(x).mean((2, 3))
        else:
            pooled = self.norm(x.mean((2, 3), keepdim=True)).flatten(1)
        return self.fc(self.dropout(pooled))


class Stage(nn.Module):
    """The downsampling in front of a stage, if it has one of its own, and the stage's blocks."""

    def __init__(self, downsample: nn.Module, blocks: list[nn.Module]):
        super().__init__()
        self.downsample = downsample
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        Run the stage.

        :param x: (B, C_in, H, W)
        :return: (B, C, H / stride, W / stride)
        """
        return self.blocks(self.downsample(x))


class EdgeNeXt(nn.Module):
    """
    The network, as a classifier or, with ``features_only``, as a pyramid of features.

    Names of parameters are those of timm's model of the same name.

    An output stride of 16 (8) keeps the last stage (two stages) at the resolution of the one
    before. The convolutions are dilated so that they read the same pixels as before: up to the
    first SDTA block of such a stage, the positions that the strided network has are equal to it
    to rounding. Attention then averages over four times as many tokens, which changes the result
    by a fraction of a percent.

    A side that is no multiple of 32 works: what does not fill a patch at the right or at the
    bottom is not seen, as in the authors' code.

    Source: section 3, Table 1.
    """

    def __init__(self, config: EdgeNeXtConfig, *, num_classes: int = 1000,
                 drop_path_rate: float = 0.0, dropout: float = 0.0, output_stride: int = 32,
                 features_only: bool = False, layer_scale_init: float = 1e-6):
        """
        Make the network with weights drawn as in the authors' code.

        :param config: what network
        :param num_classes: classes of the classifier
        :param drop_path_rate: probability with which the last block is skipped in training; it
            grows linearly from 0 at the first one
        :param dropout: probability of dropout in front of the classifier
        :param output_stride: pixels of the image between two positions of the last map: 8, 16 or
            32
        :param features_only: have no classifier
        :param layer_scale_init: first value of the layer scales. The paper's 1e-6 needs a long
            training; short ones want something like 0.1
        """
        super().__init__()
        self.config = config
        self.features_only = features_only
        self.stem = _stem(config)
        rates = drop_path_rates(config.depths, drop_path_rate)
        stages = []
        for stage, (stride, dilation, dilation_before) in enumerate(_grids(output_stride)):
            stages.append(_stage(config, stage, stride=stride, dilation=dilation,
                                 dilation_before=dilation_before, drop_path=rates[stage],
                                 layer_scale_init=layer_scale_init))
        self.stages = nn.ModuleList(stages)
        if not features_only:
            self.head = ClassifierHead(config.widths[-1], num_classes=num_classes,
                                       norm=_norm(config)(config.widths[-1]), dropout=dropout)
        self.apply(_init_weights)

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """
        Classify images, or with ``features_only`` give their features.

        :param x: normalised RGB images (B, 3, H, W), H and W at least 32
        :return: logits (B, K); or the outputs of the 4 stages (B, widths[i], H / s, W / s), s
            being 4, 8, 16, 32 up to the output stride, rounded down
        :raises ModelError: when the images are smaller than 32 pixels
        """
        # A trace has one size, which whoever asks for it has checked.
        if not torch.jit.is_tracing():
            require_size(x.shape[2], x.shape[3])
        x = self.stem(x)  # (B, widths[0], H / 4, W / 4)
        features = []
        for stage in self.stages:
            x = stage(x)  # (B, widths[i], H / s, W / s)
            features.append(x)
        return tuple(features) if self.features_only else self.head(x)


def require_size(height: int, width: int) -> None:
    """
    Check that images are large enough for the network.

    :param height: in pixels
    :param width: in pixels
    :raises ModelError: when one of them is below 32
    """
    if min(height, width) < SMALLEST_SIDE_PX:
        raise ModelError(f'images are {height}x{width} pixels, smaller than '
                         f'{SMALLEST_SIDE_PX}x{SMALLEST_SIDE_PX}; use larger ones')


def drop_path_rates(depths: tuple[int, ...], rate: float) -> list[list[float]]:
    """
    Spread drop path linearly over all blocks of a network.

    :param depths: blocks of each stage
    :param rate: rate of the last block
    :return: for each stage the rates of its blocks; the first is 0
    """
    last = max(1, sum(depths) - 1)
    rates = [rate * block / last for block in range(sum(depths))]
    return [rates[sum(depths[:stage]):sum(depths[:stage + 1])] for stage in range(len(depths))]


def _grids(output_stride: int) -> list[tuple[int, int, int]]:
    """
    Give for each stage: stride of its downsampling, dilation inside, dilation before it.

    A stage that keeps its resolution (stride 1) reads every second position instead: its own
    convolutions are dilated by twice what those in front of it are. Output stride 32 gives
    [(1, 1, 1), (2, 1, 1), (2, 1, 1), (2, 1, 1)], output stride 8
    [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 4, 2)].
    """
    grids = []
    reached, dilation = 4, 1  # stride of the image so far; that of the stem is 4
    for stage in range(STAGES):
        before = dilation
        stride = 1 if stage == 0 or reached >= output_stride else 2
        reached *= stride
        if stage > 0 and stride == 1:
            dilation *= 2
        grids.append((stride, dilation, before))
    return grids


def _norm(config: EdgeNeXtConfig) -> NormLayer:
    return nn.BatchNorm2d if config.norm == 'batch' else LayerNorm2d


def _stem(config: EdgeNeXtConfig) -> nn.Sequential:
    kernel_size, padding = (9, 4) if config.downsampling == 'overlap' else (4, 0)
    conv = nn.Conv2d(3, config.widths[0], kernel_size, stride=4, padding=padding,
                     bias=config.conv_bias)
    return nn.Sequential(conv, _norm(config)(config.widths[0]))


def _downsample(config: EdgeNeXtConfig, stage: int, *, stride: int, dilation: int) -> nn.Module:
    if stage == 0 or config.downsampling == 'overlap':
        return nn.Identity()
    before, channels = config.widths[stage - 1:stage + 1]
    if stride == 1:
        conv: nn.Module = DenseDownsampleConv(
            before, channels, dilation=dilation, bias=config.conv_bias,
            pad_all_sides=config.pad_all_sides)
    else:
        conv = nn.Conv2d(before, channels, 2, stride=2, bias=config.conv_bias)
    return nn.Sequential(_norm(config)(before), conv)


def _stage(config: EdgeNeXtConfig, stage: int, *, stride: int, dilation: int,
           dilation_before: int, drop_path: list[float], layer_scale_init: float) -> Stage:
    channels = config.widths[stage]
    depth, sdta_blocks = config.depths[stage], config.sdta_blocks[stage]
    common: dict[str, Any] = {
        'norm': _norm(config),
        'activation': Hardswish if config.norm == 'batch' else GELU,
        'layer_scale_init': layer_scale_init,
    }
    blocks: list[nn.Module] = []
    for index in range(depth):
        is_sdta = index < sdta_blocks if config.sdta_first else index >= depth - sdta_blocks
        if is_sdta:
            blocks.append(SDTABlock(
                channels, splits=config.splits[stage], heads=config.heads, dilation=dilation,
                bias=config.sdta_conv_bias, position_encoding=config.position_encoding[stage],
                normalized_stream=config.norm == 'batch', drop_path=drop_path[index], **common))
            continue
        strided = index == 0 and stage > 0 and config.downsampling == 'overlap'
        blocks.append(ConvBlock(
            config.widths[stage - 1] if strided else channels, channels,
            kernel_size=config.kernel_sizes[stage], stride=stride if strided else 1,
            dilation=dilation_before if strided else dilation, bias=config.conv_bias,
            drop_path=drop_path[index], **common))
    downsample = _downsample(config, stage, stride=stride, dilation=dilation_before)
    return Stage(downsample, blocks)


def _init_weights(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
