"""
Time exported graphs in ONNX Runtime, the network folded against the network as it was trained.

Run: python benchmarks/folded_vs_plain.py
"""

import argparse
import functools

import numpy as np
import onnxruntime
from pairs import compare

from edgenext_core.export.graphs import folded_graph, plain_graph
from edgenext_core.export.onnx_file import to_onnx
from edgenext_core.models import create_model

GRAPHS = (
    ('classification', 'edgenext_xx_small', 216, 288),
    ('classification', 'edgenext_xx_small_bn_hs', 216, 288),
    ('detection', 'ssdlite_edgenext_xx_small', 288, 384),
    ('segmentation', 'deeplabv3_edgenext_xx_small', 288, 384),
)
"""The demo's networks and input sizes, and one with batch normalisation."""


def main():
    """Print a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--pairs', type=int, default=40)
    arguments = parser.parse_args()

    print('| model | input | folded, ms | plain, ms | ratio |')
    print('|---|---|---|---|---|')
    for task, name, height, width in GRAPHS:
        # Layer scales of order one: with fresh ones all values behind them are nearly zero.
        model = create_model(name, num_classes=8, layer_scale_init=1.0).eval()
        run = functools.partial(runner, height=height, width=width, threads=arguments.threads)
        result = compare(run(folded_graph(task, model, height=height, width=width)),
                         run(plain_graph(task, model)), count=arguments.pairs)
        print(f'| {name} | {height}x{width} | {result.first_ms:.1f} | {result.second_ms:.1f} '
              f'| {result.ratio:.3f} |', flush=True)


def runner(graph, *, height, width, threads):
    """
    Export a graph and open it.

    :param graph: what ``graphs`` makes
    :param height: of the input in pixels
    :param width: of the input in pixels
    :param threads: CPU threads of ONNX Runtime
    :return: a function that runs it once
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        to_onnx(graph, height=height, width=width).SerializeToString(), options,
        providers=['CPUExecutionProvider'])
    image = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
    return functools.partial(session.run, None, {'image': image})


if __name__ == '__main__':
    main()
