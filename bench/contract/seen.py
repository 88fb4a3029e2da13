"""What metrics see of a video: its pixels while extractors run, afterwards only its cues and features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from bench.contract.cues import Cues

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Labels:
    """Who and what a clip is; `emotion` and `level` are those of the real clip, whichever video is looked at."""

    clip_id: str
    dataset: str
    speaker: str
    emotion: str | None
    level: int | None


@dataclass(frozen=True)
class Video:
    """One decoded video, all of it: what extractors are given.

    frames (T, 256, 256, 3) uint8 RGB at 25 fps, None in cue space; in the canonical crop, or with the size and alignment of a
    protocol's [crop], and then perhaps without the frames that show no face (docs/protocols.md); cues of those T frames;
    audio (N,) float32 16 kHz in -1..1, None for pictures without sound; `own_sound` is False where the store's sound stands
    in for a file without a track.
    """

    cues: Cues
    frames: np.ndarray | None = None
    audio: np.ndarray | None = None
    own_sound: bool = True


@dataclass(frozen=True)
class Seen:
    """What the extractors saw of one video: cues, audio and features by extractor name.

    On the real side `portrait` is what they saw of the speaker's reference image (one frame), None where there is none.
    """

    labels: Labels
    cues: Cues
    features: Mapping[str, Arrays] = field(default_factory=dict)
    audio: np.ndarray | None = None
    portrait: Seen | None = None


@dataclass(frozen=True)
class Pair:
    """A real video and the one made for it. Both keep their own length: pair frames with `n_paired`."""

    reference: Seen
    generated: Seen

    @property
    def labels(self) -> Labels:
        return self.reference.labels

    @property
    def n_paired(self) -> int:
        """Frames on the common beginning."""
        return min(len(self.reference.cues), len(self.generated.cues))


@runtime_checkable
class VideoExtractor(Protocol):
    """One video -> named arrays, once per video; the result may not depend on any other video, batch size or order.

    `needs` are files of bench/weights.toml, `experts` networks trained on the dataset (metrics/experts/); both arrive in
    `weights` by name. `takes` says which parts of a `Video` it reads ("frames", "audio", "cues"): one that reads cues
    alone also works in cue space. `portrait` asks for the reference image to be seen too. The object pickles small:
    networks are loaded at first use in each process. Raises Unscorable with the reason where a video gives nothing.
    """

    name: ClassVar[str]
    VERSION: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    experts: ClassVar[tuple[str, ...]]
    takes: ClassVar[frozenset[str]]
    portrait: ClassVar[bool]

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"): ...

    def __call__(self, video: Video) -> Arrays: ...
