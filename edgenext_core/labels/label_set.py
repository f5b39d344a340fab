"""
Label sets: the classes of a data set, read from a text file.

A file holds a class a line: its name, or ``name: red green blue``. A line
``ignore_index: number`` names the class of pixels that count for nothing; lines that begin with
``#`` are comments. Classes without a colour get hues a golden angle apart.
"""

import colorsys
import os
import re
from typing import List, NamedTuple, Optional, Tuple

Color = Tuple[int, int, int]

_FOLDER = os.path.dirname(os.path.abspath(__file__))
_COLORED = re.compile(r'(.+?):\s*(\d+)\s+(\d+)\s+(\d+)$')
_IGNORE = re.compile(r'ignore_index:\s*(\d+)$')
_GOLDEN_SHARE = 0.618034


class LabelSet(NamedTuple):
    """
    The classes of one data set: index i has name ``names[i]`` and colour ``colors_rgb[i]``.

    No background class is listed: a detector adds its own index 0 inside the network and
    takes it away again before a result leaves it.
    """

    names: Tuple[str, ...]
    colors_rgb: Tuple[Color, ...]
    ignore_index: Optional[int] = None


def known_label_sets() -> Tuple[str, ...]:
    """
    Name the label sets that come with the project.

    :return: what ``read_label_set`` takes
    """
    return tuple(sorted(name[:-len('.txt')] for name in os.listdir(_FOLDER)
                        if name.endswith('.txt')))


def read_label_set(name: str) -> LabelSet:
    """
    Read one of the project's label sets.

    :param name: one of ``known_label_sets``
    :return: the classes
    """
    with open(os.path.join(_FOLDER, f'{name}.txt'), encoding='utf-8') as file:
        return parse_label_set(file.read())


def parse_label_set(text: str) -> LabelSet:
    """
    Parse a label set.

    :param text: lines as the module describes them
    :return: the classes
    """
    names: List[str] = []
    colors: List[Color] = []
    ignore_index = None
    for line in text.splitlines():
        if not line.strip() or line.startswith('#'):
            continue
        ignored, colored = _IGNORE.match(line), _COLORED.match(line)
        if ignored:
            ignore_index = int(ignored.group(1))
        elif colored:
            names.append(colored.group(1))
            colors.append((int(colored.group(2)), int(colored.group(3)), int(colored.group(4))))
        else:
            names.append(line.strip())
            colors.append(distinct_color(len(colors)))
    return LabelSet(tuple(names), tuple(colors), ignore_index)


def distinct_color(index: int) -> Color:
    """
    Give a class the colour that it has where none is written down.

    :param index: of the class
    :return: red, green and blue, 0 to 255; those of neighbouring classes differ clearly
    """
    red, green, blue = colorsys.hsv_to_rgb(index * _GOLDEN_SHARE % 1, 0.75, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)
