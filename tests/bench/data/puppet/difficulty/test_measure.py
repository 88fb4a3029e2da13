"""The full probe: how hard the dataset is, on rendered and read clips. Run with `pytest -m slow -s` to see the figures."""

import os
from pathlib import Path

import pytest

from bench.data.puppet.difficulty.measure import BANDS, STRANGERS, measure
from bench.data.puppet.difficulty.page import page, summary

CACHE = Path(__file__).parents[5] / "work" / "cache" / "difficulty"


@pytest.fixture(scope="module")
def figures(face_weights):
    """Kept in the checkout's work folder: a second run judges only."""
    return measure(18, 1, 6, seed=0, jobs=os.cpu_count() or 1, cache=CACHE)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_dataset_is_neither_plain_nor_hidden(figures):
    print("\n" + summary(figures))
    missed = [name for name, *_, met in figures.targets() if not met]
    assert not missed
    assert figures.found > 0.99


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_levels_matter_and_cues_add_up(figures):
    for name, row in figures.judges.items():
        first, second, third = (row.accuracy[n][0] for n in "123")
        assert third > first, name
        assert second > first - 0.03, name
    together = figures.judges["expression, gaze, pose, blinks"].accuracy["all"][0]
    assert together > max(figures.judges[name].accuracy["all"][0] for name in ("expression", "gaze", "pose", "blinks"))


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_voices_are_distinct_and_gaze_has_several_modes(figures):
    assert figures.voices.every > 0.95
    assert figures.voices.same_sex_other_emotion > 0.90
    assert all(len(own) >= 2 for own in figures.modes.values()), figures.modes


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_blinks_come_as_often_as_peoples_and_most_in_fear(figures):
    rates = {emotion: rate.per_minute for emotion, rate in figures.blinks.items()}
    assert all(6 < rate < 45 for rate in rates.values()), rates
    assert rates["fear"] > 1.4 * rates["angry"]


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_matcher_sees_nothing_where_nothing_is_shared(figures):
    assert abs(figures.cohesion[STRANGERS].auc - 0.5) < 0.15


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_codec_does_not_change_the_verdict(figures):
    assert abs(figures.codec.rendered - figures.codec.decoded) < 0.06
    assert figures.codec.agreement > 0.85


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_page_shows_every_target_and_every_judge(figures):
    text = page(figures)
    for name in (*(band[0] for band in BANDS), *figures.judges, *figures.nuisances, *figures.cohesion):
        assert name in text
