"""What the options of a network can be: users write them in recipes."""

import math
from collections.abc import Callable
from typing import Any

from edgenext_core.models.errors import ModelError


def require_option(option: str, value: object) -> None:
    """
    Check the value of an option.

    :param option: a key of :data:`RULES`
    :param value: what a user wants it to be
    :raises ModelError: when it cannot be that
    """
    rule, holds = RULES[option]
    if not holds(value):
        raise ModelError(f'{option} is {value!r}; it can be {rule}')


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_rate(value: Any) -> bool:
    return _is_number(value) and 0 <= value < 1


def _are_scales(value: Any) -> bool:
    return (isinstance(value, (tuple, list)) and len(value) == 2
            and all(map(_is_number, value)) and 0 < value[0] < value[1])


RULES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    'num_classes': ('a whole number from 1', _is_count),
    'drop_path_rate': ('a probability, from 0 to below 1', _is_rate),
    'dropout': ('a probability, from 0 to below 1', _is_rate),
    'output_stride': ('8, 16 or 32', lambda value: value in (8, 16, 32)),
    'features_only': ('True or False', lambda value: isinstance(value, bool)),
    'layer_scale_init': ('a number', _is_number),
    'anchor_scales': ('a smaller and a larger number, both above 0', _are_scales),
    'aspp_channels': ('a whole number from 1', _is_count),
}
"""What each option can be, in words and as a test."""
