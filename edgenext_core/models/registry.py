"""Every model by name."""

import difflib
import functools
import inspect
from collections.abc import Callable

from torch import nn

from edgenext_core.models.anchors import PAPER_SCALES
from edgenext_core.models.configs import ABLATIONS, BACKBONES, EdgeNeXtConfig
from edgenext_core.models.deeplabv3 import DeepLabV3
from edgenext_core.models.edgenext import EdgeNeXt
from edgenext_core.models.ssdlite import SSDLite


def create_model(name: str, **options) -> nn.Module:
    """
    Make a model with fresh weights.

    :param name: one of :func:`list_models`
    :param options: keyword arguments of :func:`build_classifier`, :func:`build_ssdlite` or
        :func:`build_deeplabv3`, whichever the name's beginning says. All three take
        ``num_classes``, ``drop_path_rate``, ``output_stride`` and ``layer_scale_init``.
    :return: the model in training mode
    :raises ValueError: when there is no such model, it has no such option, or a value is wrong
    """
    builders = _builders()
    if name not in builders:
        near = difflib.get_close_matches(name, builders, n=3)
        advice = f'did you mean {" or ".join(near)}?' if near else 'list_models() names them all'
        raise ValueError(f'there is no model {name!r}; {advice}')
    known = [option for option in inspect.signature(builders[name]).parameters
             if option != 'config']
    unknown = [option for option in options if option not in known]
    if unknown:
        raise ValueError(f'{name} has no option {unknown[0]!r}; it has {", ".join(known)}')
    if options.get('num_classes', 1) < 1:
        raise ValueError(f'num_classes is {options["num_classes"]}; it can be 1 or more'
                         f'{", or have features_only=True" if "features_only" in known else ""}')
    return builders[name](**options)


def list_models() -> list[str]:
    """
    Name every model.

    :return: names for :func:`create_model`: the published networks, the rows of the ablation
        tables, the detectors and the segmenters
    """
    return list(_builders())


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
    :param drop_path_rate: as for the classifier
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
    :param drop_path_rate: as for the classifier
    :param output_stride: 8, 16 or 32
    :param layer_scale_init: first value of the layer scales
    :param aspp_channels: width of ASPP: 256 in the configuration that the authors name, 128 in
        the one that has the paper's 6.5 million parameters
    :return: the segmenter
    """
    backbone = EdgeNeXt(config, drop_path_rate=drop_path_rate, output_stride=output_stride,
                        features_only=True, layer_scale_init=layer_scale_init)
    return DeepLabV3(backbone, num_classes=num_classes, aspp_channels=aspp_channels)


def build_table6(config: EdgeNeXtConfig, *, num_classes: int = 21, drop_path_rate: float = 0.0,
                 layer_scale_init: float = 1e-6) -> DeepLabV3:
    """
    Make the segmenter with the 6.5 million parameters and the 8.7G multiply-adds of Table 6.

    Zeros on all four sides of the dense downsampling make the last map of a 512x512 image 33x33
    instead of 32x32, the only simple way to that figure. It is here to reproduce it: what to train
    and deploy is the same without them, :func:`build_deeplabv3`, whose map keeps its place.

    :param config: what encoder
    :param num_classes: classes
    :param drop_path_rate: as for the classifier
    :param layer_scale_init: first value of the layer scales
    :return: the segmenter, of output stride 16
    """
    model = build_deeplabv3(config, num_classes=num_classes, drop_path_rate=drop_path_rate,
                            layer_scale_init=layer_scale_init)
    model.backbone.stages[3].downsample[1].margins = (1, 1, 1, 1)
    return model


@functools.cache
def _builders() -> dict[str, Callable[..., nn.Module]]:
    builders: dict[str, Callable[..., nn.Module]] = {}
    for name, config in {**BACKBONES, **ABLATIONS}.items():
        builders[name] = functools.partial(build_classifier, config)
    for name, config in BACKBONES.items():
        builders[f'ssdlite_{name}'] = functools.partial(build_ssdlite, config)
    for name, config in BACKBONES.items():
        builders[f'deeplabv3_{name}'] = functools.partial(build_deeplabv3, config)
        builders[f'deeplabv3_{name}.aspp256'] = functools.partial(
            build_deeplabv3, config, aspp_channels=256)
    builders['deeplabv3_edgenext_small.table6'] = functools.partial(
        build_table6, BACKBONES['edgenext_small'])
    return builders
