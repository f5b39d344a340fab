"""The order of samples: shuffled anew in every epoch, the same again for the same seed."""

from collections.abc import Iterator

import torch
from torch.utils.data import Sampler


class EpochSampler(Sampler[int]):
    """
    Give every sample of every epoch its own number.

    The number is ``epoch * size + index``. A data set takes the index from the remainder and seeds
    its random changes with the whole number, so that what a training run sees depends on its seed
    alone: neither on the worker processes nor on an interruption.

    :param size: samples in the data set
    :param seed: seed of the order
    """

    def __init__(self, size: int, *, seed: int) -> None:
        self._size = size
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """
        Choose the epoch that the next pass belongs to; Lightning calls it.

        :param epoch: number of the epoch, from 0
        """
        self._epoch = epoch

    def __len__(self) -> int:
        """Return the number of samples in one epoch."""
        return self._size

    def __iter__(self) -> Iterator[int]:
        """Yield the numbers of one epoch in its order."""
        generator = torch.Generator().manual_seed(self._seed * 100_003 + self._epoch)
        order = torch.randperm(self._size, generator=generator)
        return iter((order + self._epoch * self._size).tolist())
