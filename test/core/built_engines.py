"""Engines built in the test's own process, on the double, and models that old ones take."""

import onnx
from onnx import TensorProto, helper
from tensorrt_double.api_table import FULL_VERSIONS

from edgenext_core.runtime.card_file import METADATA_KEY, card_to_json, read_card
from edgenext_core.runtime.engines import cache
from edgenext_core.runtime.engines.build_process import Job
from edgenext_core.runtime.engines.build_process import build as build_here
from edgenext_core.runtime.engines.nvidia import find_gpu


def build(model, *, precision='float16', engine=None):
    """Build a model's engine as the command does, but in this process; give its path."""
    import tensorrt
    engine = engine or cache.engine_path(model)
    if tensorrt.__version__ == FULL_VERSIONS['11']:
        precision = 'float32'
    device, capability = find_gpu()
    built = build_here(Job(model, f'{engine}.part', precision, 256, None))
    key = cache.key_for(model, read_card(model), tensorrt=built['tensorrt'], device=device,
                        compute_capability=capability, precision=precision)
    cache.install_engine(f'{engine}.part', engine, cache.Sidecar(
        'tensorrt', '', key, read_card(model), {}))
    return engine


def for_jetson_nano(source, path):
    """Write a copy of a model that takes float32: without its first cast, and its card says so."""
    model = onnx.load(str(source))
    graph = model.graph
    cast = next(node for node in graph.node if 'image' in node.input)
    for node in graph.node:
        node.input[:] = ['image' if name == cast.output[0] else name for name in node.input]
    graph.node.remove(cast)
    graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    card = read_card(str(source))
    helper.set_model_props(model, {METADATA_KEY: card_to_json(
        card._replace(input=card.input._replace(dtype='float32'),
                      export=card.export._replace(target='jetson-nano')))})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    return str(path)
