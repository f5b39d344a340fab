"""Time several models on the same pictures, in turn, so that noise hits all alike."""

import collections
import os
import statistics
from typing import Dict, Iterable, List, Sequence, Tuple

import numpy as np

from edgenext_core.measure.latency import percentiles
from edgenext_core.measure.timed_models import STAGES, TimedModel

Times = List[Tuple[float, ...]]
"""Of each run, the milliseconds of each stage."""


def time_in_turn(models: Sequence[TimedModel], pictures: Sequence[np.ndarray],
                 rounds: Iterable[int]) -> List[Times]:
    """
    Run every model once a round, in another order each time.

    :param models: opened models
    :param pictures: (H, W, 3) uint8 BGR; each round takes the next one
    :param rounds: their numbers; those below 0 warm up and do not count
    :return: for each model its times
    """
    times: List[Times] = [[] for _ in models]
    indices = list(range(len(models)))
    for number in rounds:
        start = number % len(models)
        order = indices[start:] + indices[:start]
        for index in order if number % 2 else reversed(order):
            run = models[index].time(pictures[number % len(pictures)])
            if number >= 0:
                times[index].append(run)
    return times


def summarize(stages: Sequence[str], times: Times) -> Dict[str, Dict[str, float]]:
    """
    Sum up a model's times.

    :param stages: the names of its stages
    :param times: at least one run
    :return: by stage, and ``total`` where there are all: ``p50_ms``, ``p95_ms``, ``p99_ms``, and
        ``fps``, the frames that one worker would do in a second, by the mean time
    """
    by_stage = dict(zip(stages, zip(*times)))
    if len(stages) == len(STAGES):
        by_stage['total'] = tuple(sum(run) for run in times)
    return {stage: _summary(values) for stage, values in by_stage.items()}


def infer_ratio(model: TimedModel, times: Times, *, first: TimedModel, first_times: Times
                ) -> float:
    """
    Compare the inference of two models that were timed in turn.

    :param model: a model
    :param times: its times
    :param first: the model that it is compared with
    :param first_times: that model's times
    :return: the median of the rounds' own ratios, which noise moves least
    """
    at, first_at = model.stages.index('infer'), first.stages.index('infer')
    ratio = statistics.median(run[at] / other[first_at] for run, other in zip(times, first_times))
    return round(ratio, 4)


def _summary(values: Sequence[float]) -> Dict[str, float]:
    summary = {f'{name}_ms': round(value, 4) for name, value
               in percentiles(values)._asdict().items()}
    return dict(summary, fps=round(1e3 / statistics.mean(values), 2))


def name_files(paths: Sequence[str]) -> Dict[str, str]:
    """
    Give files short names.

    :param paths: of files, some of them more than once
    :return: by path its name without folder and suffix, or the path where two would be alike
    """
    stems = {path: os.path.splitext(os.path.basename(path))[0] for path in paths}
    counts = collections.Counter(stems.values())
    return {path: stem if counts[stem] == 1 else path for path, stem in stems.items()}
