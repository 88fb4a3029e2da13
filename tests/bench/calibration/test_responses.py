"""A point of a response curve is the difference of what tables show, with the sign that a reader sees there."""

import pytest

from bench.calibration.responses import point, shown_value
from bench.contract.comparison import MetricComparison, Target
from bench.contract.metric import Family
from bench.contract.result import Interval, MetricValue


def line(direction, value, other, low, high, truth=None):
    """The comparison of a damaged row with the undamaged one; low and high of the difference of badness."""
    interval = Interval(target="new-speakers", low=low, high=high, method="t")
    return MetricComparison(
        metric="x", family=Family.IMAGE, primary=False, kind="clip", direction=direction, unit="1", value=value, other=other,
        truth=truth, n_clips=12, n_speakers=12, targets={"new-speakers": Target(interval=interval, verdict="worse")},
    )  # fmt: skip


def cell(direction, value=None, difference=None, reason=None):
    return MetricValue(metric="x", direction=direction, unit="1", definition="x", version="1", value=value, reason=reason,
                       n_clips=12, n_speakers=12, n_frames=1, n_expected=12, coverage=1, difference=difference)  # fmt: skip


def test_a_fall_of_a_column_that_should_be_high_is_negative_though_badness_rose():
    found = point(1.0, cell("higher"), line("higher", 0.8, 0.9, 0.05, 0.15))
    assert found.difference == pytest.approx(-0.1)
    assert (found.low, found.high) == (-0.15, -0.05)
    assert -0.15 < found.low90 < found.high90 < -0.05


def test_where_low_is_good_a_rise_is_positive():
    found = point(1.0, cell("lower"), line("lower", 0.3, 0.1, 0.1, 0.3))
    assert (found.difference, found.low, found.high) == (pytest.approx(0.2), 0.1, 0.3)


def test_of_a_column_that_should_match_the_distance_to_the_truth_counts_on_either_side():
    below = point(1.0, cell("match"), line("match", 2.0, 4.5, 1.0, 2.0, truth=5.0))
    above = point(1.0, cell("match"), line("match", 8.0, 5.5, 1.0, 2.0, truth=5.0))
    assert below.value == above.value == 3.0
    assert below.difference == above.difference == 2.5
    assert shown_value(cell("match", value=2.0, difference=-3.0)) == 3.0


def test_a_row_without_a_value_says_why():
    assert point(1.0, cell("lower", reason="weights-missing"), None).reason == "weights-missing"
    without_truth = point(1.0, cell("match"), line("match", 2.0, 4.5, 1.0, 2.0))
    assert (without_truth.value, without_truth.difference) == (None, None)
