"""Multiply-adds by the paper's convention, and the table of models."""

import json
from pathlib import Path

import pytest
import torch

from edgenext_core.models import ModelError, create_model, list_models
from edgenext_core.paper.complexity import complexity
from edgenext_core.paper.figures import FIGURES, difference
from edgenext_core.paper.table import count_models, count_row, inputs_to_count, markdown


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.mark.parametrize(('name', 'side', 'products', 'madds'), [
    ('edgenext_xx_small', 256, 257.91, 260.576), ('edgenext_xx_small', 224, None, 199.54),
    ('edgenext_x_small', 256, 533.19, 537.996), ('edgenext_small', 256, 1253.23, 1260.589),
    ('edgenext_base', 224, None, 2940.85), ('edgenext_small_bn_hs', 224, None, 962.68),
    ('edgenext_small.sdta_1111', 256, None, 1300.8), ('ssdlite_edgenext_small', 320, 2124, 2137),
    ('deeplabv3_edgenext_small.aspp256', 512, 9780, None),
    ('deeplabv3_edgenext_small.table6', 512, 8670, None),
])
def test_multiply_adds_are_those_of_the_specification(name, side, products, madds):
    counts = complexity(name, height=side, width=side)
    for count, expected in ((counts.products, products), (counts.madds, madds)):
        if expected is not None:
            digits = len(str(expected).partition('.')[2])
            unit = 10 if expected > 2000 and isinstance(expected, int) else 1
            assert count / 1e6 == pytest.approx(expected, abs=0.51 * unit * 10 ** -digits)


def test_products_agree_with_torchs_own_counter():
    from torch.utils.flop_counter import FlopCounterMode
    model = create_model('edgenext_small.no_pe').eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, 64, 96))
    counted = complexity('edgenext_small.no_pe', height=64, width=96).products
    assert counter.get_total_flops() == 2 * counted


@pytest.mark.parametrize('figure', FIGURES, ids=lambda figure: f'{figure.model}@{figure.height}')
def test_the_papers_figures_come_out_or_a_remark_says_why_not(figure):
    row = count_row(figure.model, figure.height)
    same = row.parameters_difference == row.madds_difference == 0
    assert same != bool(figure.remark)


def test_a_difference_is_one_only_beyond_the_printed_digits():
    assert difference(1_327_216, '1.3M') == 0
    assert difference(1_257_280_000, '1.26G') == 0
    assert difference(1_260_588_656, '1.30G') == pytest.approx(-0.0303, abs=5e-5)
    assert difference(6_277_794, '6.2M') == pytest.approx(0.0125, abs=5e-5)


def test_the_table_has_every_model_and_the_papers_other_sizes():
    inputs = inputs_to_count()
    assert {name for name, _ in inputs} == set(list_models())
    assert ('edgenext_small', 224) in inputs
    assert ('deeplabv3_edgenext_small', 512) in inputs
    assert set(inputs_to_count(224)) == {(name, 224) for name in list_models()}


def test_a_row_is_written_beside_the_papers():
    rows = [count_row('edgenext_small', 256), count_row('edgenext_xx_small', 128)]
    lines = markdown(rows).splitlines()
    assert lines[2].startswith('| edgenext_small | 256 | 5,586,832 | 5.6M | none | 1,260.6M '
                               '| 1.30G | -3.0% | Tables 1 to 3 |')
    assert lines[3] == '| edgenext_xx_small | 128 | 1,327,216 |  |  | 65.3M |  |  |  |  |'
    assert json.loads(json.dumps(rows[1]._asdict()))['resolution'] == 128


def test_the_document_holds_the_table_that_the_command_prints():
    document = Path(__file__).parents[2] / 'docs' / 'models.md'
    assert markdown(count_models()) in document.read_text(encoding='utf-8')


@pytest.mark.parametrize('side', [31, 16, 0, -5])
def test_an_input_that_is_too_small_is_refused(side):
    with pytest.raises(ModelError, match=f'images are {side}x{side} pixels, smaller than 32x32'):
        count_models(side)
