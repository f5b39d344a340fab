"""
Time our networks against timm's, forward on the CPU, in pairs.

Run: python benchmarks/forward_vs_timm.py [--compile]
"""

import argparse
import functools

import timm
import torch
from pairs import compare

from edgenext_core.models import create_model

NAMES = ['edgenext_xx_small', 'edgenext_x_small', 'edgenext_small', 'edgenext_base',
         'edgenext_small_rw']


@torch.inference_mode()
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
                # Else both would run uncompiled once dynamo has seen 8 models or sizes.
                torch.compiler.reset()
                ours.compile(dynamic=False)
                theirs.compile(dynamic=False)
            images = torch.randn(batch, 3, arguments.resolution, arguments.resolution)
            result = compare(functools.partial(ours, images), functools.partial(theirs, images),
                             count=arguments.pairs)
            print(f'| {name} | {batch} | {result.first_ms:.1f} | {result.second_ms:.1f} '
                  f'| {result.ratio:.3f} |', flush=True)


if __name__ == '__main__':
    main()
