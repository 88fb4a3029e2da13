"""Divergences between real and generated distributions per emotion, minus what exchanging the sides of clips leaves of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from metrics.clip_exchange import Null, exchange_signs, exchange_units, half_signs
from metrics.pose_cells import Cells

SPLITS = 50
"""Random halves behind a floor."""
DECIMALS = 6
"""Distances are rounded to them: gaze is kept in 32 bits, and equal sides must tie with their exchanges."""
Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Distributions (..., M, D) twice -> (..., M): one number per map."""


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence in bits (...) of distributions (..., D) that sum to 1: 0 if equal, 1 if disjoint.

    Lin, IEEE Transactions on Information Theory 37(1), 1991, with equal weights: a divergence, not its square root.
    """
    middle = (p + q) / 2
    return np.maximum(_entropy(middle) - (_entropy(p) + _entropy(q)) / 2, 0.0)  # rounding may fall below 0


def _entropy(p: np.ndarray) -> np.ndarray:
    return -(p * np.log2(np.where(p > 0, p, 1.0))).sum(-1)


@dataclass(frozen=True)
class SidesOfClips:
    """Both sides of N clips as distributions over D states, M maps each (eyes): `real`, `made` (N, M, D) float64.

    Clips are in the order of `cells`. A map of an emotion is the plain mean over its clips: a clip is what was drawn
    independently, its frames are not. Every number is a plain mean over emotions and maps.
    """

    cells: Cells
    real: np.ndarray
    made: np.ndarray
    distance: Distance
    seed: int

    @cached_property
    def everything(self) -> np.ndarray:
        return np.ones(len(self.real), bool)

    def _apart(self, p: np.ndarray, q: np.ndarray) -> np.ndarray:
        return np.round(self.distance(p, q), DECIMALS)

    @cached_property
    def _signs(self) -> np.ndarray:
        return exchange_signs(len(self.real), self.seed)

    @cached_property
    def _units(self) -> np.ndarray:
        return exchange_units(self.cells.members(self.everything), self.cells.speakers)

    def observed(self, kept: np.ndarray) -> np.ndarray:
        """(emotions, M) distances on the kept clips."""
        cells = self.cells.members(kept)
        pairs = [self._apart(self.made[cell].mean(0), self.real[cell].mean(0)) for cell in cells]
        return np.array(pairs).reshape(len(cells), self.real.shape[1])

    def exchanged(self, cell: np.ndarray, signs: np.ndarray) -> np.ndarray:
        """(P, M) distances of the clips `cell` where those with a sign of -1 in (P, n) have their sides exchanged."""
        middle = (self.real[cell].mean(0) + self.made[cell].mean(0)) / 2
        half_gap = (self.made[cell] - self.real[cell]) / (2 * len(cell))
        apart = np.tensordot(signs, half_gap, axes=1)  # (P, M, D)
        return self._apart(middle + apart, middle - apart)

    def null(self, kept: np.ndarray) -> np.ndarray:
        """(emotions, M) mean distances where half of an emotion's units, drawn at random, have their sides exchanged."""
        members = self.cells.members(kept)
        signs = half_signs(members, self._units, self.seed)
        means = [self.exchanged(cell, signs[:, cell]).mean(0) for cell in members]
        return np.array(means).reshape(-1, self.real.shape[1])

    def statistic(self, mask: np.ndarray) -> float:
        """Observed minus null on a mask over the clips as the caller has them; NaN where no emotion has two clips."""
        kept = self.cells.sorted_mask(mask)
        if not self.cells.members(kept):
            return float("nan")
        return float((self.observed(kept) - self.null(kept)).mean())

    @cached_property
    def by_map(self) -> list[list[Null]]:
        """Per emotion and map: observed with the distances under random exchanges, every unit by the toss of a coin.

        Tosses and not halves: only they contain what was observed as one of their number, as a p value must.
        """
        found = []
        for cell, observed in zip(self.cells.members(self.everything), self.observed(self.everything), strict=True):
            drawn = self.exchanged(cell, self._signs[:, self._units[cell]])
            found.append([Null(float(one), drawn[:, m]) for m, one in enumerate(observed)])
        return found

    @property
    def whole(self) -> Null:
        """The mean over emotions and maps with the same exchanges."""
        maps = [one for row in self.by_map for one in row]
        return Null(float(np.mean([m.observed for m in maps])), np.mean([m.exchanged for m in maps], axis=0))

    def effective_clips(self, side: str) -> float:
        """How many independent frames an emotion's map is worth: mean over emotions and maps (Kish's effective sample size).

        The variance that independent frames would have, sum of p (1 - p), over the variance that the map's shares have,
        from the spread between clips. NaN where clips do not differ at all.
        """
        found = []
        for cell in self.cells.members(self.everything):
            shares = getattr(self, side)[cell]  # (n, M, D)
            p = shares.mean(0)
            variance = shares.var(0, ddof=1).sum(-1) / len(cell)
            found.append(
                np.divide((p * (1 - p)).sum(-1), variance, out=np.full(len(variance), np.nan), where=variance > 0)
            )
        values = np.array(found)
        return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")

    def floors(self) -> dict[str, float | str | None]:
        """Real clips against real clips, uncorrected, at half the clips; None with the reason where there is no way to halve.

        Within speakers: the clips of each speaker and emotion are dealt to both halves. Across speakers: speakers are.
        """
        rng = np.random.default_rng([self.seed, 3])
        members = self.cells.members(self.everything)
        within, across = [], []
        for _ in range(SPLITS):
            names = rng.permutation(np.unique(self.cells.speakers))
            first = np.isin(self.cells.speakers, names[: len(names) // 2])
            dealt = [_dealt(cell, self.cells.speakers, rng) for cell in members]
            parted = [(cell[first[cell]], cell[~first[cell]]) for cell in members]
            for found, halves in ((within, dealt), (across, parted)):
                values = [
                    self.distance(self.real[a].mean(0), self.real[b].mean(0)).mean()
                    for a, b in halves
                    if len(a) and len(b)
                ]
                found += [float(np.mean(values))] if values else []
        return {
            "floor within speakers": float(np.mean(within)) if within else None,
            "floor across speakers": float(np.mean(across)) if across else None,
            "floors": f"real against real, uncorrected, at half the clips per side, {SPLITS} random halves"
            + ("" if within else "; no speaker has two clips of one emotion")
            + ("" if across else "; one speaker only"),
        }

    def details(self) -> dict[str, float | int | str | None]:
        """What belongs to the cell: uncorrected value, null, p, counts, effective n and floors."""
        whole = self.whole
        return {
            "uncorrected": whole.observed,
            "null": float(self.null(self.everything).mean()),
            "null 95th percentile": float(np.percentile(whole.exchanged, 95)),
            "p": whole.p,
            "clips": len(self.cells.used),
            "emotions": len(self.by_map),
            "fewest clips of an emotion": min(len(cell) for cell in self.cells.members(self.everything)),
            **self.floors(),
        }


def _dealt(cell: np.ndarray, speakers: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """As many of each speaker's clips to either half; a last one is left out."""
    halves: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for name in np.unique(speakers[cell]):
        own = rng.permutation(cell[speakers[cell] == name])
        half = len(own) // 2
        halves[0].append(own[:half])
        halves[1].append(own[half : 2 * half])
    return np.concatenate(halves[0]), np.concatenate(halves[1])
