"""What the constants of the gaze metrics rest on: error inside a map, saccades found, the null between equals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.contract.geometry import euler_to_matrix, gaze_in_camera, gaze_to_vector, vector_to_gaze
from bench.gaze_check.clips import Read, Rows, collected
from metrics.gaze import GazeJS
from metrics.gaze_events import conjugate, saccades

FOUND_BESIDE = 1
"""Frames by which a found saccade may lie beside a true one."""
TRUE_AMPLITUDES = (3.0, 5.0)
TRUE_SPEED = 25.0
"""Degrees/s from which truth, which has no jitter, is in flight."""
DRAWS = 40
"""Pairs of samples behind each line of the null's check."""
NULL_SIZES = ((2, 1), (3, 1), (6, 1), (12, 1), (12, 2), (18, 2))
"""Speakers, and clips of each in an emotion, per side."""


def map_errors(clips: Sequence[Read]) -> Rows:
    """Rows: frame of reference; SD in degrees of the error inside a map of one emotion, and the angle 95 % stay under."""
    rows = []
    for frame in ("head", "camera"):
        seen, true = [], []
        for one in clips:
            estimated, exact = one.cues.gaze.astype(np.float64), one.gaze
            if frame == "camera":
                estimated = gaze_in_camera(estimated, one.cues.transform)
                exact = vector_to_gaze((euler_to_matrix(one.pose)[:, None] @ gaze_to_vector(exact)[..., None])[..., 0])
            seen.append(estimated[one.open])
            true.append(exact[one.open])
        speakers = np.array([one.clip.speaker for one in clips])
        seen, true = _centred(seen, speakers), _centred(true, speakers)
        emotions = np.array([one.clip.emotion for one in clips])
        within = []
        for emotion in np.unique(emotions):
            error = np.concatenate([seen[i] - true[i] for i in np.flatnonzero(emotions == emotion)])
            within.append(error.var(0))
        spread = np.sqrt(np.mean(within, 0)).max(0)  # the worse eye
        reach = np.quantile(np.abs(np.concatenate(seen)), 0.95, axis=(0, 1))
        rows.append(
            (frame, [f"{v:.2f}" for v in (spread[0], 2 * spread[0], reach[0], spread[1], 2 * spread[1], reach[1])])
        )
    return rows


def _centred(tracks: Sequence[np.ndarray], speakers: np.ndarray) -> list[np.ndarray]:
    zero = {
        s: np.median(np.concatenate([t for t, own in zip(tracks, speakers, strict=True) if own == s]), axis=0)
        for s in np.unique(speakers)
    }
    return [track - zero[own] for track, own in zip(tracks, speakers, strict=True)]


def saccade_quality(clips: Sequence[Read]) -> Rows:
    """Rows: least true amplitude; precision, recall, F1 of found saccades, and found per true one."""
    rows = []
    for least in TRUE_AMPLITUDES:
        hits = n_found = n_true = 0
        for one in clips:
            hole = np.where(one.open[:, None], 0.0, np.nan)
            true = [s for s in saccades(conjugate(one.gaze) + hole, speed=TRUE_SPEED, amplitude=least)]
            found = saccades(conjugate(one.cues.gaze) + hole)
            n_true, n_found = n_true + len(true), n_found + len(found)
            left = list(true)
            for s in found:
                hit = next(
                    (t for t in left if s.start <= t.end + FOUND_BESIDE and t.start <= s.end + FOUND_BESIDE), None
                )
                if hit is not None:
                    left.remove(hit)
                    hits += 1
        precision, recall = hits / n_found, hits / n_true
        f1 = 2 * precision * recall / (precision + recall)
        rows.append(
            (
                f"{least:g} degrees",
                [str(n_true), f"{precision:.2f}", f"{recall:.2f}", f"{f1:.2f}", f"{n_found / n_true:.2f}"],
            )
        )
    return rows


def null_check(clips: Sequence[Read]) -> Rows:
    """Rows: speakers x clips of each per emotion; Gaze-JS between real clips and as many others of the same people and emotions."""
    rng = np.random.default_rng(0)
    cells: dict[tuple[str, str], list[Read]] = {}
    for one in clips:
        cells.setdefault((str(one.clip.emotion), one.clip.speaker), []).append(one)
    emotions, speakers = (sorted({key[k] for key in cells}) for k in (0, 1))
    rows = []
    for n_speakers, n_clips in NULL_SIZES:
        raw, corrected, ps = [], [], []
        for _ in range(DRAWS):
            given = []
            people = rng.permutation(speakers)[:n_speakers]
            for key in ((emotion, speaker) for emotion in emotions for speaker in people):
                drawn = rng.permutation(len(cells[key]))[: 2 * n_clips]
                pairs = zip(drawn[: len(drawn) // 2], drawn[len(drawn) // 2 :], strict=False)
                given += [collected(cells[key][a], cells[key][a].cues, cells[key][b].cues) for a, b in pairs]
            found = GazeJS().estimate(given, 0)
            raw.append(found.details["uncorrected"])
            corrected.append(found.statistic(np.ones(len(given), bool)))
            ps.append(found.details["p"])
        spread = np.std(corrected, ddof=1)
        numbers = [
            f"{np.mean(raw):.3f}",
            f"{np.mean(corrected):+.4f}",
            f"{spread / np.sqrt(DRAWS):.4f}",
            f"{spread:.3f}",
        ]
        rows.append((f"{n_speakers} x {n_clips}", [*numbers, f"{np.mean(np.array(ps) < 0.05):.2f}"]))
    return rows
