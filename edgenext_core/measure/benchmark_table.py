"""What ``edgenext benchmark`` says, in lines of text."""

from typing import Any, Dict, List, Sequence, Tuple

from edgenext_core.measure.benchmark_run import Run, machine_in_words, title_of
from edgenext_core.measure.pictures import DRAWN
from edgenext_core.measure.published import A100, NANO

_WIDTH = 44
_COLUMNS = ('p50_ms', 'p95_ms', 'p99_ms', 'fps')


def describe_run(content: Dict[str, Any]) -> List[str]:
    """
    Put a benchmark into a table, a line a stage.

    :param content: what ``make_run`` gave
    :return: the lines
    """
    settings, models = content['settings'], content['models']
    pictures = settings['pictures']
    source = DRAWN if pictures['source'] == DRAWN else f'pictures of {pictures["source"]}'
    lines = [machine_in_words(content['machine']),
             f'{settings["runs"]} runs of each model, in turn, after {settings["warmup"]} that do '
             f'not count, on {pictures["count"]} {source}', '',
             f'{"milliseconds an image":{_WIDTH}}{"p50":>10}{"p95":>10}{"p99":>10}{"fps":>10}']
    for model in models:
        lines.append(_model_in_words(model))
        for stage, times in model['stages'].items():
            lines.append(f'  {stage:{_WIDTH - 2}}'
                         + ''.join(f'{times[column]:10.2f}' for column in _COLUMNS))
        lines += [f'  published: {text}' for text in _published_in_words(model['published'])]
    if len(models) > 1:
        lines += ['', f'{"infer, an image":{_WIDTH}}{"p50, ms":>10}{"ratio":>10}']
        lines += [f'  {title_of(model):{_WIDTH - 2}}{model["stages"]["infer"]["p50_ms"]:10.2f}'
                  f'{model["ratio"]:10.2f}' for model in models]
    return lines


def describe_comparison(runs: Sequence[Run]) -> List[str]:
    """
    Put runs side by side.

    :param runs: at least two; the others' ratios are to the first
    :return: the lines
    """
    titles = [run.title for run in runs]
    width = max(len(title) for title in titles + ['00000.00 ms (00.00)']) + 2
    lines = [f'{title}: {run.made}, {run.machine}' for title, run in zip(titles, runs)]
    columns = [{(model.title, model.stage): model.p50_ms for model in run.models}
               for run in runs]
    keys = list(dict.fromkeys(key for column in columns for key in column))
    label_width = max([len(', '.join(key)) for key in keys] + [_WIDTH - 2]) + 2
    lines += ['', f'{"p50 (ratio to the first run)":{label_width}}'
              + ''.join(f'{title:>{width}}' for title in titles)]
    for key in keys:
        lines.append(f'{", ".join(key):{label_width}}' + ''.join(
            f'{_cell(column, columns[0], key):>{width}}' for column in columns))
    return lines


def _cell(column: Dict[Tuple[str, str], float], first: Dict[Tuple[str, str], float],
          key: Tuple[str, str]) -> str:
    if key not in column:
        return '-'
    text = f'{column[key]:.2f} ms'
    return text if column is first or key not in first else (
        f'{text} ({column[key] / first[key]:.2f})')


def _model_in_words(model: Dict[str, Any]) -> str:
    parts = [model['architecture'], 'x'.join(map(str, model['input'])), model['precision'],
             f'{model["backend"]} {model["version"]}', model['device'],
             f'{model["threads"]} thread{"s" if model["threads"] > 1 else ""}']
    if model['batch'] != 1:
        parts.append(f'batch {model["batch"]}')
    if model['memory_mb'] is not None:
        parts.append(f'{model["memory_mb"]:.0f} MB')
    return f'{model["name"]}: {", ".join(filter(None, parts))}'


def _published_in_words(published: Any) -> List[str]:
    if published is None:
        return []
    nano = published['nano_ms']
    return ([] if nano is None else [f'{nano:g} ms ({NANO})']) + [
        f'{published["a100_us"] / 1e3:g} ms ({A100})']
