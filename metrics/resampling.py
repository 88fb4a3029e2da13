"""Resampling of clips inside speaker x emotion cells: strata, the rescaled bootstrap of a mean, degrees of freedom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from scipy import special


@dataclass(frozen=True)
class Strata:
    """Clips that are resampled together.

    `members` lists the positions of each stratum's clips, two or more in each; `merged` says how many cells of a single
    clip were put together with others to get there.
    """

    members: tuple[np.ndarray, ...]
    merged: int


def strata(speakers: np.ndarray, emotions: np.ndarray) -> Strata | None:
    """The speaker x emotion cells as strata; None if no cell holds two clips.

    A cell of one clip says nothing about the spread inside it. Such cells are collapsed (Cochran, Sampling Techniques,
    1977, 5A.12): the single clips of one speaker become one stratum; one that is alone there joins the speaker's
    smallest stratum; speakers of one clip in all become one stratum, and a last one joins the smallest stratum there
    is. What differs between collapsed cells then counts as spread between clips: the interval errs on the wide side.
    """
    cells: dict[tuple[str, str], list[int]] = defaultdict(list)
    for position, cell in enumerate(zip(speakers.tolist(), emotions.tolist(), strict=True)):
        cells[cell].append(position)
    full: dict[tuple[str, str], list[int]] = {cell: cells[cell] for cell in sorted(cells) if len(cells[cell]) > 1}
    if not full:
        return None
    single: dict[str, list[int]] = defaultdict(list)
    for cell in sorted(cells):
        if cell not in full:
            single[cell[0]] += cells[cell]
    merged = sum(map(len, single.values()))

    homeless: list[int] = []
    for speaker, clips in single.items():
        own = [cell for cell in full if cell[0] == speaker]
        if len(clips) > 1:
            full[speaker, ""] = clips
        elif own:
            smallest = min(own, key=lambda cell: (len(full[cell]), cell))
            full[smallest] = full[smallest] + clips
        else:
            homeless += clips
    if len(homeless) > 1:
        full["", ""] = homeless
    elif homeless:
        smallest = min(full, key=lambda cell: (len(full[cell]), cell))
        full[smallest] = full[smallest] + homeless
    return Strata(tuple(np.array(full[cell]) for cell in sorted(full)), merged)


def bootstrap_means(values: np.ndarray, split: Strata, replicates: int, rng: np.random.Generator | int) -> np.ndarray:
    """(replicates,) means over all clips, each from a resample inside every stratum; `rng` a generator or its seed.

    From a stratum of n clips n - 1 are drawn with replacement: the variance of the resampled mean is then the unbiased
    s^2 / n. Drawing n would give (n - 1) / n of it, half of it in cells of two (Rao & Wu, JASA 83, 1988, m = n - 1).
    """
    sizes = tuple(len(members) for members in split.members)
    drawn = _draws(sizes, replicates, rng) if isinstance(rng, np.random.Generator) else _kept(sizes, replicates, rng)
    means = np.zeros(replicates)
    for members, places in zip(split.members, drawn, strict=True):
        means += np.take(values[members], places).mean(axis=1) * (len(members) / len(values))
    return means


def _draws(sizes: Sequence[int], replicates: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """(replicates, n - 1) places in each stratum of n, in the smallest type that holds them."""
    for size in sizes:
        yield rng.integers(0, size, size=(replicates, size - 1)).astype(np.min_scalar_type(size - 1))


@lru_cache(maxsize=1)
def _kept(sizes: tuple[int, ...], replicates: int, seed: int) -> tuple[np.ndarray, ...]:
    """The draws of a seed, kept for the next metric: all metrics of a row are resampled alike, and drawing takes longest."""
    return tuple(_draws(sizes, replicates, np.random.default_rng(seed)))


def degrees_of_freedom(values: np.ndarray, split: Strata) -> float:
    """How well the spread of the stratified mean is known: Welch-Satterthwaite, between 1 and sum (n - 1).

    With b_c the variance that stratum c contributes and v_c = n_c - 1: (sum b_c)^2 / sum(b_c^2 / (v_c + 2)) - 2, the
    form for small v_c (Welch, Biometrika 34, 1947), where the plain one is too low and makes intervals too wide.
    """
    sizes = np.array([len(members) for members in split.members], np.float64)
    variances = np.array([values[members].var(ddof=1) for members in split.members])
    parts = (sizes / len(values)) ** 2 * variances / sizes
    most = float((sizes - 1).sum())
    weight = float((parts**2 / (sizes + 1)).sum())
    if weight == 0.0:
        return most
    return float(np.clip(parts.sum() ** 2 / weight - 2.0, 1.0, most))


def scaled_percentiles(deviations: np.ndarray, df: float, alpha: float) -> tuple[float, float]:
    """Percentiles alpha / 2 and 1 - alpha / 2 of sorted deviations, stretched by Student t (df) over normal.

    The bootstrap takes the spread it sees for the true one; the stretch is what not knowing it costs.
    """
    stretch = special.stdtrit(df, alpha / 2) / special.ndtri(alpha / 2)
    places = np.array([alpha / 2, 1 - alpha / 2]) * (len(deviations) - 1)
    low, high = np.interp(places, np.arange(len(deviations)), deviations) * stretch
    return float(low), float(high)


def p_of_bootstrap(estimate: float, deviations: np.ndarray, df: float) -> float:
    """The alpha at which the interval begins to leave out 0, not below what the replicates can resolve."""

    def leaves_out_zero(alpha: float) -> bool:
        low, high = scaled_percentiles(deviations, df, alpha)
        return not estimate + low <= 0.0 <= estimate + high

    inside, outside = 2.0 / (len(deviations) + 1), 1.0 - 1e-9
    if leaves_out_zero(inside):
        return inside
    if not leaves_out_zero(outside):
        return 1.0
    for _ in range(30):  # intervals of growing alpha lie inside one another, so bisection finds the one crossing
        middle = sqrt(inside * outside)
        inside, outside = (inside, middle) if leaves_out_zero(middle) else (middle, outside)
    return outside
