"""A recipe: everything that a training run is told, as the file ``recipe_file`` reads it."""

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, NamedTuple

from edgenext_core.runtime.errors import EdgeNextError


class RecipeError(EdgeNextError):
    """A recipe cannot be followed: change what the message names."""


class Rule(NamedTuple):
    """Which values are fine, and the same in words."""

    holds: Callable[[Any], bool]
    words: str

    def __repr__(self) -> str:
        """Return the words, for the list of keys."""
        return self.words


_COUNT = Rule(lambda value: value >= 1, 'a whole number from 1')
_NATURAL = Rule(lambda value: value >= 0, 'a whole number from 0')
_POSITIVE = Rule(lambda value: 0 < value < math.inf, 'a number above 0')
_NOT_NEGATIVE = Rule(lambda value: 0 <= value < math.inf, 'a number from 0')
_SHARE = Rule(lambda value: 0 <= value <= 1, 'a number from 0 to 1')
_SIZE = Rule(lambda value: value is None or min(value) >= 32,
             '[height, width] in pixels, both at least 32')
_WINDOW = Rule(lambda value: 0 < value[0] <= value[1] <= 1,
               '[smallest, largest], each above 0 and at most 1')


@dataclasses.dataclass(frozen=True)
class ModelSection:
    """
    What is trained, and what its model card will say.

    :param name: name that ``create_model`` knows
    :param input_size: height and width of the exported network's input in pixels; of a side that
        is no multiple of 32, some pixels at the end are not seen
    :param resize: rule that brings a frame to it: stretch, letterbox or center_crop
    :param options: further options of ``create_model``
    :param defaults: the card's default settings where they differ from the task's
    """

    name: str
    input_size: Annotated[tuple[int, int], _SIZE]
    resize: Literal['stretch', 'letterbox', 'center_crop']
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    defaults: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class DataSection:
    """
    What is trained on.

    :param root: folder of a data set with the splits train and val, see ``edgenext_core.data``
    :param batch_size: samples in a step
    :param classes: their names, or the name of a label set of the project, or of an entry of the
        data's ``classes.json``; without it, the data say what their classes are
    :param workers: processes that load data; 0 loads in the run's own process
    """

    root: str
    batch_size: Annotated[int, _COUNT]
    classes: str | list[str] | None = None
    workers: Annotated[int, _NATURAL] = 0


@dataclasses.dataclass(frozen=True)
class AugmentationSection:
    """
    How a training sample is taken from a frame.

    :param size: height and width of the sample in pixels; without it, the input's
    :param window: smallest and largest share of the frame that it shows
    :param flip: probability to mirror it
    :param color: strength of the colour changes; 0 is none
    """

    size: Annotated[tuple[int, int] | None, _SIZE] = None
    window: Annotated[tuple[float, float], _WINDOW] = (1.0, 1.0)
    flip: Annotated[float, _SHARE] = 0.0
    color: Annotated[float, _SHARE] = 0.0


@dataclasses.dataclass(frozen=True)
class OptimizerSection:
    """
    How the weights are changed.

    :param learning_rate: peak of the schedule
    :param weight_decay: AdamW's, on weights of two and more dimensions
    :param warmup_steps: steps of linear warm-up before the cosine
    """

    learning_rate: Annotated[float, _POSITIVE]
    weight_decay: Annotated[float, _NOT_NEGATIVE] = 0.02
    warmup_steps: Annotated[int, _NATURAL] = 100


@dataclasses.dataclass(frozen=True)
class EmaSection:
    """
    How the weights are averaged; the averaged ones are validated and exported.

    :param decay: of the exponential moving average
    """

    decay: Annotated[float, _SHARE] = 0.998


@dataclasses.dataclass(frozen=True)
class Recipe:
    """
    A training run.

    :param task: classification, detection or segmentation
    :param model: what is trained
    :param data: what is trained on
    :param augmentation: how samples are taken
    :param optimizer: how weights are changed
    :param ema: how weights are averaged
    :param trainer: arguments of ``lightning.Trainer``, such as ``max_epochs``
    :param seed: seed of the weights, the order and the random views
    :param threads: CPU threads of the run
    """

    task: str
    model: ModelSection
    data: DataSection
    augmentation: AugmentationSection
    optimizer: OptimizerSection
    ema: EmaSection
    trainer: dict[str, Any]
    seed: Annotated[int, _NATURAL] = 0
    threads: Annotated[int, _COUNT] = 1

    def as_dict(self) -> dict[str, Any]:
        """
        Give the recipe as plain values, for a checkpoint and a model card.

        :return: sections by name, as in the YAML file
        """
        return dataclasses.asdict(self)


def require_rules(recipe: Recipe) -> None:
    """
    Check every value of a recipe against its rule.

    :param recipe: values of the right types
    :raises RecipeError: when one breaks its rule
    """
    for key, value, rule in _ruled_values(recipe):
        if not rule.holds(value):
            plain = list(value) if isinstance(value, tuple) else value
            raise RecipeError(f'recipe key {key!r} is {plain}, expected {rule.words}; change it')


def _ruled_values(section: Any, prefix: str = '') -> Iterator[tuple[str, Any, Rule]]:
    """Give the dotted key, the value and the rule of every value that has one."""
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        if dataclasses.is_dataclass(value):
            yield from _ruled_values(value, f'{prefix}{field.name}.')
        for rule in getattr(field.type, '__metadata__', ()):
            yield prefix + field.name, value, rule
