"""The files for TensorRT on the doubles of its versions: built and run as on ONNX Runtime."""

import numpy as np
import pytest
import tensorrt_double
import torch
from tiny_networks import COLORS, MODELS, NAMES, make_network

from edgenext_core.export.exporter import export
from edgenext_core.export.targets import EXPORT_TARGETS
from edgenext_core.export.trained_network import TrainedNetwork
from edgenext_core.labels.label_set import LabelSet
from edgenext_core.measure.probes import make_probes
from edgenext_core.runtime.engines.backends import open_engine
from edgenext_core.runtime.engines.build import Order, build_engine

FILES = {'8.2': 'jetson-nano', '8.5': 'jetson-nano', '8.6': 'jetson-nano', '10.3': 'jetson-nano',
         '10.13': 'tensorrt', '11': 'tensorrt'}
"""Which file is for which TensorRT."""


@pytest.fixture(scope='module', params=MODELS)
def files(request, tmp_path_factory):
    """Give a task's files by target."""
    torch.set_num_threads(1)
    trained = TrainedNetwork(
        make_network(request.param), request.param, MODELS[request.param],
        LabelSet(NAMES, COLORS), (64, 64), 'stretch', {}, {}, {}, 'street', '')
    reports = export(trained, tmp_path_factory.mktemp(request.param),
                     targets=tuple(EXPORT_TARGETS.values()))
    return {report.target.name: str(report.path) for report in reports}


def test_every_version_has_its_file():
    assert set(FILES) == set(tensorrt_double.VERSIONS)


@pytest.mark.parametrize('version', FILES)
def test_an_exported_file_becomes_an_engine_that_gives_the_same(files, tmp_path, version):
    image, = make_probes(1, height=64, width=64)
    cpu = open_engine(files['cpu'], backend='onnxruntime')
    expected = cpu.infer(image)
    cpu.close()
    with tensorrt_double.installed(version, tmp_path):
        engine_file = str(tmp_path / 'street.engine')
        build_engine(Order(files[FILES[version]], engine_file, 'float16', 256, ()))
        engine = open_engine(engine_file)
        found = engine.infer(image)
        assert engine.precision.startswith('float16 in ')
        engine.close()
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].dtype == value.dtype
        # Candidates of nearly the same score change places.
        np.testing.assert_allclose(np.sort(found[name], axis=1), np.sort(value, axis=1), atol=2e-2)
