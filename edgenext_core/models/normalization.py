"""From a camera's bytes to a network's input."""

import torch
from torch import Tensor, nn

IMAGENET_MEAN = (123.675, 116.28, 103.53)
"""Mean of red, green and blue over ImageNet, 0 to 255."""
IMAGENET_STD = (58.395, 57.12, 57.375)
"""Standard deviation of red, green and blue over ImageNet, 0 to 255."""


class FrameNormalization(nn.Module):
    """
    Turn BGR bytes into normalised RGB.

    The cast comes first, since TensorRT takes bytes at the border of a network only.
    """

    def __init__(self) -> None:
        super().__init__()
        mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
        self.register_buffer('scale', (1 / std).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('shift', (-mean / std).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """
        Normalise a batch of frames.

        :param image: (B, H, W, 3) uint8 BGR
        :return: (B, 3, H, W) float32 RGB
        """
        planes = image.float().permute(0, 3, 1, 2)
        rgb = torch.cat((planes[:, 2:3], planes[:, 1:2], planes[:, 0:1]), dim=1)
        return rgb * self.scale + self.shift


class FrameLayout(nn.Module):
    """
    Turn BGR bytes into planes, for a network into whose stem normalisation and order are folded.

    The cast comes first, as in :class:`FrameNormalization`.
    """

    def forward(self, image: Tensor) -> Tensor:
        """
        Bring a batch of frames into the network's layout.

        :param image: (B, H, W, 3) uint8 BGR
        :return: (B, 3, H, W) float32 BGR, 0 to 255
        """
        return image.float().permute(0, 3, 1, 2)


class FrameRows(nn.Module):
    """Turn BGR bytes into one wide plane, for a network that reads images as they lie."""

    def forward(self, image: Tensor) -> Tensor:
        """
        Look at a batch of frames as rows of numbers.

        :param image: (B, H, W, 3) uint8 BGR
        :return: (B, 1, H, 3 * W) float32, blue, green and red of each pixel, 0 to 255
        """
        return image.float().reshape(image.shape[0], 1, image.shape[1], -1)
