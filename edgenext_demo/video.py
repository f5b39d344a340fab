"""The annotated video: H.264, so that browsers, phones and editors play it."""

from fractions import Fraction

import av

from edgenext_demo.moments import Moments
from edgenext_demo.picture import compose, height_at
from edgenext_demo.recording import Recording

WIDTH = 640
_OPTIONS = {'crf': '21', 'preset': 'veryfast'}


def write_video(recording: Recording, moments: Moments, path: str) -> None:
    """
    Draw every recorded frame into a video that plays at the pace of the run.

    :param recording: the frames, at least one
    :param moments: what the nodes show
    :param path: of the mp4 file
    """
    with av.open(path, 'w', options={'movflags': 'faststart'}) as container:
        stream = container.add_stream('libx264', rate=_rate_hz(recording), options=_OPTIONS)
        stream.pix_fmt = 'yuv420p'
        height = height_at(recording.frame(recording.stamps[0]), width=WIDTH)
        for stamp_ns in recording.stamps:
            picture = compose(recording.frame(stamp_ns), moments.shown(stamp_ns), width=WIDTH,
                              height=height, time_s=moments.time_s(stamp_ns))
            if not stream.codec_context.is_open:
                stream.height, stream.width = picture.shape[:2]
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format='bgr24')):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def _rate_hz(recording: Recording) -> Fraction:
    rate_hz = len(recording.stamps) / (recording.duration_s() or 1.0)
    return Fraction(rate_hz).limit_denominator(1000)
