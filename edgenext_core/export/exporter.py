"""From a trained network to a file that a node can open."""

from pathlib import Path
from typing import NamedTuple

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
from edgenext_core.export.trained_network import Source
from edgenext_core.models.normalization import IMAGENET_MEAN, IMAGENET_STD
from edgenext_core.runtime.model_card import (
    INPUT_NAME,
    InputSpec,
    ModelCard,
    Normalization,
)
from edgenext_core.runtime.settings import change_settings
from edgenext_core.runtime.tasks import TASKS

_PROBES = 3


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
    source: Source, out: Path, *, half: bool = True, input_size: tuple[int, int] | None = None,
) -> ExportReport:
    """
    Write a trained network as an ONNX file with its card.

    :param source: the network
    :param out: the file to write
    :param half: store the large weights in float16
    :param input_size: height and width in pixels; None takes the source's
    :return: what was measured
    :raises ParityError: if the file would not compute what the network computes
    """
    height, width = input_size or source.input_size
    probes = make_probes(_PROBES, height=height, width=width)
    expected = run_torch(plain_graph(source.task, source.model), probes)
    onnx_model = to_onnx(
        folded_graph(source.task, source.model, height=height, width=width),
        height=height, width=width)

    masks = source.task == 'segmentation'
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
    write_model(onnx_model, _make_card(source, (height, width)), out)
    return ExportReport(parity, half_parity, Path(out).stat().st_size)


def _make_card(source: Source, size: tuple[int, int]) -> ModelCard:
    task = TASKS[source.task]
    return ModelCard(
        task=source.task,
        architecture=source.architecture,
        labels=source.labels.names,
        colors_rgb=source.labels.colors_rgb,
        input=InputSpec(INPUT_NAME, *size, source.resize),
        normalization=Normalization(IMAGENET_MEAN, IMAGENET_STD),
        defaults=change_settings(task.default_settings, task.settings, source.defaults),
        training={'version': __version__, **source.training},
    )
