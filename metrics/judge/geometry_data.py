"""Clips as the geometry judge sees them: expression, lids, gaze, head pose and the moving points of the face, per frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.contract.clip import CROP_SIZE, Clip
from bench.contract.cues import Cues
from bench.contract.geometry import normalise, pose_of
from bench.contract.landmarks68 import LANDMARKS_68
from bench.contract.train import ClipReader
from metrics.judge.data import clips_per_batch

KEPT = "judge-cues-1"
"""Raise the number when `frame_features` changes."""
LEAST_FRAMES = 10
"""Frames with a face that a clip needs: the reach of the network's convolutions, 0.4 s."""
POINTS = LANDMARKS_68[17:]
"""Brows, nose, eyes and mouth; the outline of the face says little but whose it is."""
GROUPS = {
    "expression": slice(0, 52),
    "lids": slice(52, 54),
    "gaze": slice(54, 58),
    "pose": slice(58, 61),
    "points": slice(61, 61 + 3 * len(POINTS)),
}
FEATURES = GROUPS["points"].stop


def frame_features(cues: Cues) -> np.ndarray:
    """(N, 214) float32 of the frames with a face, in order; columns as `GROUPS` says.

    52 blendshapes; openness of the lids; gaze (yaw, pitch per eye, degrees, head-relative); head pitch, yaw, roll (degrees);
    51 landmarks in the head frame (cm) minus their mean over the clip: how they move, not whose they are. Pictures are not needed.
    """
    size = (CROP_SIZE, CROP_SIZE)
    points = normalise(cues.landmarks, cues.transform, size, only=POINTS).reshape(len(cues), -1)
    parts = [cues.blendshapes, cues.openness, cues.gaze.reshape(len(cues), 4), pose_of(cues.transform), points]
    features = np.concatenate(parts, 1)
    features = features[cues.valid & np.isfinite(features).all(1)]
    if len(features):
        features[:, GROUPS["points"]] -= features[:, GROUPS["points"]].mean(0)
    return features.astype(np.float32)


@dataclass(frozen=True)
class CueExample:
    """One clip: features (N, 214) float32."""

    clip: Clip
    features: np.ndarray


def cue_example(clip: Clip, reader: ClipReader) -> CueExample:
    """Made once per work folder, then kept."""
    return CueExample(
        clip, reader.keep(KEPT, clip, lambda: {"features": frame_features(reader.cues(clip))})["features"]
    )


class CueClips:
    """Clips with enough frames; a batch has as many clips of each emotion, all cut to one length."""

    def __init__(self, examples: Sequence[CueExample], classes: tuple[str, ...], frames: int):
        self.examples = [e for e in examples if len(e.features) >= LEAST_FRAMES and e.clip.emotion in classes]
        self.labels = np.array([classes.index(e.clip.emotion) for e in self.examples], np.int64)
        self.frames = min([frames, *(len(e.features) for e in self.examples)])

    def __len__(self) -> int:
        return len(self.examples)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean (214,) and standard deviation of the features over all frames."""
        every = np.concatenate([e.features for e in self.examples])
        return every.mean(0), every.std(0) + 1e-3

    def batch(self, rng: np.random.Generator, size: int) -> Mapping[str, Any]:
        """features (B, T, 214) float32, labels (B,)."""
        chosen = clips_per_batch(self.labels, rng, size)
        cut = []
        for i in chosen:
            features = self.examples[i].features
            first = int(rng.integers(0, len(features) - self.frames + 1))
            cut.append(features[first : first + self.frames])
        return {"features": np.stack(cut), "labels": self.labels[chosen]}


def stilled() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Probe name -> alteration that holds some cues at their mean over the clip."""

    def hold(columns: slice | tuple[slice, ...]) -> Callable[[np.ndarray], np.ndarray]:
        def altered(features: np.ndarray) -> np.ndarray:
            features = features.copy()
            for part in columns if isinstance(columns, tuple) else (columns,):
                features[:, part] = features[:, part].mean(0)
            return features

        return altered

    return {
        "pose held": hold(GROUPS["pose"]),
        "gaze held": hold(GROUPS["gaze"]),
        "expression held": hold((GROUPS["expression"], GROUPS["points"])),
        "all held": hold(slice(0, FEATURES)),
    }


def hidden(middle: np.ndarray) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Probe name -> alteration that puts the training clips' mean `middle` (214,) in the place of some cues."""

    def hide(names: Sequence[str]) -> Callable[[np.ndarray], np.ndarray]:
        def altered(features: np.ndarray) -> np.ndarray:
            features = features.copy()
            for name in names:
                features[:, GROUPS[name]] = middle[GROUPS[name]]
            return features

        return altered

    return {
        "no pose": hide(["pose"]),
        "no gaze": hide(["gaze"]),
        "no expression": hide(["expression", "points", "lids"]),
        "pose alone": hide([name for name in GROUPS if name != "pose"]),
        "gaze alone": hide([name for name in GROUPS if name != "gaze"]),
    }
