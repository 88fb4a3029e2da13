"""What the cohesion matcher makes of a video's expression, gaze and pose."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.contract.seen import Video
from metrics.cohesion.embedding import embed, load_matcher
from metrics.cohesion.features import windows_of

EXPERT = "cohesion"


class CohesionFeatures:
    """expression, gaze, pose (W, 2, D) float32: for each window, a stream's output for each of the two other streams;
    starts (W,) int32: the windows' first frames.

    Reads the cues alone. Unscorable: shorter-than-window, too-few-frames.
    """

    name: ClassVar[str] = "cohesion"
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    experts: ClassVar[tuple[str, ...]] = (EXPERT,)
    takes: ClassVar[frozenset[str]] = frozenset({"cues"})
    portrait: ClassVar[bool] = False

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self.file, self.device = Path(weights[EXPERT]), device
        self._matcher: Any = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_matcher": None}

    def __call__(self, video: Video) -> dict[str, np.ndarray]:
        """What the class says."""
        windows = windows_of(video.cues)
        if self._matcher is None:
            self._matcher = load_matcher(self.file, self.device)
        return embed(self._matcher, windows, self.device)
