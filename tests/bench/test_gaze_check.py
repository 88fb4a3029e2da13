"""The check of the gaze metrics: exact cues have no error, every true saccade is found, alterations reach the metrics."""

from pathlib import Path

import numpy as np
import pytest
from gaze_sets import EMOTIONS, clip

from bench.contract.clip import Clip, Part
from bench.contract.geometry import pose_of
from bench.gaze_check.choices import map_errors, null_check, saccade_quality
from bench.gaze_check.clips import Read, as_true
from bench.gaze_check.estimators import true_movements
from bench.gaze_check.sight import ALTERED, sight_of_metrics
from metrics.gaze import GazeJS
from metrics.gaze_transitions import GazeTransitions


@pytest.fixture(scope="module")
def exact() -> list[Read]:
    """Clips whose estimates are the truth."""
    rng, found = np.random.default_rng(0), []
    for speaker in ("S0", "S1"):
        for emotion in EMOTIONS:
            for n in range(2):
                cues = clip(rng, spread=12.0)
                about = Clip(f"{speaker}_{emotion}_{n}", "invented", speaker, emotion, 1, None, Part.VALIDATION, True,
                             Path(), len(cues), "", (), (256, 256))  # fmt: skip
                found.append(Read(about, cues, cues.gaze.astype(float), pose_of(cues.transform)))
    return found


def test_exact_cues_have_no_error_and_all_saccades_are_found(exact):
    for _, (yaw, _, reach, pitch, *_) in map_errors(exact):
        assert (yaw, pitch) == ("0.00", "0.00") and float(reach) > 5
    ((_, (_, precision, recall, *_)), _) = saccade_quality(exact)[::-1]
    assert recall == "1.00" and float(precision) > 0.95
    (_, true), (_, estimated) = true_movements(exact)
    assert true == estimated


def test_the_truth_takes_the_place_of_the_estimate(exact):
    one = exact[0]
    assert as_true(one).gaze == pytest.approx(one.gaze, abs=1e-5)
    assert pose_of(as_true(one).transform) == pytest.approx(one.pose, abs=1e-3)


def test_every_alteration_has_a_line_and_nothing_done_is_nothing_seen(exact, monkeypatch):
    monkeypatch.setattr("bench.gaze_check.sight.METRICS", (GazeJS, GazeTransitions))
    rows = dict(sight_of_metrics(exact))
    assert list(rows)[: len(ALTERED)] == list(ALTERED)
    assert all(len(cells) == 2 for cells in rows.values())
    assert rows["unaltered"] == ["0.000 (p 1.000)"] * 2
    assert float(rows["half as far"][0].split()[0]) > 0.05


def test_the_null_is_checked_at_every_size(exact, monkeypatch):
    monkeypatch.setattr("bench.gaze_check.choices.DRAWS", 3)
    monkeypatch.setattr("bench.gaze_check.choices.NULL_SIZES", ((2, 1),))
    ((label, (raw, *_)),) = null_check(exact)
    assert label == "2 x 1" and float(raw) > 0.02
