"""Sound into files: WAV and M4A alone, a track beside a picture; and the atomic output file of all writers."""

from __future__ import annotations

import os
import wave
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.codec.context import Flags as CodecFlags
from av.container import OutputContainer
from av.container.core import Flags as ContainerFlags

from bench.contract.files import temporary_name

AAC_BITS = 128_000
MUXERS = {".mp4": "mp4", ".m4v": "mp4", ".m4a": "ipod", ".mov": "mov", ".mkv": "matroska", ".flv": "flv", ".avi": "avi"}
# The rates that AAC knows; any other has to be resampled by the caller.
AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)


@contextmanager
def atomic_output(path: Path) -> Iterator[OutputContainer]:
    """A container that is written to a temporary name and renamed to `path` when the block ends well.

    Carries no creation time and no muxer version. On an exception nothing is left. ValueError for an unknown suffix.
    """
    if path.suffix.lower() not in MUXERS:
        raise ValueError(f"{path}: expected a name ending in {', '.join(MUXERS)}")
    temporary = temporary_name(path)
    options = {"movflags": "+faststart"} if MUXERS[path.suffix.lower()] in ("mp4", "mov", "ipod") else {}
    output = av.open(str(temporary.absolute()), "w", format=MUXERS[path.suffix.lower()], container_options=options)
    try:
        output.flags |= ContainerFlags.bitexact.value
        yield output
        output.close()
        temporary.replace(path)
    except BaseException:
        with suppress(av.error.FFmpegError, OSError):
            output.close()
        temporary.unlink(missing_ok=True)
        raise


def check_samples(samples: np.ndarray) -> np.ndarray:
    """`samples` as (N,) or (N, C) float32; ValueError for other shapes, integers or values that are not finite."""
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2) or samples.dtype.kind != "f":
        raise ValueError(f"samples: expected (N,) or (N, channels) float in -1..1, got {samples.dtype} {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError("samples: expected finite values, got NaN or infinity")
    return samples.astype(np.float32, copy=False)


def to_pcm16(samples: np.ndarray) -> np.ndarray:
    """Float samples in -1..1 as int16, rounded to nearest, clipped; the inverse of a division by 32768."""
    return np.clip(np.rint(samples * np.float32(32768)), -32768, 32767).astype(np.int16)


class SoundTrack:
    """A sound track of an open container, fed from an array as far as the picture has come (so that nothing piles up).

    AAC; in .avi 16-bit PCM, because AVI cannot state how much an encoder puts before the first sample.
    """

    def __init__(self, output: OutputContainer, samples: np.ndarray, rate: int, start: Fraction = Fraction(0)):
        samples = check_samples(samples)
        self._samples = samples[:, None] if samples.ndim == 1 else samples  # (N, C)
        self._rate, self._start, self._done, self._output = rate, start, 0, output
        self._layout = {1: "mono", 2: "stereo"}.get(self._samples.shape[1])
        if self._layout is None:
            raise ValueError(f"samples: expected one or two channels, got {self._samples.shape[1]}")
        self._pcm = output.format.name == "avi"
        if not self._pcm and rate not in AAC_RATES:
            raise ValueError(f"rate: AAC knows {', '.join(map(str, sorted(AAC_RATES)))} Hz, got {rate}; resample first")
        self._stream = output.add_stream("pcm_s16le" if self._pcm else "aac", rate=rate)
        context = self._stream.codec_context
        context.layout, context.format = self._layout, "s16" if self._pcm else "fltp"
        if not self._pcm:
            context.bit_rate = AAC_BITS
        context.time_base, context.thread_count = Fraction(1, rate), 1
        context.flags |= CodecFlags.bitexact

    def encode_until(self, moment: Fraction) -> None:
        """Encode and mux whole frames of 1024 samples that begin before `moment` (s)."""
        while self._done < len(self._samples) and self._start + Fraction(self._done, self._rate) <= moment:
            self._encode(self._samples[self._done : self._done + 1024])

    def finish(self) -> None:
        """Encode what is left and flush."""
        while self._done < len(self._samples):
            self._encode(self._samples[self._done : self._done + 1024])
        self._output.mux(self._stream.encode(None))

    def _encode(self, block: np.ndarray) -> None:
        if self._pcm:
            frame = AudioFrame.from_ndarray(to_pcm16(block).reshape(1, -1), format="s16", layout=self._layout)
        else:
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(block.T), format="fltp", layout=self._layout)
        frame.sample_rate, frame.time_base = self._rate, Fraction(1, self._rate)
        frame.pts = round(self._start * self._rate) + self._done
        self._done += len(block)
        self._output.mux(self._stream.encode(frame))


def write_audio(path: str | os.PathLike, samples: np.ndarray, rate: int, channels: int = 1) -> None:
    """Write .wav (PCM 16 bit) or .m4a (AAC 128 kbit/s), atomically.

    samples (N,) or (N, channels) float in -1..1 at `rate` Hz; (N,) is repeated in every channel. Values outside -1..1
    are clipped in .wav. Raises ValueError on another suffix, shape or dtype, no samples, or a rate AAC does not have.
    """
    path, samples = Path(path), check_samples(samples)
    if samples.ndim == 1:
        samples = np.repeat(samples[:, None], channels, axis=1)
    if samples.shape[1] != channels or not len(samples):
        raise ValueError(f"samples: expected (N, {channels}) with N > 0, got {samples.shape}")
    if path.suffix.lower() == ".m4a":
        with atomic_output(path) as output:
            SoundTrack(output, samples, rate).finish()
        return
    if path.suffix.lower() != ".wav":
        raise ValueError(f"{path}: expected a name ending in .wav or .m4a")
    temporary = temporary_name(path)
    pcm = to_pcm16(samples).astype("<i2")
    try:
        with wave.open(str(temporary), "wb") as file:
            file.setparams((channels, 2, rate, len(pcm), "NONE", "not compressed"))
            file.writeframes(pcm.tobytes())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
