"""
Time our networks on a GPU: PyTorch in float16, one CUDA graph a network, against MobileViT.

Run: python benchmarks/gpu_throughput.py

Not run on hardware yet: where this was written there is no GPU.
"""

import argparse
import functools
import sys
from collections.abc import Callable

import timm
import torch
from pairs import compare
from torch import nn

from edgenext_core.measure.published import INPUT_SIZE, PUBLISHED
from edgenext_core.models import create_model

NAMES = {
    'edgenext_xx_small': 'mobilevit_xxs', 'edgenext_x_small': 'mobilevit_xs',
    'edgenext_small': 'mobilevit_s', 'edgenext_xx_small_bn_hs': 'mobilevit_xxs',
    'edgenext_x_small_bn_hs': 'mobilevit_xs', 'edgenext_small_bn_hs': 'mobilevit_s',
}
"""Ours, and timm's network of the same size."""
WARM_UP = 3


def main() -> int:
    """
    Print a line for each network and batch size.

    :return: exit status, 1 without a GPU
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--models', nargs='+', default=list(NAMES), choices=list(NAMES))
    parser.add_argument('--batch', type=int, nargs='+', default=[1, 256])
    parser.add_argument('--pairs', type=int, default=50)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print('PyTorch finds no CUDA GPU here, and this benchmark is of nothing else; run it on a '
              'machine with one', file=sys.stderr)
        return 1
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    print(f'{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, float16, CUDA graphs, '
          f'{INPUT_SIZE}x{INPUT_SIZE}, timm {timm.__version__}\n')
    print('| model | batch | us an image | published, A100 | MobileViT, us an image | ratio |')
    print('|---|---|---|---|---|---|')
    for name in arguments.models:
        for batch in arguments.batch:
            ours = runner(create_model(name), batch=batch)
            theirs = runner(timm.create_model(NAMES[name]), batch=batch)
            result = compare(ours, theirs, count=arguments.pairs)
            published = f'{PUBLISHED[name].a100_us:g}' if batch == 256 else ''
            print(f'| {name} | {batch} | {1e3 * result.first_ms / batch:.1f} | {published} '
                  f'| {1e3 * result.second_ms / batch:.1f} | {result.ratio:.3f} |', flush=True)
    return 0


@torch.inference_mode()
def runner(model: nn.Module, *, batch: int) -> Callable[[], None]:
    """
    Capture a network's forward pass on the GPU.

    :param model: the network
    :param batch: images in a batch
    :return: a function that runs it once and waits for its end
    """
    model = model.eval().half().cuda().to(memory_format=torch.channels_last)
    images = torch.randn(batch, 3, INPUT_SIZE, INPUT_SIZE, dtype=torch.float16,
                         device='cuda').to(memory_format=torch.channels_last)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # a capture must find all memory and all choices made
        for _ in range(WARM_UP):
            model(images)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        model(images)
    return functools.partial(replay, graph)


def replay(graph: torch.cuda.CUDAGraph) -> None:
    """
    Run a captured graph and wait for its end.

    :param graph: the graph
    """
    graph.replay()
    torch.cuda.synchronize()


if __name__ == '__main__':
    sys.exit(main())
