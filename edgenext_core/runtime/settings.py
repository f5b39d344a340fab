"""
What may be tuned between frames: one frozen record a task, swapped whole.

A frame is processed with the one record that its pipeline holds when it begins, so it never sees
half of a change.
"""

import math
from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple, Union

from edgenext_core.runtime.errors import SettingError


class ClassificationSettings(NamedTuple):
    """``top_k``: how many classes a record holds, at least 1."""

    top_k: int = 5


class DetectionSettings(NamedTuple):
    """
    Which boxes a record holds.

    ``score_threshold``, 0 to 1, is the least score; ``nms_iou``, 0 to 1, the overlap beyond which
    two boxes of a class are one object; ``max_detections``, at least 1, the most boxes a frame.
    """

    score_threshold: float = 0.3
    nms_iou: float = 0.5
    max_detections: int = 100


class SegmentationSettings(NamedTuple):
    """A mask has nothing to tune."""


Settings = Union[ClassificationSettings, DetectionSettings, SegmentationSettings]


class Setting(NamedTuple):
    """
    One field of a settings record: its type, its inclusive range and what it does.

    A whole number is accepted where ``kind`` is float.
    """

    name: str
    kind: type
    limits: Tuple[float, float]
    description: str

    @property
    def rule(self) -> str:
        """Say in words which values are fine."""
        low, high = self.limits
        return f'{"a number" if self.kind is float else "a whole number"} {low} to {high}'


CLASSIFICATION_SETTINGS = (
    Setting('top_k', int, (1, 100000), 'how many classes a result holds, most probable first'),
)
DETECTION_SETTINGS = (
    Setting('score_threshold', float, (0, 1), 'the least score that a box needs'),
    Setting('nms_iou', float, (0, 1), 'the overlap beyond which two boxes of a class count as one '
            'object'),
    Setting('max_detections', int, (1, 100000), 'at most so many boxes a frame'),
)


def find_problem(setting: Setting, value: Any) -> Optional[str]:
    """
    Check a value against its rule.

    :param setting: the setting
    :param value: anything
    :return: what came and what was expected, or None where the value is fine
    """
    numbers = (int, float) if setting.kind is float else (int,)
    low, high = setting.limits
    if (isinstance(value, numbers) and not isinstance(value, bool) and math.isfinite(value)
            and low <= value <= high):
        return None
    return f'{setting.name} is {value!r}, expected {setting.rule}'


def change_settings(settings: Settings, rules: Sequence[Setting],
                    changes: Dict[str, Any]) -> Settings:
    """
    Give settings with some values replaced; all of them or none.

    :param settings: the settings so far
    :param rules: one for each of their fields
    :param changes: new values by name
    :return: a new record
    :raises SettingError: when a name is unknown or a value breaks its rule
    """
    known = {rule.name: rule for rule in rules}
    for name, value in changes.items():
        if name not in known:
            raise SettingError(f'there is no setting {name!r} here, expected one of: '
                               f'{", ".join(known) or "none, as there is nothing to set"}')
        problem = find_problem(known[name], value)
        if problem is not None:
            raise SettingError(f'{problem}; choose another value')
    return settings._replace(**{name: known[name].kind(value) for name, value in changes.items()})
