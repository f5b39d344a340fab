"""
Parameters as a table: declare them with descriptors, check values, follow the live ones.

Threads: parameters are declared before the executor runs; later changes come in its thread.
"""

from typing import Any, Callable, Dict, NamedTuple, Optional, Sequence, Tuple

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from edgenext_core.runtime import settings
from edgenext_core.runtime.errors import EdgeNextError, SettingError

_TYPE_NAMES = {bool: 'true or false', str: 'a text'}


class ParameterSpec(NamedTuple):
    """
    One parameter of a node.

    ``live`` ones may be set while the node runs, all others are read-only. ``limits`` is the
    inclusive range that every number has. ``choices`` lists the values of a string. ``any_type``
    takes any value as a string (a camera's index).
    """

    name: str
    default: Any
    description: str
    live: bool = False
    limits: Optional[Tuple[float, float]] = None
    choices: Tuple[str, ...] = ()
    any_type: bool = False

    @property
    def rule(self) -> str:
        """Say in words which values are fine."""
        if self.limits is not None:
            return self._as_setting(self.limits).rule
        if self.choices:
            return f'one of {", ".join(self.choices)}'
        return 'any value' if self.any_type else _TYPE_NAMES[type(self.default)]

    def find_problem(self, value: Any) -> Optional[str]:
        """
        Check a value against the rule.

        :param value: anything
        :return: what came and what was expected, or None where the value is fine
        """
        if self.limits is not None:
            return settings.find_problem(self._as_setting(self.limits), value)
        is_fine = value in self.choices if self.choices else type(value) is type(self.default)
        return None if is_fine or self.any_type else (f'{self.name} is {value!r}, expected '
                                                      f'{self.rule}')

    def _as_setting(self, limits: Tuple[float, float]) -> settings.Setting:
        return settings.Setting(self.name, type(self.default), limits, self.description)


def setting_specs(rules: Sequence[settings.Setting], defaults: settings.Settings
                  ) -> Tuple[ParameterSpec, ...]:
    """
    Make live parameters of a task's settings.

    :param rules: of the task
    :param defaults: the model card's
    :return: one for each rule
    """
    return tuple(ParameterSpec(rule.name, getattr(defaults, rule.name), rule.description,
                               live=True, limits=rule.limits) for rule in rules)


def declare(node: Node, specs: Sequence[ParameterSpec]) -> Dict[str, Any]:
    """
    Declare parameters.

    :param node: the node
    :param specs: its parameters
    :return: the values by name
    :raises SettingError: when a value given at the start has a wrong type or breaks a rule
    """
    values = {}
    for spec in specs:
        try:
            value = node.declare_parameter(spec.name, spec.default, _descriptor(spec)).value
        except ParameterException as error:
            raise SettingError(f'parameter {spec.name} ({spec.description}) must be {spec.rule}: '
                               f'{error}') from error
        problem = spec.find_problem(value)
        if problem is not None:
            raise SettingError(f'parameter {problem}; choose another value')
        values[spec.name] = _converted(spec, value)
    return values


def follow_changes(node: Node, specs: Sequence[ParameterSpec],
                   apply: Callable[[Dict[str, Any]], None]) -> None:
    """
    Check and apply every later change of the live parameters; all of one call or none.

    :param node: the node
    :param specs: its parameters, declared
    :param apply: is called with the changed values by name, in the executor's thread; refuses
        them by raising an EdgeNextError before it has applied any
    """
    live = {spec.name: spec for spec in specs if spec.live}

    def on_set(parameters: Sequence[Any]) -> SetParametersResult:
        changed = {parameter.name: parameter.value for parameter in parameters
                   if parameter.name in live}
        for name, value in changed.items():
            problem = live[name].find_problem(value)
            if problem is not None:
                return SetParametersResult(successful=False, reason=problem)
        try:
            apply({name: _converted(live[name], value) for name, value in changed.items()})
        except EdgeNextError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(on_set)


def _converted(spec: ParameterSpec, value: Any) -> Any:
    return type(spec.default)(value)


def _descriptor(spec: ParameterSpec) -> ParameterDescriptor:
    # Dynamic typing lets ``-p rate_hz:=15`` pass; ``find_problem`` checks the type.
    descriptor = ParameterDescriptor(description=spec.description, read_only=not spec.live,
                                     dynamic_typing=True, additional_constraints=spec.rule)
    if spec.limits is not None:
        low, high = spec.limits
        if isinstance(spec.default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(low), to_value=float(high), step=0.0)]
        else:
            descriptor.integer_range = [
                IntegerRange(from_value=int(low), to_value=int(high), step=1)]
    return descriptor
