"""
Streets as an ordinary data set for all three tasks, drawn once and kept as files.

::

    OUT/<split>/images/000123.jpg   the frame
    OUT/<split>/masks/000123.png    uint8 indices of STREET_SURFACES
    OUT/<split>/instances.json      the boxes, as COCO has them
    OUT/<split>/labels.csv          the label's name of every frame
    OUT/<split>/drawn.jsonl         what was drawn so far, from which a stopped run goes on
    OUT/classes.json                names and colours of scenes, objects and surfaces

A frame's number is its index in the split, and its seed the split's first seed plus that.
Pictures are JPEG: a fifth of the size of PNG (127 against 600 kB at 640x480, since noise does not
compress) and decoded in a third of the time; models score the same on either.
"""

import csv
import functools
import hashlib
import io
import json
import os
import re
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

import cv2
import numpy as np

from synthetic_street.camera import FRAME_HEIGHT_PX, FRAME_WIDTH_PX
from synthetic_street.errors import StreetError
from synthetic_street.labels import STREET_OBJECTS, STREET_SCENES, STREET_SURFACES
from synthetic_street.street import HELD_OUT_SEED, check_size, draw_scene

JPEG_QUALITY = 95

_JOURNAL = 'drawn.jsonl'
_INDEX_FILES = ('instances.json', 'labels.csv')
_UNFINISHED = '.part'
_FRAME_NAME = re.compile(r'(\d{6})\.(jpg|png)')
_FINGERPRINT_SEEDS = range(500_000, 500_024)


class Split(NamedTuple):
    """A part of the data set, the seeds that it may have, and how many frames it usually has."""

    name: str
    seeds: range
    frames: int


SPLITS = (
    Split('train', range(HELD_OUT_SEED), 4000),
    Split('val', range(2_000_000, 3_000_000), 300),
    Split('test', range(1_500_000, 2_000_000), 200),
)
"""No two share a seed, and those of ``val`` and ``test`` are held out."""


class Drawing(NamedTuple):
    """One frame to draw, and the folder of the split that it belongs to."""

    folder: Path
    number: int
    seed: int
    width: int
    height: int


class Truth(NamedTuple):
    """A line of the journal: a frame's label, and (class id, left, top, right, bottom) a box."""

    number: int
    label_id: int
    objects: Sequence[Tuple[int, int, int, int, int]]


class _SplitFolder(NamedTuple):
    """A split on disk: what its frames have in common, and which of them are there."""

    folder: Path
    frames: int
    traits: Dict[str, Any]
    truths: Dict[int, Truth]


MapFrames = Callable[[Callable[[Drawing], Truth], Sequence[Drawing]], Iterable[Truth]]


def write_dataset(
    folder: Path, *, counts: Mapping[str, int], width: int = FRAME_WIDTH_PX,
    height: int = FRAME_HEIGHT_PX, map_frames: MapFrames = map,
) -> int:
    """
    Draw a data set, or what is missing of it.

    A run that was stopped goes on where it was when it is started again, and a split grows when
    more frames are asked for. Every file is whole or not there; those that list the frames are
    written last.

    :param folder: of the data set, made where it is not there
    :param counts: frames by the name of the split, see ``SPLITS``; a split of none is left out
    :param width: of the frames in pixels
    :param height: of the frames in pixels
    :param map_frames: calls a function for every drawing and gives the results in order, as
        ``map`` does; the function and what it takes and returns can be pickled
    :return: how many frames were drawn
    :raises StreetError: when the folder holds something else or cannot be written, or frames or
        their number are not as they may be
    """
    check_size(width, height)
    _check_counts(counts)
    try:
        splits = [_open_split(Path(folder), split, count=counts.get(split.name, 0),
                              width=width, height=height) for split in SPLITS]
        wanted = [split for split in splits if split.frames]
        missing = [drawing for split in wanted for drawing in _missing(split)]
        for split in wanted:
            _start_split(split)
        _draw(wanted, missing, map_frames=map_frames)
        for split in wanted:
            _check_whole(split)
            _write_index(split)
        _write_file(Path(folder) / 'classes.json', _json_bytes(_classes()))
    except OSError as error:
        raise StreetError(
            f'{error.filename or folder} cannot be written ({error.strerror or error}); make room '
            'or name another folder, what has been drawn is kept') from error
    return len(missing)


def draw_frame(drawing: Drawing) -> Truth:
    """
    Draw one frame and write its picture and its mask.

    :param drawing: what to draw and where to
    :return: what is true of it
    :raises OSError: when a file cannot be written
    """
    scene = draw_scene(drawing.seed, width=drawing.width, height=drawing.height)
    image, mask = _frame_files(drawing.folder, drawing.number)
    _write_file(image, _encoded('.jpg', scene.image_bgr, cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
    _write_file(mask, _encoded('.png', scene.mask))
    objects = [(class_id, *box) for class_id, box in
               zip(scene.box_class_ids.tolist(), scene.boxes_xyxy.astype(int).tolist())]
    return Truth(drawing.number, scene.label_id, objects)


@functools.lru_cache(maxsize=1)
def street_fingerprint() -> str:
    """
    Name the street's present look by what it draws for a few seeds.

    :return: 12 hexadecimal digits
    """
    digest = hashlib.sha256()
    for seed in _FINGERPRINT_SEEDS:
        for field in draw_scene(seed, width=160, height=120):
            digest.update(np.ascontiguousarray(field).tobytes())
    return digest.hexdigest()[:12]


def _check_counts(counts: Mapping[str, int]) -> None:
    if not any(counts.values()):
        raise StreetError('no frames were asked for; ask for some of ' + ', '.join(
            split.name for split in SPLITS))
    for split in SPLITS:
        count = counts.get(split.name, 0)
        if not 0 <= count <= len(split.seeds):
            raise StreetError(
                f'{count} frames of {split.name} cannot be drawn, expected 0..{len(split.seeds)}')


def _open_split(
    root: Path, split: Split, *, count: int, width: int, height: int,
) -> _SplitFolder:
    """Read what is there of a split, and refuse what would not go with it."""
    folder = root / split.name
    traits = {'street_version': street_fingerprint(), 'first_seed': split.seeds[0], 'width': width,
              'height': height, 'jpeg_quality': JPEG_QUALITY}
    truths: Dict[int, Truth] = {}
    journal = folder / _JOURNAL
    if journal.exists():
        truths = _read_journal(journal, traits)
    elif folder.exists() and any(folder.iterdir()):
        raise StreetError(
            f'{folder} holds files but no {_JOURNAL}, so the street did not draw them; name '
            'another folder')
    if count and truths and max(truths) >= count:
        raise StreetError(
            f'{folder} holds {max(truths) + 1} frames, and {count} were asked for; ask for as '
            'many or more, or name another folder')
    return _SplitFolder(folder, count, traits, truths)


def _read_journal(path: Path, traits: Dict[str, Any]) -> Dict[int, Truth]:
    try:
        # What follows the last line break was being written when the run was stopped.
        whole = path.read_text(encoding='utf-8').split('\n')[:-1]
        before = json.loads(whole[0])
        truths = [Truth(*json.loads(line)) for line in whole[1:]]
        changed = [name for name, value in traits.items() if before[name] != value]
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise StreetError(
            f'{path} cannot be read; remove {path.parent}, or name another folder') from error
    if changed:
        name = changed[0]
        raise StreetError(
            f'{path.parent} holds frames with {name} {before[name]}, and these would have '
            f'{traits[name]}; name another folder, or remove this one')
    return {truth.number: truth for truth in truths}


def _missing(split: _SplitFolder) -> List[Drawing]:
    traits = split.traits
    return [Drawing(split.folder, number, traits['first_seed'] + number, traits['width'],
                    traits['height'])
            for number in range(split.frames)
            if number not in split.truths
            or not all(_is_there(path) for path in _frame_files(split.folder, number))]


def _is_there(path: Path) -> bool:
    # A file can be empty after the power failed.
    return path.exists() and path.stat().st_size > 0


def _check_whole(split: _SplitFolder) -> None:
    lost = _missing(split)
    if lost:
        raise StreetError(
            f'{split.folder} lost frame {lost[0].number} while others were drawn; wait for any '
            'other run that writes there, then run this again')


def _start_split(split: _SplitFolder) -> None:
    """Make the folders, clear away what a stopped run left half done, and rewrite the journal."""
    for path in _frame_files(split.folder, 0):
        path.parent.mkdir(parents=True, exist_ok=True)
        for found in path.parent.iterdir():
            frame = _FRAME_NAME.fullmatch(found.name)
            unknown = frame and int(frame.group(1)) not in split.truths
            if unknown or found.name.endswith(_UNFINISHED):
                found.unlink()
    lines = [split.traits, *split.truths.values()]
    _write_file(split.folder / _JOURNAL, b''.join(map(_json_bytes, lines)))


def _draw(
    splits: Sequence[_SplitFolder], missing: Sequence[Drawing], *, map_frames: MapFrames,
) -> None:
    for folder in {drawing.folder for drawing in missing}:
        for index_file in [folder / name for name in _INDEX_FILES]:
            if index_file.exists():
                index_file.unlink()
    truths = {split.folder: split.truths for split in splits}
    for truth, drawing in zip(map_frames(draw_frame, missing), missing):
        if truth.number not in truths[drawing.folder]:
            truths[drawing.folder][truth.number] = truth
            with open(str(drawing.folder / _JOURNAL), 'ab') as journal:
                journal.write(_json_bytes(truth))


def _write_index(split: _SplitFolder) -> None:
    truths = [split.truths[number] for number in range(split.frames)]
    _write_file(split.folder / 'instances.json', _json_bytes(_coco(split, truths)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(('file_name', 'label'))
    for truth in truths:
        image, _ = _frame_files(split.folder, truth.number)
        writer.writerow((image.name, STREET_SCENES.names[truth.label_id]))
    _write_file(split.folder / 'labels.csv', text.getvalue().encode())


def _coco(split: _SplitFolder, truths: Sequence[Truth]) -> Dict[str, Any]:
    """Give the boxes as COCO has them: [left, top, width, height], categories and ids from 1."""
    images: List[Dict[str, Any]] = []
    annotations: List[Dict[str, Any]] = []
    for truth in truths:
        image, _ = _frame_files(split.folder, truth.number)
        images.append({'id': truth.number + 1, 'file_name': image.name,
                       'width': split.traits['width'], 'height': split.traits['height']})
        for class_id, left, top, right, bottom in truth.objects:
            width, height = right - left, bottom - top
            annotations.append({
                'id': len(annotations) + 1, 'image_id': truth.number + 1,
                'category_id': class_id + 1, 'bbox': [left, top, width, height],
                'area': width * height, 'iscrowd': 0})
    categories = [{'id': index + 1, 'name': name}
                  for index, name in enumerate(STREET_OBJECTS.names)]
    return {'info': {'description': 'synthetic street', **split.traits}, 'images': images,
            'categories': categories, 'annotations': annotations}


def _classes() -> Dict[str, Any]:
    labels = {'scenes': STREET_SCENES, 'objects': STREET_OBJECTS, 'surfaces': STREET_SURFACES}
    return {kind: {name: value for name, value in of_kind._asdict().items() if value is not None}
            for kind, of_kind in labels.items()}


def _frame_files(folder: Path, number: int) -> Tuple[Path, Path]:
    """Give the files of a frame's picture and mask."""
    return folder / 'images' / f'{number:06}.jpg', folder / 'masks' / f'{number:06}.png'


def _encoded(suffix: str, pixels: np.ndarray, *parameters: int) -> bytes:
    _, encoded = cv2.imencode(suffix, pixels, list(parameters))
    return encoded.tobytes()


def _json_bytes(value: Any) -> bytes:
    return json.dumps(value, separators=(',', ':')).encode() + b'\n'


def _write_file(path: Path, content: bytes) -> None:
    """Write a file in one step, so that nobody ever sees half of it."""
    unfinished = path.with_name(path.name + _UNFINISHED)
    try:
        unfinished.write_bytes(content)
        os.replace(str(unfinished), str(path))
    except OSError as error:
        if unfinished.exists():
            unfinished.unlink()
        # An error of writing, unlike one of opening, does not say where.
        raise OSError(error.errno, error.strerror, str(path)) from error
