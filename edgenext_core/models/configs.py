"""The networks of the EdgeNeXt family, each as one small record."""

from dataclasses import dataclass, replace

PerStage = tuple[int, ...]


@dataclass(frozen=True)
class EdgeNeXtConfig:
    """
    What distinguishes one EdgeNeXt from another; a tuple has one entry for each of the 4 stages.

    :param widths: channels
    :param depths: blocks, both kinds together
    :param heads: attention heads
    :param kernel_sizes: side of the depthwise kernels of the convolution blocks
    :param sdta_blocks: how many of the blocks are SDTA blocks
    :param sdta_first: whether these come before the convolution blocks instead of after them
    :param splits: chunks of channels in an SDTA block
    :param position_encoding: whether the SDTA blocks have a position encoding
    :param norm: 'layer' (with GELU) or 'batch' (with Hardswish)
    :param downsampling: 'patch' (4x4 stem and 2x2 convolutions between the stages) or 'overlap'
        (9x9 stem, and the first block of a stage has a strided depthwise convolution)
    :param conv_bias: whether the convolutions have a bias
    :param sdta_conv_bias: whether those inside an SDTA block have one
    :param pad_all_sides: whether a downsampling that an output stride below 32 keeps dense has
        zeros on all four sides, so that the map grows, instead of keeping every position in place
    """

    widths: PerStage
    depths: PerStage = (3, 3, 9, 3)
    heads: int = 8
    kernel_sizes: PerStage = (3, 5, 7, 9)
    sdta_blocks: PerStage = (0, 1, 1, 1)
    sdta_first: bool = False
    splits: PerStage = (2, 2, 3, 4)
    position_encoding: tuple[bool, ...] = (False, True, False, False)
    norm: str = 'layer'
    downsampling: str = 'patch'
    conv_bias: bool = True
    sdta_conv_bias: bool = True
    pad_all_sides: bool = False


XX_SMALL = EdgeNeXtConfig(widths=(24, 48, 88, 168), depths=(2, 2, 6, 2), heads=4)
X_SMALL = EdgeNeXtConfig(widths=(32, 64, 100, 192), heads=4)
SMALL = EdgeNeXtConfig(widths=(48, 96, 160, 304))
BASE = EdgeNeXtConfig(widths=(80, 160, 288, 584))
SMALL_RW = EdgeNeXtConfig(widths=(48, 96, 192, 384), downsampling='overlap', conv_bias=False,
                          sdta_conv_bias=False)


def _with_batch_norm(config: EdgeNeXtConfig) -> EdgeNeXtConfig:
    return replace(config, norm='batch', conv_bias=False)


BACKBONES: dict[str, EdgeNeXtConfig] = {
    'edgenext_xx_small': XX_SMALL,
    'edgenext_x_small': X_SMALL,
    'edgenext_small': SMALL,
    'edgenext_base': BASE,
    'edgenext_xx_small_bn_hs': _with_batch_norm(XX_SMALL),
    'edgenext_x_small_bn_hs': _with_batch_norm(X_SMALL),
    'edgenext_small_bn_hs': _with_batch_norm(SMALL),
    'edgenext_small_rw': SMALL_RW,
}
"""The published networks (Tables 1 and 2, Fig. 3) and timm's ``small_rw``, by name."""


def _sdta_at(*blocks: int) -> EdgeNeXtConfig:
    # The paper does not say where the encoding goes when stage 2 has no SDTA block: it goes to
    # the first stage that has one.
    first = next(stage for stage, count in enumerate(blocks) if count)
    return replace(SMALL, sdta_blocks=blocks,
                   position_encoding=tuple(stage == first for stage in range(4)))


NO_SDTA = replace(SMALL, sdta_blocks=(0, 0, 0, 0), position_encoding=(False,) * 4)
FIXED_BRANCHING = replace(SMALL, splits=(3, 3, 3, 3))

ABLATIONS: dict[str, EdgeNeXtConfig] = {
    'edgenext_small.no_sdta': NO_SDTA,
    'edgenext_small.fixed_kernels': replace(NO_SDTA, kernel_sizes=(7, 7, 7, 7)),
    'edgenext_small.fixed_branching': FIXED_BRANCHING,
    'edgenext_small.no_pe': replace(FIXED_BRANCHING, position_encoding=(False,) * 4),
    'edgenext_small.sdta_0003': _sdta_at(0, 0, 0, 3),
    'edgenext_small.sdta_0093': _sdta_at(0, 0, 9, 3),
    'edgenext_small.sdta_0001': _sdta_at(0, 0, 0, 1),
    'edgenext_small.sdta_0011': _sdta_at(0, 0, 1, 1),
    'edgenext_small.sdta_1111': replace(SMALL, sdta_blocks=(1, 1, 1, 1)),
    'edgenext_small.sdta_first': replace(SMALL, sdta_first=True),
}
"""The rows of Tables 7 to 10. The rows of Table 7 add up: ``fixed_kernels`` has no SDTA block
either, ``no_pe`` has fixed branching too (3 chunks, a guess: the paper gives no number)."""

TABLE6 = replace(SMALL, pad_all_sides=True)
"""
The encoder that gives the 8.7G multiply-adds of Table 6.

The last map of a 512x512 image is 33x33 instead of 32x32, the only simple way to that figure. It
is here to reproduce it: what to train and deploy is ``SMALL``, with the same weights.
"""
