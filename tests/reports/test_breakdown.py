"""Each metric by emotion and level, as the page shows it."""

import pytest

from bench.contract.result import GroupValue, Interval
from reports.breakdown import DARKEST, breakdowns
from reports.load import Loaded
from reports.table import tables


def group(metric, name, value, by="emotion", n=3, **changes):
    low_high = {} if value is None else {"low": value - 0.1, "high": value + 0.1}
    interval = Interval(target="new-speakers", method="t", **low_high)
    fields = {"metric": metric, "by": by, "group": name, "value": value, "interval": interval,
              "n_clips": n, "n_speakers": n, "n_expected": n}  # fmt: skip
    return GroupValue(**(fields | changes))


@pytest.fixture
def shown(make, tmp_path):
    """shown(metric, row={group: value}): {row label: {group: Shade}} of the one table by emotion."""
    make_result, metric_value, _ = make

    def build(metric, rows):
        results = [
            Loaded(make_result(name, [metric_value(metric, 1.0)], breakdown=list(groups)), tmp_path)
            for name, groups in rows.items()
        ]
        [table] = tables(results)
        [found] = breakdowns(table)
        return {r.label: dict(zip([p.label for p in found.parts], cells, strict=True)) for r, cells in found.rows}

    return build


def test_the_worst_value_is_darkest_and_the_ground_truth_does_not_set_the_scale(shown):
    rows = {
        "gt": [group("PSNR", "happy", 101.0), group("PSNR", "sad", 101.0)],
        "a": [group("PSNR", "happy", 30.0), group("PSNR", "sad", 20.0)],
        "b": [group("PSNR", "happy", 25.0), group("PSNR", "sad", 28.0)],
    }
    found = shown("PSNR", rows)
    assert (found["a"]["happy"].shade, found["a"]["sad"].shade) == (0, DARKEST)
    assert 0 < found["b"]["happy"].shade < DARKEST
    assert found["gt"]["happy"].shade == 0


def test_under_match_the_distance_to_the_ground_truth_of_the_same_group_counts(shown):
    rows = {
        "gt": [group("SX-C", "happy", 6.0), group("SX-C", "sad", 4.0)],
        "a": [group("SX-C", "happy", 7.0), group("SX-C", "sad", 4.5)],
        "b": [group("SX-C", "happy", 3.0), group("SX-C", "sad", 4.0)],
    }
    found = shown("SX-C", rows)
    assert found["b"]["happy"].shade == DARKEST and found["b"]["sad"].shade == 0
    assert found["b"]["happy"].text.startswith("−3.0") and "(3.0" in found["b"]["happy"].text


def test_a_group_without_value_or_interval_says_why(shown):
    none = Interval(target="new-speakers", method="t", reason="2 speakers, 3 are needed")
    rows = {"a": [group("SSIM", "happy", 0.5, interval=none), group("SSIM", "sad", None, reason="weights-missing", n_clips=0)],
            "b": [group("SSIM", "happy", 0.6)]}  # fmt: skip
    found = shown("SSIM", rows)
    assert found["a"]["happy"].interval is None and "2 speakers, 3 are needed" in found["a"]["happy"].title
    assert found["a"]["sad"].text == "—" and "weights are missing" in found["a"]["sad"].title
    assert found["b"]["sad"].text == "n/a"


def test_counts_that_differ_from_the_columns_and_substitutes_are_remarked(shown):
    rows = {"a": [group("SSIM", "happy", 0.5)], "b": [group("SSIM", "happy", 0.6)],
            "c": [group("SSIM", "happy", 0.4, n_clips=2, n_speakers=2, n_substituted=1)]}  # fmt: skip
    found = shown("SSIM", rows)
    assert found["a"]["happy"].remark == ""
    assert found["c"]["happy"].remark == "2 clips, 2 speakers, of 3, 1 static"


def test_emotions_stand_before_levels(shown):
    rows = {
        "a": [group("SSIM", "1", 0.5, by="level"), group("SSIM", "happy", 0.5), group("SSIM", "none", 0.5, by="level")]
    }
    assert list(shown("SSIM", rows)["a"]) == ["happy", "level 1", "no level"]


def test_results_without_a_breakdown_have_none(make, tmp_path):
    [table] = tables([Loaded(make[0]("a"), tmp_path)])
    assert breakdowns(table) == []


def test_under_match_the_re_encoded_truth_stands_in_for_a_missing_one_as_in_the_table(shown):
    rows = {"gt-reencoded": [group("SX-C", "happy", 6.0)], "a": [group("SX-C", "happy", 7.0)]}
    assert shown("SX-C", rows)["a"]["happy"].text.startswith("+1.0")


def test_why_a_group_has_no_value_is_said_without_pointing_at_it(make, tmp_path):
    make_result, metric_value, _ = make
    groups = [group("SSIM", "happy", 0.5), group("SSIM", "sad", None, reason="missing-output", n_clips=0)]
    [table] = tables([Loaded(make_result("a", [metric_value("SSIM", 0.5)], breakdown=groups), tmp_path)])
    [found] = breakdowns(table)
    assert found.without == ["the method gave no output"]
