"""Power spectrum of head movement: how fast heads sway, nod and tremble, and how far real and generated differ in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np

from bench.contract.clip import FPS
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected, Direction, Family, SetEstimate
from bench.contract.seen import Pair
from metrics.clip_exchange import Null, exchange_signs, exchange_units, half_signs
from metrics.pose_cells import cells_of
from metrics.pose_distance import collect_angles

SEGMENT = 25
"""Frames of a segment: one second, so that the spectrum's lines are 1 Hz apart."""
HOP = 12
BAND_EDGES = (0.5, 2.5, 4.5, 8.5, 12.5)
"""Hz: sway and turns, nods, quick movement, trembling. Each band holds whole lines of the spectrum."""
NOISE_DENSITY = (0.0048, 0.0014, 0.0005)
"""Degrees^2/Hz of pitch, yaw, roll: the extractor's own power from 9 to 12 Hz, where heads of the embedded dataset have
none (docs/metrics-motion.md). Added to both sides, so that a perfectly still head has a finite level."""


def power_spectrum(angles: np.ndarray) -> np.ndarray | None:
    """(13, A) one-sided power density (unit^2/Hz) of angles (T, A) at 0..12 Hz; None without 25 finite frames in a row.

    Welch's method (IEEE Trans. Audio Electroacoust. 15, 1967): segments of one second inside stretches without a gap,
    12 frames apart, each minus its mean and under a Hann window, their periodograms averaged.
    """
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SEGMENT) / SEGMENT)
    finite = np.isfinite(angles).all(-1)
    steps = np.flatnonzero(np.diff(np.concatenate([[False], finite, [False]]).astype(int)))
    starts = [s for a, b in zip(steps[::2], steps[1::2], strict=True) for s in range(a, b - SEGMENT + 1, HOP)]
    if not starts:
        return None
    segments = np.stack([angles[s : s + SEGMENT] for s in starts]).astype(np.float64)
    segments -= segments.mean(1, keepdims=True)
    power = np.abs(np.fft.rfft(segments * window[:, None], axis=1)) ** 2 / (FPS * (window**2).sum())
    power[:, 1:] *= 2  # 25 is odd: there is no line at half the frame rate
    return power.mean(0)


def band_powers(angles: np.ndarray) -> np.ndarray | None:
    """(4, A) power (unit^2) of angles (T, A) in the bands of BAND_EDGES; None where there is no spectrum."""
    power = power_spectrum(angles)
    if power is None:
        return None
    lines = np.arange(len(power)) * FPS / SEGMENT
    bands = [power[(lines >= low) & (lines < high)].sum(0) for low, high in pairwise(BAND_EDGES)]
    return np.stack(bands) * (FPS / SEGMENT)


def noise_powers() -> np.ndarray:
    """(4, 3) degrees^2 that the extractor's noise puts into each band."""
    return np.diff(BAND_EDGES)[:, None] * np.array(NOISE_DENSITY)


class PoseSpectrum:
    """Do generated heads move as slowly, as nodding and as trembling as real ones? 0 dB is the same power in every band."""

    name: ClassVar[str] = "Pose-spec"
    family: ClassVar[Family] = Family.POSE
    direction: ClassVar[Direction] = Direction.LOWER
    unit: ClassVar[str] = "dB"
    version: ClassVar[str] = "2"
    reads: ClassVar[tuple[str, ...]] = ("transform",)
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    collection: ClassVar[str] = "pose"
    definition: ClassVar[str] = (
        "log-spectral distance of head movement: power of pitch, yaw and roll (Welch, segments of 1 s) in the bands "
        "0.5-2.5-4.5-8.5-12.5 Hz, mean over the clips of an emotion, plus the extractor's noise; root mean square over "
        "bands of the ratio generated to real in dB, mean over axes and emotions, minus its mean where the two sides of half "
        "of the speakers, drawn at random per emotion, are exchanged (of half of the clips below 4 speakers)"
    )

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """The angles that Pose-W1 collects."""
        return collect_angles(pair)

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Unscorable where under two clips have a second without a gap on both sides."""
        powers = {clip.labels.clip_id: _both(clip) for clip in clips}
        with_spectrum = [clip for clip in clips if powers[clip.labels.clip_id] is not None]
        if len(with_spectrum) < 2:
            raise Unscorable(
                Reason.WINDOW_TOO_SHORT,
                f"{len(with_spectrum)} of {len(clips)} clips have {SEGMENT} frames in a row with a face on both sides",
            )
        cells, ordered = cells_of(with_spectrum)
        sides = np.array([powers[clip.labels.clip_id] for clip in ordered])  # (N, real and generated, band, axis)
        entered = np.array([powers[clip.labels.clip_id] is not None for clip in clips])

        def exchanged(kept: np.ndarray, signs: np.ndarray) -> np.ndarray:
            return np.mean([_distance(_decibel(sides[c], signs[:, c])) for c in cells.members(kept)], axis=0)

        as_they_are = np.ones((1, len(ordered)))
        units = exchange_units(cells.members(np.ones(len(ordered), bool)), cells.speakers)

        def observed_and_null(kept: np.ndarray) -> tuple[float, float]:
            halves = half_signs(cells.members(kept), units, seed)
            return float(exchanged(kept, as_they_are)[0]), float(exchanged(kept, halves).mean())

        def statistic(mask: np.ndarray) -> float:
            kept = cells.sorted_mask(np.asarray(mask, bool)[entered])
            if not cells.members(kept):
                return float("nan")
            observed, null = observed_and_null(kept)
            return observed - null

        everything = np.ones(len(ordered), bool)
        observed, null = observed_and_null(everything)
        tossed = Null(observed, exchanged(everything, exchange_signs(len(ordered), seed)[:, units]))
        ratios = np.array([_decibel(sides[c], as_they_are[:, c])[0] for c in cells.members(everything)])
        details: dict[str, float | int | str | None] = {
            "uncorrected": observed,
            "null": null,
            "null 95th percentile": float(np.percentile(tossed.exchanged, 95)),
            "p": tossed.p,
            "clips": len(cells.used),
            "n_frames": int(sum(np.isfinite(ordered[i].arrays["generated"]).all(-1).sum() for i in cells.used)),
        }
        for band, (low, high) in enumerate(pairwise(BAND_EDGES)):
            details[f"generated over real, {low:g}-{high:g} Hz, dB"] = float(ratios[:, band].mean())
        return SetEstimate(statistic=statistic, details=details, flags=cells.flags)


def _both(clip: Collected) -> np.ndarray | None:
    """(2, band, axis) of the real and the generated side, None where one has no spectrum."""
    sides = [band_powers(np.asarray(clip.arrays[name], np.float64)) for name in ("real", "generated")]
    return None if any(side is None for side in sides) else np.stack(sides)


def _decibel(sides: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """(P, band, axis) generated over real in dB, of (n, 2, band, axis) powers with sides exchanged by (P, n) signs."""
    real, generated = sides[:, 0], sides[:, 1]
    middle, half = (real + generated).mean(0) / 2, np.tensordot(signs, (generated - real) / 2, 1) / len(sides)
    noise = noise_powers()
    return 10 * np.log10((np.maximum(middle + half, 0) + noise) / (np.maximum(middle - half, 0) + noise))


def _distance(decibel: np.ndarray) -> np.ndarray:
    return np.sqrt((decibel**2).mean(1)).mean(-1)
