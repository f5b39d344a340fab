"""The figures of a run: counters, latencies, accuracy, versions."""

import json
from typing import Any, Dict, Optional, Sequence

import numpy as np

from edgenext_core.measure.accuracy import METERS, AccuracyError
from edgenext_demo.installation import describe_machine
from edgenext_demo.model_folder import DemoModel
from edgenext_demo.node_figures import STAGES, NodeFigures
from edgenext_demo.replay import Replay
from edgenext_demo.session import Clip, Run
from edgenext_demo.tasks import DEMO_TASKS

_PERCENTILES = (50, 95, 99)


def build_report(run: Run, replay: Replay, *, clip: Clip, command: str) -> Dict[str, Any]:
    """
    Put the figures of a run together.

    :param run: the last counters and the stage times
    :param replay: results and truth
    :param clip: what was played
    :param command: that made the run
    :return: for ``report.json``; latencies in milliseconds, accuracies 0 to 1
    """
    played_s = replay.duration_s()
    return {
        'command': command,
        'clip': dict(clip._asdict(), played_s=round(played_s, 3), ended_by=run.ended_by),
        'frames_sent': run.sent,
        'nodes': {node.model.node: _describe_node(node, sent=run.sent, played_s=played_s)
                  for node in run.nodes},
        'accuracy': {node.model.card.task: measure_accuracy(node.model, replay, clip=clip)
                     for node in run.nodes},
        'machine': describe_machine(),
    }


def measure_accuracy(model: DemoModel, replay: Replay, *, clip: Clip
                     ) -> Optional[Dict[str, Any]]:
    """
    Compare a node's published results with the truth.

    :param model: what the node ran
    :param replay: results and truth
    :param clip: tells what the truth's classes are
    :return: the figures, what they rest on, and the classes by name; None where the truth is
        unknown, empty, or speaks of other classes than the model
    """
    task, labels = model.card.task, model.card.labels
    if not replay.has_truth(model):
        return None
    if not clip.truth_masks and labels != DEMO_TASKS[task].street_labels:
        return None
    meter = METERS[task](len(labels))
    for found, truth in replay.pairs(model):
        meter.add(found, truth)
    try:
        accuracy = meter.accuracy()
    except AccuracyError:
        return None
    per_class = {labels[class_id]: value for class_id, value in accuracy.per_class.items()}
    return _rounded({**accuracy.figures, 'per_class': per_class, 'frames': accuracy.frames,
                     **accuracy.support})


def write_report(report: Dict[str, Any], path: str) -> None:
    """
    Write a report.

    :param report: as built
    :param path: of the JSON file
    """
    with open(path, 'w', encoding='utf-8') as stream:
        json.dump(report, stream, indent=2)
        stream.write('\n')


def _describe_node(node: NodeFigures, *, sent: int, played_s: float) -> Dict[str, Any]:
    counters, card = node.counters, node.model.card
    return {
        **counters._asdict(),
        'received_share': round(counters.received / sent, 4) if sent else None,
        'processed_share': round(counters.processed / sent, 4) if sent else None,
        'rate_hz': round(counters.processed / played_s, 3) if played_s else None,
        'latency_ms': {stage: _percentiles(node.stages_ms[stage]) for stage in STAGES},
        'model': {
            'file': node.model.path,
            'architecture': card.architecture,
            'input': [card.input.height, card.input.width],
            'labels': list(card.labels),
            'defaults': card.defaults._asdict(),
            'backend': node.backend,
        },
    }


def _percentiles(values_ms: Sequence[float]) -> Optional[Dict[str, float]]:
    if not len(values_ms):
        return None
    return {f'p{percent}': round(float(value), 3) for percent, value
            in zip(_PERCENTILES, np.percentile(values_ms, _PERCENTILES))}


def _rounded(figures: Dict[str, Any]) -> Dict[str, Any]:
    return json.loads(json.dumps(figures), parse_float=lambda text: round(float(text), 4))
