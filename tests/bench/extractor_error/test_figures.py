"""Intervals and errors over people, on numbers whose answer is known."""

import numpy as np
import pytest
from scipy import stats

from bench.extractor_error.figures import NOT_NEGATIVE, errors, line, of_people, over_people, spread_of


def test_the_interval_over_people_is_students(rng):
    values = rng.normal(3, 1, 9)
    figure = over_people(values)
    half = stats.t.isf(0.025, 8) * values.std(ddof=1) / 3
    assert (figure.value, figure.low, figure.high) == pytest.approx(
        (values.mean(), values.mean() - half, values.mean() + half)
    )
    assert figure.people == 9


def test_people_without_a_value_are_left_out_and_not_counted():
    with_gaps = over_people([1.0, np.nan, 2.0, 3.0])
    assert with_gaps == over_people([1.0, 2.0, 3.0]) and with_gaps.people == 3
    assert np.isnan(over_people([np.nan]).value) and over_people([np.nan]).text() == "-"


def test_two_people_give_a_value_without_an_interval():
    figure = over_people([1.0, 2.0])
    assert (figure.value, figure.low, figure.high, figure.text()) == (1.5, None, None, "1.50")


def test_the_jackknife_of_a_mean_is_students_interval(rng):
    values = rng.normal(0, 1, 7)
    assert of_people(lambda who: values[who].mean(), 7).low == pytest.approx(over_people(values).low)


def test_a_value_that_hangs_on_one_person_has_no_interval():
    figure = of_people(lambda who: 1.0 if 0 in who else float("nan"), 5)
    assert (figure.value, figure.low, figure.high) == (1.0, None, None)


def test_intervals_end_where_the_quantity_does():
    assert over_people([0.0, 0.0, 5.0], NOT_NEGATIVE).low == 0 < over_people([0.0, 0.0, 5.0], NOT_NEGATIVE).high
    assert over_people([0.0, 0.0, 5.0]).low < 0
    assert spread_of([1.0, 1.0, 1.0, 9.0]).low == 0


def test_a_line_gives_back_slope_and_offset_and_leaves_gaps_out(rng):
    truth = rng.uniform(-20, 20, 50)
    estimate = 0.8 * truth + 3
    estimate[7] = np.nan
    found = line(truth, estimate)
    assert (found.slope, found.offset, found.residual, found.r) == pytest.approx((0.8, 3, 0, 1), abs=1e-9)
    assert np.isnan(line(truth[:2], estimate[:2]).slope) and np.isnan(line(np.ones(9), np.arange(9.0)).r)


def test_a_persons_constant_is_spread_across_people_and_not_within(rng):
    truth = [rng.normal(0, 5, 400) for _ in range(30)]
    constants = rng.normal(0, 4, 30)
    estimate = [t + c + rng.normal(0, 2, 400) for t, c in zip(truth, constants, strict=True)]
    found = errors(truth, estimate)
    assert found["within"].value == pytest.approx(2, rel=0.03)
    assert found["across"].value == pytest.approx(constants.std(ddof=1), rel=0.03)
    assert found["mean"].value == pytest.approx(constants.mean(), abs=0.05)
    assert found["r within"].value > found["r pooled"].value


def test_the_truth_itself_has_no_error(rng):
    truth = [rng.normal(0, 5, 40) for _ in range(4)]
    found = errors(truth, truth)
    assert [found[c].value for c in ("mean", "within", "across", "r within", "r pooled")] == pytest.approx(
        [0, 0, 0, 1, 1]
    )


@pytest.fixture
def rng():
    return np.random.default_rng(3)
