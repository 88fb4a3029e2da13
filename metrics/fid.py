"""FID, Frechet Inception distance (Heusel, Ramsauer, Unterthiner, Nessler & Hochreiter, NeurIPS 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected, Direction, Family, SetEstimate
from bench.contract.seen import Pair
from metrics.extractors.inception import FEATURES, FRAMES_PER_CLIP

MIN_FRAMES = 2 * FEATURES
"""Below this on either side the covariance is of low rank and the value mostly bias: the cell is flagged."""
MIN_CLIPS = 2


def frechet_distance(real: np.ndarray, generated: np.ndarray) -> float:
    """Frechet distance of the normal distributions fitted to two sets of features, (N, D) and (M, D); N, M >= 2.

    |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2), covariances over n - 1, in float64. With S = A^T A the last trace is
    the sum of the singular values of A1 A2^T: exact for covariances of any rank, where a matrix square root is not. Not
    negative beyond rounding (about 1e-6 of the traces for equal sets). ValueError for fewer than two rows.
    """
    sides = [np.asarray(side, np.float64) for side in (real, generated)]
    if min(len(side) for side in sides) < 2 or sides[0].shape[1:] != sides[1].shape[1:]:
        raise ValueError(
            f"expected two sets of at least 2 features of one length, got {real.shape} and {generated.shape}"
        )
    means = [side.mean(axis=0) for side in sides]
    factors = [_factor(side - mean) for side, mean in zip(sides, means, strict=True)]
    shift = means[0] - means[1]
    spread = sum(float((factor**2).sum()) for factor in factors)
    return float(shift @ shift) + spread - 2 * _nuclear_norm(factors[0] @ factors[1].T)


def _factor(centred: np.ndarray) -> np.ndarray:
    """A with A^T A the covariance: at most D rows, which for many samples are the triangle of a QR decomposition."""
    samples, dimensions = centred.shape
    scaled = centred / np.sqrt(samples - 1)
    return np.linalg.qr(scaled, mode="r") if samples > dimensions else scaled


def _nuclear_norm(matrix: np.ndarray) -> float:
    return float(np.linalg.svd(matrix, compute_uv=False).sum())


class InceptionSet:
    """What FID, KID and FD-5f share: Inception features of some frames of each clip on both sides, collected once."""

    family: ClassVar[Family] = Family.IMAGE
    direction: ClassVar[Direction] = Direction.LOWER
    unit: ClassVar[str] = "1"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ("inception",)
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    collection: ClassVar[str] = "inception"

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """real (n, 2048) and generated (m, 2048) float32, n and m at most 10 (FD-5f: 5)."""
        sides = {"real": pair.reference, "generated": pair.generated}
        arrays = {name: side.features[self.extractors[0]]["features"] for name, side in sides.items()}
        for name, features in arrays.items():
            if not np.isfinite(features).all():
                raise Unscorable(
                    Reason.NOT_FINITE, f"Inception features of the {name} clip: not all numbers are finite"
                )
        return arrays


class FeatureSet:
    """Features of all clips in the order of their ids, so that no result depends on the order in which they came.

    real and generated are (sum n, D) and (sum m, D) float32; real_clip and generated_clip (sum n,) and (sum m,) tell each
    row's clip; `order` takes the clips as given to this order; speaker (N,) per clip, in this order.
    """

    def __init__(self, clips: Sequence[Collected]):
        if len(clips) < MIN_CLIPS:
            raise Unscorable(Reason.TOO_FEW_CLIPS, f"expected at least {MIN_CLIPS} clips, got {len(clips)}")
        self.order = np.array(sorted(range(len(clips)), key=lambda i: clips[i].labels.clip_id))
        ordered = [clips[i] for i in self.order]
        self.speaker = np.array([clip.labels.speaker for clip in ordered])
        self.real, self.real_clip = _stacked([clip.arrays["real"] for clip in ordered])
        self.generated, self.generated_clip = _stacked([clip.arrays["generated"] for clip in ordered])

    def counts(self, rows: str = "frames") -> dict[str, int]:
        """For the cell: rows (frames) on both sides, and clips."""
        return {f"n_{rows}": len(self.generated), f"n_{rows}_real": len(self.real), "n_clips": len(self.speaker)}

    def halves(self, seed: int, within_speakers: bool) -> tuple[np.ndarray, np.ndarray] | None:
        """Clip numbers of two parts of the real clips, (n,) and (m,) int64; None where there cannot be two.

        Either no speaker is in both, or every speaker is in both equally often (an odd clip is left out) and clip k of one
        part has the speaker of clip k of the other.
        """
        rng = np.random.default_rng(seed)
        speakers = np.unique(self.speaker)
        if within_speakers:
            own = [rng.permutation(np.flatnonzero(self.speaker == speaker)) for speaker in speakers]
            parts = [np.concatenate([clips[start : len(clips) // 2 * 2 : 2] for clips in own]) for start in (0, 1)]
        else:
            first = np.isin(self.speaker, rng.permutation(speakers)[: len(speakers) // 2])
            parts = [np.flatnonzero(first), np.flatnonzero(~first)]
        return (parts[0], parts[1]) if min(map(len, parts)) else None


def _stacked(parts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def frechet_estimate(clips: Sequence[Collected], seed: int, least: int, rows: str = "frames") -> SetEstimate:
    """Frechet distance of the real and the generated features; flagged "rank-deficient" under `least` rows on either side.

    Details: counts, and how far apart two halves of the REAL clips are (floors, at half the number of clips).
    floor_across_speakers: halves of other speakers; floor_within_speakers: halves of the same speakers; value_at_floor_n: the
    generated half against the real other half, across speakers, mean of both ways: what the row has at the floor's own n,
    to be compared with it.
    """
    features = FeatureSet(clips)

    def between(first: str, of_first: np.ndarray, second: str, of_second: np.ndarray) -> float | None:
        sides = []
        for name, clips_of_side in ((first, of_first), (second, of_second)):
            side, clip = getattr(features, name), getattr(features, f"{name}_clip")
            sides.append(side[np.isin(clip, clips_of_side)])
        return frechet_distance(*sides) if min(map(len, sides)) >= 2 else None

    def statistic(mask: np.ndarray) -> float:
        part = np.flatnonzero(np.asarray(mask, bool)[features.order])
        value = between("real", part, "generated", part) if len(part) >= MIN_CLIPS else None
        return float("nan") if value is None else value

    details: dict[str, float | int | str | None] = dict(features.counts(rows))
    across, within = features.halves(seed, within_speakers=False), features.halves(seed, within_speakers=True)
    details["floor_across_speakers"] = None if across is None else between("real", across[0], "real", across[1])
    crossed = [] if across is None else [between("real", a, "generated", b) for a, b in (across, across[::-1])]
    details["value_at_floor_n"] = float(np.mean(crossed)) if crossed and None not in crossed else None
    details["floor_within_speakers"] = None if within is None else between("real", within[0], "real", within[1])
    smallest = min(len(features.real), len(features.generated))
    return SetEstimate(statistic, details, ("rank-deficient",) if smallest < least else ())


class FID(InceptionSet):
    """FID between the frames of all real and all generated clips; near 0 for the same frames. Symmetric."""

    name: ClassVar[str] = "FID"
    definition: ClassVar[str] = (
        f"Frechet distance of normal fits to pool3 features ({FEATURES}) of the FID Inception (bilinear to 299 px without "
        f"antialiasing), {FRAMES_PER_CLIP} frames per clip at the times (k + 0.5) / {FRAMES_PER_CLIP} of its length, "
        "covariances over n - 1, float64"
    )

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """See `frechet_estimate`; raises Unscorable for fewer than two clips."""
        return frechet_estimate(clips, seed, MIN_FRAMES)
