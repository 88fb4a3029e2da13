"""Media in and out: what a file holds, its frames, its sound, and files written so that they are byte-identical.

Every name that the rest of the harness uses is importable from here; docs/media.md has the rules and measurements.
"""

from __future__ import annotations

import hashlib
import os
import statistics
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from av.container import InputContainer

from bench.contract.errors import Reason, RejectedInput
from bench.data.audio_read import read_audio
from bench.data.audio_write import write_audio
from bench.data.media_open import (
    Kind,
    from_first_picture,
    need_stream,
    open_media,
    packet_time,
    pick_stream,
    refuse_early_end,
    time_of,
)
from bench.data.video_read import (
    display_matrix,
    nominal_gap,
    read_frames,
    read_sampled,
    read_timed_frames,
    rotation_of,
)
from bench.data.video_write import PRESET, VideoWriter, mux_audio, write_video

__all__ = [
    "PRESET",
    "MediaInfo",
    "VideoWriter",
    "mux_audio",
    "probe",
    "read_audio",
    "read_frames",
    "read_sampled",
    "read_timed_frames",
    "stream_sha256",
    "write_audio",
    "write_video",
]


@dataclass(frozen=True)
class MediaInfo:
    """What a media file holds, counted from its packets (not believed from its header).

    Picture: width and height (px) upright, rotation = clockwise degrees (0, 90, 180, 270) by which the stored picture is
    turned to stand upright, fps = frames per second on average, variable_rate = some gap between frames differs from
    the median one by more than a quarter, n_frames, duration_s from the first frame's start to the last one's end,
    pixel_aspect = width of a pixel over its height (reported, not applied).
    Sound: rate (Hz) and channels as stored, audio_duration_s, audio_offset_s = start of the sound minus start of the
    picture. Fields of a stream that is not there are None (False for variable_rate, 0 for rotation).
    """

    container: str
    has_video: bool
    has_audio: bool
    width: int | None = None
    height: int | None = None
    rotation: int = 0
    fps: float | None = None
    variable_rate: bool = False
    n_frames: int | None = None
    duration_s: float | None = None
    pixel_aspect: float | None = None
    video_codec: str | None = None
    audio_rate: int | None = None
    audio_channels: int | None = None
    audio_duration_s: float | None = None
    audio_offset_s: float | None = None
    audio_codec: str | None = None


def probe(path: str | os.PathLike) -> MediaInfo:
    """What `path` holds; reads all packets and decodes the first picture.

    Raises RejectedInput: see `open_media`; truncated also where no picture can be decoded, or an FLV or Matroska file
    ends before its stated duration.
    """
    with open_media(path) as container:
        scan = _Scan(container, path)
        facts: dict = {"container": container.format.name, "has_video": False, "has_audio": False}
        if scan.video is not None:
            facts |= _picture_facts(scan)
        if scan.audio is not None:
            begin, end = scan.span(scan.audio)
            context = scan.audio.codec_context
            facts |= {
                "has_audio": True,
                "audio_codec": context.codec.canonical_name,
                "audio_rate": context.sample_rate,
                "audio_channels": context.channels,
                "audio_duration_s": float(end - begin),
                "audio_offset_s": float(begin - scan.first_time) if scan.first_time is not None else None,
            }
    return MediaInfo(**facts)


class _Scan:
    """One pass over the packets: their times and lengths per stream, and the first picture."""

    def __init__(self, container: InputContainer, path: str | os.PathLike):
        self.video, self.audio = pick_stream(container, "video"), pick_stream(container, "audio")
        streams = [s for s in (self.video, self.audio) if s is not None]
        self.first_frame, packets = from_first_picture(container, *streams)
        if self.video is not None and self.first_frame is None:
            raise RejectedInput(Reason.TRUNCATED, f"{path}: it has a video stream, but no picture in it can be decoded")
        self.first_time = None if self.first_frame is None else time_of(self.first_frame)
        self._packets: dict[int, list[tuple[Fraction, Fraction]]] = {}
        reached = Fraction(0)
        for packet in packets:
            begin = packet_time(packet, container)
            if begin is None or not packet.size:
                continue
            length = (packet.duration or 0) * packet.time_base
            reached = max(reached, begin + length)
            if not packet.is_discard:
                self._packets.setdefault(packet.stream.index, []).append((begin, length))
        refuse_early_end(container, reached, path)

    def starts(self, stream) -> list[Fraction]:
        """Start times (s) of the stream's packets that are shown, in order."""
        return sorted({begin for begin, _ in self._packets.get(stream.index, [])})

    def span(self, stream) -> tuple[Fraction, Fraction]:
        """(start, end) in s of what is shown of a stream, encoder priming left out."""
        starts = self.starts(stream)
        if not starts:
            return Fraction(0), Fraction(0)
        begin, length = max(self._packets[stream.index])
        if not length:
            length = starts[-1] - starts[-2] if len(starts) > 1 else nominal_gap(stream) if stream is self.video else 0
        first = starts[0]
        if stream is self.audio and stream.start_time is not None:
            first = max(first, stream.start_time * stream.time_base)
        return first, begin + length


def _picture_facts(scan: _Scan) -> dict:
    stream, frame = scan.video, scan.first_frame
    matrix = display_matrix(frame)
    turned = matrix[0] == 0
    starts = scan.starts(stream)
    begin, end = scan.span(stream)
    gaps = [after - before for before, after in pairwise(starts)]
    usual = statistics.median(gaps) if gaps else None
    aspect = stream.sample_aspect_ratio
    return {
        "has_video": True,
        "video_codec": stream.codec_context.codec.canonical_name,
        "width": frame.height if turned else frame.width,
        "height": frame.width if turned else frame.height,
        "rotation": rotation_of(matrix),
        "n_frames": len(starts),
        "fps": float(len(gaps) / (starts[-1] - starts[0]) if gaps else 1 / nominal_gap(stream)),
        # one millisecond is the clock of FLV and Matroska
        "variable_rate": any(abs(gap - usual) > usual / 4 + Fraction(1, 1000) for gap in gaps),
        "duration_s": float(end - begin),
        "pixel_aspect": float(1 / aspect if turned else aspect) if aspect else 1.0,
    }


def stream_sha256(path: str | os.PathLike, kind: Kind = "video") -> str:
    """SHA-256 of everything in one stream that can change what `read_frames` or `read_audio` returns.

    Hashed: codec, extradata, size or rate and channels, colour tags, display matrix; then per packet its bytes, its time
    (relative to the first displayed frame, microseconds) and what the container orders to be skipped. The container, its
    tags and the other stream are not, except that for sound the picture's start counts, because the sound is cut there.
    Raises RejectedInput: see `open_media`; no-video, no-audio.
    """
    if kind not in ("video", "audio"):
        raise ValueError(f"kind: expected 'video' or 'audio', got {kind!r}")
    with open_media(path) as container:
        stream = need_stream(container, kind, path)
        context = stream.codec_context
        picture, packets = from_first_picture(container, stream)
        start = None if picture is None else time_of(picture)
        if kind == "video":
            matrix = None if picture is None else display_matrix(picture)
            form = (context.width, context.height, context.pix_fmt, context.colorspace, context.color_range, matrix)
        else:
            form = (context.sample_rate, context.channels)
        digest = hashlib.sha256(repr((kind, context.codec.canonical_name, form)).encode())
        digest.update(context.extradata or b"")
        for packet in packets:
            if not packet.size:
                continue
            moment = packet_time(packet, container)
            start = moment if start is None else start
            micros = None if moment is None else round((moment - start) * 1_000_000)
            skip = bytes(packet.get_sidedata("skip_samples")) if packet.has_sidedata("skip_samples") else b""
            digest.update(repr((micros, packet.is_discard, skip, packet.size)).encode())
            digest.update(packet)
    return digest.hexdigest()
