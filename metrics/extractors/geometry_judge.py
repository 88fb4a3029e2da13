"""What the geometry judge says of the cues of a video: probabilities of its emotions, from three seeds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.seen import Video
from metrics.extractors.emotion_judge import SEEDS
from metrics.judge.answers import by_emotion, cue_probabilities, files_of, load_geometry_judge
from metrics.judge.geometry_data import LEAST_FRAMES, frame_features


class GeometryJudgeExtractor:
    """probabilities (3, 8) float32: a row per seed, columns as `EMOTIONS`, NaN for an emotion the judge does not know; frames (1,).

    Reads cues alone, so it also works in cue space. Unscorable: no-face, shorter-than-window.
    """

    name: ClassVar[str] = "geometry_judge"
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    experts: ClassVar[tuple[str, ...]] = tuple(f"judge-geometry-{seed}" for seed in SEEDS)
    takes: ClassVar[frozenset[str]] = frozenset({"cues"})
    portrait: ClassVar[bool] = False

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self.files, self.device = files_of(weights, self.experts), device
        self._models: list[Any] | None = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_models": None}

    def __call__(self, video: Video) -> dict[str, np.ndarray]:
        """Frames without a face are left out, the others count as following each other."""
        features = frame_features(video.cues)
        if not len(features):
            raise Unscorable(Reason.NO_FACE, f"no face in any of {len(video.cues)} frames")
        if len(features) < LEAST_FRAMES:
            raise Unscorable(
                Reason.WINDOW_TOO_SHORT, f"the judge needs {LEAST_FRAMES} frames with a face; it got {len(features)}"
            )
        if self._models is None:
            self._models = [load_geometry_judge(file, self.device) for file in self.files]
        answers = [(cue_probabilities(model, features, self.device), classes) for model, classes in self._models]
        return {"probabilities": by_emotion(answers), "frames": np.array([len(features)])}
