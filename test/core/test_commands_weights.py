"""The command that lists and downloads released weights."""

import subprocess
import sys

import pytest
from command_line import run_command

from edgenext_core.commands import weights
from edgenext_core.weights.releases import RELEASES, ReleaseError, local_path


def test_the_command_lists_and_pulls(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert run_command(weights, 'list') == 0
    printed = capsys.readouterr().out
    assert printed.count('https://github.com/mmaaz60/EdgeNeXt/releases/') == 10
    assert printed.count('https://huggingface.co/timm/') == 1
    path = local_path(RELEASES[0])
    path.parent.mkdir(parents=True)
    path.write_bytes(b'weights')
    assert run_command(weights, 'pull', 'edgenext_xx_small') == 0
    assert capsys.readouterr().out.strip() == str(path)
    with pytest.raises(ReleaseError, match="no released weights are called 'resnet'"):
        run_command(weights, 'pull', 'resnet')


def test_listing_imports_neither_torch_nor_the_downloader():
    """Who asks what there is does not wait for what he does not need."""
    code = 'import sys, edgenext_core.commands.weights; print(*sys.modules)'
    printed = subprocess.run([sys.executable, '-c', code], text=True, stdout=subprocess.PIPE,
                             check=True).stdout
    assert not {'torch', 'gdown', 'numpy'} & set(printed.split())
