"""Stills of the synthetic world, drawn once and kept on disk for fast random access."""

import functools
import hashlib
import multiprocessing
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import ConcatDataset, Dataset

from synthetic_street import Scene, draw_scene

_BLOCK = 1000
_FINGERPRINT_SEEDS = range(500_000, 500_024)


class SceneCache(Dataset):
    """
    A sequence of stills, memory-mapped from a folder.

    :param folder: where ``images.npy``, ``masks.npy`` and ``truth.npz`` are
    """

    def __init__(self, folder: Path) -> None:
        self._images = np.load(folder / 'images.npy', mmap_mode='r')
        self._masks = np.load(folder / 'masks.npy', mmap_mode='r')
        with np.load(folder / 'truth.npz') as truth:
            self._label_ids = truth['label_ids']
            self._boxes_xyxy = truth['boxes_xyxy']
            self._box_class_ids = truth['box_class_ids']
            self._box_ends = truth['box_ends']

    def __len__(self) -> int:
        """Return the number of stills."""
        return len(self._images)

    def __getitem__(self, index: int) -> Scene:
        """Return one still; its arrays are read-only views of the files."""
        first = self._box_ends[index - 1] if index else 0
        boxes = slice(first, self._box_ends[index])
        return Scene(
            image_bgr=self._images[index],
            label_id=int(self._label_ids[index]),
            boxes_xyxy=self._boxes_xyxy[boxes],
            box_class_ids=self._box_class_ids[boxes],
            mask=self._masks[index],
        )


def open_scenes(
    cache_folder: Path, *, first_seed: int, count: int, width: int = 640, height: int = 480,
    processes: int = 2, progress: Callable[..., Iterable[Any]] | None = None,
) -> ConcatDataset:
    """
    Open the stills of consecutive seeds, and draw first those that are not there.

    Stills are kept in blocks, which data sets of any length share. A folder's name holds a
    fingerprint of what the world draws, so stills of an older world are never used again.

    :param cache_folder: folder of all caches
    :param first_seed: seed of the first still
    :param count: number of stills
    :param width: width of a still in pixels
    :param height: height of a still in pixels
    :param processes: processes that draw
    :param progress: wraps the iteration over stills, as ``tqdm`` does
    :return: the stills, a sequence of ``Scene``
    """
    seeds = range(first_seed, first_seed + count)
    return ConcatDataset([
        _open_block(Path(cache_folder), seeds[first:first + _BLOCK], (height, width), processes,
                    progress)
        for first in range(0, count, _BLOCK)
    ])


def _open_block(
    cache_folder: Path, seeds: range, size: tuple[int, int], processes: int,
    progress: Callable[..., Iterable[Any]] | None,
) -> SceneCache:
    height, width = size
    name = f'{world_fingerprint()}_{seeds.start}_{seeds.stop}_{width}x{height}'
    folder = cache_folder / name
    if not folder.exists():
        cache_folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix='draft_', dir=cache_folder))
        _draw_scenes(draft, seeds, size, processes, progress)
        draft.rename(folder)
    return SceneCache(folder)


@functools.lru_cache(maxsize=1)
def world_fingerprint() -> str:
    """
    Name the world's present look by what it draws for a few seeds.

    :return: 12 hexadecimal digits
    """
    digest = hashlib.sha256()
    for seed in _FINGERPRINT_SEEDS:
        scene = draw_scene(seed, width=160, height=120)
        for field in scene:
            digest.update(np.ascontiguousarray(field).tobytes())
    return digest.hexdigest()[:12]


def _draw_scenes(
    folder: Path, seeds: range, size: tuple[int, int], processes: int,
    progress: Callable[..., Iterable[Any]] | None,
) -> None:
    shape = (len(seeds), *size)
    images = _create_array(folder / 'images.npy', (*shape, 3))
    masks = _create_array(folder / 'masks.npy', shape)
    label_ids, boxes, class_ids = [], [], []
    scenes = _scenes(seeds, size, processes)
    if progress is not None:
        scenes = progress(
            scenes, total=len(seeds), unit='scene',
            desc=f'drawing scenes {seeds.start} to {seeds.stop - 1}')
    for index, scene in enumerate(scenes):
        images[index], masks[index] = scene.image_bgr, scene.mask
        label_ids.append(scene.label_id)
        boxes.append(scene.boxes_xyxy)
        class_ids.append(scene.box_class_ids)
    images.flush()
    masks.flush()
    np.savez(
        folder / 'truth.npz',
        label_ids=np.array(label_ids, np.int64),
        boxes_xyxy=np.concatenate(boxes).astype(np.float32),
        box_class_ids=np.concatenate(class_ids).astype(np.int64),
        box_ends=np.cumsum([len(found) for found in boxes]),
    )


def _scenes(seeds: range, size: tuple[int, int], processes: int) -> Iterable[Scene]:
    draw = functools.partial(draw_scene, width=size[1], height=size[0])
    if processes == 1:
        yield from map(draw, seeds)
        return
    with multiprocessing.get_context('spawn').Pool(processes) as pool:
        yield from pool.imap(draw, seeds, chunksize=8)


def _create_array(path: Path, shape: tuple[int, ...]) -> np.memmap:
    return np.lib.format.open_memmap(path, mode='w+', dtype=np.uint8, shape=shape)
