"""What several tests of this room need."""

import pytest
import tensorrt_double


@pytest.fixture(params=tensorrt_double.VERSIONS)
def tensorrt_version(request, tmp_path):
    """Stand for each TensorRT in turn; what a test leaves on the GPU fails it."""
    with tensorrt_double.installed(request.param, tmp_path):
        yield request.param
