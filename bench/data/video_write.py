"""H.264 video files that are byte-identical for the same frames, and sound put beside a picture that stays as it is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av.error
import numpy as np
from av.codec.context import Flags as CodecFlags
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

from bench.data.audio_write import SoundTrack, atomic_output, check_samples
from bench.data.media_open import from_first_picture, need_stream, open_media, time_of
from bench.data.video_read import SCALE_FLAGS

GOP = 25
# On talking faces at CRF 12 and 18: 0.3 dB below `faster` and 0.6 dB below `medium`, at a half and a third of the time;
# the two faster ones make files twice as large.
PRESET = "veryfast"
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo")
_BT709 = 1  # H.273: matrix coefficients


class VideoWriter:
    """Writes frames one by one to a video file, which appears under its name only when it is complete.

    H.264 by x264: yuv420p, BT.709 limited range and tagged so, closed GOPs of 25, no B-frames, constant rate factor
    `crf`, one thread; sound as AAC mono (128 kbit/s, or the most that AAC allows at the rate: 96 kbit/s at 16 kHz; 16-bit
    PCM in .avi). The same frames and sound give the same bytes. The container follows the name: .mp4, .mov, .mkv,
    .flv, .avi. `audio` is (N,) float in -1..1 at `audio_rate` Hz, sample 0 at the first frame; it is neither cut nor
    padded. `count` is the number of frames written so far.

    A context manager: after an exception, or without a single frame (ValueError), the file is not there, or still the
    old one. Raises ValueError for settings, sizes, dtypes or a suffix that cannot be.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        fps: float = 25,
        crf: float = 18,
        audio: np.ndarray | None = None,
        audio_rate: int = 16_000,
        preset: str = PRESET,
    ):
        self.path = Path(path)
        self.count = 0
        self._rate = Fraction(fps).limit_denominator(1001)
        if self._rate <= 0:
            raise ValueError(f"fps: expected a positive rate, got {fps}")
        if not 0 <= crf <= 51:
            raise ValueError(f"crf: expected 0 (lossless) to 51 (worst), got {crf}")
        if preset not in PRESETS:
            raise ValueError(f"preset: expected one of {', '.join(PRESETS)}, got {preset!r}")
        self._options = {"crf": f"{crf:g}", "preset": preset, "bf": "0", "g": str(GOP), "keyint_min": str(GOP)}
        self._options |= {"sc_threshold": "0", "threads": "1"}
        self._audio = None if audio is None else check_samples(audio)
        self._audio_rate = audio_rate
        self._stack, self._scaler = ExitStack(), VideoReformatter()
        self._output = self._stream = self._sound = None

    def write(self, frame: np.ndarray) -> None:
        """Append one frame, (H, W, 3) uint8 RGB; H and W even and equal for all frames, else ValueError."""
        if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            got = f"{frame.dtype} {frame.shape}" if isinstance(frame, np.ndarray) else type(frame).__name__
            raise ValueError(f"{self.path}, frame {self.count}: expected (H, W, 3) uint8 RGB, got {got}")
        height, width = frame.shape[:2]
        if self._output is None:
            self._open(width, height)
        elif (width, height) != (self._stream.width, self._stream.height):
            raise ValueError(
                f"{self.path}, frame {self.count}: expected {self._stream.width}x{self._stream.height} like the first, "
                f"got {width}x{height}"
            )
        if self._sound is not None:
            self._sound.encode_until(self.count / self._rate)
        picture = self._scaler.reformat(
            VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24"),
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=SCALE_FLAGS,
            threads=1,
        )
        picture.color_primaries, picture.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        picture.pts, picture.time_base = self.count, 1 / self._rate
        self._output.mux(self._stream.encode(picture))
        self.count += 1

    def _open(self, width: int, height: int) -> None:
        if width % 2 or height % 2 or not width or not height:
            raise ValueError(
                f"{self.path}: expected even width and height (yuv420p halves the colour planes), got {width}x{height}; "
                "crop or pad by one pixel"
            )
        self._output = self._stack.enter_context(atomic_output(self.path))
        stream = self._output.add_stream("libx264", rate=self._rate, options=self._options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = 1 / self._rate
        context.colorspace, context.color_range = _BT709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        context.thread_count = 1
        context.flags |= CodecFlags.bitexact
        self._stream = stream
        if self._audio is not None:
            self._sound = SoundTrack(self._output, self._audio, self._audio_rate)

    def __enter__(self) -> VideoWriter:
        self._stack.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if kind is not None:
            return self._stack.__exit__(kind, error, trace)
        with self._stack:  # leaves no file if the last packets cannot be written
            if self._output is None:
                raise ValueError(f"{self.path}: expected at least one frame, got none")
            self._output.mux(self._stream.encode(None))
            if self._sound is not None:
                self._sound.finish()
        return None


def write_video(
    path: str | os.PathLike,
    frames: Iterable[np.ndarray],
    fps: float = 25,
    crf: float = 18,
    audio: np.ndarray | None = None,
    audio_rate: int = 16_000,
    preset: str = PRESET,
) -> int:
    """Write frames ((H, W, 3) uint8 RGB each) as `VideoWriter` does, streaming; returns how many there were.

    Raises ValueError on an empty iterable, odd or changing sizes, a wrong dtype; then no file is left.
    """
    with VideoWriter(path, fps, crf, audio, audio_rate, preset) as writer:
        for frame in frames:
            writer.write(frame)
    return writer.count


def mux_audio(video_path: str | os.PathLike, samples: np.ndarray, rate: int, out_path: str | os.PathLike) -> None:
    """Copy the video stream of `video_path` packet by packet and put `samples` beside it as its only sound.

    samples (N,) float in -1..1 at `rate` Hz, sample 0 at the first displayed frame; AAC as in `VideoWriter`. Atomic.
    Raises RejectedInput for a bad input (see `open_media`), no-video; ValueError if the output container cannot hold
    the video's codec.
    """
    out_path = Path(out_path)
    with open_media(video_path) as source, atomic_output(out_path) as output:
        stream = need_stream(source, "video", video_path)
        picture, packets = from_first_picture(source, stream)
        start = Fraction(0) if picture is None else time_of(picture) or Fraction(0)
        try:
            copy = output.add_stream_from_template(stream)
            sound = SoundTrack(output, samples, rate, start)
            output.start_encoding()
        except (av.error.FFmpegError, ValueError) as error:
            raise ValueError(
                f"{out_path}: cannot hold the {stream.codec_context.name} stream of {video_path} ({error}); try .mkv"
            ) from error
        for packet in packets:
            stamp = packet.dts if packet.dts is not None else packet.pts
            if stamp is None:
                continue
            sound.encode_until(stamp * packet.time_base)
            packet.stream = copy
            output.mux(packet)
        sound.finish()
