"""What ``edgenext verify`` says: lines of text, and a JSON file."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from edgenext_core.measure.range_audit import LIMIT, NEAR, LayerRange, RangeAudit
from edgenext_core.measure.verification import Finding, Side, Verification

FORMAT = 1
_LAYERS_SHOWN = 12
_NAME_WIDTH = 42


class VerificationReport(NamedTuple):
    """
    All that is known of two models.

    ``ranges`` are those of one of them, or the reason why nobody looked; ``folder`` is where the
    pictures are from, None for drawn ones.
    """

    sides: Tuple[Side, Side]
    result: Verification
    ranges: Union[RangeAudit, str]
    folder: Optional[str]


def describe(report: VerificationReport) -> List[str]:
    """
    Put a report into lines.

    :param report: the report
    :return: the lines, the verdict last
    """
    result = report.result
    lines = [f'{name}: {_title(side)}' for name, side in zip('AB', report.sides)]
    lines += [_pictures_in_words(report), '']
    if not result.are_numbers_compared:
        lines.append(f'only results are compared: A gives {_outputs(report.sides[0])}, B gives '
                     f'{_outputs(report.sides[1])}, which are no numbers of one form')
    lines += [_line(finding) for finding in result.findings]
    lines += ['', 'frame to result, ms           p50       p95       p99']
    lines += [f'  {name}                     {times.p50:9.2f} {times.p95:9.2f} {times.p99:9.2f}'
              for name, times in zip('AB', result.latencies)]
    lines += [f'  B takes {result.ratio:.2f} of the time of A (median of the pairs)', '']
    lines += _ranges_in_words(report.ranges) + ['']
    failed = [finding.name for finding in result.findings if not finding.holds]
    lines.append(f'A and B differ by more than they may in {result.precision}: '
                 f'{"; ".join(failed)}' if failed else
                 f'A and B agree, by the gates of {result.precision}')
    return lines


def to_json(report: VerificationReport) -> Dict[str, Any]:
    """
    Put a report into what JSON holds.

    ``a`` and ``b`` say what was compared; ``gates`` is the precision whose gates apply, and
    ``passed`` whether all hold. Each of ``findings`` has ``name``, ``value`` (null where numbers
    were not finite or there was nothing to measure), ``limit`` (null where there is none),
    ``rule`` ('at most' or 'at least'), ``holds`` and ``worst_frame``. ``latency`` is in
    milliseconds, ``ratio`` B by A. ``ranges`` has ``layers`` near overflow in float16, each with
    ``layer``, ``op_type``, ``largest``, ``largest_sum`` and ``frame``; or ``skipped``, the reason.

    :param report: the report
    :return: the content of the file
    """
    result = report.result
    return {
        'format': FORMAT,
        'kind': 'edgenext verify',
        'a': _side(report.sides[0]),
        'b': _side(report.sides[1]),
        'pictures': {'folder': report.folder, 'frames': result.frames,
                     'unreadable': result.unreadable},
        'gates': result.precision,
        'passed': result.holds,
        'numbers_compared': result.are_numbers_compared,
        'findings': [{'name': finding.name, 'value': finding.value, 'limit': finding.limit,
                      'rule': _rule(finding), 'holds': finding.holds,
                      'worst_frame': finding.frame} for finding in result.findings],
        'latency': {'a': _times(result, 0), 'b': _times(result, 1), 'ratio': result.ratio},
        'ranges': {'skipped': report.ranges} if isinstance(report.ranges, str) else {
            'limit': LIMIT, 'near': NEAR, 'layers_checked': report.ranges.layers,
            'frames': report.ranges.frames,
            'layers': [layer._asdict() for layer in report.ranges.near]},
    }


def _title(side: Side) -> str:
    engine = side.engine
    return (f'{side.path}, for {engine.card.export.target}, on {engine.backend} '
            f'{engine.version}, {engine.device}, {engine.precision}'
            + (' with weights stored in float16' if side.stored == 'float16'
               and engine.precision == 'float32' else ''))


def _pictures_in_words(report: VerificationReport) -> str:
    result = report.result
    if report.folder is None:
        return (f'{result.frames} drawn pictures, so this says little of real ones; give such '
                'with: --images DIR')
    unreadable = f', {result.unreadable} could not be decoded' if result.unreadable else ''
    return f'{result.frames} pictures of {report.folder}{unreadable}'


def _line(finding: Finding) -> str:
    if finding.value is None:
        return f'{finding.name:{_NAME_WIDTH}} {"-":>9}'
    value = f'{finding.value:.6f}' if finding.at_least else f'{finding.value:.2g}'
    line = f'{finding.name:{_NAME_WIDTH}} {value:>9}'
    if finding.limit is not None:
        line += (f'   {_rule(finding)} {finding.limit:<7g} '
                 f'{"ok" if finding.holds else "FAILED"}')
    elif not finding.holds:
        line += '   FAILED: not finite'
    return line + (f'   (worst: {finding.frame})' if finding.frame else '')


def _rule(finding: Finding) -> str:
    return 'at least' if finding.at_least else 'at most'


def _ranges_in_words(ranges: Union[RangeAudit, str]) -> List[str]:
    if isinstance(ranges, str):
        return [f'overflow in float16: {ranges}']
    lines = [f'overflow in float16 (limit {LIMIT:.0f}): the inputs of {len(ranges.near)} of '
             f'{ranges.layers} layers come near (above {NEAR:.0f}) on {ranges.frames} pictures']
    lines += [f'  {_layer(layer)}' for layer in ranges.near[:_LAYERS_SHOWN]]
    if len(ranges.near) > _LAYERS_SHOWN:
        lines.append(f'  and {len(ranges.near) - _LAYERS_SHOWN} more, which --report lists')
    if any(layer.largest_sum is not None for layer in ranges.near):
        lines.append('  (sums and norms stay in float32 in what edgenext export and build make)')
    return lines


def _layer(layer: LayerRange) -> str:
    total = '' if layer.largest_sum is None else f', adds up to {layer.largest_sum:.3g}'
    return f'{layer.layer} ({layer.op_type}): up to {layer.largest:.3g}{total}, on {layer.frame}'


def _side(side: Side) -> Dict[str, Any]:
    engine = side.engine
    return {'file': side.path, 'architecture': engine.card.architecture,
            'target': engine.card.export.target, 'backend': engine.backend,
            'version': engine.version, 'device': engine.device, 'precision': engine.precision,
            'weights': side.stored}


def _times(result: Verification, index: int) -> Dict[str, float]:
    return {f'{name}_ms': value for name, value in result.latencies[index]._asdict().items()}


def _outputs(side: Side) -> str:
    return ', '.join(side.engine.card.outputs)
