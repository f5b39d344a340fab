"""Hold two runtimes, precisions or targets of a model against each other on the same pictures."""

import argparse
from typing import Iterable, Optional, Tuple, Union

from edgenext_core.commands.progress import show_progress
from edgenext_core.measure.pictures import Picture, draw_pictures, read_pictures
from edgenext_core.measure.range_audit import RangeAudit, audit_ranges
from edgenext_core.measure.verification import Side, open_side, require_same_kind, verify
from edgenext_core.measure.verification_report import VerificationReport, describe, to_json
from edgenext_core.measure.whole_file import write_json
from edgenext_core.runtime.engines.backends import BACKENDS, ENGINE_SUFFIX
from edgenext_core.runtime.errors import EngineError
from edgenext_core.runtime.frame_sources import list_images

_DRAWN = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Describe the command.

    :param parser: takes its options
    """
    parser.add_argument('a', metavar='A', help='ONNX file or engine, the one that counts as right')
    parser.add_argument('b', metavar='B', help='another, or the same file for another backend')
    parser.add_argument('--images', metavar='DIR', help='folder of pictures, such as the robot '
                        'will see (default: a few drawn ones)')
    for name in ('a', 'b'):
        parser.add_argument(f'--backend-{name}', choices=BACKENDS, default='auto',
                            help=f'what runs {name.upper()} (default: %(default)s)')
    parser.add_argument('--report', metavar='FILE.json', help='write what was measured there, too')


def run(options: argparse.Namespace) -> int:
    """
    Verify, and print what was measured.

    :param options: what the parser made of the command line
    :return: exit status 0; 1 when the two differ by more than they may
    :raises EdgeNextError: when the two cannot be held against each other
    :raises OSError: when the report cannot be written
    """
    require_same_kind(options.a, options.b)
    first = open_side(options.a, backend=options.backend_a)
    try:
        second = open_side(options.b, backend=options.backend_b)
        try:
            total = len(list_images(options.images)) if options.images else _DRAWN
            result = verify(first, second,
                            show_progress(_pictures(options.images), total=total))
        finally:
            second.engine.close()
    finally:
        first.engine.close()
    report = VerificationReport((first, second), result,
                                _audit((first, second), options.images), options.images)
    for line in describe(report):
        print(line)
    if options.report:
        write_json(options.report, to_json(report))
    return 0 if result.holds else 1


def _pictures(folder: Optional[str]) -> Iterable[Picture]:
    return draw_pictures(_DRAWN) if folder is None else read_pictures(folder)


def _audit(sides: Tuple[Side, Side], folder: Optional[str]) -> Union[RangeAudit, str]:
    """Look at the first float32 graph, the only kind that shows what float16 would cut off."""
    for side in sides:
        if (not side.path.endswith(ENGINE_SUFFIX)
                and side.engine.card.export.precision == 'float32'):
            try:
                return audit_ranges(side.path, _pictures(folder))
            except EngineError as error:
                return str(error)
    return 'neither file is a float32 graph, whose numbers could be looked at'
