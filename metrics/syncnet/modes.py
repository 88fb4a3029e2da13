"""From embeddings to scores: the corrected way, and the reference's own with its defects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.contract.errors import Reason, Unscorable
from metrics.syncnet.distances import MAX_LAG, centred_distances, confidence, lag_distances, offset
from metrics.syncnet.sound import SAMPLES_PER_PICTURE

MIN_PAIRS = 5
"""Pairs of windows (0.2 s) that every lag must rest on in the corrected mode: clips from 25 frames, 1 s, on have them."""
FLAT = 1e-5
"""A centred curve that varies by less than this share of the mean distance has no best lag: a still picture."""
REFERENCE_LOSS = 5
"""The reference takes (pictures - 5) windows of five pictures; pictures - 4 would fit."""
MODES = {
    "corrected": "face crop from the video's own landmarks, all windows, at each lag only pairs that exist, the offset of "
    "distances less each window's own mean",
    "wav2lip-lrs": "the whole frame squeezed to 224 px, the reference's post-processing (sound zero-padded, last window dropped)",
    "wav2lip-real": "S3FD face tracks of more than 100 frames, the reference's crop and post-processing, mean over tracks",
    "eat-align": "224 px crop of one similarity per clip with the mouth held in place, on MediaPipe-68 (EAT's is FAN's 68), the "
    "reference's post-processing",
}
EXTRACTOR = {
    "corrected": "syncnet",
    "wav2lip-lrs": "syncnet_whole",
    "wav2lip-real": "syncnet_tracks",
    "eat-align": "syncnet_aligned",
}
"""Which extractor sees the video for each mode."""


@dataclass(frozen=True)
class Scores:
    """What SyncNet says of one video (or track): distances at the best lag and at none, confidence, offset in frames.

    Offset as in `distances`: positive = the sound leads the picture; NaN where no lag stands out at all. `windows`: windows of
    pictures that entered.
    """

    distance: float
    distance_at_zero: float
    confidence: float
    offset: float
    windows: int


def corrected(visual: np.ndarray, audio: np.ndarray) -> Scores:
    """Scores of embeddings (T, D) and (M, D), one per frame; rows of NaN are windows without a face.

    Each lag's mean is over the pairs of windows that exist; the offset is that of `centred_distances`, since those pairs differ
    from lag to lag. Unscorable: shorter-than-window where some lag has fewer than 5 pairs (a minimum and a median over fewer
    lags would be other numbers).
    """
    curve, counts = lag_distances(visual, audio)
    if counts.min() < MIN_PAIRS:
        raise Unscorable(
            Reason.WINDOW_TOO_SHORT,
            f"every lag of +-{MAX_LAG} frames needs {MIN_PAIRS} pairs of windows, the scarcest has {counts.min()} "
            f"({len(visual)} picture and {len(audio)} sound windows)",
        )
    seen = int(np.isfinite(visual).all(1).sum())
    centred = centred_distances(visual, audio)
    found = float(offset(centred)) if np.ptp(centred) > FLAT * curve.mean() else float("nan")
    return Scores(float(curve.min()), float(curve[MAX_LAG]), confidence(curve), found, seen)


def reference_windows(pictures: int, samples: int) -> int:
    """How many windows the reference takes of so many pictures at 25 fps and samples at 16 kHz, 0 or more."""
    return max(0, min(pictures, math.floor(samples / SAMPLES_PER_PICTURE)) - REFERENCE_LOSS)


def reference(visual: np.ndarray, audio: np.ndarray) -> Scores:
    """Scores as SyncNet's authors' program computes them, to the last bit: (T, D) and (T, D) float32, both cut by the caller.

    Sound beyond the ends is a zero vector, and its distances enter the means; single precision in the reference's own
    operations (torch's pairwise distance adds 1e-6 to each difference). ValueError for unequal lengths or none.
    """
    import torch
    from torch.nn import functional

    if len(visual) != len(audio) or not len(visual):
        raise ValueError(f"expected as many sound as picture windows, at least one; got {len(audio)} and {len(visual)}")
    seen = torch.from_numpy(np.ascontiguousarray(visual, np.float32))
    heard = functional.pad(torch.from_numpy(np.ascontiguousarray(audio, np.float32)), (0, 0, MAX_LAG, MAX_LAG))
    places = range(2 * MAX_LAG + 1)
    each = torch.stack([functional.pairwise_distance(seen, heard[place : place + len(seen)]) for place in places])
    curve = each.mean(1)  # (31,)
    smallest, place = curve.min(0)
    return Scores(
        float(smallest),
        float(curve[MAX_LAG]),
        float(curve.median() - smallest),
        float(MAX_LAG - int(place)),
        len(visual),
    )


def reference_of_tracks(visual: np.ndarray, audio: np.ndarray, tracks: np.ndarray) -> Scores:
    """Mean of the reference's scores over tracks, each counted once; tracks (n, 2) int: first row and row after the last."""
    each = [reference(visual[first:last], audio[first:last]) for first, last in tracks]
    means = {
        field: float(np.mean([getattr(s, field) for s in each]))
        for field in ("distance", "distance_at_zero", "confidence", "offset")
    }
    return Scores(**means, windows=sum(s.windows for s in each))


def scores(mode: str, features: Mapping[str, np.ndarray]) -> Scores:
    """Scores of what the mode's extractor saw; Unscorable with the reason where there is no value."""
    visual, audio = features["visual"], features["audio"]
    if mode == "corrected":
        return corrected(visual, audio)
    return reference_of_tracks(visual, audio, features["tracks"])


def zero_share(pictures: int) -> float:
    """Share of the reference's distances that are to a zero vector, for a clip of so many pictures (sound as long).

    Exact: of T windows x 31 lags, lag l has min(|l|, T) of them.
    """
    windows = reference_windows(pictures, pictures * SAMPLES_PER_PICTURE)
    if not windows:
        return float("nan")
    zeros = sum(min(abs(lag), windows) for lag in range(-MAX_LAG, MAX_LAG + 1))
    return zeros / (windows * (2 * MAX_LAG + 1))
