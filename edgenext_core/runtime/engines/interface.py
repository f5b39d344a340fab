"""What every backend offers."""

import abc
from typing import Dict, NamedTuple, Tuple, Union

import numpy as np

from edgenext_core.runtime.model_card import ModelCard

Size = Union[int, str, None]


class TensorSpec(NamedTuple):
    """
    An input or output of a graph: its name, NumPy's name of its dtype, and its shape.

    A size is a number; or None, left open by the graph; or, where a card is asked, a word that
    stands for one and the same number in all shapes.
    """

    name: str
    dtype: str
    shape: Tuple[Size, ...]

    def __str__(self) -> str:
        """Write the name, the dtype and the shape, as messages do."""
        sizes = ', '.join(str(size) if isinstance(size, int) else '?' for size in self.shape)
        return f'{self.name} {self.dtype} ({sizes})'


class Engine(abc.ABC):
    """
    A model that is ready to run; used by one thread at a time.

    ``card`` is the model's card, ``backend`` the backend's name, ``version`` its version,
    ``precision`` what it computes in, such as 'float32' or 'float16 in 97 of 231 layers',
    ``device`` 'CPU' or the GPU's name; ``choice`` is the sentence that says why ``open_engine``
    took this backend. ``inputs`` and ``outputs`` are what the graph says of itself.
    """

    card: ModelCard
    backend: str
    version: str
    precision: str
    device: str
    choice: str = ''
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]

    @abc.abstractmethod
    def infer(self, image: np.ndarray) -> Dict[str, np.ndarray]:
        """
        Run the network.

        :param image: (batch, height, width, 3) uint8 BGR, contiguous, of the card's size;
            where the graph takes float32, the backend casts it
        :return: the outputs by name, as ``Task.outputs`` lists them
        :raises EngineError: when the backend fails
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Release the backend; the engine cannot be used afterwards."""
