"""The videos of one scored clip, real and generated, as extractors and metrics see them: read once, at first use."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from bench.plan import ExtractorPlan
from bench.progress import torch_on_one_core
from bench.view import (
    CANONICAL,
    VIEW_VERSION,
    View,
    alignment_of,
    digest,
    moved,
    nose_and_eyes,
    own_picked,
    picked,
    warped,
)

DISK_ERRNO = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""Errors of the disk, no fault of an extractor or a metric."""


@dataclass(frozen=True)
class Sound:
    """(N,) float32 16 kHz samples at first use, and the hash they are known by; `own` False where the store's stand in."""

    sha256: str | None
    read: Callable[[], np.ndarray | None]
    own: bool = True


SILENCE = Sound(None, lambda: None)


@dataclass(frozen=True)
class Tools:
    """What features are made with, and where they are kept: the same for every protocol of an evaluation."""

    extractors: Mapping[str, ExtractorPlan]
    device: str
    cache: Path


class Side:
    """One video: its cues, frames and sound, each made by the function given for it when it is first asked for.

    `picture` is what pixels and cues are known by in cache keys; `make_frames` is None in cue space.
    """

    def __init__(
        self,
        tools: Tools,
        labels: Labels,
        picture: Sequence[object],
        make_cues: Callable[[], Cues],
        make_frames: Callable[[], np.ndarray] | None,
        sound: Sound = SILENCE,
    ):
        self.tools, self.labels, self.picture, self.sound = tools, labels, picture, sound
        self._make_cues, self._make_frames = make_cues, make_frames
        self._features: dict[str, Arrays | Unscorable] = {}
        self._seen_through: dict[str, Side] = {}

    @cached_property
    def cues(self) -> Cues:
        return self._make_cues()

    @cached_property
    def frames(self) -> np.ndarray | None:
        """(T, size, size, 3) uint8 RGB, 256 px in the canonical crop."""
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
                self._features[name] = self._extract(self.tools.extractors[name])
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
            device=self.tools.device,
            dtype="as given",
        )

        def make() -> Arrays:
            # read before the extractor is called: a video that cannot be decoded is not the extractor's fault
            frames = self.frames if "frames" in takes else None
            audio = self.audio if "audio" in takes else None
            video = Video(self.cues, frames, audio, self.sound.own)
            with blamed(extractor.cls.name):
                return dict(built(extractor, self.tools.device)(video))

        try:
            return kept_arrays(self.tools.cache, f"features/{extractor.cls.name}", key, make)
        except Unscorable as nothing:
            return nothing
        except Failed as failure:
            return failure.unscorable
        except WeightsError as error:
            reason = Reason.EXPERT_MISSING if extractor.cls.experts else Reason.WEIGHTS_MISSING
            return Unscorable(reason, str(error))

    def through(self, view: View, template: np.ndarray | None, chosen: np.ndarray, sound: Sound | None = None) -> Side:
        """This video as a view shows it, frames `chosen` (n,) of it, under another `sound` if one is given; made once.

        `template` is what the view's alignment needs of the real clip. Raises Unscorable where there is nothing to align.
        """
        aligned = view.of_picture != CANONICAL.of_picture
        every = np.array_equal(chosen, np.arange(len(self.cues)))
        sound = sound or self.sound
        if not aligned and every and (sound.sha256, sound.own) == (self.sound.sha256, self.sound.own):
            return self
        key = key_of(view=view.of_picture, chosen=None if every else digest(chosen), sound=[sound.sha256, sound.own])
        if key not in self._seen_through:
            affines = alignment_of(view, self.cues, template)[chosen] if aligned else None
            picture = [*self.picture]
            if aligned or not every:
                picture.append(["views", VIEW_VERSION, view.of_picture, digest(template), digest(chosen)])

            def cues() -> Cues:
                return moved(self.cues[chosen], affines) if aligned else self.cues[chosen]

            def frames() -> np.ndarray:
                taken = self.frames if every else self.frames[chosen]
                return warped(view, taken, affines) if aligned else taken

            make_frames = None if self.in_cue_space else frames
            heard = Sound(sound.sha256, lambda: self.audio, sound.own) if sound is self.sound else sound
            self._seen_through[key] = Side(self.tools, self.labels, picture, cues, make_frames, heard)
        return self._seen_through[key]


@dataclass(frozen=True)
class Sides:
    """A real clip and the video made for it; `portrait` is the speaker's reference image, None where there is none."""

    reference: Side
    generated: Side
    portrait: Side | None = None

    def through(self, view: View) -> Sides:
        """Both videos as a view shows them to what compares them; Unscorable where it shows nothing. The portrait stays."""
        if view == CANONICAL:
            return self
        real, made = self.reference.cues, self.generated.cues
        chosen = picked(view, real, made)
        if (view.rule, view.alignment) == (CANONICAL.rule, CANONICAL.alignment):
            chosen = (np.arange(len(real)), np.arange(len(made)))  # each keeps its own length, as in the canonical view
        return Sides(
            self.reference.through(view, self._template(view), chosen[0]),
            self.generated.through(view, self._template(view), chosen[1], self._sound(view)),
            self.portrait,
        )

    def one_through(self, view: View, side: Side) -> Side:
        """One of the two as a view shows it to what looks at it alone."""
        if view == CANONICAL:
            return side
        sound = self._sound(view) if side is self.generated else None
        return side.through(view, self._template(view), own_picked(view, side.cues), sound)

    def _template(self, view: View) -> np.ndarray | None:
        return nose_and_eyes(self.reference.cues) if view.alignment == "nose-and-eyes" else None

    def _sound(self, view: View) -> Sound | None:
        """The real clip's, read once for both sides, where the view lays it under the generated video."""
        real = self.reference
        return Sound(real.sound.sha256, lambda: real.audio, real.sound.own) if view.sound == "store" else None

    def seen_portrait(self, names: Sequence[str]) -> Seen | None:
        """What those of the extractors that ask for it saw of the reference image."""
        if self.portrait is None:
            return None
        extractors = self.reference.tools.extractors
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
