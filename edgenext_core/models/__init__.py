"""EdgeNeXt, and detectors and segmenters on it, in PyTorch."""

from edgenext_core.models.anchors import decode_boxes
from edgenext_core.models.deeplabv3 import masks_from_logits
from edgenext_core.models.errors import ModelError
from edgenext_core.models.registry import create_model, list_models, model_task
from edgenext_core.models.ssd_decode import ssd_detections
from edgenext_core.models.ssd_loss import ssd_losses

__all__ = [
    'ModelError', 'create_model', 'decode_boxes', 'list_models', 'masks_from_logits',
    'model_task', 'ssd_detections', 'ssd_losses',
]
