"""The table of all models with their cost, next to what the paper prints."""

from collections.abc import Iterable
from typing import NamedTuple

from tqdm import tqdm

from edgenext_core.models.edgenext import require_size
from edgenext_core.models.registry import list_models, model_task
from edgenext_core.paper.complexity import complexity
from edgenext_core.paper.figures import FIGURES, PaperFigure, difference

PAPER_SIDE_PX = {'classification': 256, 'detection': 320, 'segmentation': 512}
"""Side of the square input at which the paper measures the models of a task."""
HEADINGS = ('model', 'input', 'parameters', 'paper', 'difference', 'multiply-adds', 'paper',
            'difference', 'source', 'remark')


class ModelRow(NamedTuple):
    """
    One model at one input size.

    ``resolution`` is the side of the input in pixels. A difference is a share of the paper's
    figure, 0 where ours rounds to the paper's digits. What the paper does not print is None.
    """

    model: str
    resolution: int
    parameters: int
    madds: int
    paper_parameters: str | None = None
    parameters_difference: float | None = None
    paper_madds: str | None = None
    madds_difference: float | None = None
    source: str | None = None
    remark: str | None = None


def inputs_to_count(resolution: int | None = None) -> list[tuple[str, int]]:
    """
    Say which models the table has at which input sizes.

    :param resolution: side of the square for all models, pixels; None takes the paper's sizes
    :return: names and sides
    """
    if resolution is not None:
        return [(name, resolution) for name in list_models()]
    inputs = [(name, PAPER_SIDE_PX[model_task(name)]) for name in list_models()]
    printed_too = [(figure.model, figure.height) for figure in FIGURES]
    return inputs + [pair for pair in printed_too if pair not in inputs]


def count_models(resolution: int | None = None) -> list[ModelRow]:
    """
    Count all models, with a progress bar.

    :param resolution: as for :func:`inputs_to_count`
    :return: their rows
    """
    inputs = inputs_to_count(resolution)
    for _, side in inputs:
        require_size(side, side)
    bar = tqdm(inputs, desc='counting', unit='model', leave=False)
    return [count_row(model, side) for model, side in bar]


def count_row(model: str, resolution: int) -> ModelRow:
    """
    Count a model and look up what the paper prints of it.

    :param model: its name
    :param resolution: side of the square input, pixels
    :return: its row
    """
    counts = complexity(model, height=resolution, width=resolution)
    row = ModelRow(model, resolution, counts.parameters, counts.madds)
    figure = _figure(model, resolution)
    if figure is None:
        return row
    return row._replace(
        paper_parameters=figure.parameters, paper_madds=figure.madds, source=figure.source,
        parameters_difference=difference(counts.parameters, figure.parameters),
        madds_difference=difference(counts.madds, figure.madds), remark=figure.remark or None)


def markdown(rows: Iterable[ModelRow]) -> str:
    """
    Write rows as a Markdown table.

    :param rows: the rows
    :return: the table's lines
    """
    table = [HEADINGS, ('---',) * len(HEADINGS), *map(_cells, rows)]
    return '\n'.join('| ' + ' | '.join(cells) + ' |' for cells in table)


def _cells(row: ModelRow) -> tuple[str, ...]:
    return (
        row.model, str(row.resolution),
        f'{row.parameters:,}', row.paper_parameters or '', _share(row.parameters_difference),
        f'{row.madds / 1e6:,.1f}M', row.paper_madds or '', _share(row.madds_difference),
        row.source or '', row.remark or '')


def _share(value: float | None) -> str:
    if value is None:
        return ''
    return f'{value:+.1%}' if value else 'none'


def _figure(model: str, resolution: int) -> PaperFigure | None:
    return next((figure for figure in FIGURES
                 if (figure.model, figure.height) == (model, resolution)), None)
