"""Lip sync by the dataset's own expert: distance at the best lag (SX-D), confidence (SX-C), offset (SX-offset)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Direction, Family, Score
from bench.contract.seen import Seen
from metrics.options import choose
from metrics.syncnet.distances import MAX_LAG, centred_distances, confidence, lag_distances, offset

EXTRACTOR = "sync_expert"
MIN_PAIRS = 5
"""Pairs of windows that every lag must have: a mean of fewer is low by chance, and the minimum would find it."""
FLAT = 1e-5
"""Distances over lags, less each window's own mean, that differ by less than this are equal but for rounding."""
PADDINGS = {
    "none": "{}",
    "zero": "{}; as Wav2Lip's scripts treat SyncNet's embeddings: sound beyond the ends is a zero vector, at distance 1 of every "
    "unit vector, the last picture window is dropped, any length has a value",
}
"""sync_expert.padding -> a definition with it. "zero" is the post-processing alone: network and crop stay the expert's."""


def sync_curve(visual: np.ndarray, audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean distances (31,) at lags -15..15 and the pairs each is of; only windows that exist on both sides, nothing padded.

    visual (T, D) and audio (M, D), a row with a NaN is an absent window. Raises Unscorable: NO_FACE if no picture window is
    there, WINDOW_TOO_SHORT if some lag has fewer than 5 pairs.
    """
    if len(visual) and not np.isfinite(visual).all(1).any():
        raise Unscorable(Reason.NO_FACE, "no five frames in a row have a face")
    distances, pairs = lag_distances(visual, audio, MAX_LAG)
    if pairs.min() < MIN_PAIRS:
        raise Unscorable(
            Reason.WINDOW_TOO_SHORT,
            f"every lag of -{MAX_LAG}..{MAX_LAG} frames needs {MIN_PAIRS} pairs of windows, the worst has {pairs.min()}: "
            f"at least {MAX_LAG + MIN_PAIRS} windows of 5 frames, {MAX_LAG + MIN_PAIRS + 4} frames with a face and sound",
        )
    return distances, pairs


def padded_curve(visual: np.ndarray, audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `sync_curve`, by the rules of SyncNet's published post-processing (metrics/syncnet/modes.py, `reference`).

    Both sides are cut to one length, one picture window less than there are. Windows with an unseen face, which the published
    programs do not know, stay absent. Raises Unscorable: NO_FACE, WINDOW_TOO_SHORT if no window is left.
    """
    count = min(len(visual) - 1, len(audio))
    if count < 1:
        raise Unscorable(
            Reason.WINDOW_TOO_SHORT,
            f"two windows of pictures and one of sound are needed, got {len(visual)} and {len(audio)}",
        )
    if not np.isfinite(visual[:count]).all(1).any():
        raise Unscorable(Reason.NO_FACE, "no five frames in a row have a face")
    return lag_distances(visual[:count], audio[:count], MAX_LAG, masked=False)


def sync_offset(visual: np.ndarray, audio: np.ndarray) -> int:
    """Minus the best lag of the windows that `sync_curve` accepts, frames; positive = the sound leads the picture.

    Best by the distances that are left when each window's own mean is taken off (`centred_distances`): windows of silence lie
    near every closed mouth, and a plain mean would find lag zero in a still picture. Raises Unscorable NO_VARIATION where no
    lag differs from another.
    """
    centred = centred_distances(visual, audio)
    if np.ptp(centred) < FLAT:
        raise Unscorable(Reason.NO_VARIATION, "all lags fit equally: a still picture, or one that never changes")
    return offset(centred)


class SyncExpertMetric:
    """Read from what the sync expert of the dataset's judge-training speakers says of every window and lag.

    Values of two experts cannot be compared with each other, nor with LSE-C and LSE-D. padding: "none", only pairs that exist, or
    "zero", zero vectors beyond the ends as in the published scripts. The option is not `sync.mode`, which is also a crop.
    """

    name: ClassVar[str]
    family: ClassVar[Family] = Family.SYNC
    direction: ClassVar[Direction] = Direction.MATCH
    unit: ClassVar[str] = "1"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = (EXTRACTOR,)
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ("sync_expert.padding",)
    what: ClassVar[str]
    what_padded: ClassVar[str]

    def __init__(self, padding: str = "none"):
        self.padding = choose("sync_expert.padding", padding, PADDINGS)
        self.definition = PADDINGS[self.padding].format(self.what if self.padding == "none" else self.what_padded)

    def own(self, seen: Seen) -> Score:
        """The value and how many pairs of windows lag zero has; Unscorable as the curve and `sync_offset` say."""
        arrays = seen.features[EXTRACTOR]
        curve = sync_curve if self.padding == "none" else padded_curve
        distances, pairs = curve(arrays["visual"], arrays["audio"])
        return Score(self.read(distances, arrays["visual"], arrays["audio"]), int(pairs[MAX_LAG]))

    def read(self, distances: np.ndarray, visual: np.ndarray, audio: np.ndarray) -> float:
        """The value of a curve (31,) of mean distances, and of the embeddings (T, D), (M, D) it is of."""
        raise NotImplementedError


class SyncDistance(SyncExpertMetric):
    """SX-D: mean distance at the best lag, 0 to 2; small where the mouth fits the sound, whatever the offset."""

    name = "SX-D"
    primary = True
    what_padded = (
        "smallest over lags of -15..15 frames of the mean distance between unit embeddings of 5-frame mouth windows and 0.2 s of "
        "sound, dataset's own expert"
    )
    what = f"{what_padded}; pairs that exist on both sides only"

    def read(self, distances: np.ndarray, visual: np.ndarray, audio: np.ndarray) -> float:
        return float(distances.min())


class SyncDistanceAtZero(SyncExpertMetric):
    """SX-D0: mean distance at lag zero, which an offset makes larger."""

    name = "SX-D0"
    what = what_padded = "SX-D's curve of mean distances at lag zero"

    def read(self, distances: np.ndarray, visual: np.ndarray, audio: np.ndarray) -> float:
        return float(distances[MAX_LAG])


class SyncConfidence(SyncExpertMetric):
    """SX-C: median over lags minus the minimum; large where one lag fits much better than the others, never negative."""

    name = "SX-C"
    what = what_padded = "median minus minimum over lags of SX-D's curve of mean distances"

    def read(self, distances: np.ndarray, visual: np.ndarray, audio: np.ndarray) -> float:
        return confidence(distances)


class SyncOffset(SyncExpertMetric):
    """SX-offset: minus the best lag; positive = the sound leads the picture, negative = it is late."""

    name = "SX-offset"
    direction = Direction.ZERO
    unit = "frames"
    what = (
        "minus the lag of the smallest mean distance, each window's own mean distance taken off first; frames at 25 fps, "
        "positive: the sound leads the picture; dataset's own expert"
    )
    what_padded = (
        "minus the lag of the smallest mean distance, of the plain curve; frames at 25 fps, positive: the sound leads the picture; "
        "dataset's own expert"
    )

    def read(self, distances: np.ndarray, visual: np.ndarray, audio: np.ndarray) -> float:
        return float(sync_offset(visual, audio) if self.padding == "none" else offset(distances))
