"""From a trained network to the files that robots open, one for each target."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
import torch

from edgenext_core import __version__
from edgenext_core.export.float16 import store_in_float16
from edgenext_core.export.graphs import GRAPHS, channels_first_graph, folded_graph, plain_graph
from edgenext_core.export.onnx_file import NumbersGraph, to_onnx, with_numbers, write_model
from edgenext_core.export.parity import (
    largest_difference,
    relative_difference,
    require_finite,
    require_parity,
    run_onnx,
    run_torch,
)
from edgenext_core.export.targets import EXPORT_TARGETS, ExportError, Target
from edgenext_core.export.trained_network import TrainedNetwork
from edgenext_core.measure.probes import make_probes
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
"""Frames that a parity check looks at, or one batch of more."""
LARGEST_BATCH = 1024
FLOAT32_TOLERANCE = 1e-4
"""Between PyTorch and ONNX Runtime, both in float32, on the numbers before any index."""


class ExportReport(NamedTuple):
    """
    What an export measured on one file.

    ``parity`` is the largest difference between PyTorch and ONNX Runtime, both in float32, and
    ``loss`` that between this and the file's own precision, None where it is the same; both are in
    units of the largest number, see ``parity.relative_difference``.
    """

    path: Path
    target: Target
    size_bytes: int
    parity: float
    loss: float | None


class _Checked(NamedTuple):
    model: onnx.ModelProto
    parity: float
    loss: float | None


def export(
    trained: TrainedNetwork, out: Path, *, targets: Sequence[Target] = (EXPORT_TARGETS['cpu'],),
    batch: int = 1, input_size: tuple[int, int] | None = None, store_float16: bool = True,
) -> list[ExportReport]:
    """
    Write a trained network as ONNX files with their cards; all are right, or none is written.

    :param trained: the network
    :param out: a folder; or, for one target, a file that ends in ``.onnx``
    :param targets: what to write it for
    :param batch: frames that a file takes at a time, 1 to 1024
    :param input_size: height and width in pixels, at least 32; None takes the network's own
    :param store_float16: whether a file for ``cpu`` stores its large weights in float16; the
        arithmetic is float32 either way
    :return: what was measured, in the order of the targets
    :raises ExportError: if ``out``, the name or the batch cannot be, or the disk is full
    :raises ModelError: if the input is too small
    :raises ModelCardError: if the network cannot be described by a card
    :raises ParityError: if a file would not compute what the network computes
    :raises ParserError: if the target's parser cannot read it
    :raises Float16Error: if a weight is too large for float16
    """
    height, width = input_size or trained.input_size
    require_size(height, width)
    if not 1 <= batch <= LARGEST_BATCH:
        raise ExportError(f'the batch is {batch}, expected 1 to {LARGEST_BATCH} frames')
    if not store_float16:
        targets = [target._replace(finish=_as_it_is) if target.finish is store_in_float16
                   else target for target in targets]
    paths = _paths(out, trained.name, targets)
    cards = [_make_card(trained, target, height=height, width=width, batch=batch)
             for target in targets]
    for card in cards:
        card_to_json(card)  # refuses what is wrong with it before anything is computed
    probes = make_probes(max(1, PROBES // batch), height=height, width=width, batch=batch)
    expected = run_torch(NumbersGraph(plain_graph(trained.task, trained.network)), probes)
    require_finite(expected)
    checked = [_make_model(trained, target, probes, expected) for target in targets]
    reports = []
    for path, target, card, (model, parity, loss) in zip(paths, targets, cards, checked):
        write_model(model, card, path)
        reports.append(ExportReport(path, target, path.stat().st_size, parity, loss))
    return reports


def _make_model(trained: TrainedNetwork, target: Target, probes: Sequence[np.ndarray],
                expected: Sequence[Sequence[np.ndarray]]) -> _Checked:
    batch, height, width = probes[0].shape[:3]
    make_graph = channels_first_graph if target.channels_first else folded_graph
    wide = to_onnx(make_graph(trained.task, trained.network, height=height, width=width),
                   height=height, width=width, batch=batch, target=target)
    in_float32 = run_onnx(with_numbers(wide), probes)
    parity = largest_difference(expected, in_float32, relative_difference)
    require_parity(parity, FLOAT32_TOLERANCE, 'PyTorch and ONNX Runtime')
    model = target.finish(wide)
    if model is wide:
        return _Checked(model, parity, None)
    loss = largest_difference(in_float32, run_onnx(with_numbers(model), probes),
                              relative_difference)
    require_parity(loss, target.tolerance, f'float32 and {target.stored}')
    return _Checked(model, parity, loss)


def _as_it_is(model: onnx.ModelProto) -> onnx.ModelProto:
    return model


def _paths(out: Path, name: str, targets: Sequence[Target]) -> list[Path]:
    if out.suffix == '.onnx':
        if len(targets) != 1:
            raise ExportError(f'{out} is one file, but {len(targets)} targets are asked for '
                              f'({", ".join(target.name for target in targets)}); give a folder')
        return [out]
    if out.is_file():
        raise ExportError(f'{out} is a file, expected a folder or a name that ends in .onnx')
    if name in ('', '..') or name != Path(name).name:
        raise ExportError(f'the name is {name!r}, expected that of a file, without a folder')
    return [out / f'{name}{target.suffix}.onnx' for target in targets]


def _make_card(trained: TrainedNetwork, target: Target, *, height: int, width: int,
               batch: int) -> ModelCard:
    task = TASKS[trained.task]
    return ModelCard(
        task=trained.task,
        architecture=trained.architecture,
        labels=trained.labels.names,
        colors_rgb=trained.labels.colors_rgb,
        input=InputSpec(INPUT_NAME, height, width, trained.resize, dtype=target.input_dtype,
                        batch=batch),
        normalization=Normalization(IMAGENET_MEAN, IMAGENET_STD),
        defaults=change_settings(task.default_settings, task.settings, trained.defaults),
        training=trained.training,
        outputs=GRAPHS[trained.task].output_names,
        export=ExportInfo(target.name, target.precision, trained.checkpoint_sha256, {
            'edgenext_ros': __version__, 'torch': torch.__version__, 'onnx': onnx.__version__,
            'onnxruntime': onnxruntime.__version__}),
        accuracy=trained.accuracy,
    )
