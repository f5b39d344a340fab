"""Messages into a bag during a run: any tool for ROS 2 bags, Foxglove among them, opens it."""

import contextlib
import glob
import os
from typing import Any, Dict, Optional, Type

from rclpy.qos import QoSProfile
from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from edgenext_core.measure.share_folders import find_share
from edgenext_demo.errors import DemoError

_MESSAGES = 'vision_msgs'
_UNSPECIFIED = QosTime(0, 0)


class BagWriter:
    """
    A bag of serialised messages; leaving the ``with`` block, for whatever reason, closes it.

    Messages stay serialised: decoding waits until the nodes have stopped, as they need the
    processor more. They go to the file in compressed chunks of a megabyte, so that a long run
    needs no more memory than a short one; a label image shrinks to a few percent.
    """

    def __init__(self, folder: str) -> None:
        """
        Start an empty bag.

        :param folder: of the bag, is made; must not exist
        :raises DemoError: when vision_msgs is not installed or the folder cannot be written to
        """
        self._folder = folder
        self._definitions = _load_definitions()
        self._connections: Dict[str, Connection] = {}
        self._is_broken = False
        # Version 8 is the newest that Humble reads: 9 writes qualities of service differently.
        self._writer = Writer(folder, version=8, storage_plugin=StoragePlugin.MCAP)
        self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        try:
            self._writer.open()
        except OSError as error:
            raise self._broken_by(error) from error

    def __enter__(self) -> 'BagWriter':
        """Enter the block that the bag is open in."""
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], *_: Any) -> None:
        """
        Close the bag.

        :raises DemoError: when its end cannot be written, unless another error is under way
        """
        if not self._is_broken:
            try:
                self._writer.close()
                return
            except OSError as error:
                if kind is None:
                    raise self._broken_by(error) from error
        with contextlib.suppress(OSError):  # the file's last bytes may not fit either
            self._writer.abort()

    def add_topic(self, topic: str, message_type: Any, *, qos: QoSProfile) -> None:
        """
        Announce a topic, once, before its first message.

        :param topic: its full name
        :param message_type: the message's class
        :param qos: for those who play the bag
        """
        name = f'{message_type.__module__.split(".")[0]}/msg/{message_type.__name__}'
        self._connections[topic] = self._writer.add_connection(
            topic, name, typestore=self._definitions, offered_qos_profiles=[_qos_for_bag(qos)])

    def write(self, topic: str, serialized: bytes, *, received_ns: int) -> None:
        """
        Add a message.

        :param topic: an announced one
        :param serialized: the message in CDR
        :param received_ns: when it came; its header says what it is about
        :raises DemoError: when the file cannot be written to
        """
        try:
            self._writer.write(self._connections[topic], received_ns, serialized)
        except OSError as error:
            raise self._broken_by(error) from error

    def _broken_by(self, error: OSError) -> DemoError:
        self._is_broken = True
        return DemoError(f'cannot write the bag {self._folder} ({error.strerror}); free some '
                         'space, or name another folder with --out')


def remove_bag(folder: str) -> None:
    """
    Remove a bag, whole or cut off, and nothing else.

    :param folder: of the bag; may be missing
    :raises OSError: when it holds other files as well
    """
    for name in (os.path.basename(folder) + '.mcap', 'metadata.yaml', 'metadata.yaml.tmp'):
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(folder, name))
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(folder)


def _load_definitions() -> Typestore:
    """Load rosbags' definitions and those of vision_msgs, which it does not bring."""
    share = find_share(_MESSAGES)
    if share is None:
        raise DemoError(f'share/{_MESSAGES} is in no folder of AMENT_PREFIX_PATH; install '
                        f'{_MESSAGES}, or source the ROS 2 that has it')
    store = get_typestore(Stores.LATEST)
    for path in glob.glob(os.path.join(share, 'msg', '*.msg')):
        name = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding='utf-8') as definition:
            store.register(get_types_from_msg(definition.read(), f'{_MESSAGES}/msg/{name}'))
    return store


def _qos_for_bag(qos: QoSProfile) -> Qos:
    return Qos(history=QosHistory(qos.history), depth=qos.depth,
               reliability=QosReliability(qos.reliability),
               durability=QosDurability(qos.durability), deadline=_UNSPECIFIED,
               lifespan=_UNSPECIFIED, liveliness=QosLiveliness(qos.liveliness),
               liveliness_lease_duration=_UNSPECIFIED, avoid_ros_namespace_conventions=False)
