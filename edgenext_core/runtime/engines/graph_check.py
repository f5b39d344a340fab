"""Whether a graph takes and gives what its card says."""

from typing import Dict, Tuple

from edgenext_core.runtime.engines.interface import TensorSpec
from edgenext_core.runtime.errors import ModelCardError
from edgenext_core.runtime.model_card import RE_EXPORT, ModelCard
from edgenext_core.runtime.tasks import TASKS


def check_inputs(card: ModelCard, specs: Tuple[TensorSpec, ...]) -> None:
    """
    Check a graph's inputs against the card.

    :param card: the card
    :param specs: what the graph takes
    :raises ModelCardError: when they disagree
    """
    expected = TensorSpec(card.input.name, card.input.dtype,
                          (card.input.batch, card.input.height, card.input.width, 3))
    if len(specs) != 1 or specs[0] != expected:
        raise _disagreement('input', expected, ' and '.join(map(str, specs)))


def check_outputs(card: ModelCard, specs: Tuple[TensorSpec, ...]) -> None:
    """
    Check a graph's outputs against the card.

    :param card: the card
    :param specs: what the graph gives; more outputs than expected do no harm
    :raises ModelCardError: when they disagree
    """
    given = {spec.name: spec for spec in specs}
    sizes: Dict[str, int] = {}
    for expected in TASKS[card.task].outputs(card):
        spec = given.get(expected.name)
        if spec is None:
            raise _disagreement('output', expected, ', '.join(given))
        if spec.dtype != expected.dtype or not _fits(spec, expected):
            raise _disagreement('output', expected, str(spec))
        for word, size in zip(expected.shape, spec.shape):
            if (isinstance(word, str) and isinstance(size, int)
                    and sizes.setdefault(word, size) != size):
                raise ModelCardError(f'the graph gives {spec.name} for {size} {word} and another '
                                     f'output for {sizes[word]}; {RE_EXPORT}')


def _fits(spec: TensorSpec, expected: TensorSpec) -> bool:
    return len(spec.shape) == len(expected.shape) and all(
        size is None or isinstance(wanted, str) or size == wanted
        for size, wanted in zip(spec.shape, expected.shape))


def _disagreement(kind: str, expected: TensorSpec, given: str) -> ModelCardError:
    return ModelCardError(f'the card and the graph disagree: by the card the {kind} is '
                          f'{expected}, the graph has {given}; {RE_EXPORT}')
