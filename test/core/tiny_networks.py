"""Networks of the three tasks that are made, traced and exported in a second."""

import copy
import functools
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from order_one_weights import draw_order_one_weights
from torch import nn

from edgenext_core.export.graphs import folded_graph, plain_graph
from edgenext_core.export.onnx_file import to_onnx
from edgenext_core.export.parity import run_torch
from edgenext_core.measure.probes import make_probes
from edgenext_core.models import create_model

MODELS = {
    'classification': 'edgenext_xx_small',
    'detection': 'ssdlite_edgenext_xx_small',
    'segmentation': 'deeplabv3_edgenext_xx_small',
}
NAMES = ('car', 'person', 'cone', 'tree')
COLORS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9))


class Traced(NamedTuple):
    """A task's ONNX model with weights of order one, pictures, and what PyTorch makes of them."""

    task: str
    model: onnx.ModelProto
    probes: list[np.ndarray]
    expected: list[list[np.ndarray]]


@functools.cache
def make_network(task: str) -> nn.Module:
    """Make a task's network for NAMES; not to be changed, since the next test gets it too."""
    torch.manual_seed(0)
    return create_model(MODELS[task], num_classes=len(NAMES), layer_scale_init=0.1).eval()


@functools.cache
def trace(task: str, height: int = 64, width: int = 96) -> Traced:
    """Trace a task's network; not to be changed, since the next test gets it too."""
    torch.set_num_threads(1)
    network = draw_order_one_weights(copy.deepcopy(make_network(task)))
    probes = make_probes(2, height=height, width=width)
    graph = folded_graph(task, network, height=height, width=width)
    return Traced(task, to_onnx(graph, height=height, width=width), probes,
                  run_torch(plain_graph(task, network), probes))


def finished_run(task: str, /, **changes: Any) -> dict[str, Any]:
    """Give what a training run leaves in its last.ckpt; ``changes`` are of its model."""
    model = {'name': MODELS[task], 'input_size': (64, 64), 'resize': 'stretch',
             'options': {'layer_scale_init': 0.1}, 'defaults': {}}
    return {
        'recipe': {'task': task, 'model': {**model, **changes}, 'trainer': {'max_epochs': 2}},
        'labels': {'names': NAMES, 'colors_rgb': COLORS, 'ignore_index': None},
        'metrics': {'val/some': 0.5},
        'state_dict': {f'model.{name}': value
                       for name, value in make_network(task).state_dict().items()},
    }
