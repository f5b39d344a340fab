"""
Time the graph for CPUs against two others of the same network, in ONNX Runtime, in pairs.

The others are the network as it was trained, at the same opset, and the folded graph at opset 13,
which is what every file was before there were targets. For each the ratio of thread CPU time is
given, the CPU's graph by the other.

Run: python benchmarks/cpu_graph_vs_others.py
"""

import argparse

import numpy as np
from one_thread import runner
from pairs import compare

from edgenext_core.export.graphs import channels_first_graph, folded_graph, plain_graph
from edgenext_core.export.onnx_file import to_onnx
from edgenext_core.export.targets import EXPORT_TARGETS
from edgenext_core.models import create_model, model_task

NETWORKS = (
    ('edgenext_xx_small', 216, 288),
    ('edgenext_xx_small_bn_hs', 216, 288),
    ('ssdlite_edgenext_xx_small', 288, 384),
    ('deeplabv3_edgenext_xx_small', 288, 384),
)
"""The demo's networks and input sizes, and one with batch normalisation."""


def main():
    """Print a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--pairs', type=int, default=40)
    arguments = parser.parse_args()

    opset_13 = EXPORT_TARGETS['cpu']._replace(opset=13)
    print('| model | input | for CPUs, ms | by the plain graph | by the folded one, opset 13 |')
    print('|---|---|---|---|---|')
    for name, height, width in NETWORKS:
        # Layer scales of order one: with fresh ones all values behind them are nearly zero.
        model = create_model(name, num_classes=8, layer_scale_init=1.0).eval()
        task, size = model_task(name), {'height': height, 'width': width}
        image = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
        ours = runner(to_onnx(channels_first_graph(task, model, **size), **size), image)
        by_plain = compare(ours, runner(to_onnx(plain_graph(task, model), **size), image),
                           count=arguments.pairs)
        folded = to_onnx(folded_graph(task, model, **size), **size, target=opset_13)
        by_folded = compare(ours, runner(folded, image), count=arguments.pairs)
        print(f'| {name} | {height}x{width} | {by_plain.first_ms:.1f} '
              f'| {by_plain.cpu_ratio:.3f} | {by_folded.cpu_ratio:.3f} |', flush=True)


if __name__ == '__main__':
    main()
