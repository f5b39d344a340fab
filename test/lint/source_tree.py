"""The project's files, and which modules each of them imports."""

import ast
import functools
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Import(NamedTuple):
    """One imported module, and whether a function holds the statement."""

    module: str
    line: int
    inside_function: bool


def module_name(path):
    """Give the dotted name of a file of the project."""
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


@functools.lru_cache(maxsize=None)
def project_modules():
    """Map the dotted name of each module, and of each launch file, to its file."""
    folders = ('edgenext_core', 'edgenext_ros', 'edgenext_demo', 'synthetic_street', 'launch')
    return {
        module_name(path): path
        for folder in folders
        for path in sorted((ROOT / folder).rglob('*.py'))
    }


@functools.lru_cache(maxsize=None)
def imports_of(path):
    """
    List what a file imports.

    `from package import name` counts as the module of that name where the project has one, else as
    the package.
    """
    modules = project_modules()
    found = []

    def visit(node, inside_function):
        if isinstance(node, ast.Import):
            found.extend(Import(name.name, node.lineno, inside_function) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(path, node)
            for name in node.names:
                child = f'{base}.{name.name}'
                found.append(
                    Import(child if child in modules else base, node.lineno, inside_function)
                )
        inside = inside_function or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(ast.parse(path.read_text(encoding='utf-8')), False)
    return found


def _absolute(path, node):
    """Give the dotted name that a `from` statement names, with leading dots resolved."""
    if node.level == 0:
        return node.module
    package = module_name(path).split('.')
    if path.name != '__init__.py':
        package = package[:-1]
    package = package[: len(package) - node.level + 1]
    return '.'.join(package + ([node.module] if node.module else []))
