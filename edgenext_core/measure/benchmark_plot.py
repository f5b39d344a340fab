"""A benchmark as a picture; matplotlib is imported late, since a robot need not have it."""

import io
from typing import Any, Dict, List

from edgenext_core.measure.benchmark_run import machine_in_words
from edgenext_core.measure.published import NANO
from edgenext_core.measure.timed_models import STAGES
from edgenext_core.measure.whole_file import write_whole
from edgenext_core.runtime.errors import EdgeNextError

_COLORS = {'preprocess': '#8fb8de', 'infer': '#2f6690', 'postprocess': '#f0a04b'}
_GREY = '#555555'
_RED = '#b03a2e'
_MARGINS_INCHES, _ROW_INCHES, _LEGEND_INCHES = 1.5, 0.6, 0.35


class PlotError(EdgeNextError):
    """There can be no picture here: install what is missing, or do without."""


def write_plot(content: Dict[str, Any], path: str) -> None:
    """
    Draw the stages at p50 as bars, the way to p99 as a line, and what was published.

    :param content: what ``make_run`` gave
    :param path: the PNG file to write
    :raises PlotError: when matplotlib is missing
    :raises OSError: when the file cannot be written; it names the file
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PlotError('there is no plot, since matplotlib is missing; run: '
                        "pip install 'edgenext_ros[plot]'") from error
    models = content['models']
    height = _MARGINS_INCHES + _ROW_INCHES * len(models)
    figure = Figure(figsize=(9, height), dpi=120)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot(1, 1, 1)
    for row, model in enumerate(models):
        _draw_model(axes, row, model)
    axes.set_yticks(range(len(models)))
    axes.set_yticklabels([_label(model) for model in models], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * max(_longest_ms(model) for model in models))  # place for words
    axes.set_xlabel('milliseconds an image')
    figure.suptitle(machine_in_words(content['machine']), x=0.012, ha='left', fontsize=9)
    axes.grid(axis='x', color='#dddddd', linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ('top', 'right', 'left'):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis='y', length=0)
    _draw_legend(figure, models)
    figure.tight_layout(rect=(0, _LEGEND_INCHES / height, 1, 1))
    picture = io.BytesIO()
    canvas.print_png(picture)
    write_whole(path, picture.getvalue())


def _draw_model(axes: Any, row: int, model: Dict[str, Any]) -> None:
    stages = model['stages']
    left = 0.0
    for stage in STAGES:
        if stage in stages:
            width = stages[stage]['p50_ms']
            axes.barh(row, width, left=left, height=0.55, color=_COLORS[stage])
            left += width
    whole = stages.get('total', stages['infer'])
    axes.plot([left, whole['p99_ms']], [row, row], color=_GREY, linewidth=1.2)
    axes.plot([whole['p95_ms'], whole['p99_ms']], [row, row], color=_GREY, linestyle='',
              marker='|', markersize=9)
    axes.annotate(f'{whole["p50_ms"]:.1f} ms, {whole["fps"]:.0f} fps', (whole['p99_ms'], row),
                  xytext=(6, 0), textcoords='offset points', va='center', fontsize=9)
    published = model['published']
    if published and published['nano_ms'] is not None:
        axes.plot(published['nano_ms'], row + 0.36, color=_RED, marker='^', linestyle='')


def _draw_legend(figure: Any, models: List[Dict[str, Any]]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    shown = {stage for model in models for stage in model['stages']}
    handles: List[Any] = [Patch(color=_COLORS[stage], label=f'{stage}, p50') for stage in STAGES
                          if stage in shown]
    handles.append(Line2D([], [], color=_GREY, marker='|', label='to p95 and p99'))
    if any(model['published'] and model['published']['nano_ms'] for model in models):
        handles.append(Line2D([], [], color=_RED, marker='^', linestyle='',
                              label=f'published: {NANO}'))
    figure.legend(handles=handles, loc='lower center', ncol=len(handles), frameon=False,
                  fontsize=8)


def _longest_ms(model: Dict[str, Any]) -> float:
    published = model['published'] or {}
    whole = model['stages'].get('total', model['stages']['infer'])
    return max(whole['p99_ms'], published.get('nano_ms') or 0.0)


def _label(model: Dict[str, Any]) -> str:
    parts = [model['backend'], model['precision'],
             f'{model["threads"]} thread{"s" if model["threads"] > 1 else ""}']
    return f'{model["name"]}\n{", ".join(filter(None, parts))}'
