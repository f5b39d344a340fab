"""
What a node says of itself on ``/diagnostics``, and the parts of such messages.

Threads: the reporter works in the executor's thread, and in the one that stops the node after the
executor; the functions may be called in any.
"""

from typing import Any, Callable, Dict, List, Optional

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node
from rclpy.timer import Timer
from std_msgs.msg import Header

from edgenext_ros.frame_slot import FrameCounts
from edgenext_ros.latency import FrameLatency, LatencyWindow
from edgenext_ros.node_process import create_timer
from edgenext_ros.qos import RESULT_QOS

DIAGNOSTICS_TOPIC = '/diagnostics'
DIAGNOSTICS_PERIOD_S = 1.0


class DiagnosticsReporter:
    """Publish a node's statuses every second while it runs, and once more at its end."""

    def __init__(self, node: Node, make_statuses: Callable[[], List[DiagnosticStatus]]) -> None:
        """
        Make the publisher.

        :param node: the node
        :param make_statuses: describes the present state
        """
        self.publisher = node.create_publisher(DiagnosticArray, DIAGNOSTICS_TOPIC, RESULT_QOS)
        self._node = node
        self._make_statuses = make_statuses
        self._timer: Optional[Timer] = None

    def start(self) -> None:
        """Start publishing."""
        self._timer = create_timer(self._node, DIAGNOSTICS_PERIOD_S, self._publish)

    def stop(self) -> None:
        """Publish for the last time."""
        self._node.destroy_timer(self._timer)
        self._publish()

    def destroy(self) -> None:
        """Destroy the publisher."""
        self._node.destroy_publisher(self.publisher)

    def _publish(self) -> None:
        self.publisher.publish(DiagnosticArray(
            header=Header(stamp=self._node.get_clock().now().to_msg()),
            status=self._make_statuses()))


def status_prefix(node: Node) -> str:
    """
    Name a node in diagnostics.

    :param node: the node
    :return: its full name without the leading slash, so that namespaces stay apart
    """
    return node.get_fully_qualified_name().lstrip('/')


def diagnostic_array(header: Header, status: DiagnosticStatus) -> DiagnosticArray:
    """
    Wrap one status.

    :param header: the header to carry
    :param status: the status
    :return: the message
    """
    return DiagnosticArray(header=header, status=[status])


def key_values(values: Dict[str, Any]) -> List[KeyValue]:
    """
    Write values as diagnostics do, all as strings.

    :param values: by key; numbers with a fraction get three decimals
    :return: the pairs, in order
    """
    return [KeyValue(key=key, value=f'{value:.3f}' if isinstance(value, float) else str(value))
            for key, value in values.items()]


def latency_status(name: str, latency: FrameLatency) -> DiagnosticStatus:
    """
    Describe one frame's stages.

    :param name: the node, as ``status_prefix`` gives it
    :param latency: the stages; an unknown age is left out
    :return: the status, milliseconds as strings
    """
    known = {stage: value for stage, value in latency._asdict().items() if value is not None}
    return DiagnosticStatus(level=DiagnosticStatus.OK, name=name, values=key_values(known))


def counter_values(counts: FrameCounts, *, published: int) -> Dict[str, int]:
    """
    List the counters under the keys of ``/diagnostics``.

    :param counts: what became of the frames
    :param published: results published
    :return: by key
    """
    return {'received': counts.received, 'processed': counts.processed,
            'dropped': counts.dropped, 'failed': counts.failed, 'published': published}


def latency_values(window: LatencyWindow) -> Dict[str, float]:
    """
    List the percentiles under the keys of ``/diagnostics``, such as ``infer_p95_ms``.

    :param window: the newest frames' stages
    :return: by key, in milliseconds
    """
    values = {}
    for stage, (p50, p95, p99) in window.percentiles().items():
        name = stage[:-len('_ms')]
        values[f'{name}_p50_ms'] = p50
        values[f'{name}_p95_ms'] = p95
        values[f'{name}_p99_ms'] = p99
    return values
