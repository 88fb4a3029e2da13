"""What a talking-face method is to the harness: a name, declared inputs, and frames on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bench.contract.cues import Cues
from bench.contract.errors import NotApplicable, UndeclaredInput


class Input(StrEnum):
    """Everything a method may be given; what it declares is shown beside its name in every table."""

    AUDIO = "audio"
    EMOTION = "emotion"
    LEVEL = "level"
    REFERENCE_IMAGE = "reference image"
    REFERENCE_CUES = "reference cues"
    TRUE_VIDEO = "true video"
    TRUE_CUES = "true cues"
    OTHER_SENTENCE_VIDEO = "real video, other sentence"
    OTHER_EMOTION_VIDEO = "real video, other emotion"
    OTHER_SENTENCE_AUDIO = "sound, other sentence"
    OTHER_SENTENCE_CUES = "true cues, other sentence"
    RENDERER = "true rendering parameters"
    OTHER_SENTENCE_RENDERER = "true rendering parameters, other sentence"


SAW_TEST_SPEAKERS = ("yes", "no", "unknown")
"""What a method may say of its pre-training; controls, which learn nothing, say nothing."""


class Request:
    """One generation job; a field can be read only if the method declared it.

    Always there: clip_id, n_frames (25 fps), seed. Declared inputs, computed when first read:
    audio (N,) float32 16 kHz in -1..1; emotion str; level int or None; reference_image (256, 256, 3) uint8 RGB;
    reference_cues, true_cues, other_sentence_cues: Cues; the videos: `VideoFile`; the renderers: `Renderer`;
    other_sentence_audio as audio, cut or repeated to this clip's length.
    Reading an input that does not exist for this clip raises NotApplicable with the reason.
    """

    def __init__(
        self,
        clip_id: str,
        n_frames: int,
        seed: int,
        consumes: frozenset[Input],
        sources: Mapping[Input, Callable[[], Any]],
    ):
        self.clip_id, self.n_frames, self.seed = clip_id, n_frames, seed
        self._consumes, self._sources = consumes, sources
        self._read: dict[Input, Any] = {}

    def get(self, name: Input) -> Any:
        """The declared input `name`; UndeclaredInput if it is not in the method's `consumes`."""
        if name not in self._consumes:
            declared = ", ".join(sorted(self._consumes)) or "nothing"
            raise UndeclaredInput(
                f"the method read {name.value!r} but declares {declared}; add Input.{name.name} to its `consumes`, "
                "so that tables show what it was given"
            )
        if name not in self._read:
            try:
                self._read[name] = self._sources[name]()
            except NotApplicable as error:
                error.of_input = name  # this clip lacks the input: not a choice of the method
                raise
        return self._read[name]

    @property
    def audio(self) -> np.ndarray:
        return self.get(Input.AUDIO)

    @property
    def emotion(self) -> str:
        return self.get(Input.EMOTION)

    @property
    def level(self) -> int | None:
        return self.get(Input.LEVEL)

    @property
    def reference_image(self) -> np.ndarray:
        return self.get(Input.REFERENCE_IMAGE)

    @property
    def reference_cues(self) -> Cues:
        return self.get(Input.REFERENCE_CUES)

    @property
    def true_video(self) -> VideoFile:
        return self.get(Input.TRUE_VIDEO)

    @property
    def true_cues(self) -> Cues:
        return self.get(Input.TRUE_CUES)

    @property
    def other_sentence_video(self) -> VideoFile:
        return self.get(Input.OTHER_SENTENCE_VIDEO)

    @property
    def other_emotion_video(self) -> VideoFile:
        return self.get(Input.OTHER_EMOTION_VIDEO)

    @property
    def other_sentence_audio(self) -> np.ndarray:
        return self.get(Input.OTHER_SENTENCE_AUDIO)

    @property
    def other_sentence_cues(self) -> Cues:
        return self.get(Input.OTHER_SENTENCE_CUES)

    @property
    def renderer(self) -> Renderer:
        return self.get(Input.RENDERER)

    @property
    def other_sentence_renderer(self) -> Renderer:
        return self.get(Input.OTHER_SENTENCE_RENDERER)


class VideoFile(Protocol):
    """A canonical video on disk: `path`, `n_frames`, and its frames as (256, 256, 3) uint8 RGB.

    `recoded(crf)` gives them after one more round through the suite's codec at that constant rate factor.
    """

    path: Path
    n_frames: int

    def frames(self) -> Iterator[np.ndarray]: ...

    def recoded(self, crf: float) -> Iterator[np.ndarray]: ...


class Renderer(Protocol):
    """Re-renders an embedded clip from its saved parameters, some of them altered.

    `truth` maps names to per-frame arrays: pose (T, 3) degrees [pitch, yaw, roll], position (T, 3) cm, gaze (T, 2, 2)
    degrees head-relative, actions (T, A) in 0..1, whose columns `action_names` names; `weakened(share)` gives the actions
    as they would be with that share of the emotion taken off, speech and blinks as they are.
    `frames(**altered)` yields (256, 256, 3) uint8 RGB canonical frames with those arrays in their place, as rendered;
    `recorded(**altered)` the same frames through the codecs of the dataset and of the store: with nothing altered, the
    very frames of the true video.
    """

    truth: Mapping[str, np.ndarray]
    action_names: tuple[str, ...]

    def weakened(self, share: float) -> np.ndarray: ...

    def frames(self, **altered: np.ndarray) -> Iterator[np.ndarray]: ...

    def recorded(self, **altered: np.ndarray) -> Iterator[np.ndarray]: ...


@runtime_checkable
class Method(Protocol):
    """A row of the table. A plug-in is any class with these attributes, constructed without arguments or with a checkpoint.

    `generate` yields request.n_frames frames, (256, 256, 3) uint8 RGB in the canonical crop.
    It may have `saw_test_speakers`, one of SAW_TEST_SPEAKERS: whether whatever it was trained on held the test speakers.
    It raises NotApplicable where the method is undefined for a clip; any other exception is a recorded failure.
    """

    name: str
    version: str
    consumes: frozenset[Input]

    def generate(self, request: Request) -> Iterator[np.ndarray]: ...


@runtime_checkable
class FileMethod(Protocol):
    """A method whose output is an existing file, taken as it is (no second encoding)."""

    def file(self, request: Request) -> Path: ...


@runtime_checkable
class SoundMethod(Protocol):
    """A method that also gives the sound of its video, (N,) float32 16 kHz, as long as the clip's own; else it is the clip's."""

    def sound(self, request: Request) -> np.ndarray: ...


@runtime_checkable
class CueMethod(Protocol):
    """A method that also, or only, gives cues; for those, pixel metrics stay null with the reason `cue-space-only`."""

    def cues(self, request: Request) -> Cues: ...
