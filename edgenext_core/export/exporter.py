"""From a trained network to a file that a node can open."""

from pathlib import Path
from typing import NamedTuple

from edgenext_core import __version__
from edgenext_core.export.float16 import store_in_float16
from edgenext_core.export.graphs import GRAPHS, folded_graph, plain_graph
from edgenext_core.export.onnx_file import to_onnx, write_model
from edgenext_core.export.parity import (
    largest_difference,
    make_probes,
    require_parity,
    run_onnx,
    run_torch,
)
from edgenext_core.export.trained_network import TrainedNetwork
from edgenext_core.models.edgenext import require_size
from edgenext_core.models.normalization import IMAGENET_MEAN, IMAGENET_STD
from edgenext_core.runtime.card_file import card_to_json
from edgenext_core.runtime.model_card import (
    INPUT_NAME,
    ExportInfo,
    InputSpec,
    ModelCard,
    Normalization,
)
from edgenext_core.runtime.settings import change_settings
from edgenext_core.runtime.tasks import TASKS

PROBES = 3


class ExportReport(NamedTuple):
    """
    What an export measured.

    ``parity`` is the largest difference between PyTorch and ONNX Runtime, both in float32;
    ``storage_parity`` that between weights stored in float32 and in float16, None if the file's
    are float32; ``size_bytes`` the file's size.
    """

    parity: float
    storage_parity: float | None
    size_bytes: int


def export(
    trained: TrainedNetwork, out: Path, *, store_float16: bool = True,
    input_size: tuple[int, int] | None = None,
) -> ExportReport:
    """
    Write a trained network as an ONNX file with its card.

    :param trained: the network
    :param out: the file to write
    :param store_float16: store the large weights in float16; the arithmetic is float32 either way
    :param input_size: height and width in pixels, at least 32; None takes the network's own
    :return: what was measured
    :raises ModelError: if the input is too small
    :raises ModelCardError: if the network cannot be described by a card
    :raises ParityError: if the file would not compute what the network computes
    """
    height, width = input_size or trained.input_size
    require_size(height, width)
    card = _make_card(trained, height=height, width=width)
    card_to_json(card)  # refuses what is wrong with it before anything is computed
    row = GRAPHS[trained.task]
    probes = make_probes(PROBES, height=height, width=width)
    expected = run_torch(plain_graph(trained.task, trained.network), probes)
    model = to_onnx(
        folded_graph(trained.task, trained.network, height=height, width=width),
        height=height, width=width)
    in_float32 = run_onnx(model, probes)
    parity = largest_difference(expected, in_float32, row.difference)
    require_parity(parity, row.tolerance, 'PyTorch and ONNX Runtime')
    storage_parity = None
    if store_float16:
        model = store_in_float16(model)
        storage_parity = largest_difference(in_float32, run_onnx(model, probes), row.difference)
        require_parity(storage_parity, row.float16_tolerance, 'float32 and float16 weights')
    write_model(model, card, out)
    return ExportReport(parity, storage_parity, Path(out).stat().st_size)


def _make_card(trained: TrainedNetwork, *, height: int, width: int) -> ModelCard:
    task = TASKS[trained.task]
    return ModelCard(
        task=trained.task,
        architecture=trained.architecture,
        labels=trained.labels.names,
        colors_rgb=trained.labels.colors_rgb,
        input=InputSpec(INPUT_NAME, height, width, trained.resize),
        normalization=Normalization(IMAGENET_MEAN, IMAGENET_STD),
        defaults=change_settings(task.default_settings, task.settings, trained.defaults),
        training=trained.training,
        outputs=GRAPHS[trained.task].output_names,
        export=ExportInfo('cpu', 'float32', '', {'edgenext_ros': __version__}),
        accuracy={},
    )
