"""A run gone through again gives each frame what the nodes knew by then, and its truth."""

import numpy as np
import pytest
from sample_run import (
    BOXES,
    RECORDS,
    frame_message,
    mean_grey,
    plain_frame,
    record_message,
    write_bag,
)

from edgenext_core.runtime.records import Detections
from edgenext_demo.bag_reader import BagReader
from edgenext_demo.moments import replay_moments, telling_stamps
from edgenext_demo.node_figures import NodeFigures
from edgenext_demo.replay import Replay
from edgenext_demo.topics import FRAMES, result_topic, truth_topic

SECOND = 10 ** 9


def boxes_numbered(number):
    """Make detections that can be told apart by their first edge."""
    boxes = BOXES.boxes_xyxy.copy()
    boxes[0, 0] = number
    return BOXES._replace(boxes_xyxy=boxes)


def number_of(record):
    """Read the number back."""
    return int(record.boxes_xyxy[0, 0])


@pytest.fixture
def replayed(tmp_path):
    """Give a function that opens what it is given as a run."""
    opened = []

    def open_run(messages, models):
        opened.append(BagReader(write_bag(tmp_path / f'bag{len(opened)}', messages,
                                          models=models)))
        return Replay(opened[-1])

    yield open_run
    for bag in opened:
        bag.__exit__()


@pytest.mark.parametrize('task', sorted(RECORDS))
def test_a_run_gives_results_and_truth_of_the_same_frame(replayed, models, task):
    model, record = models[task], RECORDS[task]
    truth = record._replace(**{record._fields[0]: record[0] * 2})
    messages = [(truth_topic(model), record_message(model, second * SECOND, truth))
                for second in (2, 3, 4)]
    messages += [(result_topic(model), record_message(model, second * SECOND, record))
                 for second in (1, 2, 3)]
    replay = replayed(messages, [model])
    pairs = list(replay.pairs(model))
    assert len(pairs) == 2
    for found, true in pairs:
        for field, expected, expected_truth in zip(record._fields, record, truth):
            np.testing.assert_array_equal(getattr(found, field), expected)
            np.testing.assert_array_equal(getattr(true, field), expected_truth)
    assert replay.has_truth(model)
    assert list(replay.result_stamps(model)) == [SECOND, 2 * SECOND, 3 * SECOND]


def test_frames_without_truth_or_without_result_give_no_pair_in_whatever_order_they_came(
        replayed, models):
    model = models['detection']
    generator = np.random.default_rng(0)
    results, truths = (sorted(generator.choice(60, 40, replace=False).tolist()) for _ in range(2))
    queues = {result_topic(model): list(results), truth_topic(model): list(truths)}
    messages = []
    while any(queues.values()):  # each topic in its own order, the two in any
        topic = generator.choice([topic for topic, queue in queues.items() if queue])
        number = queues[topic].pop(0)
        messages.append((topic, record_message(model, 1 + number, boxes_numbered(number))))
    pairs = [(number_of(found), number_of(true))
             for found, true in replayed(messages, [model]).pairs(model)]
    assert pairs == [(number, number) for number in results if number in truths]


def test_a_run_without_truth_says_so(replayed, models):
    model = models['detection']
    replay = replayed([(result_topic(model), record_message(model, 1, BOXES))], [model])
    assert not replay.has_truth(model)
    assert list(replay.pairs(model)) == []


def test_the_last_frame_counts_in_the_duration(replayed):
    for stamps, duration_s in (([], 0), ([5], 0), ([0, SECOND], 2), ([0, SECOND, 2 * SECOND], 3)):
        messages = [(FRAMES, frame_message(stamp_ns, plain_frame())) for stamp_ns in stamps]
        assert replayed(messages, []).duration_s() == pytest.approx(duration_s)


def test_a_moment_shows_the_newest_result_up_to_its_frame(replayed, models):
    """Results come late and not for every frame; whatever the bag's order, the stamps decide."""
    model, node = models['detection'], NodeFigures(models['detection'])
    answered = [3, 4, 7, 8, 12]
    messages = [(FRAMES, frame_message(index * SECOND // 4, plain_frame(10 * index)))
                for index in range(15)]
    messages += [(result_topic(model), record_message(model, index * SECOND // 4,
                                                      boxes_numbered(index)))
                 for index in answered]
    for index in answered:
        node.age_ms[index * SECOND // 4] = 10.0 * index
    replay = replayed(messages, [model])
    assert mean_grey(replay.first_frame()) == 0
    moments = list(replay_moments(replay, [node], stamps=replay.stamps))
    assert len(moments) == 15
    for index, moment in enumerate(moments):
        assert moment.time_s == index / 4
        assert mean_grey(moment.frame_bgr) == 10 * index
        (shown,) = moment.shown
        before = [one for one in answered if one <= index]
        recent = [one for one in before if one > index - 4]  # a second is four frames
        assert shown.model is model
        assert (shown.record is None) == (not before)
        assert not before or number_of(shown.record) == before[-1]
        assert shown.rate_hz == len(recent)
        assert shown.age_ms == (10 * np.median(recent) if recent else 0)


def test_chosen_moments_are_those_of_the_whole_run(replayed, models):
    model, node = models['detection'], NodeFigures(models['detection'])
    messages = []
    for index in range(9):
        messages.append((FRAMES, frame_message(index * SECOND, plain_frame(10 * index))))
        if index % 2:
            messages.append((result_topic(model), record_message(
                model, index * SECOND, boxes_numbered(index))))
    replay = replayed(messages, [model])
    chosen = list(replay_moments(replay, [node], stamps=[2 * SECOND, 7 * SECOND]))
    assert [moment.time_s for moment in chosen] == [2, 7]
    assert [mean_grey(moment.frame_bgr) for moment in chosen] == [20, 70]
    assert [number_of(moment.shown[0].record) for moment in chosen] == [1, 7]


def test_frames_that_every_node_has_answered_are_worth_a_picture(replayed, models):
    messages = [(FRAMES, frame_message(stamp_ns, plain_frame())) for stamp_ns in range(1, 9)]
    for task, stamps in (('detection', (2, 3, 5, 8)), ('classification', (1, 2, 5, 8))):
        messages += [(result_topic(models[task]), record_message(
            models[task], stamp_ns, RECORDS[task])) for stamp_ns in stamps]
    replay = replayed(messages, [models['detection'], models['classification']])
    nodes = [NodeFigures(models['detection']), NodeFigures(models['classification'])]
    assert telling_stamps(replay, nodes, count=3) == [2, 5, 8]
    assert telling_stamps(replay, nodes, count=4) == list(range(1, 9))


def test_no_object_is_a_result_too(replayed, models):
    model = models['detection']
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, int), np.zeros(0, np.float32))
    replay = replayed([(FRAMES, frame_message(1, plain_frame())),
                       (result_topic(model), record_message(model, 1, nothing))], [model])
    (moment,) = replay_moments(replay, [NodeFigures(model)], stamps=replay.stamps)
    assert len(moment.shown[0].record.class_ids) == 0
