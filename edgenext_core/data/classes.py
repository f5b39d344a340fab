"""
The classes of a data set, where somebody says what they are.

A recipe lists their names, or names a label set of the project; or the data set has a file
``classes.json``: ``{"names": [...], "colors_rgb": [[r, g, b], ...], "ignore_index": 255}``, of
which the names alone are needed. Where one data set serves several tasks, the file holds several
such entries by name, and the recipe says which.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgenext_core.data.samples import DataError, require_root
from edgenext_core.labels.label_set import (
    LabelSet,
    distinct_color,
    known_label_sets,
    read_label_set,
)

FILE_NAME = 'classes.json'


def find_classes(root: Path, wanted: str | Sequence[str] | None, *,
                 like: Sequence[str] = ()) -> LabelSet | None:
    """
    Find the classes of a data set.

    :param root: folder of the data set
    :param wanted: the names; or the name of an entry of ``classes.json`` or of a label set of the
        project; None takes the only entry of ``classes.json``
    :param like: of several entries, None takes that of these names
    :return: the classes; None where nobody says what they are
    :raises DataError: when there is no such folder or name, or a name occurs twice
    """
    require_root(root)
    if wanted is not None and not isinstance(wanted, str):
        return named_classes(wanted, source='the list of classes')
    path = root / FILE_NAME
    entries = read_classes(path) if path.is_file() else {}
    if wanted is None:
        alike = [entry for entry in entries.values() if entry.names == tuple(like)]
        return next(iter(alike), entries.get(''))
    if wanted in entries:
        return entries[wanted]
    if wanted in known_label_sets():
        return read_label_set(wanted)
    known = sorted(name for name in entries if name)
    raise DataError(
        f'there are no classes {wanted!r}, expected a list of names, an entry of {path} '
        f'({", ".join(known) or "it has none"}) or one of: {", ".join(known_label_sets())}')


def read_classes(path: Path) -> dict[str, LabelSet]:
    """
    Read a ``classes.json``.

    :param path: the file
    :return: classes by the entry's name, '' where the file has one entry only; nothing where the
        file is in another form than ours
    :raises DataError: when the file is no JSON, or an entry has a name twice
    """
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise DataError(f'{path} is no JSON ({error}); write it anew') from error
    entries = {'': content} if _is_entry(content) else content
    if not isinstance(entries, dict):
        return {}
    return {
        name: named_classes(entry['names'], colors_rgb=entry.get('colors_rgb'),
                            ignore_index=entry.get('ignore_index'), source=str(path))
        for name, entry in entries.items() if _is_entry(entry)
    }


def named_classes(names: Sequence[str], *, colors_rgb: Sequence[Sequence[int]] | None = None,
                  ignore_index: int | None = None, source: str) -> LabelSet:
    """
    Make a label set of names.

    :param names: of the classes
    :param colors_rgb: one for each; None chooses them
    :param ignore_index: class id of the pixels that count for nothing
    :param source: who says so
    :return: the classes
    :raises DataError: when there are no names, one occurs twice, or the colours are not as many
    """
    twice = [name for index, name in enumerate(names) if name in names[:index]]
    if twice or not names:
        what = f'names the class {twice[0]!r} twice' if twice else 'names no class'
        raise DataError(f'{source} {what}, expected one name for each class; mend it')
    if colors_rgb is None:
        colors_rgb = [distinct_color(index) for index in range(len(names))]
    if len(colors_rgb) != len(names):
        raise DataError(f'{source} has {len(colors_rgb)} colours for {len(names)} classes, '
                        'expected one for each; mend it, or leave the colours out')
    colors = tuple((int(red), int(green), int(blue)) for red, green, blue in colors_rgb)
    return LabelSet(tuple(names), colors, ignore_index)


def _is_entry(content: Any) -> bool:
    names = content.get('names') if isinstance(content, dict) else None
    return isinstance(names, list) and all(isinstance(name, str) for name in names)
