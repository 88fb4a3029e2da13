"""The videos of one scored clip, real and generated, as extractors and metrics see them: read once, at first use."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from bench.contract.cues import Cues
from bench.contract.errors import EmotalkError, Reason, Unscorable, WeightsError
from bench.contract.seen import Labels, Seen, Video, VideoExtractor
from bench.data.prepare_clip import face_identity
from bench.data.store import key_of
from bench.features import Arrays, Features, kept_arrays
from bench.plan import ExtractorPlan, Plan
from bench.progress import torch_on_one_core

DISK_ERRNO = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""Errors of the disk, no fault of an extractor or a metric."""


@dataclass(frozen=True)
class Sound:
    """(N,) float32 16 kHz samples at first use, and the hash they are known by; `own` False where the store's stand in."""

    sha256: str | None
    read: Callable[[], np.ndarray | None]
    own: bool = True


SILENCE = Sound(None, lambda: None)


class Side:
    """One video: its cues, frames and sound, each made by the function given for it when it is first asked for.

    `picture` is what pixels and cues are known by in cache keys; `make_frames` is None in cue space.
    """

    def __init__(
        self,
        plan: Plan,
        cache: Path,
        labels: Labels,
        picture: object,
        make_cues: Callable[[], Cues],
        make_frames: Callable[[], np.ndarray] | None,
        sound: Sound = SILENCE,
    ):
        self.plan, self.cache, self.labels, self.picture, self.sound = plan, cache, labels, picture, sound
        self._make_cues, self._make_frames = make_cues, make_frames
        self._features: dict[str, Arrays | Unscorable] = {}

    @cached_property
    def cues(self) -> Cues:
        return self._make_cues()

    @cached_property
    def frames(self) -> np.ndarray | None:
        """(T, 256, 256, 3) uint8 RGB."""
        return self._make_frames() if self._make_frames else None

    @cached_property
    def audio(self) -> np.ndarray | None:
        return self.sound.read()

    @property
    def in_cue_space(self) -> bool:
        return self._make_frames is None

    def seen(self, names: Sequence[str], portrait: Seen | None = None) -> Seen:
        """What the extractors `names`, and no others, saw of this video."""
        for name in names:
            if name not in self._features:
                self._features[name] = self._extract(self.plan.extractors[name])
        asked = {name: self._features[name] for name in names}
        found = {name: value for name, value in asked.items() if not isinstance(value, Unscorable)}
        refused = {name: value for name, value in asked.items() if isinstance(value, Unscorable)}
        return Seen(self.labels, self.cues, Features(found, refused), self.audio, portrait)

    def _extract(self, extractor: ExtractorPlan) -> Arrays | Unscorable:
        takes = extractor.cls.takes
        key = key_of(
            picture=self.picture,
            face=face_identity(),
            sound=[self.sound.sha256, self.sound.own] if "audio" in takes else None,
            extractor=extractor.identity,
            device=self.plan.device,
            dtype="as given",
        )

        def make() -> Arrays:
            # read before the extractor is called: a video that cannot be decoded is not the extractor's fault
            frames = self.frames if "frames" in takes else None
            audio = self.audio if "audio" in takes else None
            video = Video(self.cues, frames, audio, self.sound.own)
            with blamed(extractor.cls.name):
                return dict(built(extractor, self.plan.device)(video))

        try:
            return kept_arrays(self.cache, f"features/{extractor.cls.name}", key, make)
        except Unscorable as nothing:
            return nothing
        except Failed as failure:
            return failure.unscorable
        except WeightsError as error:
            reason = Reason.EXPERT_MISSING if extractor.cls.experts else Reason.WEIGHTS_MISSING
            return Unscorable(reason, str(error))


@dataclass(frozen=True)
class Sides:
    """A real clip and the video made for it; `portrait` is the speaker's reference image, None where there is none."""

    reference: Side
    generated: Side
    portrait: Side | None = None

    def seen_portrait(self, names: Sequence[str]) -> Seen | None:
        """What those of the extractors that ask for it saw of the reference image."""
        if self.portrait is None:
            return None
        extractors = self.reference.plan.extractors
        return self.portrait.seen([name for name in names if extractors[name].cls.portrait])


class Failed(Exception):
    """An extractor or a metric broke on one clip; the others go on. Not kept in any cache."""

    def __init__(self, unscorable: Unscorable):
        super().__init__(str(unscorable))
        self.unscorable = unscorable


@contextmanager
def blamed(name: str) -> Iterator[None]:
    """Turns what an extractor or a metric trips over into Failed under its name; the project's own errors pass."""
    try:
        yield
    except (EmotalkError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK_ERRNO:
            raise
        what = f"{name}: {type(error).__name__}: {error}"[:500]
        raise Failed(Unscorable(Reason.METRIC_FAILED, what)) from error


_built: dict[str, VideoExtractor] = {}


def built(extractor: ExtractorPlan, device: str) -> VideoExtractor:
    """The process's one object of an extractor; networks in it are loaded when it is first called."""
    key = key_of(identity=extractor.identity, device=device, made_by=extractor.cls.__qualname__)
    if extractor.weights:
        torch_on_one_core(device)
    if key not in _built:
        _built[key] = extractor.cls(dict(extractor.weights), device)
    return _built[key]
