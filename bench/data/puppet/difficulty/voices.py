"""Are the voices distinct? Sounds of one speaker lie nearer to each other than to other people's, whatever is said and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.data.puppet.difficulty.clips import Seen, Spot
from bench.data.puppet.difficulty.judge import auc, folds
from bench.data.puppet.difficulty.nuisance import numbered
from bench.data.puppet.difficulty.sound import cepstra, pitch, spectrum


@dataclass(frozen=True)
class Verification:
    """AUC of pairs of clips of one speaker against pairs of two: of all, of one sex, and of one sex in two emotions."""

    every: float
    same_sex: float
    same_sex_other_emotion: float
    pairs: int


def timbre(samples: np.ndarray) -> np.ndarray:
    """Mean and spread of the mel cepstra of the loud windows, and the median pitch: (27,) of 16 kHz sound."""
    bands, level = spectrum(samples)
    shape = cepstra(bands)[level > level.max() - 25.0]
    high, periodic = pitch(samples)
    voiced = periodic > 0.7
    return np.r_[shape.mean(0), shape.std(0), np.median(high[voiced]) if voiced.any() else np.median(high)]


def verified(wanted: Sequence[Spot], seen: Sequence[Seen]) -> Verification:
    """Pairs of clips with different sentences, distances whitened by how OTHER speakers' clips scatter about their mean."""
    emotion, _, speaker = numbered(wanted)
    x = np.stack([timbre(s.sound) for s in seen])
    take = np.array([s.take for s in wanted])
    sex = np.array([s.speaker[0] for s in wanted])
    distance, same, one_sex, moved = [], [], [], []
    for f in np.unique(fold := folds(speaker, 3)):
        out = fold == f
        rest = np.concatenate([x[speaker == s] - x[speaker == s].mean(0) for s in np.unique(speaker[~out])])
        white = np.linalg.cholesky(np.linalg.inv(np.cov(rest.T) + 1e-3 * np.diag(np.var(x, axis=0))))
        z = x[out] @ white
        first, second = np.triu_indices(len(z), 1)
        keep = take[out][first] != take[out][second]
        first, second = first[keep], second[keep]
        distance.append(np.linalg.norm(z[first] - z[second], axis=1))
        same.append(speaker[out][first] == speaker[out][second])
        one_sex.append(sex[out][first] == sex[out][second])
        moved.append(emotion[out][first] != emotion[out][second])
    d, s, o, m = (np.concatenate(part) for part in (distance, same, one_sex, moved))
    return Verification(
        every=float(auc(s, -d)),
        same_sex=float(auc(s[o], -d[o])),
        same_sex_other_emotion=float(auc(s[o & m], -d[o & m])),
        pairs=len(d),
    )
