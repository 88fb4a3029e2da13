"""Data controls: rows that give every number a scale, because what they get right and wrong is known beforehand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import chain, cycle, islice
from pathlib import Path

import numpy as np

from baselines.tracks import typical_frame
from bench.contract.clip import CROP_SIZE
from bench.contract.cues import Cues
from bench.contract.errors import NotApplicable, Reason
from bench.contract.geometry import normalise, relocate
from bench.contract.method import Input, Request, VideoFile


class _Control:
    kind = "control"
    version = "1"


class GroundTruth(_Control):
    """`gt`: the store's own video, byte for byte; every paired metric must give its perfect value."""

    name = "gt"
    consumes = frozenset({Input.TRUE_VIDEO})

    def file(self, request: Request) -> Path:
        return request.true_video.path

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        return request.true_video.frames()


class GroundTruthReencoded(_Control):
    """`gt-reencoded`: the real video through the codec every generated video goes through: what the codec costs."""

    name = "gt-reencoded"
    consumes = frozenset({Input.TRUE_VIDEO})

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        return request.true_video.frames()


class Static(_Control):
    """`static`: the reference image held for the whole clip."""

    name = "static"
    consumes = frozenset({Input.REFERENCE_IMAGE})

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        image = request.reference_image
        return (image for _ in range(request.n_frames))


class Mismatched(_Control):
    """`gt-mismatched`: a real video of the same speaker and emotion saying another sentence, under this clip's sound."""

    name = "gt-mismatched"
    consumes = frozenset({Input.OTHER_SENTENCE_VIDEO})

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        return fitted(request.other_sentence_video, request.n_frames)


class WrongEmotion(_Control):
    """`gt-wrong-emotion`: a real video of the same speaker and sentence in another emotion."""

    name = "gt-wrong-emotion"
    consumes = frozenset({Input.OTHER_EMOTION_VIDEO})

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        return fitted(request.other_emotion_video, request.n_frames)


class _CueControl(_Control, ABC):
    """Frames of one cue put in another order, everything else true.

    Re-rendered where the rendering parameters are known, else in cue space only. A control says which true frame's cue is
    shown at each time, so the same control means the same thing for angles, positions and matrices.
    """

    version = "2"
    consumes = frozenset({Input.RENDERER, Input.TRUE_CUES})
    rendered: tuple[str, ...]
    """Names of the rendering parameters that are altered together."""

    @abstractmethod
    def order(self, values: np.ndarray, request: Request) -> np.ndarray:
        """(T, ...) true values -> (T,) index of the true frame shown at each time."""

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        renderer = request.renderer
        order = self.order(np.asarray(renderer.truth[self.rendered[0]]), request)
        # through the recorder's and the store's codecs, as every real clip: else these rows would look cleaner than real ones
        return renderer.recorded(**{name: np.asarray(renderer.truth[name])[order] for name in self.rendered})

    def cues(self, request: Request) -> Cues:
        """The true cues with the one cue reordered among the frames that have a face; the others stay invalid."""
        true = request.true_cues
        where = np.flatnonzero(true.valid)
        if not len(where):
            raise NotApplicable(Reason.NO_FACE, "no frame of the clip has a face")
        fields = {name: getattr(true, name).copy() for name in true.__dataclass_fields__}
        if "gaze" in self.rendered:
            fields["gaze"][where] = true.gaze[where][self.order(true.gaze[where], request)]
        else:
            size = (CROP_SIZE, CROP_SIZE)
            # the face is taken out of its own head pose and put back at another frame's
            head = normalise(true.landmarks[where], true.transform[where], size)
            transform = true.transform[where]
            fields["transform"][where] = transform[self.order(transform[:, :3, :3], request)]
            fields["landmarks"][where] = relocate(head, fields["transform"][where], size)
        return Cues(**fields)


class _Frozen(_CueControl):
    def order(self, values: np.ndarray, request: Request) -> np.ndarray:
        return np.full(len(values), typical_frame(values))


class _Shuffled(_CueControl):
    def order(self, values: np.ndarray, request: Request) -> np.ndarray:
        return np.random.default_rng(request.seed).permutation(len(values))


class FrozenPose(_Frozen):
    """`frozen-pose`: the head held at the clip's most typical pose."""

    name, rendered = "frozen-pose", ("pose", "position")


class FrozenGaze(_Frozen):
    """`frozen-gaze`: both eyes held at the clip's most typical direction relative to the head."""

    name, rendered = "frozen-gaze", ("gaze",)


class ShuffledPose(_Shuffled):
    """`time-shuffled-pose`: the clip's own poses in a random order of frames: right histogram, wrong dynamics."""

    name, rendered = "time-shuffled-pose", ("pose", "position")


class ShuffledGaze(_Shuffled):
    """`time-shuffled-gaze`: the clip's own gaze directions in a random order of frames."""

    name, rendered = "time-shuffled-gaze", ("gaze",)


def fitted(video: VideoFile, n_frames: int) -> Iterator[np.ndarray]:
    """Exactly `n_frames` frames of a video: cut if it is longer, played forth and back if it is shorter (no jump)."""
    if video.n_frames >= n_frames:
        return islice(video.frames(), n_frames)
    frames = list(video.frames())
    return islice(cycle(chain(frames, frames[-2:0:-1])), n_frames)


DATA_CONTROLS = (
    GroundTruth,
    GroundTruthReencoded,
    Static,
    Mismatched,
    WrongEmotion,
    FrozenPose,
    FrozenGaze,
    ShuffledGaze,
    ShuffledPose,
)
