"""
What a model says of itself: task, input, classes, colours, default settings.

The card travels inside the ONNX file, so that a robot needs one path and no settings; reading and
writing it is ``card_file``'s.
"""

from typing import Any, Dict, NamedTuple, Tuple

from edgenext_core.runtime.errors import ModelCardError
from edgenext_core.runtime.settings import Settings

RESIZE_RULES = ('stretch', 'letterbox', 'center_crop')
TARGETS = ('cpu', 'tensorrt', 'jetson-nano')
"""What a model can be exported for."""
PRECISIONS = ('float32', 'float16', 'int8')
INPUT_DTYPES = ('uint8', 'float32')
LAYOUT = 'NHWC'
INPUT_NAME = 'image'
"""The name of an exported graph's input."""
PAD_VALUE = 114
"""What fills a letterbox's border, 0 to 255, unless a card says otherwise."""
RE_EXPORT = 're-export the model with: edgenext export'


class InputSpec(NamedTuple):
    """
    The network's input: BGR, 0 to 255, of shape (``batch``, ``height``, ``width``, 3).

    ``resize`` is the rule that brings a frame to this size, one of ``RESIZE_RULES``;
    ``pad_value``, 0 to 255, fills a letterbox's border. ``dtype`` is one of ``INPUT_DTYPES``;
    ``layout`` is always ``LAYOUT``.
    """

    name: str
    height: int
    width: int
    resize: str
    pad_value: int = PAD_VALUE
    dtype: str = 'uint8'
    layout: str = LAYOUT
    batch: int = 1


class Normalization(NamedTuple):
    """Mean and deviation per channel, RGB on the scale 0 to 255; the graph applies them."""

    mean: Tuple[float, ...]
    std: Tuple[float, ...]


class ExportInfo(NamedTuple):
    """
    How a file came to be.

    ``target`` is one of ``TARGETS``, ``precision`` of ``PRECISIONS``; ``checkpoint_sha256`` the
    hexadecimal digest of the file with the trained weights, '' where nobody knows it;
    ``versions`` are those of the packages that took part, by name.
    """

    target: str
    precision: str
    checkpoint_sha256: str
    versions: Dict[str, str]


class ModelCard(NamedTuple):
    """
    A model's description of itself.

    ``labels[i]`` and ``colors_rgb[i]`` belong to class i; a detector's background is not listed.
    ``defaults`` are the settings of its task that it was made for. ``outputs`` are the names of
    the graph's outputs, one of the task's ``output_forms``. ``accuracy`` is what was measured, and
    on what; it and ``training`` are free-form.
    """

    task: str
    architecture: str
    labels: Tuple[str, ...]
    colors_rgb: Tuple[Tuple[int, int, int], ...]
    input: InputSpec
    normalization: Normalization
    defaults: Settings
    training: Dict[str, Any]
    outputs: Tuple[str, ...]
    export: ExportInfo
    accuracy: Dict[str, Any]


def require_task(card: ModelCard, task: str) -> None:
    """
    Check that a card is for a task.

    :param card: the card
    :param task: the name of a task
    :raises ModelCardError: when the card is for another one
    """
    if card.task != task:
        raise ModelCardError(f'the model {card.architecture} is for {card.task}, expected one for '
                             f'{task}; choose another model file')
