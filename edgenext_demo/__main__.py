"""Run the demo: ``python -m edgenext_demo --help``."""

import argparse
import os
import shlex
import sys
from typing import Dict, List, Optional

from edgenext_core.runtime.errors import EdgeNextError
from edgenext_core.runtime.frame_sources import list_images, open_source

try:
    from edgenext_demo.bag_writer import BagWriter, remove_bag
    from edgenext_demo.report import build_report, write_report
    from edgenext_demo.sheet import write_sheet
    from edgenext_demo.video import write_video
except ModuleNotFoundError as error:
    sys.exit(f'edgenext_demo: {error}; install what the demo needs: '
             "pip install 'edgenext_ros[demo]'")

from edgenext_demo.bag_reader import BagReader
from edgenext_demo.errors import DemoError
from edgenext_demo.model_folder import find_models
from edgenext_demo.replay import Replay
from edgenext_demo.session import Clip, play_clip
from edgenext_demo.stop_signals import StopSignals
from edgenext_demo.summary import print_summary
from edgenext_demo.table import LiveTable, make_console
from edgenext_ros.street_source import SYNTHETIC

REPORT, VIDEO, SHEET, BAG = 'report.json', 'demo.mp4', 'sheet.png', 'bag'
_INTERRUPTED = 130


def main(args: Optional[List[str]] = None) -> int:
    """
    Run the demo.

    :param args: the command line, sys.argv where None
    :return: the exit code
    """
    args = sys.argv[1:] if args is None else args
    options = _parse(args)
    try:
        _run(options, command='python -m edgenext_demo ' + ' '.join(map(shlex.quote, args)))
    except (EdgeNextError, OSError) as error:
        print(f'edgenext_demo: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('edgenext_demo: interrupted', file=sys.stderr)
        return _INTERRUPTED
    return 0


def _parse(args: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m edgenext_demo',
        description='Play a clip to the perception nodes over ROS 2, show and measure them, and '
                    'leave an annotated video, a contact sheet, a report and a bag of all '
                    'messages. Ctrl-C ends the clip early, a second one gives up.')
    parser.add_argument('--source', default='synthetic',
                        help='synthetic, synthetic-stills, a video file, a folder of images, a '
                             'camera index or the url of a stream (default: %(default)s)')
    parser.add_argument('--models', default='engines/demo', metavar='FOLDER',
                        help='holds one .onnx model per task (default: %(default)s)')
    parser.add_argument('--duration', type=float, default=28.0, metavar='SECONDS',
                        help='stop after so long; 0: when the source ends (default: %(default)s)')
    parser.add_argument('--rate', type=float, default=0.0, metavar='HZ',
                        help='frames per second; 0: its own (default: %(default)s)')
    parser.add_argument('--truth-masks', default='', metavar='FOLDER',
                        help='true masks of the frames, the i-th file for the i-th '
                             'frame, class ids of the segmentation model; ids beyond are ignored')
    parser.add_argument('--out', default='out/demo', metavar='FOLDER',
                        help='where the results go (default: %(default)s)')
    options = parser.parse_args(args)
    for name in ('duration', 'rate'):
        if not 0 <= getattr(options, name) < float('inf'):
            parser.error(f'--{name} is {getattr(options, name)}, expected 0 or more')
    return options


def _run(options: argparse.Namespace, *, command: str) -> None:
    clip = Clip(options.source, options.rate, options.duration, options.truth_masks)
    models = find_models(options.models)
    _check_source(clip)
    paths = _prepare(options.out)
    console = make_console()
    with StopSignals() as stop, LiveTable(console) as table, BagWriter(paths[BAG]) as bag:
        run = play_clip(clip, models, bag=bag, table=table, stop=stop,
                        log_folder=os.path.join(options.out, 'logs'))
    with BagReader(paths[BAG]) as messages:
        replay = Replay(messages)
        report = build_report(run, replay, clip=clip, command=command)
        write_report(report, paths[REPORT])
        console.print('drawing the video and the contact sheet ...')
        write_video(replay, run.nodes, path=paths[VIDEO])
        write_sheet(replay, run.nodes, report=report, path=paths[SHEET])
    print_summary(report, list(paths.values()), console)


def _check_source(clip: Clip) -> None:
    """Open the source once, so that a wrong one is told in one sentence before anything starts."""
    if clip.truth_masks:
        list_images(clip.truth_masks)
    if clip.source not in SYNTHETIC:
        open_source(clip.source, also=SYNTHETIC).frames.close()


def _prepare(folder: str) -> Dict[str, str]:
    """Make the folder and remove what an earlier run has left there; return paths by name."""
    paths = {name: os.path.join(folder, name) for name in (VIDEO, SHEET, REPORT, BAG)}
    try:
        os.makedirs(folder, exist_ok=True)
        for name in (VIDEO, SHEET, REPORT):
            if os.path.exists(paths[name]):
                os.remove(paths[name])
        remove_bag(paths[BAG])
    except OSError as error:
        raise DemoError(f'cannot write to {folder} ({error.strerror}); name another folder with '
                        '--out') from error
    return paths


if __name__ == '__main__':
    sys.exit(main())
