"""How often the 95 % intervals of metrics.statistics contain the truth, by simulation.

`python -m metrics.interval_coverage` prints the tables of docs/statistics.md; `--trials 300` is a quick look.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from metrics.statistics import jackknife_new_speakers, new_speakers, these_speakers

SHAPES: dict[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "normal": lambda rng, size: rng.normal(size=size),
    "skewed": lambda rng, size: rng.exponential(size=size) - 1.0,
}
"""Distributions of mean 0 and variance 1; the skewed one is a shifted exponential, skewness 2."""


@dataclass(frozen=True)
class SimulatedRow:
    """Per-clip values of a row whose truth is known: (N,) arrays; `levels` are the values without noise."""

    values: np.ndarray
    speakers: np.ndarray
    emotions: np.ndarray
    levels: np.ndarray

    def __getitem__(self, keep: np.ndarray) -> SimulatedRow:
        return SimulatedRow(self.values[keep], self.speakers[keep], self.emotions[keep], self.levels[keep])


def simulate(rng: np.random.Generator, shape: str, n_speakers: int, n_emotions: int, per_cell: int) -> SimulatedRow:
    """A row with clip noise of standard deviation 1 and levels that no interval may mistake for noise.

    Levels: speaker (standard deviation 1, of the same `shape` as the noise), emotion (1) and cell (0.5). Emotion
    levels sum to 0, so that the mean over all speakers there could be is 0.
    """
    cells = (n_speakers, n_emotions, per_cell)
    emotion = rng.normal(size=(1, n_emotions, 1))
    cell = 0.5 * rng.normal(size=(n_speakers, n_emotions, 1))
    levels = np.broadcast_to(SHAPES[shape](rng, (n_speakers, 1, 1)) + emotion - emotion.mean() + cell, cells)
    values = levels + SHAPES[shape](rng, cells)
    speakers = np.broadcast_to(np.array([f"S{s:03d}" for s in range(n_speakers)])[:, None, None], cells)
    emotions = np.broadcast_to(np.array([f"e{e}" for e in range(n_emotions)])[:, None], cells)
    return SimulatedRow(values.ravel(), speakers.ravel(), emotions.ravel(), levels.ravel())


def new_speakers_coverage(n_speakers: int, shape: str, trials: int, seed: int) -> dict[str, float]:
    """Share of intervals that contain the mean over all speakers there could be, 4 clips per speaker.

    "jackknife" is for a statistic that is no mean, exp(mean); "percentile" is the plain bootstrap of whole speakers,
    which is common and not used here.
    """
    rng = np.random.default_rng(seed)
    hits = dict.fromkeys(("Student t", "jackknife", "percentile"), 0)
    for _ in range(trials):
        row = simulate(rng, shape, n_speakers, 4, 1)
        student = new_speakers(row.values, row.speakers)
        hits["Student t"] += student.low <= 0.0 <= student.high
        values = row.values
        jackknife = jackknife_new_speakers(lambda keep, v=values: float(np.exp(v[keep].mean())), row.speakers).interval
        hits["jackknife"] += jackknife.low <= 1.0 <= jackknife.high
        means = values.reshape(n_speakers, -1).mean(axis=1)
        low, high = np.quantile(means[rng.integers(0, n_speakers, (1000, n_speakers))].mean(axis=1), [0.025, 0.975])
        hits["percentile"] += low <= 0.0 <= high
    return {name: float(count / trials) for name, count in hits.items()}


def these_speakers_coverage(
    n_speakers: int, n_emotions: int, per_cell: int, shape: str, trials: int, seed: int, lone: float = 0.0
) -> dict[str, float]:
    """Share of intervals that contain the mean of these speakers' levels.

    `lone` is the share of cells cut down to one clip. "percentile" is the plain bootstrap that draws n of n clips in
    each cell; it is not used here.
    """
    rng = np.random.default_rng(seed)
    hits = dict.fromkeys(("ours", "percentile"), 0)
    for trial in range(trials):
        row = simulate(rng, shape, n_speakers, n_emotions, per_cell)
        cell = np.arange(len(row.values)) // per_cell
        cut = rng.permutation(n_speakers * n_emotions) < round(lone * n_speakers * n_emotions)
        row = row[~cut[cell] | (np.arange(len(cell)) % per_cell == 0)]
        truth = row.levels.mean()
        ours = these_speakers(row.values, row.speakers, row.emotions, seed=trial, replicates=1000)
        hits["ours"] += ours.low <= truth <= ours.high
        if lone == 0.0:
            values = row.values.reshape(-1, per_cell)
            draws = rng.integers(0, per_cell, (1000, *values.shape))
            means = np.take_along_axis(values[None], draws, axis=2).mean(axis=(1, 2))
            low, high = np.quantile(means, [0.025, 0.975])
            hits["percentile"] += low <= truth <= high
    return {name: float(count / trials) for name, count in hits.items() if name == "ours" or lone == 0.0}


def main() -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m metrics.interval_coverage", description=__doc__)
    parser.add_argument("--trials", type=int, default=2000, help="simulated rows per line; 2000 give +-0.5 points")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    trials, seed = arguments.trials, arguments.seed

    print("| new speakers | values | Student t | jackknife of exp(mean) | speaker bootstrap, percentile (not used) |")
    print("|---|---|---|---|---|")
    for n_speakers in (3, 4, 8, 12, 40):
        for shape in SHAPES:
            share = new_speakers_coverage(n_speakers, shape, trials, seed)
            cells = " | ".join(f"{100 * share[name]:.1f}" for name in ("Student t", "jackknife", "percentile"))
            print(f"| {n_speakers} speakers | {shape} | {cells} |", flush=True)

    print("\n| these speakers | values | ours | n of n in a cell, percentile (not used) |")
    print("|---|---|---|---|")
    designs = [(1, 5, 2, 0.0), (1, 1, 6, 0.0), (1, 6, 4, 0.0)]
    designs += [(g, 8, n, 0.0) for g in (4, 12, 40) for n in (2, 4)] + [(4, 8, 2, 0.5), (12, 8, 2, 0.8)]
    for n_speakers, n_emotions, per_cell, lone in designs:
        for shape in SHAPES:
            share = these_speakers_coverage(n_speakers, n_emotions, per_cell, shape, trials, seed, lone)
            plain = f"{100 * share['percentile']:.1f}" if "percentile" in share else ""
            design = f"{n_speakers} x {n_emotions} emotions x {per_cell} clips"
            design += f", {lone:.0%} of cells with one clip" if lone else ""
            print(f"| {design} | {shape} | {100 * share['ours']:.1f} | {plain} |", flush=True)


if __name__ == "__main__":
    main()
