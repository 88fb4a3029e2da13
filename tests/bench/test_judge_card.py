"""The page of the judges: its figures from answers made by hand, and that nothing in it is missing."""

from types import SimpleNamespace

import numpy as np
import pytest

from bench.contract.clip import EMOTIONS
from bench.judge_card import WHOLE, _agreement, _figures
from bench.judge_page import page


def answer(*emotions):
    table = np.full((3, 8), 0.01, np.float32)
    table[range(3), [EMOTIONS.index(e) for e in emotions]] = 0.9
    return table


def clips(count=16):
    return [
        SimpleNamespace(clip_id=f"c{n}", speaker=f"s{n % 4}", emotion=EMOTIONS[n % 8], level=1 + n % 3)
        for n in range(count)
    ]


def test_figures_of_answers_that_are_half_right():
    found = _figures([(c, answer(c.emotion, c.emotion, "sad")) for c in clips()])
    assert found["accuracy_by_seed"] == [1.0, 1.0, 1 / 8]
    assert found["accuracy"] == pytest.approx((1 + 1 + 1 / 8) / 3)
    assert found["accuracy_by_emotion"]["sad"] == 1.0 and found["accuracy_by_emotion"]["fear"] == pytest.approx(2 / 3)
    low, high = found["accuracy_interval"]
    assert low < found["accuracy"] < high
    assert np.allclose(np.sum(found["confusion"], 1), 100)


def test_neutral_is_no_level():
    found = _figures([(c, answer(*["sad"] * 3)) for c in clips() if c.emotion in ("sad", "neutral")])
    assert set(found["accuracy_by_level"].values()) <= {None, 1.0}  # neutral, never right here, would pull them down
    assert found["accuracy"] == 0.5


def test_agreement_counts_clips_that_both_have_answered():
    asked = {
        c.clip_id: {"frames": {WHOLE: answer(*[c.emotion] * 3)}, "geometry": {WHOLE: answer(*[c.emotion] * 3)}}
        for c in clips()
    }
    asked["c0"]["geometry"] = {}
    assert _agreement(asked) == {"same_answer": 1.0, "kappa": 1.0}


def test_the_page_has_every_part():
    figures = _figures([(c, answer(*[c.emotion] * 3)) for c in clips()])
    measured = {
        "accuracy": 0.8,
        "macro_f1": 0.7,
        "accuracy_by_level": {"1": 0.5},
        "probes": {"mouth hidden": 0.4},
        "weights": 5,
    }
    cards = {
        name: {"measured": measured, "recipe": f"emotalk train --metric {name[:-2]}", "best_step": 9, "sha256": "abc"}
        for name in ("judge-0", "judge-geometry-0")
    }
    text = page(
        {
            "judges": {"frames": {WHOLE: figures, "mouth hidden": figures}, "geometry": {WHOLE: figures}},
            "agreement": {"same_answer": 0.9, "kappa": 0.8},
            "n_clips": 16,
            "speakers": 4,
            "command": "python -m bench.judge_card",
            "part": "test",
            "dataset": "puppet bench",
            "data_version": "2",
            "cards": cards,
        }
    )
    wanted = (
        "| Frame judge | 100.0 (100.0-100.0) |",
        "mouth hidden | 16 |",
        "kappa is\n0.80",
        "--metric judge-geometry",
        "| judge-0 |",
    )
    assert [words for words in wanted if words not in text] == []
    assert text.count("## ") == 6 and "None" not in text and "nan" not in text
