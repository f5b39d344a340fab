"""Messages on disk during a run, so that a long run needs no more memory than a short one."""

import struct
import zlib
from typing import BinaryIO, Dict, List, Tuple


class Spool:
    """
    Serialised messages of several channels, found again by channel and stamp.

    They stay serialised and go to a temporary file: decoding waits until the nodes have
    stopped, as they need the processor more. Label images shrink to a few percent by the fastest
    compression; JPEG ones do not, so a channel says whether it wants it.
    """

    def __init__(self, file: BinaryIO) -> None:
        """
        Start empty.

        :param file: a temporary file, open for writing and reading, empty
        """
        self._file = file
        self._places: Dict[str, Dict[int, Tuple[int, int, bool]]] = {}

    def append(self, channel: str, serialized: bytes, *, compress: bool) -> int:
        """
        Add a message; one with the same stamp is replaced.

        :param channel: any name
        :param serialized: a message that begins with a header, in CDR
        :param compress: whether compression pays
        :return: its stamp in nanoseconds
        """
        stamp_ns = stamp_of(serialized)
        data = zlib.compress(serialized, 1) if compress else serialized
        place = self._file.seek(0, 2)
        self._file.write(data)
        self._places.setdefault(channel, {})[stamp_ns] = (place, len(data), compress)
        return stamp_ns

    def stamps(self, channel: str) -> List[int]:
        """
        List what a channel holds.

        :param channel: its name
        :return: stamps in nanoseconds, ascending
        """
        return sorted(self._places.get(channel, {}))

    def read(self, channel: str, stamp_ns: int) -> bytes:
        """
        Read a message back.

        :param channel: its name
        :param stamp_ns: one of ``stamps``
        :return: the serialised message
        """
        place, length, compressed = self._places[channel][stamp_ns]
        self._file.seek(place)
        data = self._file.read(length)
        return zlib.decompress(data) if compressed else data


def stamp_of(serialized: bytes) -> int:
    """
    Read the stamp of a serialised message that begins with a std_msgs/Header.

    :param serialized: CDR: four bytes that tell the byte order, then seconds and nanoseconds
    :return: the stamp in nanoseconds
    """
    order = '<' if serialized[1] & 1 else '>'
    seconds, nanoseconds = struct.unpack_from(order + 'iI', serialized, 4)
    return seconds * 10 ** 9 + nanoseconds
