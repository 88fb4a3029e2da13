"""LSE-D, LSE-C and AV-offset: lip sync as the official SyncNet hears it (Chung & Zisserman 2016; named by Wav2Lip, 2020)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Direction, Family, Score
from bench.contract.seen import Seen
from metrics.options import choose
from metrics.syncnet.modes import EXTRACTOR, MODES, Scores, scores


class SyncNetScore:
    """One number of SyncNet's curve of distances over 31 lags. mode: `metrics.syncnet.modes.MODES`.

    Official weights only: a network trained on the dataset makes SX columns.
    """

    name: ClassVar[str]
    what: ClassVar[str]
    family: ClassVar[Family] = Family.SYNC
    direction: ClassVar[Direction] = Direction.MATCH
    unit: ClassVar[str] = "1"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: tuple[str, ...] = (EXTRACTOR["corrected"],)
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ("sync.mode",)

    def __init__(self, mode: str = "corrected"):
        self.mode = choose("sync.mode", mode, MODES)
        self.extractors = (EXTRACTOR[self.mode],)
        self.definition = (
            f"{self.what}; SyncNet (syncnet_v2.model), windows of 5 frames at 25 fps and 0.2 s of sound, lags of +-15 frames; "
            f"{self.mode}: {MODES[self.mode]}"
        )

    def own(self, seen: Seen) -> Score:
        """Unscorable: no-speech, shorter-than-window, no-face (what the extractor or the mode found)."""
        found = scores(self.mode, seen.features[self.extractors[0]])
        return Score(self.value(found), found.windows)

    @staticmethod
    def value(found: Scores) -> float:
        raise NotImplementedError


class LSED(SyncNetScore):
    """LSE-D: mean distance of picture and sound at the best lag; a constant lag does not show in it."""

    name = "LSE-D"
    what = "smallest over lags of the mean Euclidean distance of picture and sound embeddings"
    primary = True

    @staticmethod
    def value(found: Scores) -> float:
        return found.distance


class LSEC(SyncNetScore):
    """LSE-C: median of the curve minus its minimum."""

    name = "LSE-C"
    what = "median over lags of the mean Euclidean distance of picture and sound embeddings, minus the smallest"

    @staticmethod
    def value(found: Scores) -> float:
        return found.confidence


class LSED0(SyncNetScore):
    """LSE-D0: mean distance at lag zero, which a constant lag makes larger."""

    name = "LSE-D0"
    what = "mean Euclidean distance of picture and sound embeddings at lag zero"

    @staticmethod
    def value(found: Scores) -> float:
        return found.distance_at_zero


class AVOffset(SyncNetScore):
    """AV-offset: minus the best lag, in frames at 25 fps; positive = the sound leads the picture, negative = it is late."""

    name = "AV-offset"
    what = "minus the lag of the smallest mean distance, frames at 25 fps, positive where the sound leads the picture"
    direction = Direction.ZERO
    unit = "frames"

    @staticmethod
    def value(found: Scores) -> float:
        if np.isnan(found.offset):
            raise Unscorable(Reason.NO_VARIATION, "the picture does not change: no lag fits better than another")
        return found.offset
