"""A point of a response curve is the difference of what tables show, with the sign that a reader sees there."""

import pandas as pd
import pytest
from result_rows import write_row

from bench.calibration.responses import Rows, in_cue_space, on_the_same_clips, point, points, shown_value
from bench.contract.calibration import Point
from bench.contract.comparison import MetricComparison, Target
from bench.contract.metric import Family
from bench.contract.result import Interval, MetricValue, Result


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
    below = point(1.0, cell("match"), line("match", 2.0, 4.5, 2.0, 3.0, truth=5.0))
    above = point(1.0, cell("match"), line("match", 8.0, 5.5, 2.0, 3.0, truth=5.0))
    assert below.value == above.value == 3.0
    assert below.difference == above.difference == 2.5
    assert shown_value(cell("match", value=2.0, difference=-3.0)) == 3.0


def test_the_difference_is_the_centre_of_its_interval_a_mean_over_speakers():
    found = point(1.0, cell("lower"), line("lower", 0.3, 0.1, 0.2, 0.4))  # over clips it is 0.2
    assert found.difference == pytest.approx(0.3)
    assert point(1.0, cell("higher"), line("higher", 0.3, 0.1, -0.4, -0.2)).difference == pytest.approx(0.3)
    without = line("lower", 0.3, 0.1, None, None)
    assert point(1.0, cell("lower"), without).difference == pytest.approx(0.2)


def test_a_dose_that_leaves_fewer_clips_a_value_is_dropped_with_the_reason():
    few = [Point(dose=k, value=1.0, difference=0.0, n_clips=n, n_speakers=3) for k, n in ((1, 6), (2, 6), (3, 4))]
    kept = on_the_same_clips(few)
    assert kept[:2] == few[:2]
    assert (kept[2].value, kept[2].difference, kept[2].n_clips) == (None, None, 4)
    assert kept[2].reason == "a value on 4 clips, at the smallest dose on 6"
    nothing = Point(dose=1, value=None, reason="no-face")
    assert on_the_same_clips([nothing, *few[:2]]) == [nothing, *few[:2]]


def test_cues_that_went_through_no_codec_are_not_set_against_clips_that_did():
    found, base = in_cue_space(2.0, ["Pose-W1"])["Pose-W1"]
    assert (found.dose, found.value, found.reason, base) == (2.0, None, "cue-space-only", None)


def test_where_nothing_can_be_compared_each_column_keeps_its_reason(tmp_path):
    """Two rows whose only column has values on no common clip: the reason of the comparison stands in the point."""
    rows = [write_row(tmp_path / name, name, {"SSIM": 0.9}) for name in ("damaged", "base")]
    for keep, row in zip(("S1", "S2"), rows, strict=True):
        table = pd.read_parquet(row / "clips.parquet")
        table[(table["metric"] == "SSIM") & (table["speaker"] == keep)].to_parquet(row / "clips.parquet")
        result = Result.load(row / "result.json")
        result.model_copy(update={"metrics": [m for m in result.metrics if m.metric == "SSIM"]}).save(
            row / "result.json"
        )
    found, _ = points(Rows(1.0, *rows, tmp_path / "cache", 0))["SSIM"]
    assert found.value is None
    assert "nothing to compare" in found.reason


def test_a_row_without_a_value_says_why():
    assert point(1.0, cell("lower", reason="weights-missing"), None).reason == "weights-missing"
    without_truth = point(1.0, cell("match"), line("match", 2.0, 4.5, 1.0, 2.0))
    assert (without_truth.value, without_truth.difference) == (None, None)
