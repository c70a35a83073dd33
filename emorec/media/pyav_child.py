"""Functions of PyAV that run in processes of their own; their arguments come as texts.

A failure ends the process; the last line on standard error is the reason.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from heapq import merge
from typing import TYPE_CHECKING, Any

import av
import numpy as np

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

_OPTIONS = {"movflags": "+faststart"}
"""As of ffmpeg in video_programs.py; other containers than MP4 and MOV have no such option."""


def print_encoders() -> None:
    """Print the names of the encoders."""
    for name in av.codecs_available:
        try:
            encoder = av.Codec(name, "w")
        except ValueError:  # it only decodes
            continue
        if encoder.name == name:  # not another encoder of the same format
            print(name)


def encode(
    target: str, container: str, encoder: str, width: str, height: str, fps: str, *options: str
) -> None:
    """Encode frames from standard input to a file.

    Args:
        target: File to write, as FFmpeg's address.
        container: FFmpeg's name of the container.
        encoder: FFmpeg's name of the encoder.
        width: Width of the frames.
        height: Height of the frames.
        fps: Frames per second.
        options: Options of the encoder, as NAME=VALUE.
    """
    shape = (int(height), int(width), 3)
    rate = Fraction(fps)
    with _reason_printed(), _created(target, container) as output:
        stream: Any = output.add_stream(encoder, rate=rate)
        stream.width, stream.height, stream.pix_fmt = shape[1], shape[0], "yuv420p"
        stream.options = dict(option.split("=", 1) for option in options)
        size, number = shape[0] * shape[1] * 3, 0
        while len(pixels := sys.stdin.buffer.read(size)) == size:
            array = np.frombuffer(pixels, np.uint8).reshape(shape)
            frame = av.VideoFrame.from_ndarray(array, format="bgr24")
            frame.pts, frame.time_base = number, 1 / rate
            output.mux(stream.encode(frame))
            number += 1
        output.mux(stream.encode(None))


def copy_sound(
    video: str,
    source: str,
    target: str,
    container: str,
    begin_s: str,
    seconds: str,
    *played: str,
) -> None:
    """Write a copy of a video with the sound of another file.

    Sound is copied if the container takes its codec, and is encoded as AAC otherwise.

    Args:
        video: The video, as FFmpeg's address.
        source: The file with the sound, likewise.
        target: File to write, likewise.
        container: FFmpeg's name of the container.
        begin_s: Time in the source at which the video begins, in seconds.
        seconds: Length of the video.
        played: Codecs that are copied, of those that the container takes; all if none is named.
    """
    with (
        _reason_printed(),
        av.open(video) as video_file,
        av.open(source) as sound_file,
        _created(target, container) as output,
    ):
        streams = [_video_packets(video_file, output)]
        begin = float(begin_s) + (sound_file.start_time or 0) / av.time_base
        for index, stream in enumerate(sound_file.streams.audio):
            # A file has one position, so each track has a file of its own.
            track = sound_file if index == 0 else av.open(source)
            codec = stream.codec_context.name
            copied = codec in output.supported_codecs and (not played or codec in played)
            packets = _copied if copied else _encoded
            streams.append(packets(track, index, output, begin, begin + float(seconds)))
        # In the order of time, as the container interleaves only what comes close together.
        for _, packet in merge(*streams, key=lambda pair: pair[0]):
            output.mux(packet)


_TimedPacket = tuple[float, "Packet[Any]"]
"""A packet with its time in the output, in seconds."""


@contextmanager
def _reason_printed() -> Iterator[None]:
    """End the process after an error of FFmpeg, with its reason on standard error."""
    try:
        yield
    except av.FFmpegError as error:
        sys.exit(error.strerror or str(error))


def _created(target: str, container: str) -> "OutputContainer":
    options = _OPTIONS if container in ("mp4", "mov") else {}
    return av.open(target, "w", format=container, options=options)


def _video_packets(video: "InputContainer", output: "OutputContainer") -> Iterator[_TimedPacket]:
    stream = video.streams.video[0]
    copy = output.add_stream_from_template(stream)

    def packets() -> Iterator[_TimedPacket]:
        for packet in video.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                yield float(packet.dts * packet.time_base), packet

    return packets()


def _copied(
    sound: Any, index: int, output: "OutputContainer", begin_s: float, end_s: float
) -> Iterator[_TimedPacket]:
    stream = sound.streams.audio[index]
    copy: Any = output.add_stream_from_template(stream)
    copy.metadata.clear()

    def packets() -> Iterator[_TimedPacket]:
        for packet in _from(sound, stream, begin_s, end_s, sound.demux):
            shift = round(begin_s / packet.time_base)
            packet.pts -= shift
            packet.dts = packet.pts
            packet.stream = copy
            yield float(packet.pts * packet.time_base), packet

    return packets()


def _encoded(
    sound: "InputContainer", index: int, output: "OutputContainer", begin_s: float, end_s: float
) -> Iterator[_TimedPacket]:
    stream = sound.streams.audio[index]
    encoder: Any = output.add_stream("aac", rate=stream.rate, layout=stream.layout.name)

    def packets() -> Iterator[_TimedPacket]:
        for frame in (*_from(sound, stream, begin_s, end_s, sound.decode), None):
            if frame is not None:
                frame.pts -= round(begin_s / frame.time_base)
            for packet in encoder.encode(frame):
                yield float(packet.pts * packet.time_base), packet

    return packets()


def _from(
    sound: "InputContainer", stream: Any, begin_s: float, end_s: float, read: Any
) -> Iterator[Any]:
    """Yield the packets or frames of a stream within a range of time."""
    sound.seek(int(begin_s / stream.time_base), stream=stream)
    for item in read(stream):
        if item.pts is None:
            continue
        time_s = float(item.pts * item.time_base)
        if time_s >= end_s:
            return
        if time_s >= begin_s:
            yield item
