"""
Time our files for CPUs against timm's networks exported by torch.onnx, in pairs.

Each row is one of ours, as `edgenext export` writes it, against a network of timm at opset 17: its
own EdgeNeXt, or what one would pick instead. Ours takes the bytes of a frame, theirs normalised
floats; both give logits (from there to an answer: benchmarks/frame_to_record.py). Both run in
ONNX Runtime on one thread; weights are random, of order one. A row has the medians on the clock,
the median of the pairs' ratios, ours by theirs, of thread CPU time and on the clock, and by how
much our logits differ from the same network in PyTorch. The last rows are ours in 8-bit integers.

Run: python benchmarks/onnx_vs_timm.py
"""

import argparse
import functools
import io
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import timm
import torch
from one_thread import runner
from pairs import compare

from edgenext_core.export.graphs import channels_first_graph, plain_graph
from edgenext_core.export.onnx_file import NumbersGraph, to_onnx
from edgenext_core.export.parity import (
    absolute_difference,
    largest_difference,
    run_onnx,
    run_torch,
)
from edgenext_core.export.quantization import quantize
from edgenext_core.export.targets import EXPORT_TARGETS
from edgenext_core.measure.probes import make_probes
from edgenext_core.models import create_model

sys.path.append(str(Path(__file__).parents[1] / 'test' / 'core'))
from order_one_weights import draw_order_one_weights  # noqa: E402

ROWS = (
    ('edgenext_xx_small', 'edgenext_xx_small'),
    ('edgenext_small', 'edgenext_small'),
    ('edgenext_xx_small_bn_hs', 'edgenext_xx_small'),
    ('edgenext_small_bn_hs', 'edgenext_small'),
    ('edgenext_xx_small', 'mobilevit_xxs'),
    ('edgenext_xx_small_bn_hs', 'mobilevit_xxs'),
    ('edgenext_xx_small', 'mobilenetv3_large_100'),
    ('edgenext_xx_small_bn_hs', 'mobilenetv3_large_100'),
    ('edgenext_small', 'mobilevit_s'),
    ('edgenext_small_bn_hs', 'mobilevit_s'),
)
"""Names of ours and of timm's."""
INTEGER_ROWS = ROWS[2:4]
TARGET = EXPORT_TARGETS['cpu']


class Ours(NamedTuple):
    """
    A network of ours from bytes to logits.

    ``difference`` is how far its logits are from PyTorch's, before the weights are stored in
    float16.
    """

    model: onnx.ModelProto
    difference: float


def main():
    """Print a line for each pair of networks."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=True,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--resolution', type=int, default=256)
    parser.add_argument('--pairs', type=int, default=60)
    arguments = parser.parse_args()
    warnings.simplefilter('ignore')  # of the exporter: on tracing, and on its age
    torch.set_num_threads(1)

    side = arguments.resolution
    frame, = make_probes(1, height=side, width=side)
    planes = np.random.default_rng(0).normal(size=(1, 3, side, side)).astype(np.float32)
    print('| ours | theirs | ours, ms | theirs, ms | CPU ratio | wall ratio | logits differ by |')
    print('|---|---|---|---|---|---|---|')
    for export, suffix, rows in ((export_ours, '', ROWS), (quantize_ours, ' int8', INTEGER_ROWS)):
        print_rows(export, suffix, rows, frame, planes, pairs=arguments.pairs)


def print_rows(export, suffix, rows, frame, planes, *, pairs):
    """
    Compare networks and print a line for each.

    :param export: gives ``Ours`` of a name and a side in pixels
    :param suffix: behind our names
    :param rows: names of ours and of timm's
    :param frame: (1, H, W, 3) uint8
    :param planes: (1, 3, H, W) float32
    :param pairs: how many
    """
    for name, other in rows:
        ours = export(name, len(frame[0]))
        result = compare(runner(ours.model, frame),
                         runner(export_timms(other, len(frame[0])), planes), count=pairs)
        print(f'| {name}{suffix} | {other} | {result.first_ms:.1f} | {result.second_ms:.1f} '
              f'| {result.cpu_ratio:.3f} | {result.ratio:.3f} | {ours.difference:.1e} |',
              flush=True)


@functools.cache
def export_ours(name, side):
    """
    Export a network of ours for CPUs, up to its logits.

    :param name: of ``create_model``
    :param side: of the input in pixels
    :return: what would be in the file
    """
    network, model = trace_ours(name, side)
    probes = make_probes(3, height=side, width=side)
    expected = run_torch(NumbersGraph(plain_graph('classification', network)), probes)
    difference = largest_difference(expected, run_onnx(model, probes),
                                    absolute_difference)
    return Ours(TARGET.finish(model), difference)


def quantize_ours(name, side):
    """
    Export a network of ours for CPUs in 8-bit integers, calibrated on drawn pictures.

    :param name: of ``create_model``
    :param side: of the input in pixels
    :return: what would be in the file
    """
    network, wide = trace_ours(name, side)
    probes = make_probes(16, height=side, width=side)
    model = quantize(wide, probes, symmetric=False)
    expected = run_torch(NumbersGraph(plain_graph('classification', network)), probes)
    return Ours(model, largest_difference(expected, run_onnx(model, probes), absolute_difference))


def trace_ours(name, side):
    """
    Trace a network of ours up to its logits.

    :param name: of ``create_model``
    :param side: of the input in pixels
    :return: the network, and its model in float32
    """
    network = draw_order_one_weights(create_model(name))
    graph = channels_first_graph('classification', network, height=side, width=side)
    graph.row = graph.row._replace(output_names=('logits',), read_out=lambda logits: (logits,))
    return network, to_onnx(graph, height=side, width=side, target=TARGET)


@functools.cache
def export_timms(name, side):
    """
    Export a network of timm as its users do.

    :param name: of ``timm.create_model``
    :param side: of the input in pixels
    :return: the model
    """
    stream = io.BytesIO()
    torch.onnx.export(draw_order_one_weights(timm.create_model(name)),
                      (torch.zeros(1, 3, side, side),), stream, opset_version=17, dynamo=False)
    return onnx.load_from_string(stream.getvalue())


if __name__ == '__main__':
    main()
