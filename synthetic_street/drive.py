"""An endless drive through one street after another."""

import math

import numpy as np

from synthetic_street.actors import STREET_S
from synthetic_street.camera import FRAME_HEIGHT_PX, FRAME_WIDTH_PX
from synthetic_street.errors import StreetError
from synthetic_street.labels import STREET_SCENES
from synthetic_street.scene import Scene
from synthetic_street.street import HELD_OUT_SEED, Street, check_seed


class Drive:
    """
    A showreel: streets of a few seconds each, the labels in a balanced shuffled order.

    Every frame can be asked for by its index, in any order. A drive with a held-out seed
    shows held-out streets only.
    """

    def __init__(
        self, seed: int, *, width: int = FRAME_WIDTH_PX, height: int = FRAME_HEIGHT_PX,
        rate_hz: float = 15.0, segment_s: float = 2.0,
    ) -> None:
        """
        Plan the drive.

        :param seed: 0 .. 2**32 - 1
        :param width: of the frames in pixels
        :param height: of the frames in pixels
        :param rate_hz: frames in a second
        :param segment_s: seconds that one street lasts, at most 3
        :raises StreetError: when the seed or the size cannot be, ``rate_hz`` is not positive or
            ``segment_s`` not in (0, 3]
        """
        check_seed(seed)
        if not 0 < rate_hz < math.inf:
            raise StreetError(f'rate_hz is {rate_hz}, expected a positive number')
        if not 0 < segment_s <= STREET_S:
            raise StreetError(
                f'segment_s is {segment_s}, expected more than 0 and at most {STREET_S}')
        self.rate_hz = float(rate_hz)
        self._seed, self._width, self._height = int(seed), width, height
        self._frames = max(1, round(rate_hz * segment_s))
        self._segment, self._street = 0, self._open_street(0)

    def scene(self, index: int) -> Scene:
        """
        Draw one frame.

        :param index: 0, 1, 2, ... without end
        :return: a ``Scene``
        :raises StreetError: when the index is negative
        """
        if index < 0:
            raise StreetError(f'index is {index}, expected 0 or more')
        segment, frame = divmod(int(index), self._frames)
        if segment != self._segment:
            self._segment, self._street = segment, self._open_street(segment)
        return self._street.scene(frame / self.rate_hz)

    def _open_street(self, segment: int) -> Street:
        return Street(self._street_seed(segment), width=self._width, height=self._height,
                      label_id=self._label_id(segment))

    def _label_id(self, segment: int) -> int:
        block, place = divmod(segment, len(STREET_SCENES.names))
        order = np.random.RandomState([self._seed, block])
        return int(order.permutation(len(STREET_SCENES.names))[place])

    def _street_seed(self, segment: int) -> int:
        mixed = int(np.random.RandomState([self._seed, segment, 1]).randint(2 ** 31 - 1))
        if self._seed < HELD_OUT_SEED:
            return mixed % HELD_OUT_SEED
        return HELD_OUT_SEED + mixed
