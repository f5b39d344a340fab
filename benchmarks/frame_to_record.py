"""
Time a frame's whole way, 640x480 camera pixels to a record in the same pixels, in pairs.

First against the textbook: an export as timm makes it (normalised float NCHW in, raw numbers
out), floating-point normalisation and post-processing in NumPy, logits enlarged to the frame's
size before the largest is taken. Then, for segmentation, against the graph of before there were
targets: it gives class ids at the input's size, which the nearest neighbour brings to the frame.

Run: python benchmarks/frame_to_record.py
"""

import argparse
import functools
import io
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import onnxruntime
import torch
from pairs import compare
from torch import nn

from edgenext_core.export.exporter import export
from edgenext_core.export.graphs import GRAPHS, FrameGraph, folded_graph
from edgenext_core.export.onnx_file import to_onnx, write_model
from edgenext_core.export.trained_network import TrainedNetwork
from edgenext_core.labels.label_set import LabelSet
from edgenext_core.models import create_model
from edgenext_core.models.normalization import IMAGENET_MEAN, IMAGENET_STD
from edgenext_core.runtime.card_file import read_card
from edgenext_core.runtime.pipeline import Pipeline, open_pipeline
from synthetic_street.street import draw_scene

BOXES = 50
"""So many anchors' classes are above the score threshold, as a full street's are."""


class Model(NamedTuple):
    """A network at its input size, with as many classes as its data set has."""

    task: str
    name: str
    size: int
    classes: int


MODELS = (
    Model('classification', 'edgenext_xx_small', 256, 1000),
    Model('detection', 'ssdlite_edgenext_xx_small', 320, 80),
    Model('segmentation', 'deeplabv3_edgenext_xx_small', 512, 21),
)


def main():
    """Print a line for each task, and one for the mask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--threads', type=int, default=1, help='of each way; 1 unless told')
    parser.add_argument('--pairs', type=int, default=40)
    arguments = parser.parse_args()
    cv2.setNumThreads(arguments.threads)
    torch.manual_seed(0)
    frame = draw_scene(2_000_000, width=640, height=480).image_bgr

    print('| model | compared with | ours, ms | that, ms | ratio | ours but inference, ms |')
    print('|---|---|---|---|---|---|')
    with tempfile.TemporaryDirectory() as folder:
        for model in MODELS:
            network = draw_weights(create_model(model.name, num_classes=model.classes)).eval()
            path = Path(folder) / f'{model.task}.onnx'
            export(trained(model, network), path)
            ours = open_pipeline(path, threads=arguments.threads)
            theirs = TEXTBOOKS[model.task](model, network, arguments.threads)
            if model.task == 'detection':
                threshold = float(np.sort(theirs.scores(frame).ravel())[-BOXES])
                ours.settings = ours.settings._replace(score_threshold=threshold)
                theirs.score_threshold = threshold
            report(model, 'textbook', ours, theirs, frame, pairs=arguments.pairs)
            if model.task == 'segmentation':
                before_path = Path(folder) / 'before.onnx'
                write_with_class_ids(before_path, network, path, size=model.size)
                before = open_pipeline(before_path, threads=arguments.threads)
                report(model, 'before targets', ours, before.run, frame, pairs=arguments.pairs)


def report(model: Model, name: str, ours: Pipeline, theirs: Callable[[np.ndarray], Any],
           frame: np.ndarray, *, pairs: int) -> None:
    """
    Compare two ways from a frame to its record and print a line.

    :param model: for its name and size
    :param name: of the other way
    :param ours: the pipeline
    :param theirs: the other way, called with the frame
    :param frame: (H, W, 3) uint8 BGR
    :param pairs: how many
    """
    others = []

    def run_ours():
        times = ours.run(frame).times
        others.append((times.preprocess_ms, times.postprocess_ms))

    result = compare(run_ours, functools.partial(theirs, frame), count=pairs)
    before, after = (statistics.median(side) for side in zip(*others))
    print(f'| {model.name} {model.size} | {name} | {result.first_ms:.1f} '
          f'| {result.second_ms:.1f} | {result.ratio:.3f} | {before:.2f} + {after:.2f} |',
          flush=True)


def draw_weights(network: nn.Module) -> nn.Module:
    """
    Draw weights of order one: fresh ones make the same number of every pixel.

    :param network: changed in place
    :return: the network
    """
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=parameter[0].numel() ** -0.5)
            elif parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
        for name, parameter in network.named_parameters():
            if 'gamma' in name:
                parameter.add_(1)
    return network


def trained(model: Model, network: nn.Module) -> TrainedNetwork:
    """
    Describe a network as the exporter wants it.

    :param model: what it is
    :param network: the network
    :return: what ``export`` takes
    """
    names = tuple(f'class {index}' for index in range(model.classes))
    return TrainedNetwork(
        network=network, task=model.task, architecture=model.name,
        labels=LabelSet(names, ((0, 0, 0),) * len(names)), input_size=(model.size, model.size),
        resize='stretch', defaults={}, training={}, accuracy={}, name=model.name,
        checkpoint_sha256='')


def write_with_class_ids(path: Path, network: nn.Module, like: Path, *, size: int) -> None:
    """
    Write a segmenter as it was exported before it had a target.

    It enlarges its logits to the input's size and gives the largest.

    :param path: the file to write
    :param network: the segmenter
    :param like: the same segmenter as it is exported now
    :param size: of the input in pixels
    """
    graph = folded_graph('segmentation', network, height=size, width=size)
    row = GRAPHS['segmentation']._replace(
        output_names=('class_ids',),
        read_out=lambda outputs: (outputs['logits'].argmax(1).int(),))
    whole = FrameGraph(graph.preparation, graph.network.segmenter, row)
    card = read_card(str(like))._replace(outputs=row.output_names)
    write_model(to_onnx(whole, height=size, width=size), card, path)


class Textbook:
    """
    A network as it is usually exported and run.

    :param model: what it is
    :param network: gives one tensor or several
    :param threads: of ONNX Runtime
    """

    def __init__(self, model: Model, network: nn.Module, threads: int) -> None:
        self.size = model.size
        stream = io.BytesIO()
        torch.onnx.export(network, (torch.zeros(1, 3, model.size, model.size),), stream,
                          opset_version=17, dynamo=False, input_names=['image'])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(stream.getvalue(), options,
                                                    providers=['CPUExecutionProvider'])
        self.mean = np.array(IMAGENET_MEAN, np.float32) / 255
        self.std = np.array(IMAGENET_STD, np.float32) / 255

    def infer(self, frame: np.ndarray) -> list[np.ndarray]:
        """
        Normalise in floating point and run the network.

        :param frame: (H, W, 3) uint8 BGR
        :return: the outputs
        """
        image = cv2.cvtColor(cv2.resize(frame, (self.size, self.size)), cv2.COLOR_BGR2RGB)
        normalized = (image.astype(np.float32) / 255 - self.mean) / self.std
        batch = np.ascontiguousarray(normalized.transpose(2, 0, 1)[np.newaxis])
        return self.session.run(None, {'image': batch})


class TextbookClassifier(Textbook):
    """Logits, softmax, sort."""

    def __call__(self, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Classify a frame.

        :param frame: (H, W, 3) uint8 BGR
        :return: the five best classes and their scores
        """
        scores = softmax(self.infer(frame)[0][0])
        best = np.argsort(-scores)[:5]
        return best, scores[best]


class TextbookDetector(Textbook):
    """Box offsets and logits; softmax, decoding and suppression in NumPy."""

    def __init__(self, model: Model, network: nn.Module, threads: int) -> None:
        super().__init__(model, RawDetector(network).eval(), threads)
        with torch.inference_mode():
            self.anchors = network(
                torch.zeros(1, 3, model.size, model.size))['anchors_cxcywh'].numpy()
        self.score_threshold = 0.3

    def scores(self, frame: np.ndarray) -> np.ndarray:
        """
        Give all scores.

        :param frame: (H, W, 3) uint8 BGR
        :return: (A, K), without the background
        """
        return softmax(self.infer(frame)[1][0])[:, 1:]

    def __call__(self, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """
        Detect in a frame.

        :param frame: (H, W, 3) uint8 BGR
        :return: boxes (n, 4) in pixels of the frame, class ids (n,), scores (n,)
        """
        deltas, logits = (output[0] for output in self.infer(frame))
        scores = softmax(logits)[:, 1:]
        centres = self.anchors[:, :2] + 0.1 * deltas[:, :2] * self.anchors[:, 2:]
        halves = self.anchors[:, 2:] * np.exp(0.2 * deltas[:, 2:]) / 2
        boxes = np.hstack([centres - halves, centres + halves]).clip(0, 1)
        boxes *= np.array([frame.shape[1], frame.shape[0]] * 2, np.float32)
        found = []
        for class_id in range(scores.shape[1]):
            chosen = np.flatnonzero(scores[:, class_id] >= self.score_threshold)
            chosen = chosen[np.argsort(-scores[chosen, class_id])]
            found += [(anchor, class_id) for anchor in chosen[suppress(boxes[chosen])]]
        anchors, class_ids = (np.array(side, int) for side in zip(*found))
        order = np.argsort(-scores[anchors, class_ids])[:100]
        anchors, class_ids = anchors[order], class_ids[order]
        return boxes[anchors], class_ids, scores[anchors, class_ids]


class TextbookSegmenter(Textbook):
    """Logits at the input's size, enlarged to the frame's."""

    def __init__(self, model: Model, network: nn.Module, threads: int) -> None:
        super().__init__(model, RawSegmenter(network).eval(), threads)

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """
        Segment a frame.

        :param frame: (H, W, 3) uint8 BGR
        :return: class ids (H, W) uint8
        """
        logits = self.infer(frame)[0][0]
        size = (frame.shape[1], frame.shape[0])
        return np.stack([cv2.resize(plane, size) for plane in logits]).argmax(0).astype(np.uint8)


TEXTBOOKS = {
    'classification': TextbookClassifier,
    'detection': TextbookDetector,
    'segmentation': TextbookSegmenter,
}


class RawDetector(nn.Module):
    """A detector's raw numbers."""

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """
        Run the detector.

        :param x: normalised RGB (1, 3, H, W)
        :return: box offsets (1, A, 4), class logits (1, A, 1 + K)
        """
        outputs = self.detector(x)
        return outputs['box_deltas'], outputs['class_logits']


class RawSegmenter(nn.Module):
    """A segmenter's logits."""

    def __init__(self, segmenter: nn.Module) -> None:
        super().__init__()
        self.segmenter = segmenter

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        Run the segmenter.

        :param x: normalised RGB (1, 3, H, W)
        :return: logits (1, K, H, W)
        """
        return self.segmenter(x)['logits']


def softmax(logits: np.ndarray) -> np.ndarray:
    """
    Make probabilities of logits.

    :param logits: (..., K)
    :return: the same shape
    """
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def suppress(boxes: np.ndarray) -> list[int]:
    """
    Suppress boxes that overlap a better one by more than half.

    :param boxes: (N, 4) xyxy, best first
    :return: the indices that stay
    """
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    kept = []
    left = np.arange(len(boxes))
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        common = (np.minimum(boxes[left, 2:], boxes[best, 2:])
                  - np.maximum(boxes[left, :2], boxes[best, :2])).clip(0).prod(1)
        left = left[common <= 0.5 * (areas[left] + areas[best] - common)]
    return kept


if __name__ == '__main__':
    main()
