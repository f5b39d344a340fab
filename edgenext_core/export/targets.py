"""
The target table of the export: what differs between the files for different devices.

A fourth target is a fourth row. All files of a network are written from one set of weights.
"""

import difflib
from collections.abc import Callable
from typing import NamedTuple

import onnx

from edgenext_core.export.float16 import store_in_float16
from edgenext_core.export.float16_graph import to_float16
from edgenext_core.export.tensorrt_8_2 import require_readable
from edgenext_core.runtime.errors import EdgeNextError


class ExportError(EdgeNextError):
    """An export was asked for what cannot be: choose another option."""


class Target(NamedTuple):
    """
    One kind of device.

    ``name`` is one of ``model_card.TARGETS``, ``purpose`` says what it is for, and ``suffix``
    stands between a model's name and ``.onnx``. The graph is traced at ``opset``, the file
    declares ``ir_version``; ``input_dtype`` is that of the image, ``channels_first`` whether
    linear layers on maps are written as 1x1 convolutions. ``finish`` makes the file's model of
    the float32 one, ``stored`` says what in it is no longer float32, and ``precision`` is what it
    computes in. By ONNX Runtime's arithmetic the two differ by at most ``tolerance``, in units of
    the largest number: that finds a wrong conversion, but no overflow, since a CPU computes
    float16 in float32.
    """

    name: str
    purpose: str
    suffix: str
    opset: int
    ir_version: int
    precision: str
    input_dtype: str
    channels_first: bool
    finish: Callable[[onnx.ModelProto], onnx.ModelProto]
    stored: str = ''
    tolerance: float = 2e-2


def _as_it_is_if_readable(model: onnx.ModelProto) -> onnx.ModelProto:
    require_readable(model)
    return model


_TARGETS = (
    Target(
        name='cpu', purpose='ONNX Runtime 1.12 and later', suffix='',
        opset=17, ir_version=8, precision='float32', input_dtype='uint8', channels_first=True,
        finish=store_in_float16, stored='float16 weights',
    ),
    Target(
        name='tensorrt',
        purpose='builders that take the precision from the file: TensorRT 10.12 and later, 11, '
                'TensorRT-RTX',
        suffix='.tensorrt',
        opset=17, ir_version=8, precision='float16', input_dtype='uint8', channels_first=False,
        finish=to_float16, stored='float16 arithmetic',
    ),
    Target(
        name='jetson-nano', purpose='TensorRT 8.2 to 10.11, ONNX Runtime 1.10',
        suffix='.jetson-nano',
        # 8.2 takes no bytes; whether it folds the cast of a stored weight is not known.
        opset=13, ir_version=7, precision='float32', input_dtype='float32', channels_first=False,
        finish=_as_it_is_if_readable,
    ),
)
EXPORT_TARGETS: dict[str, Target] = {target.name: target for target in _TARGETS}
"""The targets by name."""


def find_target(name: str) -> Target:
    """
    Look a target up.

    :param name: its name
    :return: its row
    :raises ExportError: if there is none
    """
    if name not in EXPORT_TARGETS:
        near = difflib.get_close_matches(name, EXPORT_TARGETS, n=1, cutoff=0.4)
        raise ExportError(f'there is no target {name!r}, '
                          + (f'did you mean {near[0]}?' if near else
                             f'expected some of: {", ".join(EXPORT_TARGETS)}'))
    return EXPORT_TARGETS[name]
