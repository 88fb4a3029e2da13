"""Embeddings of mouth and sound by the dataset's own sync expert."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.seen import Video
from metrics.sync_expert import sound
from metrics.sync_expert.embedding import FEWEST_SAMPLES, WINDOW_FRAMES, embed, load_expert
from metrics.sync_expert.mouth import mouth_crops

EXPERT = "sync-expert"


class SyncExpertFeatures:
    """visual (T - 4, D) and audio (M, D) float32: unit vectors, one per frame at 25 fps, NaN for windows with an unseen face.

    Row t is of frames t to t + 4 and of the 0.2 s of sound that begin with frame t. Unscorable: no-audio, no-speech,
    no-face, shorter-than-window.
    """

    name: ClassVar[str] = "sync_expert"
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    experts: ClassVar[tuple[str, ...]] = (EXPERT,)
    takes: ClassVar[frozenset[str]] = frozenset({"frames", "audio", "cues"})
    portrait: ClassVar[bool] = False

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self.file, self.device = Path(weights[EXPERT]), device
        self._model: Any = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_model": None}

    def __call__(self, video: Video) -> dict[str, np.ndarray]:
        """What the class says; the lags that a score needs are the metric's to ask for."""
        if video.audio is None:
            raise Unscorable(Reason.NO_AUDIO, "a sync expert compares pictures with sound; this video has none")
        if len(video.frames) < WINDOW_FRAMES or len(video.audio) < FEWEST_SAMPLES:
            raise Unscorable(
                Reason.WINDOW_TOO_SHORT,
                f"a window has {WINDOW_FRAMES} frames and {FEWEST_SAMPLES} samples; "
                f"got {len(video.frames)} and {len(video.audio)}",
            )
        if sound.is_silent(video.audio):
            raise Unscorable(Reason.NO_SPEECH, f"the loud parts of the sound stay under RMS {sound.SILENCE:g} (-60 dB)")
        seen = video.cues.valid
        if not seen.any():
            raise Unscorable(Reason.NO_FACE, f"no face in any of {len(seen)} frames")
        if self._model is None:
            self._model = load_expert(self.file, self.device)
        crops = mouth_crops(video.frames, video.cues)
        visual, audio = embed(self._model, crops, seen, sound.log_mel(video.audio), self.device)
        return {"visual": visual, "audio": audio}
