"""From a checkpoint to a file that a node can open."""

from pathlib import Path
from typing import Any, NamedTuple

from edgenext_core import __version__
from edgenext_core.export.graphs import folded_graph, plain_graph
from edgenext_core.export.onnx_file import halve_weights, to_onnx, write_model
from edgenext_core.export.parity import (
    HALF_MASK_TOLERANCE,
    HALF_TOLERANCE,
    MASK_TOLERANCE,
    TOLERANCE,
    largest_difference,
    make_probes,
    require_parity,
    run_onnx,
    run_torch,
)
from edgenext_core.labels import LabelSet
from edgenext_core.models import create_model, load_checkpoint
from edgenext_core.models.checkpoints import read_run
from edgenext_core.models.normalization import IMAGENET_MEAN, IMAGENET_STD
from edgenext_core.runtime.model_card import InputSpec, ModelCard, Normalization

_PAD_VALUE = 114
_PROBES = 3
_DEFAULTS: dict[str, dict[str, Any]] = {
    'classification': {'top_k': 5},
    'detection': {'score_threshold': 0.3, 'nms_iou': 0.5, 'max_detections': 100},
    'segmentation': {},
}


class ExportReport(NamedTuple):
    """
    What an export measured.

    ``parity`` is the largest difference between PyTorch and ONNX Runtime in float32;
    ``half_parity`` that between float32 and float16 storage, None if the file is float32;
    ``size_bytes`` the file's size.
    """

    parity: float
    half_parity: float | None
    size_bytes: int


def export(
    checkpoint_path: Path, out: Path, *, half: bool = True,
    input_size: tuple[int, int] | None = None,
) -> ExportReport:
    """
    Write a trained model as an ONNX file with its card.

    :param checkpoint_path: what a training run left; its averaged weights are exported.
    :param out: the file to write.
    :param half: store the large weights in float16.
    :param input_size: height and width in pixels; None takes the recipe's.
    :return: what was measured.
    :raises CheckpointError: if the checkpoint cannot be read or is not of a training run.
    :raises ParityError: if the file would not compute what the network computes.
    """
    checkpoint = read_run(checkpoint_path)
    recipe = checkpoint['recipe']
    height, width = input_size or recipe['input_size']
    model = create_model(
        recipe['model'], num_classes=len(checkpoint['labels']['names']),
        **recipe['model_options']).eval()
    load_checkpoint(model, checkpoint_path)
    probes = make_probes(_PROBES, height=height, width=width)
    expected = run_torch(plain_graph(recipe['task'], model), probes)
    onnx_model = to_onnx(
        folded_graph(recipe['task'], model, height=height, width=width),
        height=height, width=width)

    masks = recipe['task'] == 'segmentation'
    in_float = run_onnx(onnx_model, probes)
    parity = largest_difference(expected, in_float)
    require_parity(parity, MASK_TOLERANCE if masks else TOLERANCE, 'PyTorch and ONNX Runtime')
    half_parity = None
    if half:
        onnx_model = halve_weights(onnx_model)
        half_parity = largest_difference(in_float, run_onnx(onnx_model, probes))
        require_parity(
            half_parity, HALF_MASK_TOLERANCE if masks else HALF_TOLERANCE,
            'float32 and float16 weights')
    card = _make_card(checkpoint, (height, width))
    write_model(onnx_model, card, out)
    return ExportReport(parity, half_parity, Path(out).stat().st_size)


def _make_card(checkpoint: dict[str, Any], size: tuple[int, int]) -> ModelCard:
    recipe = checkpoint['recipe']
    labels = LabelSet(**checkpoint['labels'])
    return ModelCard(
        task=recipe['task'],
        architecture=recipe['model'],
        labels=labels.names,
        colors_rgb=labels.colors_rgb,
        input=InputSpec('image', *size, recipe['resize'], _PAD_VALUE),
        normalization=Normalization(IMAGENET_MEAN, IMAGENET_STD),
        defaults={**_DEFAULTS[recipe['task']], **recipe['card_defaults']},
        training={
            'version': __version__,
            'recipe': recipe,
            'validation': checkpoint['metrics'],
        },
    )
