"""What the frame judge says of a video: probabilities of its emotions, from three seeds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.seen import Video
from metrics.judge.answers import by_emotion, clip_probabilities, files_of, load_frame_judge
from metrics.judge.data import LEAST_FRAMES
from metrics.judge.faces import STEP, face_crops

SEEDS = (0, 1, 2)


class EmotionJudge:
    """probabilities (3, 8) float32: a row per seed, columns as `EMOTIONS`, NaN for an emotion the judge does not know; frames (1,).

    Unscorable: no-face, shorter-than-window.
    """

    name: ClassVar[str] = "emotion_judge"
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    experts: ClassVar[tuple[str, ...]] = tuple(f"judge-{seed}" for seed in SEEDS)
    takes: ClassVar[frozenset[str]] = frozenset({"frames", "cues"})
    portrait: ClassVar[bool] = False

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self.files, self.device = files_of(weights, self.experts), device
        self._models: list[Any] | None = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_models": None}

    def __call__(self, video: Video) -> dict[str, np.ndarray]:
        """Frames without a face are not looked at."""
        if video.frames is None or not video.cues.valid.any():
            raise Unscorable(Reason.NO_FACE, f"no face in any of {len(video.cues)} frames")
        pictures, _ = face_crops(video.frames, video.cues)
        if len(pictures) < LEAST_FRAMES:
            raise Unscorable(
                Reason.WINDOW_TOO_SHORT,
                f"the judge looks at every {STEP}nd frame and needs {LEAST_FRAMES} with a face; it got {len(pictures)}",
            )
        if self._models is None:
            self._models = [load_frame_judge(file, self.device) for file in self.files]
        answers = [(clip_probabilities(model, pictures, self.device), classes) for model, classes in self._models]
        return {"probabilities": by_emotion(answers), "frames": np.array([len(pictures)])}
