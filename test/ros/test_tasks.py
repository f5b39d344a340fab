"""The task table of the ROS side."""

import numpy as np
import pytest
from std_msgs.msg import Header

from edgenext_core.runtime.records import Classification, ClassMask, Detections
from edgenext_core.runtime.tasks import TASKS
from edgenext_ros.tasks import ROS_TASKS

LABELS = ('car', 'truck')
SCORES = np.array([.75, .25], np.float32)
RECORDS = {
    'classification': Classification(np.array([1, 0]), SCORES),
    'detection': Detections(np.array([[0, 1, 2, 3], [4, 5, 6, 7]], np.float32), np.array([1, 0]),
                            SCORES),
    'segmentation': ClassMask(np.array([[0, 1]], np.uint8)),
}


def test_it_has_a_row_for_each_task_of_the_runtime():
    assert list(ROS_TASKS) == list(TASKS)
    assert len({row.topic for row in ROS_TASKS.values()}) == len(ROS_TASKS)


@pytest.mark.parametrize('class_id_format', ['index', 'name'])
@pytest.mark.parametrize('task', ROS_TASKS)
def test_a_record_survives_the_round_trip_through_the_tasks_message(task, class_id_format):
    row, record = ROS_TASKS[task], RECORDS[task]
    message = row.to_ros(record, Header(frame_id='lens'), LABELS, class_id_format)
    assert isinstance(message, row.message_type)
    assert message.header.frame_id == 'lens'
    for value, expected in zip(row.from_ros(message, LABELS), record):
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize(('task', 'threshold'), [
    ('classification', 0.0), ('detection', 0.3), ('segmentation', 0.0)])
def test_the_least_score_that_is_published_follows_from_the_settings(task, threshold):
    assert ROS_TASKS[task].threshold(TASKS[task].default_settings) == threshold
