"""Networks of the family with weights of order one, exported for a target at a small size."""

import functools
from typing import NamedTuple

import numpy as np
import onnx
import torch
from order_one_weights import draw_order_one_weights
from torch import nn

from edgenext_core.export.graphs import channels_first_graph, folded_graph, plain_graph
from edgenext_core.export.onnx_file import NumbersGraph, to_onnx
from edgenext_core.export.parity import run_torch
from edgenext_core.export.targets import EXPORT_TARGETS
from edgenext_core.measure.probes import make_probes
from edgenext_core.models import create_model, list_models, model_task
from edgenext_core.models.layers import CrossCovarianceAttention

QUICK = ('edgenext_xx_small', 'edgenext_xx_small_bn_hs', 'ssdlite_edgenext_xx_small',
         'deeplabv3_edgenext_xx_small')
"""One of each task, and one with batch normalisation: seconds each."""
OTHERS = tuple(name for name in list_models() if name not in QUICK and '.' not in name)
"""All others but the ablations, which are made of the same layers."""
SIDE_PX = 64


class Exported(NamedTuple):
    """A network's float32 model for a target, probes, and the network's numbers for them."""

    model: onnx.ModelProto
    probes: list[np.ndarray]
    numbers: list[list[np.ndarray]]


def exported(name: str, target: str, *, query_scale: float = 1) -> Exported:
    """Export a network; not to be changed, since the next test gets it too."""
    return _exported(name, target, query_scale)


@functools.lru_cache(maxsize=16)
def _exported(name: str, target: str, query_scale: float) -> Exported:
    torch.set_num_threads(1)
    task = model_task(name)
    network = draw_order_one_weights(create_model(name, num_classes=10))
    scale_queries_and_keys(network, query_scale)
    probes = make_probes(1, height=SIDE_PX, width=SIDE_PX)
    row = EXPORT_TARGETS[target]
    make_graph = channels_first_graph if row.channels_first else folded_graph
    graph = make_graph(task, network, height=SIDE_PX, width=SIDE_PX)
    return Exported(to_onnx(graph, height=SIDE_PX, width=SIDE_PX, target=row), probes,
                    run_torch(NumbersGraph(plain_graph(task, network)), probes))


@torch.no_grad()
def scale_queries_and_keys(network: nn.Module, factor: float) -> None:
    """Multiply what the attention divides by its length: the network stays the same."""
    for module in network.modules():
        if isinstance(module, CrossCovarianceAttention):
            both = 2 * module.proj.in_features
            module.qkv.weight[:both] *= factor
            module.qkv.bias[:both] *= factor
