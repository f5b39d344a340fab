"""
The camera node: publishes a camera, a video, a folder of images or the synthetic street.

Publishes ``image`` (sensor_msgs/Image bgr8), ``image/compressed`` (JPEG, only while somebody
listens), ``/diagnostics`` with the number of frames sent, and, where the truth is known and
somebody listens, ``~/truth/labels``, ``~/truth/detections`` and ``~/truth/mask`` with the image's
header and class ids as indices.

Threads: one thread reads and publishes frames; the executor's thread runs only the timer of the
diagnostics, which reads the counters and the state as they are.
"""

import sys
import threading
from typing import Any, Dict, List

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from rclpy.publisher import Publisher
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from edgenext_core.runtime.frame_sources import FrameSource, SourceFrame, add_masks, open_source
from edgenext_ros import node_process
from edgenext_ros.diagnostics import DiagnosticsReporter, key_values, status_prefix
from edgenext_ros.frame_pace import paced_frames
from edgenext_ros.images import compressed_from_frame, image_from_frame
from edgenext_ros.parameters import ParameterSpec, declare
from edgenext_ros.qos import image_qos
from edgenext_ros.street_source import SYNTHETIC, open_street
from edgenext_ros.truth import TruthPublishers
from synthetic_street import HELD_OUT_SEED

NAME = 'camera'
PARAMETERS = (
    ParameterSpec('source', 'synthetic', 'synthetic, synthetic-stills, a video file, an image or '
                  'a folder of images, a camera index, or the url of a stream', any_type=True),
    ParameterSpec('seed', HELD_OUT_SEED, 'seed of the synthetic street', limits=(0, 2 ** 31 - 1)),
    ParameterSpec('width', 640, 'width of synthetic frames, in pixels', limits=(32, 4096)),
    ParameterSpec('height', 480, 'height of synthetic frames, in pixels', limits=(32, 4096)),
    ParameterSpec('rate_hz', 0.0, "frames per second; 0: the source's own, 15 for pictures",
                  limits=(0, 1000)),
    ParameterSpec('frames', 0, 'stop after so many frames; 0: at the end of the source',
                  limits=(0, 2 ** 31 - 1)),
    ParameterSpec('loop', False, 'start files again at their end'),
    ParameterSpec('stay', False, 'stay alive when the source has ended'),
    ParameterSpec('frame_id', NAME, 'frame_id of the headers'),
    ParameterSpec('wait_for_subscribers', 0, 'subscribers of the image topics to wait for before '
                  'the first frame', limits=(0, 1000)),
    ParameterSpec('truth_masks', '', 'folder of mask images, the i-th file for the i-th frame; '
                  'empty: none'),
)
POLL_PERIOD_S = 0.05
DELIVERY_TIMEOUT_S = 5.0
LOG_PERIOD_S = 5.0


class Camera(node_process.NodePart):
    """Publish a source's frames at its rate."""

    def __init__(self, node: Node, ended: threading.Event) -> None:
        """
        Note what to run.

        :param node: the node
        :param ended: is set when the source has ended
        """
        self._node = node
        self._ended = ended
        self._stopping = threading.Event()
        self._state = 'starting'
        self._sent = 0
        self._skipped = 0
        self._values: Dict[str, Any]
        self._source: FrameSource
        self._images: Publisher
        self._compressed: Publisher
        self._truth: TruthPublishers
        self._diagnostics: DiagnosticsReporter
        self._thread: threading.Thread

    def create(self) -> None:
        """
        Declare the parameters, open the source, make the publishers.

        :raises EdgeNextError: when a parameter or the source cannot be used
        """
        self._values = declare(self._node, PARAMETERS)
        self._source = _open(self._values)
        create, topic = self._node.create_publisher, self._node.resolve_topic_name('image')
        self._images = create(Image, topic, image_qos('reliable'))
        self._compressed = create(CompressedImage, topic + '/compressed', image_qos('reliable'))
        self._truth = TruthPublishers(self._node)
        self._diagnostics = DiagnosticsReporter(self._node, self._statuses)

    def start(self) -> None:
        """Start publishing; a source that was stopped goes on."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._publish_all, name='camera')
        self._thread.start()
        self._diagnostics.start()

    def stop(self) -> None:
        """Stop publishing, report once more, wait until the last frame has arrived."""
        self._stopping.set()
        self._thread.join()
        self._diagnostics.stop()
        node_process.wait_until_delivered(
            (self._images, self._compressed, *self._truth.publishers,
             self._diagnostics.publisher), timeout_s=DELIVERY_TIMEOUT_S)

    def destroy(self) -> None:
        """Release the source, destroy the publishers."""
        self._source.frames.close()
        self._truth.destroy()
        self._diagnostics.destroy()
        for publisher in (self._images, self._compressed):
            self._node.destroy_publisher(publisher)

    def _publish_all(self) -> None:
        logger = self._node.get_logger()
        try:
            if self._wait_for_subscribers():
                self._state = 'sending'
                self._publish_frames()
                self._state = 'ended'
                logger.info(f'{self._values["source"]}: {self._sent} frames sent')
        except Exception as error:  # whatever a decoder or the street raises: say it, and end
            self._state = 'failed'
            self.exit_code = 1
            logger.fatal(f'{self._values["source"]}: no more frames after {self._sent}: {error}')
        if not self._values['stay']:
            self._ended.set()

    def _wait_for_subscribers(self) -> bool:
        """Return True once enough subscribers are there, False when told to stop first."""
        wanted = self._values['wait_for_subscribers']
        while not self._stopping.is_set():
            count = (self._images.get_subscription_count()
                     + self._compressed.get_subscription_count())
            if count >= wanted:
                return True
            self._state = f'waiting for subscribers: {count} of {wanted}'
            self._stopping.wait(POLL_PERIOD_S)
        return False

    def _publish_frames(self) -> None:
        rate_hz = self._values['rate_hz'] or self._source.rate_hz
        for frame in paced_frames(self._source, rate_hz, stop=self._stopping):
            self._publish(frame)
            if 0 < self._values['frames'] <= self._sent:
                return

    def _publish(self, frame: SourceFrame) -> None:
        if frame.image_bgr is None:
            self._skipped += 1
            self._node.get_logger().error(
                f'{self._values["source"]}: picture {frame.number} cannot be decoded, skipped',
                throttle_duration_sec=LOG_PERIOD_S)
            return
        header = Header(stamp=self._node.get_clock().now().to_msg(),
                        frame_id=self._values['frame_id'])
        self._images.publish(image_from_frame(frame.image_bgr, header, 'bgr8'))
        self._sent += 1
        if self._compressed.get_subscription_count():
            self._compressed.publish(compressed_from_frame(frame.image_bgr, header))
        self._truth.publish(frame.truth, header)

    def _statuses(self) -> List[DiagnosticStatus]:
        return [DiagnosticStatus(
            level=DiagnosticStatus.ERROR if self.exit_code else DiagnosticStatus.OK,
            name=f'{status_prefix(self._node)}: source', message=self._state,
            hardware_id=self._values['source'],
            values=key_values({'sent': self._sent, 'skipped': self._skipped,
                               'subscribers': self._images.get_subscription_count()}))]


def _open(values: Dict[str, Any]) -> FrameSource:
    name = values['source']
    if name in SYNTHETIC:
        source = open_street(name, seed=values['seed'], width=values['width'],
                             height=values['height'], rate_hz=values['rate_hz'])
    else:
        source = open_source(name, loop=values['loop'], also=SYNTHETIC)
    return add_masks(source, values['truth_masks']) if values['truth_masks'] else source


if __name__ == '__main__':
    sys.exit(node_process.run(NAME, Camera))
