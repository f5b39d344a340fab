"""Every model by name."""

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import nn

from edgenext_core.models.anchors import PAPER_SCALES
from edgenext_core.models.configs import ABLATIONS, BACKBONES, TABLE6, EdgeNeXtConfig
from edgenext_core.models.deeplabv3 import DeepLabV3
from edgenext_core.models.edgenext import EdgeNeXt
from edgenext_core.models.errors import ModelError
from edgenext_core.models.options import require_option
from edgenext_core.models.ssdlite import SSDLite


class RegisteredModel(NamedTuple):
    """A function that makes a network of its options, and the task that the network is for."""

    task: str
    build: Callable[..., nn.Module]


def create_model(name: str, **options: Any) -> nn.Module:
    """
    Make a model with fresh weights.

    :param name: one of :func:`list_models`
    :param options: keyword arguments of :func:`build_classifier`, :func:`build_ssdlite` or
        :func:`build_deeplabv3`, whichever the name's beginning says; all three take
        ``num_classes``, ``drop_path_rate``, ``output_stride`` and ``layer_scale_init``
    :return: the model in training mode
    :raises ModelError: when there is no such model, it has no such option, or a value is wrong
    """
    build = _registered(name).build
    known = [option for option in inspect.signature(build).parameters if option != 'config']
    for option, value in options.items():
        if option not in known:
            raise ModelError(f'{name} has no option {option!r}; it has {", ".join(known)}')
        require_option(option, value)
    return build(**options)


def list_models() -> list[str]:
    """
    Name every model.

    :return: names for :func:`create_model`: the published networks, the rows of the ablation
        tables, the detectors and the segmenters
    """
    return list(_models())


def model_task(name: str) -> str:
    """
    Say what a model is for.

    :param name: one of :func:`list_models`
    :return: ``classification``, ``detection`` or ``segmentation``
    :raises ModelError: when there is no such model
    """
    return _registered(name).task


def _registered(name: str) -> RegisteredModel:
    models = _models()
    if name not in models:
        near = difflib.get_close_matches(str(name), models, n=3)
        advice = f'did you mean {" or ".join(near)}?' if near else 'list_models() names them all'
        raise ModelError(f'there is no model {name!r}; {advice}')
    return models[name]


def build_classifier(config: EdgeNeXtConfig, *, num_classes: int = 1000,
                     drop_path_rate: float = 0.0, dropout: float = 0.0, output_stride: int = 32,
                     features_only: bool = False, layer_scale_init: float = 1e-6) -> EdgeNeXt:
    """
    Make a classifier, or with ``features_only`` an encoder.

    :param config: what network
    :param num_classes: classes
    :param drop_path_rate: probability with which the last block is skipped in training
    :param dropout: probability of dropout in front of the classifier
    :param output_stride: 8, 16 or 32
    :param features_only: have no classifier and return the outputs of the four stages
    :param layer_scale_init: first value of the layer scales
    :return: the network
    """
    return EdgeNeXt(config, num_classes=num_classes, drop_path_rate=drop_path_rate,
                    dropout=dropout, output_stride=output_stride, features_only=features_only,
                    layer_scale_init=layer_scale_init)


def build_ssdlite(config: EdgeNeXtConfig, *, num_classes: int = 80, drop_path_rate: float = 0.0,
                  output_stride: int = 32, layer_scale_init: float = 1e-6,
                  anchor_scales: tuple[float, float] = PAPER_SCALES) -> SSDLite:
    """
    Make a detector.

    :param config: what encoder
    :param num_classes: classes without the background
    :param drop_path_rate: probability with which the last block is skipped in training
    :param output_stride: 8, 16 or 32
    :param layer_scale_init: first value of the layer scales
    :param anchor_scales: first and last of the anchors' scales, as shares of the image
    :return: the detector
    """
    backbone = EdgeNeXt(config, drop_path_rate=drop_path_rate, output_stride=output_stride,
                        features_only=True, layer_scale_init=layer_scale_init)
    return SSDLite(backbone, num_classes=num_classes, anchor_scales=anchor_scales)


def build_deeplabv3(config: EdgeNeXtConfig, *, num_classes: int = 21, drop_path_rate: float = 0.0,
                    output_stride: int = 16, layer_scale_init: float = 1e-6,
                    aspp_channels: int = 128) -> DeepLabV3:
    """
    Make a segmenter.

    :param config: what encoder
    :param num_classes: classes
    :param drop_path_rate: probability with which the last block is skipped in training
    :param output_stride: 8, 16 or 32
    :param layer_scale_init: first value of the layer scales
    :param aspp_channels: width of ASPP: 256 in the configuration that the authors name, 128 in
        the one that has the paper's 6.5 million parameters
    :return: the segmenter
    """
    backbone = EdgeNeXt(config, drop_path_rate=drop_path_rate, output_stride=output_stride,
                        features_only=True, layer_scale_init=layer_scale_init)
    return DeepLabV3(backbone, num_classes=num_classes, aspp_channels=aspp_channels)


@functools.cache
def _models() -> dict[str, RegisteredModel]:
    models: dict[str, RegisteredModel] = {}

    def add(name: str, task: str, build: Callable[..., nn.Module], config: EdgeNeXtConfig,
            **changed: Any) -> None:
        models[name] = RegisteredModel(task, functools.partial(build, config, **changed))

    for name, config in {**BACKBONES, **ABLATIONS}.items():
        add(name, 'classification', build_classifier, config)
    for name, config in BACKBONES.items():
        add(f'ssdlite_{name}', 'detection', build_ssdlite, config)
    for name, config in BACKBONES.items():
        add(f'deeplabv3_{name}', 'segmentation', build_deeplabv3, config)
        add(f'deeplabv3_{name}.aspp256', 'segmentation', build_deeplabv3, config,
            aspp_channels=256)
    add('deeplabv3_edgenext_small.table6', 'segmentation', build_deeplabv3, TABLE6)
    return models
