"""What the demo makes of a bag: the report's figures, the video and the contact sheet."""

import json

import av
import cv2
import numpy as np
import pytest
from sample_run import RECORDS, frame_message, plain_frame, record_message, write_bag

from edgenext_core.runtime.records import ClassMask
from edgenext_demo.bag_reader import BagReader
from edgenext_demo.errors import DemoError
from edgenext_demo.node_figures import Counters, NodeFigures
from edgenext_demo.replay import Replay
from edgenext_demo.report import build_report, write_report
from edgenext_demo.session import Clip, Run
from edgenext_demo.sheet import write_sheet
from edgenext_demo.topics import FRAMES, result_topic, truth_topic
from edgenext_demo.video import write_video

PERIOD_NS = 10 ** 8
CLIP = Clip('a_clip.mp4', 0.0, 0.0, 'masks')


@pytest.fixture
def run(models):
    """Give what ten frames, all answered, leave behind in the nodes' figures."""
    nodes = [NodeFigures(model) for model in models.values()]
    for node in nodes:
        node.counters = Counters(10, 10, 0, 0, 10)
        for stage in node.stages_ms:
            node.stages_ms[stage].extend([1.0, 2.0, 3.0])
    return Run(10, nodes, 'source')


@pytest.fixture
def replay(models, tmp_path):
    """Give the ten frames, results and truth; in every second mask all is truly red."""
    messages = []
    for index in range(10):
        stamp_ns = 1 + index * PERIOD_NS
        messages.append((FRAMES, frame_message(stamp_ns, plain_frame(20 * index))))
        for task, model in models.items():
            truth = RECORDS[task]
            if task == 'segmentation' and index % 2:
                truth = ClassMask(np.full_like(truth.class_ids, 2))
            messages += [(truth_topic(model), record_message(model, stamp_ns, truth)),
                         (result_topic(model), record_message(model, stamp_ns, RECORDS[task]))]
    with BagReader(write_bag(tmp_path / 'bag', messages, models=models.values())) as bag:
        yield Replay(bag)


def test_the_report_counts_what_is_in_the_bag(run, replay, tmp_path):
    report = build_report(run, replay, clip=CLIP, command='a command')
    assert report['clip']['played_s'] == 1.0
    assert report['nodes']['detection']['rate_hz'] == 10.0
    assert report['nodes']['detection']['latency_ms']['age'] == {
        'p50': 2.0, 'p95': 2.9, 'p99': 2.98}
    accuracy = report['accuracy']
    assert accuracy['classification'] == {'top1': 1.0, 'per_class': {'red': 1.0}, 'frames': 10}
    assert accuracy['detection']['map50'] == 1.0
    assert (accuracy['detection']['frames'], accuracy['detection']['objects']) == (10, 30)
    # Three quarters are found blue in every frame, and are it in every second one.
    assert accuracy['segmentation']['per_class'] == {'blue': 0.5, 'red': 0.4}
    assert accuracy['segmentation']['miou'] == 0.45
    assert accuracy['segmentation']['pixels'] == 10 * RECORDS['segmentation'].class_ids.size
    write_report(report, str(tmp_path / 'report.json'))
    assert json.loads((tmp_path / 'report.json').read_text())['accuracy'] == accuracy


def test_a_truth_of_the_street_measures_no_model_of_other_classes(run, replay):
    report = build_report(run, replay, clip=CLIP._replace(truth_masks=''), command='')
    assert report['accuracy'] == dict.fromkeys(RECORDS)


def test_the_video_has_a_picture_for_every_frame_and_the_pace_of_the_run(run, replay, tmp_path):
    write_video(replay, run.nodes, path=str(tmp_path / 'demo.mp4'))
    with av.open(str(tmp_path / 'demo.mp4')) as video:
        stream = video.streams.video[0]
        assert stream.average_rate == 10
        pictures = [frame.to_ndarray(format='gray') for frame in video.decode(stream)]
    assert len(pictures) == 10
    middles = [picture[200:240, 300:340].mean() for picture in pictures]
    assert np.all(np.diff(middles) > 0)  # the frames become brighter


def test_the_sheet_shows_the_frames_and_says_where_it_cannot_be_written(run, replay, tmp_path):
    report = build_report(run, replay, clip=CLIP, command='')
    write_sheet(replay, run.nodes, report=report, path=str(tmp_path / 'sheet.png'))
    assert cv2.imread(str(tmp_path / 'sheet.png')).shape[1] == 1980
    absent = str(tmp_path / 'absent' / 'sheet.png')
    with pytest.raises(DemoError, match=f'cannot write {absent}; free some space'):
        write_sheet(replay, run.nodes, report=report, path=absent)
