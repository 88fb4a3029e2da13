"""Small judges of emotion, tested on speakers that they have not seen; accuracy with intervals, and chance by permutation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FOLDS = 9
PERMUTATIONS = 400
LEAST_SHRINKAGE = 1e-6
POWER_80 = 0.8416
"""Standard deviations by which a normal variable exceeds a bound four times in five."""


@dataclass(frozen=True)
class Verdict:
    """What a judge said of n clips: emotion (n,) and said (n,) as class numbers, level (n,), speaker (n,) as numbers."""

    emotion: np.ndarray
    said: np.ndarray
    level: np.ndarray
    speaker: np.ndarray

    def accuracy(self, keep: np.ndarray | None = None) -> tuple[float, float, float]:
        """Share right over the clips `keep` (all), and its 95 % interval over speakers (Student t on speaker means)."""
        from scipy.stats import t

        keep = np.ones(len(self.said), bool) if keep is None else keep
        right = self.said == self.emotion
        means = np.array([right[keep & (self.speaker == s)].mean() for s in np.unique(self.speaker[keep])])
        half = t.ppf(0.975, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means))
        return float(right[keep].mean()), float(means.mean() - half), float(means.mean() + half)

    def confusion(self, keep: np.ndarray | None = None) -> np.ndarray:
        """Clips (K, K): row the emotion shown, column the emotion said."""
        keep = np.ones(len(self.said), bool) if keep is None else keep
        count = int(max(self.emotion.max(), self.said.max())) + 1
        counts = np.zeros((count, count), int)
        np.add.at(counts, (self.emotion[keep], self.said[keep]), 1)
        return counts

    def macro_f1(self, keep: np.ndarray | None = None) -> float:
        """Mean over emotions of F1."""
        counts = self.confusion(keep)
        hit = np.diag(counts)
        shown = counts.sum(1) > 0
        return float((2 * hit / np.maximum(counts.sum(0) + counts.sum(1), 1))[shown].mean())


def folds(speaker: np.ndarray, count: int = FOLDS) -> np.ndarray:
    """Fold (n,) of each clip: speakers apart, men and women (speakers in turn) in every fold."""
    return speaker // 2 % min(count, max(2, (int(speaker.max()) + 1) // 2))


def judged(x: np.ndarray, emotion: np.ndarray, level: np.ndarray, speaker: np.ndarray) -> Verdict:
    """Linear discriminant analysis with Ledoit-Wolf shrinkage on standardised numbers x (n, d), speakers apart.

    The levels of one emotion train as one class; classes weigh the same.
    """
    said = scores(x, emotion, folds(speaker)).argmax(1)
    return Verdict(emotion, said, level, speaker)


def scores(x: np.ndarray, y: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Discriminant scores (n, K) of every clip for every class, by a judge trained on the other folds.

    Numbers x (n, d) are standardised by the training clips and cut at 6 spreads; the covariance within classes y (n,) is
    shrunk after Ledoit and Wolf (2004); classes weigh the same.
    """
    found = np.zeros((len(y), int(y.max()) + 1))
    one = np.eye(found.shape[1])[y]
    for f in np.unique(fold):
        out = fold == f
        mean, spread = x[~out].mean(0), x[~out].std(0) + 1e-9
        seen, unseen = (x[~out] - mean) / spread, ((x[out] - mean) / spread).clip(-6, 6)
        centres = (one[~out].T @ seen) / np.maximum(one[~out].sum(0), 1)[:, None]
        weight = np.linalg.solve(shrunk_covariance(seen - centres[y[~out]]), centres.T)
        found[out] = unseen @ weight - 0.5 * (centres.T * weight).sum(0)
    return np.round(found, 9)  # classes that only rounding tells apart are equal


def shrunk_covariance(rest: np.ndarray) -> np.ndarray:
    """Covariance (d, d) of rows without mean (n, d), drawn towards a multiple of the identity (Ledoit and Wolf 2004, lemma 3.2-3.4)."""
    n, d = rest.shape
    sample = rest.T @ rest / n
    middle = np.trace(sample) / d
    away = np.sum(sample**2) - d * middle**2
    scatter = (np.sum(np.sum(rest**2, axis=1) ** 2) / n - np.sum(sample**2)) / n
    # rows of one direction and length, two speakers' backgrounds, ask for no shrinkage and have no inverse
    share = 1.0 if away <= 0 else float(np.clip(scatter / away, LEAST_SHRINKAGE, 1.0))
    return (1 - share) * sample + share * max(middle, 1e-9) * np.eye(d)


def auc(truth: np.ndarray, score: np.ndarray) -> float:
    """Share of (true, false) pairs in which the true one has the larger score; ties count half."""
    from scipy.stats import rankdata

    hit = np.asarray(truth).astype(bool)
    return float((rankdata(score)[hit].sum() - hit.sum() * (hit.sum() + 1) / 2) / (hit.sum() * (~hit).sum()))


@dataclass(frozen=True)
class Chance:
    """Accuracy of a judge of a nuisance (mean over emotions), mean and 95 % point of the same with emotions permuted, and p.

    p is one-sided. p_means is that of the largest one-way F between the emotions' means: it finds smaller leaks than a judge
    does. seen: the rise of the judge's accuracy over chance that p < 0.05 finds four times in five, from the spread of the
    permuted accuracies (normal approximation); 0 where nothing varies within a speaker.
    """

    accuracy: float
    null: float
    null_95: float
    p: float
    p_means: float
    seen: float


def against_chance(x: np.ndarray, emotion: np.ndarray, speaker: np.ndarray, seed: int = 0) -> Chance:
    """Can the emotion be read from x (n, d)? Emotions are permuted within each speaker, 400 times.

    The judge is that of `judged`; numbers are also taken relative to the speaker's own mean, so that a nuisance that differs
    between people hides nothing.
    """
    rng = np.random.default_rng([seed, 0xC4A2CE])
    people = np.unique(speaker)
    own = np.stack([x[speaker == s].mean(0) for s in people])[np.searchsorted(people, speaker)]
    x = np.concatenate([x, x - own], axis=1)
    x = np.where(x.std(0) > 1e-9 * (1 + np.abs(x.mean(0))), x, 0.0)  # rounding of a constant is no signal
    fold = folds(speaker)
    right, apart = _share(x, emotion, fold), _largest_f(x, emotion)
    null = np.zeros((PERMUTATIONS, 2))
    for i in range(PERMUTATIONS):
        shuffled = emotion.copy()
        for s in people:
            rows = np.flatnonzero(speaker == s)
            shuffled[rows] = emotion[rng.permutation(rows)]
        null[i] = _share(x, shuffled, fold), _largest_f(x, shuffled)
    reached = (null >= np.array([right, apart]) - 1e-9).sum(0)
    p, p_means = (1 + reached) / (1 + PERMUTATIONS)
    middle, high = float(null[:, 0].mean()), float(np.percentile(null[:, 0], 95))
    seen = high - middle + POWER_80 * float(null[:, 0].std())
    return Chance(right, middle, high, float(p), float(p_means), seen)


def _share(x: np.ndarray, y: np.ndarray, fold: np.ndarray) -> float:
    """Mean over emotions of the share said right: an emotion with few clips counts as much as the others."""
    right = scores(x, y, fold).argmax(1) == y
    return float(np.mean([right[y == k].mean() for k in np.unique(y)]))


def _largest_f(x: np.ndarray, y: np.ndarray) -> float:
    """The largest one-way F of the columns of x (n, d) between classes y (n,); 0 for constant columns."""
    one = np.eye(int(y.max()) + 1)[y]
    count = np.maximum(one.sum(0), 1)[:, None]
    between = np.sum((one.T @ x - count * x.mean(0)) ** 2 / count, axis=0)
    within = np.sum((x - x.mean(0)) ** 2, axis=0) - between
    scale = (len(x) - one.shape[1]) / (one.shape[1] - 1)
    return float(np.max(np.where(within > 1e-12 * (1 + between), scale * between / np.maximum(within, 1e-300), 0.0)))
