"""Blinks: runs of closed frames, found ones held against true ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.contract.cues import Cues
from bench.extractor_error.lids import CLOSED, MARGIN, blink_figures, closed, matched, near_closed, runs
from bench.extractor_error.readings import Reading, Truth

MASKS = st.lists(st.booleans(), max_size=40).map(lambda bits: np.array(bits, bool))


@given(MASKS)
def test_runs_give_the_mask_back(mask):
    again = np.zeros(len(mask), bool)
    for first, last in runs(mask):
        assert not again[max(first - 1, 0) : last + 1].any()  # runs neither overlap nor touch
        again[first : last + 1] = True
    assert (again == mask).all()


@given(MASKS, MASKS)
def test_no_event_counts_twice(true, found):
    a, b = runs(true), runs(found)
    assert matched(a, b) <= min(len(a), len(b))
    assert matched(a, a) == len(a)


def test_a_blink_is_found_up_to_the_margin_and_not_beyond():
    assert matched([(10, 12)], [(12 + MARGIN, 20)]) == 1
    assert matched([(10, 12)], [(12 + MARGIN + 1, 20)]) == 0
    assert matched([(10, 12), (14, 15)], [(11, 14)]) == 1  # one found blink is not two


def test_frames_around_closed_eyes_are_near_them_and_faceless_ones_are_not_closed():
    cues = cues_of([0.3] * 5 + [0.1] + [0.3] * 5)
    assert np.flatnonzero(near_closed(cues)).tolist() == [3, 4, 5, 6, 7]
    gone = cues_of([0.1, np.nan, 0.3])
    assert closed(gone).tolist() == [True, False, False] and not closed(Cues.empty(3)).any()
    assert near_closed(cues_of([0.1])).tolist() == [True]


def test_precision_and_recall_are_what_they_are_called():
    blink = np.zeros(100)
    blink[[10, 30, 50, 70]] = 1
    seen = np.full(100, 0.3)
    seen[[10, 31, 90]] = 0.05  # two of four, and one that is none
    clip = reading(blink, seen)
    found = blink_figures([clip], "x")
    assert found["precision"].value == pytest.approx(2 / 3) and found["recall"].value == pytest.approx(1 / 2)
    assert found["F1"].value == pytest.approx(4 / 7)
    assert found["rate error"].value == pytest.approx(-1 / (100 / 25 / 60))


def test_nothing_found_has_no_precision_and_no_recall_at_all():
    blink = np.zeros(50)
    blink[20] = 1
    found = blink_figures([reading(blink, np.full(50, 0.3))], "x")
    assert np.isnan(found["precision"].value) and found["recall"].value == 0 == found["F1"].value


def test_no_error_seen_is_not_taken_for_no_error():
    blink = np.zeros(100)
    blink[[10, 30, 50, 70]] = 1
    found = blink_figures([reading(blink, np.where(blink, 0.05, 0.3))] * 3, "x")
    assert found["recall"].low == pytest.approx(stats.binomtest(12, 12).proportion_ci().low)
    assert found["recall"].low < found["F1"].low < 1 == found["F1"].value == found["F1"].high
    # of a Poisson process with that rate, nothing is seen in this time once in forty
    assert stats.poisson.cdf(0, found["rate error"].high * 300 / 25 / 60) == pytest.approx(0.025)


def test_the_persons_own_threshold_scales_with_the_person():
    narrow = np.full(60, CLOSED - 0.01)
    assert closed(cues_of(narrow)).all() and not closed(cues_of(narrow), relative=True).any()


def cues_of(openness) -> Cues:
    openness = np.asarray(openness, np.float32)
    empty = Cues.empty(len(openness))
    return Cues(
        empty.landmarks,
        empty.transform,
        empty.gaze,
        np.stack([openness] * 2, 1),
        empty.blendshapes,
        np.isfinite(openness),
    )


def reading(blink: np.ndarray, openness: np.ndarray) -> Reading:
    nothing = np.zeros((len(blink), 2))
    truth = Truth(nothing, nothing, nothing, nothing, nothing, blink)
    return Reading("A", truth, {"x": cues_of(openness)}, {})
