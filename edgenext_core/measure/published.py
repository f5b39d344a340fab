"""
What the authors of EdgeNeXt published of its speed, to stand beside ours.

A robot has no ``paper`` package, which counts networks with torch.
"""

from typing import Dict, NamedTuple, Optional, Tuple

NANO = 'Jetson Nano, TensorRT FP16, batch 1'
A100 = 'A100, PyTorch, batch 256, an image'
INPUT_SIZE = 256
"""Height and width in pixels of what was timed."""


class Published(NamedTuple):
    """
    Times of one network.

    ``nano_ms`` is one inference on a Jetson Nano in milliseconds, None where nobody says;
    ``a100_us`` an image's share of a batch of 256 on an A100, in microseconds.

    Source: the paper's Tables 3 and 7 to 9; where those are silent, the frames per second in the
    comments of the authors' ``model.py``, which also say that the Nano ran TensorRT.
    """

    nano_ms: Optional[float]
    a100_us: float


PUBLISHED: Dict[str, Published] = {
    'edgenext_xx_small': Published(19.3, 142.0),
    'edgenext_x_small': Published(31.6, 227.0),
    'edgenext_small': Published(48.8, 332.0),
    'edgenext_xx_small_bn_hs': Published(None, 96.5),
    'edgenext_x_small_bn_hs': Published(None, 165.0),
    'edgenext_small_bn_hs': Published(None, 262.6),
}
"""By the name of the architecture."""


def find_published(architecture: str, size: Tuple[int, int]) -> Optional[Published]:
    """
    Look a network up.

    :param architecture: its name
    :param size: height and width of its input in pixels
    :return: what was published of it, None where there is nothing for this network and size
    """
    return PUBLISHED.get(architecture) if size == (INPUT_SIZE, INPUT_SIZE) else None
