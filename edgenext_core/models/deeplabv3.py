"""DeepLabv3 on EdgeNeXt: a dilated encoder and atrous spatial pyramid pooling."""

import torch
import torch.nn.functional as F
from torch import nn

from edgenext_core.models.edgenext import EdgeNeXt

RATES = (6, 12, 18)


class ConvBNReLU(nn.Sequential):
    """A convolution that keeps the size, batch normalisation and ReLU."""

    def __init__(self, in_channels: int, channels: int, *, kernel_size: int = 1, rate: int = 1):
        super().__init__(
            nn.Conv2d(in_channels, channels, kernel_size, padding=rate * (kernel_size // 2),
                      dilation=rate, bias=False),
            nn.BatchNorm2d(channels), nn.ReLU())


class ASPP(nn.Module):
    """
    Atrous spatial pyramid pooling: look at one map with five fields of view at once.

    :param rates: dilations of the three 3x3 branches, in positions of the map
    """

    def __init__(self, in_channels: int, channels: int, *, rates: tuple[int, ...] = RATES,
                 dropout: float = 0.1):
        super().__init__()
        self.branches = nn.ModuleList([ConvBNReLU(in_channels, channels)])
        self.branches.extend(ConvBNReLU(in_channels, channels, kernel_size=3, rate=rate)
                             for rate in rates)
        self.pooled = ConvBNReLU(in_channels, channels)
        self.project = ConvBNReLU((len(self.branches) + 1) * channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        Run the five branches and merge them.

        :param x: (B, C_in, H, W)
        :return: (B, C, H, W)
        """
        views = [branch(x) for branch in self.branches]  # (B, C, H, W) each
        pooled = self.pooled(x.mean((2, 3), keepdim=True))  # (B, C, 1, 1)
        views.append(pooled.expand(-1, -1, x.shape[2], x.shape[3]))
        return self.dropout(self.project(torch.cat(views, dim=1)))


class DeepLabV3(nn.Module):
    """
    The segmenter: an encoder with output stride 16 (or 8 or 32), ASPP and a 1x1 classifier.

    There is no auxiliary head. The paper's input is 512x512.

    Source: Table 6. The authors name MobileViT's segmenter, whose ASPP has 256 channels, but
    their 6.5 million parameters are those of 128 channels.
    """

    def __init__(self, backbone: EdgeNeXt, *, num_classes: int = 21, aspp_channels: int = 128):
        """
        Make the segmenter.

        :param backbone: an encoder made with ``features_only`` and the output stride wanted
        :param num_classes: classes; in VOC the background is one of them
        :param aspp_channels: width of ASPP
        """
        super().__init__()
        self.backbone = backbone
        self.aspp = ASPP(backbone.config.widths[-1], aspp_channels)
        self.dropout = nn.Dropout2d(0.1)
        self.classifier = nn.Conv2d(aspp_channels, num_classes, 1)
        self.aspp.apply(_init_weights)
        self.classifier.apply(_init_weights)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """
        Give every pixel a logit for every class.

        :param x: normalised RGB images (B, 3, H, W), H and W at least 32
        :return: ``logits`` (B, K, H, W), resized bilinearly from the last map
        """
        return {'logits': F.interpolate(self.coarse_logits(x), size=x.shape[2:], mode='bilinear',
                                        align_corners=False)}

    def coarse_logits(self, x: torch.Tensor) -> torch.Tensor:
        """
        Give every place of the last map a logit for every class.

        :param x: normalised RGB images (B, 3, H, W), H and W at least 32
        :return: (B, K, H / stride, W / stride)
        """
        features = self.backbone(x)[-1]  # (B, C, H / stride, W / stride)
        return self.classifier(self.dropout(self.aspp(features)))


def masks_from_logits(logits: torch.Tensor, *, height: int, width: int) -> torch.Tensor:
    """
    Decide on a class for every pixel of the original image.

    The logits are resized, not the classes. MobileViT's evaluation, in whose code the authors
    worked, does the same with nearest neighbours; the paper does not say how its figure is made.

    :param logits: (B, K, H, W), what :class:`DeepLabV3` returns
    :param height: of the original image, pixels
    :param width: of the original image, pixels
    :return: class ids (B, height, width) int64
    """
    return F.interpolate(logits.float(), size=(height, width), mode='bilinear',
                         align_corners=False).argmax(1)


def _init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
        if module.bias is not None:
            nn.init.zeros_(module.bias)
