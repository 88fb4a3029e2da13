"""Distances between picture and sound embeddings at every lag, and what is read from them: offset and confidence.

Lag l compares the picture at window i with the sound at window i + l. So sound that comes late by d frames fits best at
lag +d, and the AV offset, which is minus the best lag (the sign of Chung & Zisserman's program, "Out of time", 2016), is
-d: POSITIVE OFFSET = THE SOUND LEADS the picture, negative = the sound is late. Works on embeddings of any network.
"""

from __future__ import annotations

import numpy as np

MAX_LAG = 15
"""Frames at 25 fps to either side, 31 lags: the field's choice."""


def lags(max_lag: int = MAX_LAG) -> np.ndarray:
    """(2 max_lag + 1,) int: the lag of each place in a curve of distances, -max_lag..max_lag frames."""
    return np.arange(-max_lag, max_lag + 1)


def lag_distances(
    visual: np.ndarray, audio: np.ndarray, max_lag: int = MAX_LAG, masked: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Mean Euclidean distance over windows at each lag, and how many pairs of windows each mean is of.

    visual (T, D), audio (M, D), one row per frame at 25 fps, row i of both seen and heard from the same moment on ->
    (2 max_lag + 1,) float64 and (2 max_lag + 1,) int64 in the order of `lags`. masked: only pairs that exist on both sides
    count, T and M may differ; a row with a NaN counts as absent; a lag without a pair is NaN. Not masked: sound outside
    0..M-1 is a zero vector, as in the reference, and T = M is required. ValueError for other shapes.
    """
    visual, audio = np.asarray(visual, np.float64), np.asarray(audio, np.float64)
    if visual.ndim != 2 or audio.ndim != 2 or visual.shape[1] != audio.shape[1] or max_lag < 0:
        raise ValueError(
            f"expected embeddings (T, D) and (M, D) and max_lag >= 0, got {visual.shape}, {audio.shape}, {max_lag}"
        )
    if not masked and len(visual) != len(audio):
        raise ValueError(f"zero padding needs as many sound as picture windows, got {len(audio)} and {len(visual)}")
    means, counts = np.full(2 * max_lag + 1, np.nan), np.zeros(2 * max_lag + 1, np.int64)
    for place, lag in enumerate(lags(max_lag)):
        if masked:
            first, last = max(0, -lag), min(len(visual), len(audio) - lag)
            if last <= first:
                continue
            seen, heard = visual[first:last], audio[first + lag : last + lag]
        else:
            seen, heard = visual, _shifted(audio, lag)
        each = np.linalg.norm(seen - heard, axis=1)
        there = np.isfinite(each)
        counts[place] = there.sum()
        if there.any():
            means[place] = each[there].mean()
    return means, counts


def centred_distances(visual: np.ndarray, audio: np.ndarray, max_lag: int = MAX_LAG) -> np.ndarray:
    """The curve of what is left of the distances when each window's own mean is taken off: for finding the best lag.

    visual (T, D), audio (M, D) -> (2 max_lag + 1,) float64 around 0, NaN where no pair exists. Means at different lags are of
    different windows. A clip that begins and ends in silence has small distances there whatever the mouth does, and
    a plain mean then favours lag zero, where both ends enter, or the farthest lags. So the mean over all sounds is taken off each
    picture's distances, and the mean over all pictures off each sound's; what stays depends on the pairing alone.
    """
    visual, audio = np.asarray(visual, np.float64), np.asarray(audio, np.float64)
    seen, heard = (np.isfinite(side).all(1) for side in (visual, audio))
    left = np.full((len(visual), len(audio)), np.nan)
    if seen.any() and heard.any():
        v, a = visual[seen], audio[heard]
        squared = (v**2).sum(1)[:, None] + (a**2).sum(1) - 2 * v @ a.T
        distance = np.sqrt(squared.clip(min=0))
        distance -= distance.mean(1, keepdims=True)
        left[np.ix_(seen, heard)] = distance - distance.mean(0)
    curve = np.full(2 * max_lag + 1, np.nan)
    for place, lag in enumerate(lags(max_lag)):
        pairs = np.diagonal(left, lag) if -len(visual) < lag < len(audio) else np.zeros(0)
        if np.isfinite(pairs).any():
            curve[place] = np.nanmean(pairs)
    return curve


def _shifted(audio: np.ndarray, lag: int) -> np.ndarray:
    moved = np.zeros_like(audio)
    size = max(0, len(audio) - abs(lag))
    first = max(0, -lag)
    moved[first : first + size] = audio[first + lag : first + lag + size]
    return moved


def offset(distances: np.ndarray) -> int:
    """AV offset in frames: minus the lag of the smallest distance; positive = the sound leads (module's text).

    distances (2 max_lag + 1,) in the order of `lags`, NaN where there is none; of equal minima the smallest lag, which is
    the largest offset, as in the reference. ValueError if no distance is finite.
    """
    return len(_finite_curve(distances)) // 2 - int(np.nanargmin(distances))


def confidence(distances: np.ndarray) -> float:
    """Median over lags minus the minimum, of finite distances: 0 for a flat curve, larger for a clear dip; never negative.

    ValueError if no distance is finite.
    """
    curve = _finite_curve(distances)
    return float(np.nanmedian(curve) - np.nanmin(curve))


def _finite_curve(distances: np.ndarray) -> np.ndarray:
    distances = np.asarray(distances, np.float64)
    if distances.ndim != 1 or len(distances) % 2 == 0 or not np.isfinite(distances).any():
        raise ValueError(
            f"expected an odd number of distances, some finite, got shape {distances.shape} with "
            f"{int(np.isfinite(distances).sum())} finite"
        )
    return distances
