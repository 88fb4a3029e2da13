"""What a dataset's videos are like, from the headers of a few of them: length, size, frame rate."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.contract.clip import FPS, SourceClip
from bench.contract.errors import RejectedInput

SAMPLED = 40
NATIVE_ABOVE = 25.5
"""Frames per second above which `prepare` extracts cues at the source's own rate too."""


@dataclass(frozen=True)
class Header:
    """One video by its header: seconds, pixels, frames per second."""

    seconds: float
    width: int
    height: int
    fps: float

    @property
    def frames(self) -> int:
        """Frames at 25 fps."""
        return round(self.seconds * FPS)


@dataclass(frozen=True)
class Sources:
    """What a sample says of all: mean frames at 25 fps per clip, the most common size, the mean frame rate."""

    frames: float
    width: int
    height: int
    fps: float
    sampled: int
    failed: int
    stills: bool = False
    """True if the frames of a clip have nothing to do with each other, so that the face is looked for in every one."""

    @property
    def native(self) -> bool:
        """True if cues are also extracted at the source's own rate."""
        return self.fps > NATIVE_ABOVE


def header_of(path: Path) -> Header | None:
    """The header of a video, None if it says too little or cannot be opened; no packet is read."""
    from bench.data.media_open import open_media

    with suppress(RejectedInput, OSError, ValueError), open_media(path) as container:
        stream = next(iter(container.streams.video), None)
        if stream is None:
            return None
        duration = container.duration / 1e6 if container.duration else None
        if duration is None and stream.duration and stream.time_base:
            duration = float(stream.duration * stream.time_base)
        context, rate = stream.codec_context, stream.average_rate or stream.base_rate
        if duration and context.width and context.height:
            return Header(duration, context.width, context.height, float(rate or FPS))
    return None


def sample(clips: Sequence[SourceClip], count: int = SAMPLED) -> Sources | None:
    """The headers of `count` clips, drawn by hash so that every speaker and emotion has its share; None if none is readable."""
    drawn = sorted(clips, key=lambda clip: hashlib.sha256(clip.clip_id.encode()).digest())[:count]
    headers = [(clip, header_of(clip.video)) for clip in drawn]
    known = [header for _, header in headers if header is not None]
    if not known:
        return None
    (width, height), _ = Counter((h.width, h.height) for h in known).most_common(1)[0]
    return Sources(
        frames=sum(h.frames for h in known) / len(known),
        width=width,
        height=height,
        fps=sum(h.fps for h in known) / len(known),
        sampled=len(known),
        failed=len(headers) - len(known),
    )
