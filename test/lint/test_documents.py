"""Whether the documents speak of what the code has."""

import argparse
import importlib
import re
import shlex

import pytest
from source_tree import ROOT

from edgenext_core import cli

DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for pattern in ('*.md', 'docs/*.md', 'engines/*.md', 'training/*.md')
    for path in ROOT.glob(pattern)
)

ROWS = re.findall(
    r'^\| (`[^|]+`) \| (`[^|]+?`)(?: and (?:its|their) like)? \|',
    (ROOT / 'docs' / 'architecture.md').read_text(encoding='utf-8'), re.MULTILINE
)  # fmt: skip


def test_the_two_walks_are_there():
    assert len(ROWS) > 20


@pytest.mark.parametrize('files, functions', ROWS)
def test_a_walk_names_files_and_what_stands_in_them(files, functions):
    paths = re.findall(r'`([^`]+)`', files)
    folder = paths[0].rpartition('/')[0]
    paths = [path if '/' in path else f'{folder}/{path}' for path in paths]
    sources = ''.join((ROOT / path).read_text(encoding='utf-8') for path in paths)
    for name in re.findall(r'`([^`]+)`', functions):
        for part in name.split('.'):
            assert re.search(rf'\b(?:def|class) {part}\b', sources), name


@pytest.mark.parametrize('document', DOCUMENTS)
def test_links_to_files_lead_somewhere(document):
    path = ROOT / document
    for target in re.findall(r'\]\(([^)#:]+)\)', path.read_text(encoding='utf-8')):
        assert (path.parent / target).exists(), target


def test_the_readme_is_short():
    assert len((ROOT / 'README.md').read_text(encoding='utf-8').split()) < 900


def shell_lines(document):
    """Give the lines of a document's code blocks, fenced or indented; `\\` at an end joins two."""
    lines = []
    fenced = False
    for line in (ROOT / document).read_text(encoding='utf-8').replace('\\\n', ' ').splitlines():
        if line.startswith('```'):
            fenced = not fenced
        elif fenced or line.startswith('    '):
            lines.append(line.strip())
    return lines


def commands_in(line):
    """Give the words after `edgenext`, for each time that a shell line calls it."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words, calls = list(lexer), []
    while 'edgenext' in words:
        words = words[words.index('edgenext') + 1 :]
        end = next((at for at, word in enumerate(words) if set(word) <= set('();<>|&')), None)
        calls.append(words[:end])
    return calls


def parser_of(name):
    """Make a command's parser, as the command line does."""
    assert name in [command.name for command in cli.COMMANDS], f'there is no command {name!r}'
    parser = argparse.ArgumentParser(prog=f'edgenext {name}')
    importlib.import_module(f'edgenext_core.commands.{name}').add_arguments(parser)
    return parser


COMMAND_LINES = [
    pytest.param(words, id=f'{document}-{shlex.join(words)}')
    for document in DOCUMENTS
    for line in shell_lines(document)
    if re.search(r'\bedgenext ', line)
    for words in commands_in(line)
]
# A command named in a sentence, with what may be left out of it.
COMMANDS_IN_TEXT = [
    pytest.param(document, text)
    for document in DOCUMENTS
    for text in re.findall(r'`edgenext ([^`]+)`', (ROOT / document).read_text(encoding='utf-8'))
]


def test_the_documents_call_commands():
    assert len(COMMAND_LINES) > 10 and len(COMMANDS_IN_TEXT) > 5


@pytest.mark.parametrize('words', COMMAND_LINES)
def test_a_command_in_a_document_is_one_that_its_parser_takes(words):
    parser = parser_of(words[0])
    try:
        options, unknown = parser.parse_known_args(words[1:])
    except SystemExit:
        pytest.fail(f'the parser refuses: edgenext {shlex.join(words)}')
    assert not unknown or hasattr(options, 'keys'), unknown


@pytest.mark.parametrize('document, text', COMMANDS_IN_TEXT)
def test_a_command_in_a_sentence_has_the_options_that_it_names(document, text):
    name, *words = text.split()
    options = parser_of(name)._option_string_actions
    wrong = [word for word in words if word.startswith('-') and word not in options]
    assert not wrong, f'{document}: {wrong}'


def test_a_line_with_several_commands_and_a_comment_is_taken_apart():
    line = "cd x && edgenext fit --config 'a b.yaml' --x=1 | tee log; edgenext models # none"
    assert commands_in(line) == [['fit', '--config', 'a b.yaml', '--x=1'], ['models']]


@pytest.mark.parametrize('document', DOCUMENTS)
def test_a_launch_line_in_a_document_sets_arguments_that_the_launch_file_has(document):
    source = (ROOT / 'launch' / 'perception.launch.py').read_text(encoding='utf-8')
    declared = set(re.findall(r"'(\w+)'", source)) | {
        f'{task}_model' for task in ('classification', 'detection', 'segmentation')
    }
    text = (ROOT / document).read_text(encoding='utf-8')
    for line in re.findall(r'ros2 launch edgenext_ros [^`\n]+', text):
        for name in re.findall(r'(\w+):=', line):
            assert name in declared, line
