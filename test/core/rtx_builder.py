"""TensorRT-RTX builds engines without a GPU: the strictest reader of files that there is here."""

import functools
from typing import Any

import pytest


def build(model: bytes, capability: str) -> list[str]:
    """
    Build an engine for a kind of GPU.

    :param model: an ONNX file's content
    :param capability: such as 'SM86'
    :return: the builder's warnings
    """
    trt = pytest.importorskip(
        'tensorrt_rtx', reason='TensorRT-RTX has wheels for Linux on x86-64 only; elsewhere its '
                               'builds are not checked', exc_type=ImportError)
    log = _log(trt)
    log.lines.clear()
    builder = trt.Builder(log)
    network = builder.create_network(
        1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    assert parser.parse(model), [parser.get_error(index).desc()
                                 for index in range(parser.num_errors)]
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.__members__[capability], 0)
    plan = builder.build_serialized_network(network, config)
    assert plan is not None, log.lines
    return list(log.lines)


@functools.cache
def _log(trt: Any) -> Any:
    """Give the one log of this process: all builders write to the first that was given."""

    class Log(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.lines: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity <= trt.ILogger.Severity.WARNING:
                self.lines.append(message)

    return Log()
