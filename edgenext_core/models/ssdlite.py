"""SSDLite on EdgeNeXt: six feature maps, and boxes and classes predicted at their anchors."""

import torch
from torch import nn

from edgenext_core.models.anchors import (
    PAPER_SCALES,
    anchors_per_position,
    make_anchors,
    map_sizes_of,
)
from edgenext_core.models.edgenext import EdgeNeXt

HEAD_CHANNELS = (512, 256, 256, 128, 128, 64)


class SeparableConv(nn.Sequential):
    """A depthwise 3x3 convolution with batch normalisation, then a 1x1 convolution."""

    def __init__(self, in_channels: int, channels: int, *, stride: int = 1,
                 normalize: bool = True):
        layers = [
            nn.Conv2d(in_channels, in_channels, 3, stride=stride, padding=1, groups=in_channels,
                      bias=False),
            nn.BatchNorm2d(in_channels),
            nn.Conv2d(in_channels, channels, 1, bias=not normalize),
        ]
        if normalize:
            layers += [nn.BatchNorm2d(channels), nn.ReLU()]
        super().__init__(*layers)


class PooledLevel(nn.Sequential):
    """The last feature map: one position that has seen the whole image."""

    def __init__(self, in_channels: int, channels: int):
        super().__init__(nn.AdaptiveAvgPool2d(1),
                         nn.Conv2d(in_channels, channels, 1, bias=False), nn.ReLU())


class LevelHead(nn.Module):
    """Predict, at every position of one level, each anchor's box offsets and class logits."""

    def __init__(self, in_channels: int, channels: int, *, anchors: int, outputs: int,
                 pooled: bool):
        super().__init__()
        self.outputs = outputs
        if pooled:
            self.proj: nn.Module = nn.Identity()
            self.predict: nn.Module = nn.Conv2d(in_channels, anchors * outputs, 1)
            return
        if in_channels == channels:
            self.proj = nn.Identity()
        else:
            self.proj = nn.Sequential(nn.Conv2d(in_channels, channels, 1, bias=False),
                                      nn.BatchNorm2d(channels), nn.ReLU())
        self.predict = SeparableConv(channels, anchors * outputs, normalize=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        Predict at one level.

        :param x: (B, C, H, W)
        :return: (B, H * W * anchors, outputs), row by row, position by position
        """
        x = self.predict(self.proj(x)).permute(0, 2, 3, 1)  # (B, H, W, anchors * outputs)
        return x.reshape(x.shape[0], -1, self.outputs)


class SSDLite(nn.Module):
    """
    The detector: an encoder, four more feature maps and a light head on each of the six.

    Any input of at least 32 pixels a side works; the anchors follow the real size of the maps.
    The paper's input is 320x320: 3232 anchors.

    Source: Table 5; heads and anchors are those of MobileViT's detector, in which the authors
    trained (spelled out nowhere in the paper), and reproduce its 6.2 million parameters.
    """

    def __init__(self, backbone: EdgeNeXt, *, num_classes: int = 80,
                 anchor_scales: tuple[float, float] = PAPER_SCALES):
        """
        Make the detector.

        :param backbone: an encoder made with ``features_only``
        :param num_classes: classes without the background
        :param anchor_scales: first and last of the anchors' scales, as shares of the image. Small
            objects want a smaller first one
        """
        super().__init__()
        self.backbone = backbone
        self.anchor_scales = (float(anchor_scales[0]), float(anchor_scales[1]))
        stride_16, stride_32 = backbone.config.widths[2:]
        self.extras = nn.ModuleList((
            SeparableConv(stride_32, 256, stride=2),
            SeparableConv(256, 128, stride=2),
            SeparableConv(128, 128, stride=2),
            PooledLevel(128, 64),
        ))
        inputs = (stride_16, stride_32, 256, 128, 128, 64)
        levels = zip(inputs, HEAD_CHANNELS, anchors_per_position())
        self.heads = nn.ModuleList(
            LevelHead(in_channels, channels, anchors=anchors, outputs=4 + 1 + num_classes,
                      pooled=level == len(inputs) - 1)
            for level, (in_channels, channels, anchors) in enumerate(levels))
        self.extras.apply(_init_weights)
        self.heads.apply(_init_weights)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """
        Predict boxes and classes at every anchor.

        :param x: normalised RGB images (B, 3, H, W), H and W at least 32
        :return: ``class_logits`` (B, A, 1 + K), index 0 is the background;
            ``box_deltas`` (B, A, 4), offsets of center and size for
            :func:`anchors.decode_boxes`, which gives xyxy;
            ``anchors_cxcywh`` (A, 4) float32, center x, center y, width and height, shares of
            the image, 0 to 1
        """
        features = list(self.backbone(x)[2:])  # (B, C, H / 16, W / 16), (B, C, H / 32, W / 32)
        for extra in self.extras:
            features.append(extra(features[-1]))  # half the size each, the last one 1x1
        levels = [head(feature) for head, feature in zip(self.heads, features)]
        predictions = torch.cat(levels, dim=1)  # (B, A, 4 + 1 + K)
        return {
            'class_logits': predictions[..., 4:],
            'box_deltas': predictions[..., :4],
            'anchors_cxcywh': make_anchors(map_sizes_of(features), self.anchor_scales, x.device),
        }


def _init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
