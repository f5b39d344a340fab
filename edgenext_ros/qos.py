"""Quality of service: what the nodes offer, and which reliability they ask of a camera."""

from typing import Any, Sequence

from rclpy.qos import QoSDurabilityPolicy, QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy

RELIABILITY_SETTINGS = ('auto', 'best_effort', 'reliable')

RESULT_QOS = QoSProfile(depth=10, history=QoSHistoryPolicy.KEEP_LAST,
                        reliability=QoSReliabilityPolicy.RELIABLE)
"""Results are offered reliably, so that every subscriber matches, whatever the camera offers."""

LATCHED_QOS = QoSProfile(depth=1, history=QoSHistoryPolicy.KEEP_LAST,
                         reliability=QoSReliabilityPolicy.RELIABLE,
                         durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
"""For what a late subscriber has to get as well: labels and method."""


def image_qos(reliability: str) -> QoSProfile:
    """
    Make the profile of an image topic.

    The depth only bridges the moments in which the executor is busy: frames are taken at once,
    and the newest-frame slot decides which are used.

    :param reliability: 'reliable' or 'best_effort'
    :return: the profile
    """
    policy = (QoSReliabilityPolicy.RELIABLE if reliability == 'reliable'
              else QoSReliabilityPolicy.BEST_EFFORT)
    return QoSProfile(depth=10, history=QoSHistoryPolicy.KEEP_LAST, reliability=policy)


def choose_reliability(setting: str, publishers: Sequence[Any]) -> str:
    """
    Choose what to ask of an image topic's publishers.

    A reliable subscription receives nothing from a best-effort publisher, and a best-effort one
    loses large images; so 'auto' is reliable where every publisher offers that, also while there
    is none yet.

    :param setting: one of ``RELIABILITY_SETTINGS``
    :param publishers: the topic's publishers, as ``get_publishers_info_by_topic`` gives them
    :return: 'reliable' or 'best_effort'
    """
    if setting != 'auto':
        return setting
    return 'reliable' if all(offers_reliable(info) for info in publishers) else 'best_effort'


def offers_reliable(publisher: Any) -> bool:
    """
    Say whether a publisher offers reliable delivery.

    :param publisher: its endpoint information
    :return: True where it does
    """
    return publisher.qos_profile.reliability == QoSReliabilityPolicy.RELIABLE


def describe_publisher(publisher: Any) -> str:
    """
    Describe a publisher for a warning.

    :param publisher: its endpoint information
    :return: node, message type and reliability
    """
    namespace = publisher.node_namespace.rstrip('/')
    reliability = 'reliable' if offers_reliable(publisher) else 'best_effort'
    return f'{namespace}/{publisher.node_name} ({publisher.topic_type}, {reliability})'
