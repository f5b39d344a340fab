"""A bag read back, topic by topic, by the stamps in its messages' headers."""

import array
import collections
import struct
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

from rosbags.rosbag2 import Reader


class BagReader:
    """
    A bag whose messages begin with a std_msgs/Header; use as a ``with`` block.

    The stamps are read once and kept, the messages are read one after another when asked for.
    """

    def __init__(self, folder: str) -> None:
        """
        Open a bag and read its stamps.

        :param folder: of the bag
        """
        self._reader = Reader(folder)
        self._reader.open()
        stamps: Dict[str, array.array] = collections.defaultdict(lambda: array.array('q'))
        for connection, _, serialized in self._reader.messages():
            stamps[connection.topic].append(stamp_of(serialized))
        self._stamps = {topic: array.array('q', sorted(heard)) for topic, heard in stamps.items()}

    def __enter__(self) -> 'BagReader':
        """Enter the block that the bag is open in."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Close the bag."""
        self._reader.close()

    def stamps(self, topic: str) -> Sequence[int]:
        """
        List what a topic holds.

        :param topic: its full name
        :return: stamps in nanoseconds, ascending; none for a topic that is not in the bag
        """
        return self._stamps.get(topic, array.array('q'))

    def messages(self, topic: str) -> Iterator[Tuple[int, bytes]]:
        """
        Read a topic; several may be read side by side.

        :param topic: its full name
        :return: the messages in the order in which they came: stamp in nanoseconds and CDR
        """
        connections = [one for one in self._reader.connections if one.topic == topic]
        if connections:  # without any, rosbags reads all topics
            for _, _, serialized in self._reader.messages(connections):
                yield stamp_of(serialized), serialized


class NewestMessage:
    """The newest message of a topic, for a time that only moves on."""

    def __init__(self, messages: Iterator[Tuple[int, bytes]]) -> None:
        """
        Stand before the first message.

        :param messages: stamps in nanoseconds and CDR, as ``BagReader.messages`` gives them
        """
        self._messages = messages
        self._next = next(messages, None)
        self._newest: Optional[Tuple[int, bytes]] = None

    def at(self, stamp_ns: int) -> Optional[Tuple[int, bytes]]:
        """
        Find the newest message up to a time.

        :param stamp_ns: in nanoseconds, no less than before
        :return: its stamp and CDR; None where there is none yet
        """
        while self._next is not None and self._next[0] <= stamp_ns:
            self._newest, self._next = self._next, next(self._messages, None)
        return self._newest


def stamp_of(serialized: bytes) -> int:
    """
    Read the stamp of a serialised message that begins with a std_msgs/Header.

    :param serialized: CDR: four bytes that tell the byte order, then seconds and nanoseconds
    :return: the stamp in nanoseconds
    """
    order = '<' if serialized[1] & 1 else '>'
    seconds, nanoseconds = struct.unpack_from(order + 'iI', serialized, 4)
    return seconds * 10 ** 9 + nanoseconds
