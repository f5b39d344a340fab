"""The table of all models with their cost, next to what the paper prints."""

from collections.abc import Iterable
from typing import NamedTuple

from tqdm import tqdm

from edgenext_core.models.complexity import complexity
from edgenext_core.models.paper_figures import FIGURES, PaperFigure, printed, value_of
from edgenext_core.models.registry import list_models

HEADINGS = ('model', 'input', 'parameters', 'paper', 'multiply-adds', 'paper', 'difference',
            'source', 'remark')


class ModelRow(NamedTuple):
    """
    One model at one input size.

    ``resolution`` is the side of the input in pixels; ``difference`` is that of the multiply-adds
    to the paper's, as a share of the paper's; the last five are None where nothing is printed.
    """

    model: str
    resolution: int
    parameters: int
    madds: int
    paper_parameters: str | None = None
    paper_madds: str | None = None
    difference: float | None = None
    source: str | None = None
    remark: str | None = None


def paper_resolution(model: str) -> int:
    """
    Give the input size at which the paper measures a model.

    :param model: its name.
    :return: side of the square, pixels.
    """
    if model.startswith('ssdlite_'):
        return 320
    return 512 if model.startswith('deeplabv3_') else 256


def inputs_to_count(resolution: int | None = None) -> list[tuple[str, int]]:
    """
    Say which models the table has at which input sizes.

    :param resolution: side of the square for all models, pixels; None takes the paper's sizes.
    :return: names and sides.
    """
    if resolution is not None:
        return [(name, resolution) for name in list_models()]
    inputs = [(name, paper_resolution(name)) for name in list_models()]
    printed_too = [(figure.model, figure.height) for figure in FIGURES]
    return inputs + [pair for pair in printed_too if pair not in inputs]


def count_models(resolution: int | None = None) -> list[ModelRow]:
    """
    Count all models, with a progress bar.

    :param resolution: as for :func:`inputs_to_count`.
    :return: their rows.
    """
    inputs = tqdm(inputs_to_count(resolution), desc='counting', unit='model', leave=False)
    return [count_row(model, side) for model, side in inputs]


def count_row(model: str, resolution: int) -> ModelRow:
    """
    Count a model and look up what the paper prints of it.

    :param model: its name.
    :param resolution: side of the square input, pixels.
    :return: its row.
    """
    counts = complexity(model, height=resolution, width=resolution)
    row = ModelRow(model, resolution, counts.parameters, counts.madds)
    figure = _figure(model, resolution)
    if figure is None:
        return row
    return row._replace(
        paper_parameters=figure.parameters, paper_madds=figure.madds, source=figure.source,
        difference=counts.madds / value_of(figure.madds) - 1, remark=figure.remark or None)


def markdown(rows: Iterable[ModelRow]) -> str:
    """
    Write rows as a Markdown table; our figures have the paper's digits where it prints some.

    :param rows: the rows.
    :return: the table's lines.
    """
    table = [HEADINGS, ('---',) * len(HEADINGS), *map(_cells, rows)]
    return '\n'.join('| ' + ' | '.join(cells) + ' |' for cells in table)


def _cells(row: ModelRow) -> tuple[str, ...]:
    difference = '' if row.difference is None else f'{row.difference:+.1%}'.replace('-0.0', '+0.0')
    return (
        row.model, str(row.resolution),
        printed(row.parameters, row.paper_parameters or '0.00M'), row.paper_parameters or '',
        printed(row.madds, row.paper_madds or ('0.00G' if row.madds >= 1e9 else '0M')),
        row.paper_madds or '', difference, row.source or '', row.remark or '')


def _figure(model: str, resolution: int) -> PaperFigure | None:
    return next((figure for figure in FIGURES
                 if (figure.model, figure.height) == (model, resolution)), None)
