"""The annotated video: H.264, so that browsers, phones and editors play it."""

from fractions import Fraction
from typing import Sequence

import av

from edgenext_demo.moments import replay_moments
from edgenext_demo.node_figures import NodeFigures
from edgenext_demo.picture import compose, height_at
from edgenext_demo.replay import Replay

WIDTH = 640
_OPTIONS = {'crf': '21', 'preset': 'veryfast'}


def write_video(replay: Replay, nodes: Sequence[NodeFigures], *, path: str) -> None:
    """
    Draw every frame of a run into a video that plays at its pace.

    :param replay: the frames, at least one, and the results
    :param nodes: those that answered
    :param path: of the mp4 file
    """
    with av.open(path, 'w', options={'movflags': 'faststart'}) as container:
        stream = container.add_stream('libx264', rate=_rate_hz(replay), options=_OPTIONS)
        stream.pix_fmt = 'yuv420p'
        height = height_at(replay.first_frame(), width=WIDTH)
        for moment in replay_moments(replay, nodes, stamps=replay.stamps):
            picture = compose(moment, width=WIDTH, height=height)
            if not stream.codec_context.is_open:
                stream.height, stream.width = picture.shape[:2]
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format='bgr24')):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def _rate_hz(replay: Replay) -> Fraction:
    rate_hz = len(replay.stamps) / (replay.duration_s() or 1.0)
    return Fraction(rate_hz).limit_denominator(1000)
