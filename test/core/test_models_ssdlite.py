"""SSDLite: anchors, coding, matching, loss and suppression."""

import pytest
import torch
from order_one_weights import draw_order_one_weights
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou

from edgenext_core.models import create_model, decode_boxes, ssd_detections, ssd_losses
from edgenext_core.models.anchors import (
    corners,
    encode_boxes,
    level_sizes,
    make_anchors,
)
from edgenext_core.models.configs import EdgeNeXtConfig
from edgenext_core.models.registry import build_ssdlite
from edgenext_core.models.ssd_loss import match_anchors

MAPS_AT_320 = ((20, 20), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1))


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def anchors():
    return make_anchors(MAPS_AT_320, (0.1, 1.05), torch.device('cpu'))


@pytest.mark.parametrize(('name', 'parameters'), [
    ('ssdlite_edgenext_small', 6_277_794), ('ssdlite_edgenext_xx_small', 2_046_458),
    ('ssdlite_edgenext_x_small', 3_050_694), ('ssdlite_edgenext_base', 19_133_670),
])
def test_a_detector_has_the_parameters_of_the_specification(name, parameters):
    with torch.device('meta'):
        model = create_model(name, num_classes=80)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def test_320_pixels_have_3232_anchors_in_the_image(anchors):
    assert anchors.shape == (3232, 4)
    assert anchors.min() >= 0
    assert anchors.max() <= 1
    torch.testing.assert_close(anchors[0, :2], torch.tensor([0.5 / 20, 0.5 / 20]))
    torch.testing.assert_close(anchors[6, :2], torch.tensor([1.5 / 20, 0.5 / 20]))


def test_anchor_sides_are_the_papers():
    squares = [[side * 320 for side, _ in sizes[:2]] for sizes in level_sizes((0.1, 1.05))]
    expected = [[32, 51.4], [82.7, 105], [133.3, 156.6], [184, 207.8], [234.7, 258.8],
                [285.3, 309.6]]
    for got, wanted in zip(squares, expected, strict=True):
        assert got == pytest.approx(wanted, abs=0.06)
    assert [len(sizes) for sizes in level_sizes((0.1, 1.05))] == [6, 6, 6, 6, 6, 4]


@torch.no_grad()
def test_outputs_and_anchors_agree_at_a_size_that_is_no_multiple_of_32():
    model = create_model('ssdlite_edgenext_xx_small', num_classes=3).eval()
    outputs = model(torch.randn(2, 3, 300, 210))
    count = len(outputs['anchors_cxcywh'])
    assert outputs['class_logits'].shape == (2, count, 4)
    assert outputs['box_deltas'].shape == (2, count, 4)


@torch.no_grad()
def test_a_prediction_moves_with_its_anchor():
    """Row by row, position by position: the order of heads and anchors is one."""
    model = draw_order_one_weights(create_model('ssdlite_edgenext_xx_small', num_classes=2))
    head = model.heads[0]
    features = torch.zeros(1, 88, 4, 6)
    features[0, :, 2, 5] = 10
    changed = (head(features) - head(torch.zeros_like(features))).abs().sum(-1)[0]
    anchors = make_anchors(((4, 6),) + MAPS_AT_320[1:], (0.1, 1.05), torch.device('cpu'))
    center = anchors[changed.argmax(), :2]
    torch.testing.assert_close(center, torch.tensor([5.5 / 6, 2.5 / 4]), rtol=0, atol=0.3)
    touched = changed.reshape(4, 6, 6).sum(-1) > 0
    assert touched[2, 5]
    assert not touched[:1].any()
    assert not touched[:, :4].any()


def test_decoding_undoes_encoding(anchors):
    centers, sizes = torch.rand(3232, 2), 0.01 + 0.5 * torch.rand(3232, 2)
    boxes = torch.cat((centers - sizes / 2, centers + sizes / 2), dim=1)
    torch.testing.assert_close(decode_boxes(encode_boxes(boxes, anchors), anchors), boxes,
                               rtol=1e-4, atol=1e-5)


def test_decoding_equals_torchvisions(anchors):
    deltas = 3 * torch.randn(2, 3232, 4)
    coder = BoxCoder((10, 10, 5, 5))
    expected = torch.stack([coder.decode_single(one, corners(anchors)) for one in deltas])
    torch.testing.assert_close(decode_boxes(deltas, anchors), expected, rtol=1e-4, atol=1e-4)


def test_anchors_made_in_inference_mode_can_be_trained_with():
    sizes = ((7, 5),) + MAPS_AT_320[1:]
    with torch.inference_mode():
        anchors = make_anchors(sizes, (0.1, 1.05), torch.device('cpu'))
    assert not anchors.is_inference()


def test_every_box_gets_its_best_anchor_and_all_that_overlap_by_half(anchors):
    boxes = torch.tensor([[.40, .40, .44, .43], [.1, .2, .5, .6]])
    classes, deltas = match_anchors(anchors, boxes, torch.tensor([4, 0]))
    overlap = box_iou(boxes, corners(anchors))
    assert overlap[0].max() < 0.5
    assert classes[overlap[0].argmax()] == 5
    assert (classes == 5).sum() == 1
    assert ((classes == 1) == (overlap[1] >= 0.5)).all()
    positive = classes == 1
    decoded = decode_boxes(deltas[positive], anchors[positive])
    torch.testing.assert_close(decoded, boxes[1:].expand_as(decoded), rtol=1e-4, atol=1e-5)


def test_losses_equal_a_slow_count_by_hand(anchors):
    torch.manual_seed(0)
    anchors = anchors[2400:]
    logits, deltas = torch.randn(2, len(anchors), 4), torch.randn(2, len(anchors), 4)
    boxes = [torch.tensor([[.1, .1, .5, .6]]), torch.tensor([[.3, .2, .9, .9], [.0, .0, .3, .3]])]
    ids = [torch.tensor([2]), torch.tensor([0, 1])]
    losses = ssd_losses(
        {'class_logits': logits, 'box_deltas': deltas, 'anchors_cxcywh': anchors},
        [{'boxes_xyxy': b, 'class_ids': i} for b, i in zip(boxes, ids, strict=True)])

    classification, localization, positives = 0.0, 0.0, 0
    for image in range(2):
        wanted, offsets = match_anchors(anchors, boxes[image], ids[image])
        log_p = logits[image].log_softmax(-1)
        negatives = []
        for anchor, label in enumerate(wanted.tolist()):
            if label:
                positives += 1
                classification -= log_p[anchor, label]
                error = (deltas[image, anchor] - offsets[anchor]).abs()
                localization += torch.where(error < 1, error ** 2 / 2, error - 0.5).sum()
            else:
                negatives.append(-log_p[anchor, 0].item())
        hardest = sorted(negatives, reverse=True)[:3 * int((wanted > 0).sum())]
        classification += sum(hardest)
    torch.testing.assert_close(losses['classification'], classification / positives)
    torch.testing.assert_close(losses['localization'], localization / positives)


def test_a_batch_without_objects_costs_nothing_and_is_finite(anchors):
    outputs = {'class_logits': torch.randn(1, 3232, 4, requires_grad=True),
               'box_deltas': torch.randn(1, 3232, 4), 'anchors_cxcywh': anchors}
    losses = ssd_losses(outputs, [{'boxes_xyxy': torch.zeros(0, 4),
                                   'class_ids': torch.zeros(0, dtype=torch.int64)}])
    assert losses['classification'] == 0
    assert losses['localization'] == 0


def test_one_batch_can_be_learned_by_heart():
    torch.manual_seed(0)
    config = EdgeNeXtConfig(widths=(16, 24, 32, 48), depths=(1, 1, 2, 1), heads=4)
    model = build_ssdlite(config, num_classes=2, layer_scale_init=0.5)
    targets = [
        {'boxes_xyxy': torch.tensor([[8, 8, 40, 32]]) / 64, 'class_ids': torch.tensor([0])},
        {'boxes_xyxy': torch.tensor([[28, 16, 56, 56], [4, 32, 20, 60]]) / 64,
         'class_ids': torch.tensor([1, 0])},
    ]
    images = torch.zeros(2, 3, 64, 64)
    images[0, 0, 8:32, 8:40] = 2
    images[1, 1, 16:56, 28:56] = 2
    images[1, 0, 32:60, 4:20] = 2
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-2, total_steps=80, pct_start=0.2)
    for _ in range(80):
        loss = sum(ssd_losses(model(images), targets).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    assert loss < 1

    # In training mode: so few steps are not enough for the running statistics.
    found = ssd_detections(model(images), score_threshold=0.5)
    for got, wanted in zip(found, targets, strict=True):
        overlap = box_iou(wanted['boxes_xyxy'], got['boxes_xyxy'])
        assert (overlap.max(dim=1).values > 0.8).all()
        assert set(got['class_ids'].tolist()) == set(wanted['class_ids'].tolist())


def test_suppression_keeps_the_best_of_a_class_and_both_of_two_classes(anchors):
    logits = torch.zeros(1, 3232, 3)
    logits[..., 0] = 20
    logits[0, 3000] = torch.tensor([0., 8., 0.])
    logits[0, 3001] = torch.tensor([0., 7., 0.])
    logits[0, 3002] = torch.tensor([0., 0., 9.])
    deltas = torch.zeros(1, 3232, 4)
    target = torch.tensor([[.2, .2, .6, .6]]).expand(3, 4)
    deltas[0, 3000:3003] = encode_boxes(target, anchors[3000:3003])
    found, = ssd_detections({'class_logits': logits, 'box_deltas': deltas,
                             'anchors_cxcywh': anchors})
    assert found['class_ids'].tolist() == [1, 0]
    assert found['scores'].tolist() == sorted(found['scores'].tolist(), reverse=True)
    torch.testing.assert_close(found['boxes_xyxy'], target[:2], rtol=1e-4, atol=1e-5)
