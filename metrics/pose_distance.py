"""Wasserstein-1 distance between the head angles of generated and real videos, centred per speaker, by emotion and axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from bench.contract.metric import Collected, Direction, Family, SetEstimate
from bench.contract.seen import Pair
from metrics.clip_exchange import Null, exchange_signs, exchange_units, half_signs
from metrics.pose import AXES, head_angles, seen_angles
from metrics.pose_cells import Cells, cells_of, effective_frames, real_floors
from metrics.pose_figure import pose_figure

GRID_STEP = 0.1
"""Degrees between the points at which the distribution functions of the null and the floors are held."""
MOST_GRID_POINTS = 1000


def wasserstein1(x: np.ndarray, y: np.ndarray, x_weights: np.ndarray, y_weights: np.ndarray) -> float:
    """Area between the distribution functions of two weighted samples (n,) and (m,); the weights need no sum."""
    values = np.concatenate([x, y])
    signed = np.concatenate([x_weights / x_weights.sum(), -y_weights / y_weights.sum()])
    order = np.argsort(values, kind="stable")
    return float(np.abs(np.cumsum(signed[order])[:-1]) @ np.diff(values[order]))


def centred(sides: Sequence[np.ndarray], speakers: np.ndarray) -> list[np.ndarray]:
    """Every clip's angles (T, 3) minus its speaker's mean, the mean over the speaker's clips of their means."""
    means = np.array([side.mean(0) for side in sides])
    own = {name: means[speakers == name].mean(0) for name in sorted(set(speakers.tolist()))}
    return [side - own[name] for side, name in zip(sides, speakers.tolist(), strict=True)]


@dataclass(frozen=True)
class AngleSamples:
    """The angles of both sides of every clip, (T, 3) without NaN, and the cells that they are compared in."""

    cells: Cells
    real: Sequence[np.ndarray]
    generated: Sequence[np.ndarray]

    def observed(self, kept: np.ndarray) -> np.ndarray:
        """(emotions, 3) distances on the kept clips, each clip with the same weight; emotions with too few left out."""
        rows = []
        for members in self.cells.members(kept):
            sides = [[side[i] for i in members] for side in (self.generated, self.real)]
            weights = [np.concatenate([np.full(len(a), 1 / len(a)) for a in side]) for side in sides]
            x, y = (np.concatenate(side) for side in sides)
            rows.append([wasserstein1(x[:, axis], y[:, axis], *weights) for axis in range(len(AXES))])
        return np.array(rows).reshape(-1, len(AXES))

    @cached_property
    def grid(self) -> np.ndarray:
        low = min(float(a.min()) for a in (*self.real, *self.generated))
        high = max(float(a.max()) for a in (*self.real, *self.generated))
        points = int(min(np.ceil((high - low) / GRID_STEP) + 2, MOST_GRID_POINTS))
        return np.linspace(low, max(high, low + GRID_STEP), points)

    def shares_below(self, sides: Sequence[np.ndarray]) -> np.ndarray:
        """(N, 3, G) each clip's distribution function at the grid's points."""
        return np.array(
            [
                [np.searchsorted(np.sort(a[:, axis]), self.grid, side="right") / len(a) for axis in range(3)]
                for a in sides
            ]
        )

    @cached_property
    def gap(self) -> np.ndarray:
        """(N, 3, G) how far the two sides' distribution functions lie apart, clip by clip."""
        return self.shares_below(self.generated) - self.shares_below(self.real)

    @cached_property
    def units(self) -> np.ndarray:
        """(N,) numbers of what is exchanged as one."""
        return exchange_units(self.cells.members(np.ones(len(self.cells.emotions), bool)), self.cells.speakers)

    def exchanged(self, kept: np.ndarray, signs: np.ndarray, axes: Sequence[int] = (0, 1, 2)) -> np.ndarray:
        """(P,) mean distances over emotions and `axes` on the kept clips, on the grid, under (P, N) signs of exchange."""
        step = self.grid[1] - self.grid[0]
        total = np.zeros(len(signs))
        members = self.cells.members(kept)
        for cell in members:
            for axis in axes:
                total += np.abs(signs[:, cell] @ self.gap[cell, axis]).sum(1) * step / len(cell)
        return total / (len(members) * len(axes))

    def expected(self, kept: np.ndarray, seed: int, axes: Sequence[int] = (0, 1, 2)) -> float:
        """What is subtracted: the mean distance where half of each emotion's units have their sides exchanged."""
        signs = half_signs(self.cells.members(kept), self.units, seed)
        return float(self.exchanged(kept, signs, axes).mean())


class PoseDistance:
    """The distance and all that belongs to it, from collected arrays `real` and `generated` (T, 3) degrees of every clip."""

    family: ClassVar[Family] = Family.POSE
    direction: ClassVar[Direction] = Direction.LOWER
    unit: ClassVar[str] = "deg"
    version: ClassVar[str] = "2"
    needs: ClassVar[tuple[str, ...]] = ()
    protocol_keys: ClassVar[tuple[str, ...]] = ()

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Unscorable where no emotion, nor all clips together, have two clips."""
        cells, clips = cells_of(clips)
        sides = [[_whole(clip.arrays[name]) for clip in clips] for name in ("real", "generated")]
        raw = AngleSamples(cells, *sides)
        samples = AngleSamples(cells, *(centred(side, cells.speakers) for side in sides))

        def statistic(mask: np.ndarray) -> float:
            kept = cells.sorted_mask(mask)
            if not cells.members(kept):
                return float("nan")
            return float(samples.observed(kept).mean()) - samples.expected(kept, seed)

        everything = np.ones(len(clips), bool)
        observed, expected = samples.observed(everything), samples.expected(everything, seed)
        on_grid = float(samples.exchanged(everything, np.ones((1, len(clips))))[0])
        tossed = Null(on_grid, samples.exchanged(everything, exchange_signs(len(clips), seed)[:, samples.units]))
        details: dict[str, float | int | str | None] = {
            "uncorrected": float(observed.mean()),
            "null": expected,
            "null 95th percentile": float(np.percentile(tossed.exchanged, 95)),
            "p": tossed.p,
            "clips": len(cells.used),
            "emotions": len(cells.names),
            "frames": int(sum(len(samples.real[i]) for i in cells.used)),
            "n_frames": int(sum(len(samples.generated[i]) for i in cells.used)),
            "effective frames": effective_frames(cells, samples.real),
        }
        for axis, name in enumerate(AXES):
            details[name] = float(observed[:, axis].mean()) - samples.expected(everything, seed, (axis,))
        details["uncentred"] = float(raw.observed(everything).mean()) - raw.expected(everything, seed)
        details |= real_floors(cells, samples.shares_below(samples.real), samples.grid, seed)
        agreement, doubts = self.agreement(clips)
        return SetEstimate(
            statistic=statistic,
            details=details | agreement,
            flags=(*cells.flags, *doubts),
            figure=self.figure(clips, cells, samples),
        )

    def agreement(self, clips: Sequence[Collected]) -> tuple[dict[str, float | None], tuple[str, ...]]:
        """Details and flags about how far the estimate can be trusted, from the collected arrays."""
        return {}, ()

    def figure(self, clips: Sequence[Collected], cells: Cells, samples: AngleSamples) -> dict | None:
        """The document of the picture, None for a column without one."""
        return None


class PoseW1(PoseDistance):
    """Do generated heads take the poses that real ones take, as often? 0 is the same distribution.

    Both sides are centred on each speaker's own mean: the estimator's constant per person (SD over people 3.1 degrees in
    pitch, docs/extractor-errors.md) and the pose of the reference image go out, what differs between a speaker's
    emotions and moments stays. Frames have no order here: shuffled ones give the same value.
    """

    name: ClassVar[str] = "Pose-W1"
    extractors: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ("transform",)
    primary: ClassVar[bool] = True
    collection: ClassVar[str] = "pose"
    definition: ClassVar[str] = (
        "Wasserstein-1 distance between generated and real head angles, each side minus its speaker's mean (over the "
        "speaker's clips), pooled over speakers with equal weight per clip, for each emotion and each of pitch, yaw, "
        "roll; plain mean over emotions and axes, minus its mean where the two sides of half of the speakers, drawn at random "
        "per emotion, are exchanged (of half of the clips below 4 speakers)"
    )

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """real, generated: (T, 3) float32 angles on the common beginning, NaN without a face; Unscorable if under 5 are seen."""
        return collect_angles(pair)

    def figure(self, clips: Sequence[Collected], cells: Cells, samples: AngleSamples) -> dict:
        """Mean, spread, speed, range and spectrum of both sides, by emotion and axis, and histograms."""
        return pose_figure(cells, clips, samples.real, samples.generated)


def collect_angles(pair: Pair) -> dict[str, np.ndarray]:
    """What the collection "pose" holds of a clip; see PoseW1.collect."""
    sides = {"real": pair.reference, "generated": pair.generated}
    arrays = {}
    for name, seen in sides.items():
        cues = seen.cues[: pair.n_paired]
        seen_angles(cues)
        arrays[name] = head_angles(cues).astype(np.float32)
    return arrays


def _whole(angles: np.ndarray) -> np.ndarray:
    angles = np.asarray(angles, np.float64)
    return angles[np.isfinite(angles).all(-1)]
