"""Sound of a media file as mono samples that start where its picture starts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from bench.contract.errors import Reason, RejectedInput
from bench.data.media_open import LONGEST_STEP, decode, from_first_picture, need_stream, open_media, time_of

# A stated time that leaves the count of samples by more than this is a hole (or an overlap) in the recording; less is
# the rounding of containers that count in milliseconds.
HOLE_SECONDS = Fraction(1, 25)
# PyAV reads beyond its plane table (and crashes) with more; nothing that shows a face has them.
MOST_CHANNELS = 8
# libswresample's windowed sinc, twice as long as its default of 32 taps: at 16 kHz flat to 7 kHz, 1.2 dB down at 7.5 kHz,
# images below -90 dB from 8.5 kHz on (the default: 0.4 dB down at 7 kHz, images at -26 dB).
RESAMPLER = {"filter_size": "64", "phase_shift": "10", "cutoff": "0.97"}


class Block(NamedTuple):
    """Consecutive mono samples of the source: its stated start (s), (n,) float32 samples, rate in Hz."""

    moment: Fraction | None
    samples: np.ndarray
    rate: int


def read_audio(path: str | os.PathLike, rate: int = 16_000) -> np.ndarray:
    """The sound of a file, mono, sample 0 at the first displayed picture.

    Encoder priming and edit lists are cut as the container states them; then the sound is padded with silence or cut at
    its start by the difference to the first displayed frame's time. A file without picture starts at its first sample.
    The end is the sound's own. Channels are averaged, so a signal equal in all channels keeps its level. Holes of more
    than 40 ms in the time stamps become silence.

    Returns (N,) float32 at `rate` Hz, nominally in -1..1 (a lossy codec may overshoot).
    Raises RejectedInput: see `media_open.open_media`; no-audio; truncated.
    """
    with open_media(path) as container:
        stream = need_stream(container, "audio", path)
        picture, packets = from_first_picture(container, stream)
        start = None if picture is None else time_of(picture)
        blocks = _blocks(decode(container, stream, path, packets), path, padded_end="mp4" in container.format.name)
        pieces = list(_resampled(_placed(blocks, start, path), rate))
    if not pieces:
        raise RejectedInput(Reason.NO_AUDIO, f"{path}: the audio stream holds no sound at or after the first picture")
    return np.concatenate(pieces)


def _blocks(frames: Iterable[AudioFrame], path: str | os.PathLike, padded_end: bool) -> Iterator[Block]:
    """Decoded frames as mono float blocks.

    `padded_end`: the container (MP4) states how long the last frame is; what the decoder gives beyond is padding.
    """
    held, stated, first = None, 0, None
    convert: dict[tuple[str, str], AudioResampler] = {}
    for frame in frames:
        if held is not None:
            yield held
        first = first or frame.sample_rate
        if frame.sample_rate != first:
            raise RejectedInput(
                Reason.UNREADABLE, f"{path}: the sampling rate changes from {first} to {frame.sample_rate} Hz midway"
            )
        if frame.layout.nb_channels > MOST_CHANNELS:
            raise RejectedInput(
                Reason.UNREADABLE, f"{path}: expected up to {MOST_CHANNELS} channels, got {frame.layout.nb_channels}"
            )
        layout = (frame.format.name, frame.layout.name)
        if layout not in convert:
            convert[layout] = AudioResampler(format="fltp")
        (planes,) = (part.to_ndarray() for part in convert[layout].resample(frame))  # (C, n)
        held = Block(time_of(frame), planes.mean(axis=0, dtype=np.float32), frame.sample_rate)
        stated = round((frame.duration or 0) * (frame.time_base or 0) * frame.sample_rate)
    if held is not None:
        yield held._replace(samples=held.samples[:stated]) if padded_end and stated else held


def _placed(blocks: Iterable[Block], start: Fraction | None, path: str | os.PathLike) -> Iterator[Block]:
    """The blocks end to end from time `start` (None: from the first block) on; holes filled, overlaps dropped."""
    position = place = None  # samples handed out so far; where, counted like them, the next block stands
    for moment, samples, rate in blocks:
        if position is None:
            position, place = 0, None
            start = moment if start is None or moment is None else start
        stated = place if moment is None else round((moment - start) * rate)
        if place is None or abs(stated - place) > HOLE_SECONDS * rate:
            place = stated or 0
        if place - position > LONGEST_STEP * rate:
            jump = (place - position) / rate
            raise RejectedInput(Reason.UNREADABLE, f"{path}: the time stamps of the sound jump by {jump:.0f} s")
        if place > position:
            yield Block(None, np.zeros(place - position, np.float32), rate)
            position = place
        kept = samples[position - place :]
        place += len(samples)
        if len(kept):
            position += len(kept)
            yield Block(None, kept, rate)


def _resampled(blocks: Iterable[Block], rate: int) -> Iterator[np.ndarray]:
    resampler = None
    for _, samples, source_rate in blocks:
        if source_rate == rate:
            yield samples
            continue
        if resampler is None:
            resampler = AudioResampler(format="fltp", layout="mono", rate=rate, options=RESAMPLER)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="fltp", layout="mono")
        frame.sample_rate = source_rate
        for part in resampler.resample(frame):
            yield part.to_ndarray()[0]
    if resampler is not None:
        for part in resampler.resample(None):
            yield part.to_ndarray()[0]
