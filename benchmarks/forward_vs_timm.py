"""
Time our networks against timm's, forward on the CPU, in pairs.

Run: python benchmarks/forward_vs_timm.py --threads 2 --batch 1 8 [--compile]

The two forwards of a pair run one right after the other, the order changing from pair to pair, so
that whatever else the machine does meets both. The ratio is the median of the pairs' ratios.
"""

import argparse
import statistics
import time

import timm
import torch

from edgenext_core.models import create_model

NAMES = ['edgenext_xx_small', 'edgenext_x_small', 'edgenext_small', 'edgenext_base',
         'edgenext_small_rw']


def main():
    """Print a line for each model and batch size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--models', nargs='+', default=NAMES, choices=NAMES)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--batch', type=int, nargs='+', default=[1, 8])
    parser.add_argument('--resolution', type=int, default=256)
    parser.add_argument('--pairs', type=int, default=30)
    parser.add_argument('--compile', action='store_true', help='compile both')
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)

    print('| model | batch | ours, ms | timm, ms | ratio |')
    print('|---|---|---|---|---|')
    for name in arguments.models:
        theirs = timm.create_model(name).eval()
        ours = create_model(name).eval()
        ours.load_state_dict(theirs.state_dict())
        for batch in arguments.batch:
            if arguments.compile:
                # Else each side runs uncompiled once dynamo has seen it with 8 models or sizes.
                torch.compiler.reset()
                ours.compile(dynamic=False)
                theirs.compile(dynamic=False)
            images = torch.randn(batch, 3, arguments.resolution, arguments.resolution)
            pairs = time_pairs(ours, theirs, images, count=arguments.pairs)
            ratio = statistics.median(a / b for a, b in pairs)
            ours_ms, theirs_ms = (1e3 * statistics.median(side) for side in zip(*pairs))
            print(f'| {name} | {batch} | {ours_ms:.1f} | {theirs_ms:.1f} | {ratio:.3f} |',
                  flush=True)


def time_pairs(ours, theirs, images, *, count):
    """
    Time two networks side by side.

    :param ours: A network.
    :param theirs: Another.
    :param images: What both are given.
    :param count: Pairs.
    :return: For each pair the seconds of ours and of theirs.
    """
    pairs = []
    with torch.inference_mode():
        for _ in range(3):
            ours(images)
            theirs(images)
        for index in range(count):
            if index % 2:
                theirs_s = seconds(theirs, images)
                ours_s = seconds(ours, images)
            else:
                ours_s = seconds(ours, images)
                theirs_s = seconds(theirs, images)
            pairs.append((ours_s, theirs_s))
    return pairs


def seconds(network, images):
    """
    Time one forward.

    :param network: A network.
    :param images: What it is given.
    :return: Seconds.
    """
    start = time.perf_counter()
    network(images)
    return time.perf_counter() - start


if __name__ == '__main__':
    main()
