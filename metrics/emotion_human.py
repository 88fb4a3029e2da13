"""How often people name the emotion that was played: CREMA-D's raters, per clip and modality."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from bench.contract.seen import Labels

DATASETS = ("cremad", "cremad-sample")
MODALITIES = ("voice", "face", "audio_visual")
SEEN_BY_A_JUDGE = "face"
"""The modality that a judge of pictures is compared with: raters who saw the face and heard nothing."""
ANSWERS = ("angry", "disgusted", "fear", "happy", "neutral", "sad")
"""The six counts of a row of votes.csv, by the names that emotions have here."""


@cache
def _table() -> dict[str, tuple[str, ...]]:
    text = (files("data_manifests") / "cremad" / "votes.csv").read_text(encoding="utf-8")
    return {row["clip_id"]: tuple(row[m] for m in MODALITIES) for row in csv.DictReader(text.splitlines())}


def votes(dataset: str, clip_id: str) -> np.ndarray | None:
    """Counts (3, 6) of single votes, rows as `MODALITIES`, columns as `ANSWERS`; None for a clip that nobody rated."""
    row = _table().get(clip_id) if dataset in DATASETS else None
    return None if row is None else np.array([[int(n) for n in cell.split(".")] for cell in row])


def majority_agrees(counts: np.ndarray, emotion: str) -> bool:
    """True if more raters of one modality (6,) named the emotion played than any other one."""
    intended = ANSWERS.index(emotion)
    others = np.delete(counts, intended)
    return bool(counts[intended] > others.max())


def human_accuracy(clips: Sequence[Labels]) -> dict[str, float]:
    """Mean over clips of the share of raters who named the emotion played, for each modality; empty if nobody rated them.

    Clips without votes are left out of the mean.
    """
    known = [(votes(c.dataset, c.clip_id), c.emotion) for c in clips if c.emotion in ANSWERS]
    rated = [(counts, ANSWERS.index(emotion)) for counts, emotion in known if counts is not None]
    if not rated:
        return {}
    shares = np.array([counts[:, place] / counts.sum(1) for counts, place in rated])
    return dict(zip(MODALITIES, shares.mean(0).tolist(), strict=True))


def agreed(clips: Sequence[Labels]) -> np.ndarray:
    """(N,) bool: clips of which the raters who saw the face alone had a single majority, for the emotion played."""
    mask = np.zeros(len(clips), bool)
    for place, clip in enumerate(clips):
        found = votes(clip.dataset, clip.clip_id)
        if found is not None and clip.emotion in ANSWERS:
            mask[place] = majority_agrees(found[MODALITIES.index(SEEN_BY_A_JUDGE)], clip.emotion)
    return mask
