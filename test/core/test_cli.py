"""The command edgenext, as a user calls it."""

import importlib
import subprocess
import sys

import pytest

from edgenext_core import cli


def edgenext(*words):
    return subprocess.run([sys.executable, '-m', 'edgenext_core.cli', *words], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


@pytest.mark.parametrize('command', cli.COMMANDS, ids=lambda command: command.name)
def test_every_command_has_its_file_and_describes_itself(command, capsys):
    module = importlib.import_module(f'edgenext_core.commands.{command.name}')
    assert module.__doc__ and callable(module.add_arguments) and callable(module.run)

    with pytest.raises(SystemExit) as ended:
        cli.main([command.name, '--help'])
    assert ended.value.code == 0
    assert f'usage: edgenext {command.name}' in capsys.readouterr().out


@pytest.mark.parametrize('words', [[], ['--help'], ['-h']])
def test_without_a_command_the_table_is_printed(words, capsys):
    assert cli.main(words) == 0
    printed = capsys.readouterr().out
    for command in cli.COMMANDS:
        assert f'  {command.name} ' in printed and command.help in printed


def test_the_table_and_a_robots_commands_import_no_torch():
    program = ('import sys; from edgenext_core import cli; cli.main([]); '
               'cli.main(["weights", "list"]); print("torch" in sys.modules)')
    output = subprocess.check_output([sys.executable, '-c', program], text=True)
    assert output.splitlines()[-1] == 'False'


@pytest.mark.parametrize('word, message', [
    ('fti', "no command 'fti', did you mean fit?"),
    ('trian', "no command 'trian', "),
    ('', "no command '', expected one of: prepare, fit"),
])
def test_a_wrong_command_is_answered_with_the_nearest(word, message):
    result = edgenext(word)
    assert result.returncode == 2
    assert message in result.stderr and 'Traceback' not in result.stderr


@pytest.mark.parametrize('command, missing', [('fit', 'torch'), ('export', 'torch'),
                                              ('models', 'torch'), ('evaluate', 'pycocotools'),
                                              ('predict', 'cv2')])
def test_without_its_packages_a_command_says_which_extra_it_needs(command, missing):
    program = (f'import sys; sys.modules[{missing!r}] = None; from edgenext_core import cli; '
               f'sys.exit(cli.main([{command!r}, "--help"]))')
    result = subprocess.run([sys.executable, '-c', program], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, check=False)
    extra = next(row.extra for row in cli.COMMANDS if row.name == command)
    what = f"'edgenext_ros[{extra}]'" if extra else 'edgenext_ros'
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"edgenext: {command} needs the Python package '{missing}'; run: pip install {what}"]


def test_words_that_no_parser_knows_are_keys_for_fit_and_errors_for_the_rest(capsys):
    assert cli.main(['fit', '--config', 'absent.yaml', '--data.root', 'x']) == 1
    assert 'absent.yaml' in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        cli.main(['weights', 'list', '--loud'])
    assert ended.value.code == 2
    assert 'unrecognized arguments: --loud' in capsys.readouterr().err


@pytest.mark.parametrize('name', ['folder', 'absent.onnx'])
def test_what_the_system_refuses_ends_a_command_with_a_sentence(tmp_path, name, capsys):
    (tmp_path / 'folder').mkdir()
    assert cli.main(['evaluate', str(tmp_path / name), '--data', str(tmp_path)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith('edgenext: ') and name in lines[0]
