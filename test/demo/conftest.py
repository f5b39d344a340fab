"""Models whose answers are known, for what the demo makes of them."""

import pytest
from tiny_models import write_classifier, write_detector, write_segmenter

from edgenext_demo.model_folder import DemoModel


@pytest.fixture
def models(tmp_path):
    """Give one tiny model per task, by task."""
    return {name: DemoModel(str(tmp_path / name), write(tmp_path / name))
            for name, write in (('classification', write_classifier),
                                ('detection', write_detector),
                                ('segmentation', write_segmenter))}
