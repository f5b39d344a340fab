"""Parameters as a table: declare them with descriptors, check values, set the live ones."""

import math
from typing import Any, Callable, Dict, NamedTuple, Optional, Sequence, Tuple

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from edgenext_core.runtime.errors import EdgeNextError

FROM_CARD = -1
"""The value of a threshold or count that means: the model card's own."""

_TYPE_NAMES = {float: 'a number', int: 'a whole number', bool: 'true or false', str: 'a text'}


class ParameterError(EdgeNextError):
    """Say that a parameter's value cannot be used: start the node with another."""


class ParameterSpec(NamedTuple):
    """
    One parameter of a node.

    ``live`` ones may be set while the node runs, all others are read-only. ``limits`` is the
    inclusive range of a number; ``from_card`` allows ``FROM_CARD`` below it. ``choices`` lists
    the values of a string. ``any_type`` takes any value as a string (a camera's index).
    """

    name: str
    default: Any
    description: str
    live: bool = False
    limits: Optional[Tuple[float, float]] = None
    from_card: bool = False
    choices: Tuple[str, ...] = ()
    any_type: bool = False


def declare(node: Node, specs: Sequence[ParameterSpec]) -> Dict[str, Any]:
    """
    Declare parameters.

    :param node: the node
    :param specs: its parameters
    :return: the values by name
    :raises ParameterError: when a value given at the start has a wrong type or breaks a rule
    """
    values = {}
    for spec in specs:
        try:
            value = node.declare_parameter(spec.name, spec.default, _descriptor(spec)).value
        except ParameterException as error:
            raise ParameterError(f'parameter {spec.name} ({spec.description}): {error}') from error
        problem = find_problem(spec, value)
        if problem is not None:
            raise ParameterError(f'parameter {problem}')
        values[spec.name] = _convert(spec, value)
    return values


def follow_changes(node: Node, specs: Sequence[ParameterSpec],
                   apply: Callable[[Dict[str, Any]], None]) -> None:
    """
    Check and apply every later change of the live parameters; all of one call or none.

    :param node: the node
    :param specs: its parameters, declared
    :param apply: is called with the changed values by name, in the executor's thread
    """
    live = {spec.name: spec for spec in specs if spec.live}

    def on_set(parameters: Sequence[Any]) -> SetParametersResult:
        changed = {parameter.name: parameter.value for parameter in parameters
                   if parameter.name in live}
        for name, value in changed.items():
            problem = find_problem(live[name], value)
            if problem is not None:
                return SetParametersResult(successful=False, reason=problem)
        if changed:
            apply({name: _convert(live[name], value) for name, value in changed.items()})
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(on_set)


def value_or_default(values: Dict[str, Any], name: str, defaults: Dict[str, Any]) -> Any:
    """
    Resolve a parameter that may leave the choice to the model card.

    :param values: the node's parameters
    :param name: the parameter
    :param defaults: the card's defaults
    :return: the parameter's value, or the card's where it is ``FROM_CARD``
    """
    return defaults[name] if values[name] == FROM_CARD else values[name]


def find_problem(spec: ParameterSpec, value: Any) -> Optional[str]:
    """
    Check a value against its rule.

    :param spec: the parameter
    :param value: the value; a whole number will do where the default is a fraction
    :return: what came and what was expected, or None where the value is fine
    """
    if not spec.any_type and type(_convert(spec, value)) is not type(spec.default):
        return f'{spec.name} is {value!r}, expected {_TYPE_NAMES[type(spec.default)]}'
    if spec.choices and value not in spec.choices:
        return f'{spec.name} is {value!r}, expected one of {", ".join(spec.choices)}'
    if spec.limits is None or (spec.from_card and value == FROM_CARD):
        return None
    low, high = spec.limits
    if low <= value <= high:
        return None
    card = f" or {FROM_CARD} for the model card's own" if spec.from_card else ''
    if math.isinf(high):
        return f'{spec.name} is {value}, expected at least {low}{card}'
    return f'{spec.name} is {value}, expected {low} to {high}{card}'


def _convert(spec: ParameterSpec, value: Any) -> Any:
    if spec.any_type:
        return str(value)
    return float(value) if isinstance(spec.default, float) and type(value) is int else value


def _descriptor(spec: ParameterSpec) -> ParameterDescriptor:
    # Dynamic typing lets ``-p rate_hz:=15`` pass; ``find_problem`` checks the type.
    descriptor = ParameterDescriptor(description=spec.description, read_only=not spec.live,
                                     dynamic_typing=True)
    if spec.choices:
        descriptor.additional_constraints = 'one of ' + ', '.join(spec.choices)
    if spec.limits is not None:
        low = FROM_CARD if spec.from_card else spec.limits[0]
        high = spec.limits[1]
        if isinstance(spec.default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(low), to_value=float(high), step=0.0)]
        else:
            descriptor.integer_range = [IntegerRange(
                from_value=int(low), to_value=int(min(high, 2 ** 31 - 1)), step=1)]
    return descriptor
