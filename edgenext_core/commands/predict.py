"""Run a model on images, folders of images, videos or a camera, and write what it finds."""

import argparse
import os
import signal
import time
from typing import Any, Dict, Iterator, List, NamedTuple

import numpy as np

from edgenext_core.commands.progress import show_progress
from edgenext_core.runtime.engines.backends import BACKENDS
from edgenext_core.runtime.errors import FrameError, OutputError, SettingError
from edgenext_core.runtime.frame_sources import (
    DEFAULT_RATE_HZ,
    is_image,
    is_live,
    list_images,
    open_source,
)
from edgenext_core.runtime.pipeline import Pipeline, open_pipeline
from edgenext_core.runtime.records import StageTimes
from edgenext_core.runtime.result_folder import MASKS, RESULTS, ResultFolder
from edgenext_core.runtime.settings import Settings, change_settings
from edgenext_core.runtime.tasks import TASKS

INTERRUPTED = 130
NAMES_SHOWN = 3


class InputFrame(NamedTuple):
    """
    A frame, and where it comes from.

    ``source`` is a file, camera or url; ``number`` the frame's in it; ``rate_hz`` that of the
    video that shows the answers, 0 for a picture; ``time_s`` when it is shown, or came from a live
    source, since the first one; ``image_bgr`` None where it cannot be decoded, with ``number`` 0.
    """

    source: str
    number: int
    rate_hz: float
    time_s: float
    image_bgr: Any


class Tally:
    """What has become of the frames so far."""

    def __init__(self) -> None:
        """Start from nothing."""
        self.times: List[StageTimes] = []
        self.failed: List[str] = []
        self.ended_early: List[str] = []


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Describe the command.

    :param parser: takes its options
    """
    parser.add_argument('model', help='ONNX file, or a TensorRT engine built from one')
    parser.add_argument('inputs', nargs='+', metavar='INPUT',
                        help='an image, a folder of images, a video, a camera (0, /dev/video0) '
                        'or a url')
    parser.add_argument('-o', '--out', required=True, metavar='FOLDER',
                        help=f'where annotated pictures, masks and {RESULTS} go')
    parser.add_argument('--backend', default='auto', choices=BACKENDS)
    parser.add_argument('--threads', type=int, default=1, help='of the CPU (default: 1)')
    parser.add_argument('--no-pictures', action='store_true',
                        help=f'write no annotated pictures and videos, only {RESULTS} and masks')
    for task in TASKS.values():
        for setting in task.settings:
            parser.add_argument(
                '--' + setting.name.replace('_', '-'), type=setting.kind,
                help=f'{task.name}: {setting.description}, {setting.rule} (default: by the card)')


def run(options: argparse.Namespace) -> int:
    """
    Answer every frame.

    :param options: what the parser made of the command line
    :return: exit status: 0, or 1 when a frame could not be read or answered
    :raises EngineError: when the model cannot be opened or run
    :raises ModelCardError: when the model does not describe itself
    :raises SettingError: when a setting is out of range, or of another task
    :raises SourceError: when an input cannot be opened
    :raises OutputError: when the results cannot be written
    """
    settings = _settings(options)
    sources = _expand(options.inputs)
    total = _count(sources)
    _refuse_own_folder(sources, options.out)
    tally, begun_s = Tally(), time.monotonic()
    with open_pipeline(options.model, backend=options.backend,
                       threads=options.threads) as pipeline:
        pipeline.settings = _changed(pipeline, settings)
        print(f'{pipeline.card.architecture} for {pipeline.card.task}: {pipeline.engine.backend} '
              f'{pipeline.engine.version}')
        with ResultFolder(options.out) as folder:
            interrupted = _answer_all(pipeline, show_progress(
                _frames(sources, folder, tally), total=total), folder, tally,
                with_pictures=not options.no_pictures)
    _print_summary(tally, options.out, seconds=time.monotonic() - begun_s)
    return INTERRUPTED if interrupted else int(bool(tally.failed))


def _answer_all(pipeline: Pipeline, frames: Iterator[InputFrame], folder: ResultFolder,
                tally: Tally, *, with_pictures: bool) -> bool:
    """Answer until the frames end or somebody ends the run; tell whether somebody did."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave whole files then
    try:
        for frame in frames:
            _answer(pipeline, frame, folder, tally, with_pictures=with_pictures)
    except KeyboardInterrupt:
        return True
    finally:
        signal.signal(signal.SIGTERM, before)
    return False


def _expand(inputs: List[str]) -> List[str]:
    """Put a folder's images in its place."""
    return [path for name in inputs
            for path in (list_images(name) if os.path.isdir(name) else [name])]


def _count(sources: List[str]) -> int:
    """
    Open each file, so that one that is none is told of before hours of work.

    :return: how many frames there are, 0 where nobody knows
    """
    counts = []
    for name in sources:
        if is_live(name):
            counts.append(0)
            continue
        source = open_source(name)
        source.frames.close()
        counts.append(source.frame_count)
    return sum(counts) if all(counts) else 0


def _refuse_own_folder(sources: List[str], out: str) -> None:
    written = [os.path.realpath(folder) for folder in (out, os.path.join(out, MASKS))]
    for source in sources:
        if os.path.isfile(source) and os.path.dirname(os.path.realpath(source)) in written:
            raise OutputError(f'the input {source} is in the folder of the results, {out}, which '
                              'might overwrite it; name another folder with -o')


def _settings(options: argparse.Namespace) -> Dict[str, Any]:
    names = [setting.name for task in TASKS.values() for setting in task.settings]
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def _changed(pipeline: Pipeline, changes: Dict[str, Any]) -> Settings:
    rules = pipeline.task.settings
    for name in changes:
        if name not in [rule.name for rule in rules]:
            fine = ', '.join(f'--{rule.name.replace("_", "-")}' for rule in rules) or 'none'
            raise SettingError(f'--{name.replace("_", "-")} is no setting of a model for '
                               f'{pipeline.task.name}, which has: {fine}; leave it out')
    return change_settings(pipeline.settings, rules, changes)


def _frames(sources: List[str], folder: ResultFolder, tally: Tally) -> Iterator[InputFrame]:
    for name in sources:
        source = open_source(name)
        rate_hz = 0.0 if _is_picture(name) else source.rate_hz or DEFAULT_RATE_HZ
        count, first_s = 0, 0.0
        try:
            for frame in source.frames:
                count += 1
                now_s = time.monotonic()
                first_s = first_s or now_s
                time_s = now_s - first_s if source.is_live else frame.number / (rate_hz or 1)
                yield InputFrame(name, frame.number, rate_hz, time_s, frame.image_bgr)
        finally:
            source.frames.close()
        folder.end_video()
        if not count:
            yield InputFrame(name, 0, rate_hz, 0.0, None)
        elif count < source.frame_count:
            tally.ended_early.append(f'{name} after {count} of about {source.frame_count} frames')


def _is_picture(source: str) -> bool:
    return is_image(source) and '://' not in source


def _answer(pipeline: Pipeline, frame: InputFrame, folder: ResultFolder, tally: Tally, *,
            with_pictures: bool) -> None:
    line: Dict[str, Any] = {'source': frame.source, 'frame': frame.number}
    if frame.rate_hz:
        line['time_s'] = round(frame.time_s, 6)
    try:
        if frame.image_bgr is None:
            raise FrameError('it holds no frame that can be read' if frame.rate_hz
                             else 'it cannot be read as a picture')
        answer = pipeline.run(frame.image_bgr)
    except FrameError as error:
        tally.failed.append(frame.source)
        folder.write_line(dict(line, error=str(error)))
        return
    tally.times.append(answer.times)
    height, width = frame.image_bgr.shape[:2]
    line.update(width=width, height=height)
    line.update(pipeline.task.to_json(answer.record, pipeline.card))
    mask = pipeline.task.mask_of(answer.record)
    if mask is not None:
        line['mask'] = folder.write_mask(mask, _stem(frame))
    if with_pictures:
        picture = pipeline.draw(frame.image_bgr, answer.record)
        line['picture'] = (_add_to_video(picture, frame, folder) if frame.rate_hz
                           else folder.write_picture(picture, frame.source))
    line['times_ms'] = {name[:-len('_ms')]: round(value, 3)
                        for name, value in answer.times._asdict().items()}
    folder.write_line(line)


def _add_to_video(picture: np.ndarray, frame: InputFrame, folder: ResultFolder) -> str:
    return folder.add_to_video(picture, frame.source, rate_hz=frame.rate_hz,
                               time_s=frame.time_s if is_live(frame.source) else None)


def _stem(frame: InputFrame) -> str:
    stem = os.path.splitext(os.path.basename(frame.source.rstrip('/')))[0]
    return f'{stem}-{frame.number:06d}' if frame.rate_hz else stem


def _print_summary(tally: Tally, out: str, *, seconds: float) -> None:
    count = len(tally.times)
    print(f'{count} frames in {seconds:.1f} s ({count / max(seconds, 1e-9):.1f} a second)')
    if tally.times:
        medians = StageTimes(*np.median(np.array(tally.times), axis=0))
        print(f'median preprocess {medians.preprocess_ms:.1f}, inference {medians.infer_ms:.1f}, '
              f'postprocess {medians.postprocess_ms:.1f} ms')
    if tally.failed:
        print(f'{len(tally.failed)} could not be read: {_named(tally.failed)}')
    if tally.ended_early:
        print(f'ended early, so damaged perhaps: {_named(tally.ended_early)}')
    print(f'results: {os.path.join(out, RESULTS)}')


def _named(names: List[str]) -> str:
    more = len(names) - NAMES_SHOWN
    shown = ', '.join(names[:NAMES_SHOWN]) + (f' and {more} more' if more > 0 else '')
    return os.fsencode(shown).decode('utf-8', 'replace')  # not every name can be printed
