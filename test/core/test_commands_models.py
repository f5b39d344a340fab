"""The command that lists the models."""

import json

import pytest
from command_line import run_command

from edgenext_core.commands import models
from edgenext_core.models import ModelError
from edgenext_core.paper import table


def test_the_command_prints_json(capsys, monkeypatch):
    monkeypatch.setattr(table, 'list_models', lambda: ['edgenext_xx_small'])
    assert run_command(models, '--resolution', '256', '--json') == 0
    row, = json.loads(capsys.readouterr().out)
    assert (row['parameters'], row['madds']) == (1_327_216, 260_576_008)
    assert (row['paper_parameters'], row['paper_madds']) == ('1.3M', '261M')


def test_the_command_refuses_a_resolution_that_is_too_small():
    with pytest.raises(ModelError, match='images are 16x16 pixels, smaller than 32x32'):
        run_command(models, '--resolution', '16')
