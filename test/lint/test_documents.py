"""Whether the documents speak of what the code has."""

import re

import pytest
from source_tree import ROOT

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


@pytest.mark.parametrize('document', ['README.md', 'CONTRIBUTING.md', 'training/README.md',
                                      'engines/README.md', 'docs/architecture.md',
                                      'docs/nodes.md', 'docs/export.md', 'docs/results.md'])
def test_links_to_files_lead_somewhere(document):
    path = ROOT / document
    for target in re.findall(r'\]\(([^)#:]+)\)', path.read_text(encoding='utf-8')):
        assert (path.parent / target).exists(), target


def test_the_readme_is_short():
    assert len((ROOT / 'README.md').read_text(encoding='utf-8').split()) < 900
