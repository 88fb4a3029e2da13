"""The votes of CREMA-D's raters: the table as published, and what is read from it."""

import hashlib
import tomllib
from importlib.resources import files

import numpy as np
import pytest

from bench.contract.seen import Labels
from metrics.emotion_human import ANSWERS, MODALITIES, agreed, human_accuracy, majority_agrees, votes

FOLDER = files("data_manifests") / "cremad"
CODES = dict(zip(("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"), ANSWERS, strict=True))
CLIPS = [line.split(",")[0] for line in (FOLDER / "votes.csv").read_text().splitlines()[1:]]


def label(clip_id, dataset="cremad"):
    return Labels(clip_id, dataset, clip_id[:4], CODES[clip_id.split("_")[2]], None)


def test_the_table_is_the_one_its_card_describes():
    card = tomllib.loads((FOLDER / "votes-card.toml").read_text())
    assert hashlib.sha256((FOLDER / "votes.csv").read_bytes()).hexdigest() == card["sha256"]
    assert len(CLIPS) == card["n_clips"] == 7442 and "Open Database License" in card["licence"]


def test_published_shares_of_single_votes_reference(tolerance):
    """40.0, 57.4 and 63.1 % of single votes name the emotion played; the single majority of 41.6, 66.3 and 72.2 % of clips does."""
    counts = np.stack([votes("cremad", name) for name in CLIPS])  # (N, 3, 6)
    places = np.array([ANSWERS.index(label(name).emotion) for name in CLIPS])
    right = np.take_along_axis(counts, places[:, None, None], 2)[..., 0].sum(0) / counts.sum((0, 2))
    wins = [[majority_agrees(row, label(name).emotion) for row in c] for name, c in zip(CLIPS, counts, strict=True)]
    tolerance("people, CREMA-D", "published shares", "single votes", np.abs(right - (0.400, 0.574, 0.631)).max(), 5e-4)
    tolerance(
        "people, CREMA-D",
        "published shares",
        "majorities",
        np.abs(np.mean(wins, 0) - (0.416, 0.663, 0.722)).max(),
        5e-4,
    )


def test_accuracy_is_the_mean_over_clips_of_the_raters_share():
    shares = [
        votes("cremad", name)[1, 0] / votes("cremad", name)[1].sum() for name in ("1001_DFA_ANG_XX", "1001_IEO_ANG_HI")
    ]
    found = human_accuracy([label("1001_DFA_ANG_XX"), label("1001_IEO_ANG_HI")])
    assert set(found) == set(MODALITIES) and found["face"] == pytest.approx(np.mean(shares))


def test_a_tie_is_no_majority():
    assert majority_agrees(np.array([5, 4, 0, 0, 0, 0]), "angry")
    assert not majority_agrees(np.array([5, 5, 0, 0, 0, 0]), "angry")
    assert not majority_agrees(np.array([4, 5, 0, 0, 0, 0]), "angry")


def test_other_datasets_have_no_raters():
    assert (
        votes("puppet-cremad", "1001_DFA_ANG_XX") is None and human_accuracy([label("1001_DFA_ANG_XX", "puppet")]) == {}
    )
    assert not agreed([label("1001_DFA_ANG_XX", "mead")]).any()
    assert votes("cremad", "9999_DFA_ANG_XX") is None
