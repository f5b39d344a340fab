"""A run as the demo's bag holds it, without nodes: records, their messages, a bag of them."""

import cv2
import numpy as np
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo, VisionClass, VisionInfo

from edgenext_core.runtime.records import Classification, ClassMask, Detections
from edgenext_demo.bag_writer import BagWriter
from edgenext_demo.topics import FRAMES, message_type, result_topic, truth_topic
from edgenext_ros.images import compressed_from_frame
from edgenext_ros.qos import RESULT_QOS
from edgenext_ros.tasks import ROS_TASKS

MASK = ClassMask(np.repeat(np.array([[0, 0, 0, 2]], np.uint8), 8, axis=0).repeat(4, axis=1))
BOXES = Detections(np.array([[1, 2, 30, 40], [5, 5, 9, 9], [7, 7, 20, 20]], np.float32),
                   np.array([1, 1, 0]), np.array([.9, .8, .7], np.float32))
CLASSES = Classification(np.array([2, 0]), np.array([.874, .1], np.float32))
RECORDS = {'classification': CLASSES, 'detection': BOXES, 'segmentation': MASK}


def header(stamp_ns):
    """Make a header."""
    message = Header(frame_id='a camera with a name')
    message.stamp.sec, message.stamp.nanosec = divmod(stamp_ns, 10 ** 9)
    return message


def frame_message(stamp_ns, frame_bgr):
    """Serialise a frame."""
    return serialize_message(compressed_from_frame(frame_bgr, header(stamp_ns)))


def record_message(model, stamp_ns, record):
    """Serialise a result, or a truth, of a model's task."""
    return serialize_message(ROS_TASKS[model.card.task].to_ros(
        record, header(stamp_ns), model.card.labels, 'index'))


def label_info(about):
    """Say which class is which, as a node does once."""
    return LabelInfo(header=about, threshold=0.5, class_map=[
        VisionClass(class_id=index, class_name=name) for index, name in ((0, 'red'), (1, 'blue'))])


def vision_info(about):
    """Say which method speaks, as a node does once."""
    return VisionInfo(header=about, method='an answer', database_location='/somewhere',
                      database_version=3)


def write_bag(folder, messages, *, models=()):
    """Write (topic, serialised message) pairs in the order in which they came."""
    with BagWriter(str(folder)) as bag:
        bag.add_topic(FRAMES, CompressedImage, qos=RESULT_QOS)
        for model in models:
            bag.add_topic(result_topic(model), message_type(model), qos=RESULT_QOS)
            bag.add_topic(truth_topic(model), message_type(model), qos=RESULT_QOS)
        for index, (topic, serialized) in enumerate(messages):
            bag.write(topic, serialized, received_ns=10 ** 18 + index)
    return str(folder)


def plain_frame(value=0, shape=(48, 64)):
    """Draw a frame of one grey."""
    return np.full((*shape, 3), value, np.uint8)


def mean_grey(frame_bgr):
    """Read back what ``plain_frame`` has drawn."""
    return round(float(cv2.mean(frame_bgr)[0]))
