"""Intervals and comparisons: right on average, refused where nothing can be said, the same for every order of rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.contract.metric import Direction
from bench.contract.result import Interval, MetricValue
from metrics.interval_coverage import new_speakers_coverage, simulate, these_speakers_coverage
from metrics.psnr import PSNR
from metrics.resampling import bootstrap_means, degrees_of_freedom, strata
from metrics.statistics import (
    compare,
    holm,
    jackknife_new_speakers,
    new_speakers,
    reading,
    these_speakers,
)
from metrics.summary import summarise


def row(seed: int = 0, speakers: int = 4, emotions: int = 3, per_cell: int = 3):
    return simulate(np.random.default_rng(seed), "normal", speakers, emotions, per_cell)


def table(values, speakers, emotions, status="ok", reason=None, n_frames=50) -> pd.DataFrame:
    """Per-clip rows of one metric with the types of clips.parquet."""
    count = len(values)
    data = {
        "clip_id": [f"c{i:04d}" for i in range(count)],
        "speaker": speakers,
        "emotion": emotions,
        "value": values,
        "status": [status] * count if isinstance(status, str) else status,
        "reason": [reason] * count if not isinstance(reason, list) else reason,
        "n_frames": n_frames,
    }
    types = {"value": "float64", "n_frames": "Int64"}
    return pd.DataFrame(data).astype({column: types.get(column, "string") for column in data})


# --- these speakers


def test_a_stratified_bootstrap_has_the_unbiased_variance_in_cells_of_any_size():
    rng = np.random.default_rng(0)
    for per_cell in (2, 3, 10):
        simulated = row(seed=per_cell, per_cell=per_cell)
        split = strata(simulated.speakers, simulated.emotions)
        draws = bootstrap_means(simulated.values, split, 20_000, rng)
        cells = simulated.values.reshape(-1, per_cell)
        expected = (cells.var(axis=1, ddof=1) / per_cell).sum() / len(cells) ** 2
        assert draws.var() == pytest.approx(expected, rel=0.06)
        assert draws.mean() == pytest.approx(simulated.values.mean(), abs=5 * np.sqrt(expected / 20_000))


def test_a_seed_draws_what_its_generator_draws_for_one_metric_after_another():
    for per_cell, seed in ((2, 7), (3, 7), (3, 7), (300, 7), (3, 8)):
        simulated = row(seed=per_cell, per_cell=per_cell)
        split = strata(simulated.speakers, simulated.emotions)
        by_generator = bootstrap_means(simulated.values, split, 60, np.random.default_rng(seed))
        assert np.array_equal(bootstrap_means(simulated.values, split, 60, seed), by_generator)
        assert np.array_equal(bootstrap_means(-simulated.values, split, 60, seed), -by_generator)


def test_differences_between_speakers_and_emotions_do_not_widen_it():
    simulated = row()
    shift = 100.0 * np.unique(simulated.speakers, return_inverse=True)[1]
    plain = these_speakers(simulated.values, simulated.speakers, simulated.emotions, seed=1)
    shifted = these_speakers(simulated.values + shift, simulated.speakers, simulated.emotions, seed=1)
    assert shifted.high - shifted.low == pytest.approx(plain.high - plain.low, rel=1e-9)


def test_many_clips_agree_with_the_textbook_interval():
    simulated = row(speakers=2, emotions=1, per_cell=400)
    interval = these_speakers(simulated.values, simulated.speakers, simulated.emotions, seed=0, replicates=8000)
    cells = simulated.values.reshape(2, 400)
    half = 1.96 * np.sqrt((cells.var(axis=1, ddof=1) / 400).sum() / 4)
    centre = simulated.values.mean()
    assert (interval.low, interval.high) == pytest.approx((centre - half, centre + half), abs=0.06 * half)


def test_one_clip_per_cell_has_no_interval_rather_than_one_of_no_width():
    simulated = row(per_cell=1)
    interval = these_speakers(simulated.values, simulated.speakers, simulated.emotions, seed=0)
    assert (interval.low, interval.high) == (None, None)
    assert interval.reason == "one clip per speaker and emotion"


def test_too_few_repeated_clips_have_no_interval():
    four = row(speakers=2, emotions=2, per_cell=2)
    interval = these_speakers(four.values, four.speakers, four.emotions, seed=0)
    assert interval.low is None and interval.reason == "4 clips repeat a speaker and emotion, 5 are needed"
    six = row(speakers=1, emotions=1, per_cell=6)
    assert these_speakers(six.values, six.speakers, six.emotions, seed=0).low is not None


def test_single_clips_are_collapsed_named_and_never_narrow_the_interval():
    full = row(speakers=4, emotions=8, per_cell=2)
    cell = np.arange(64) // 2
    keep = (np.arange(64) % 2 == 0) | (cell % 2 == 0)  # every other cell keeps one clip
    mixed = full[keep]
    split = strata(mixed.speakers, mixed.emotions)
    assert split.merged == 16
    assert sorted(np.concatenate(split.members).tolist()) == list(range(48))
    assert min(map(len, split.members)) >= 2
    interval = these_speakers(mixed.values, mixed.speakers, mixed.emotions, seed=0)
    whole = these_speakers(full.values, full.speakers, full.emotions, seed=0)
    assert interval.high - interval.low > whole.high - whole.low
    assert "16 cells of one clip collapsed" in interval.method


def test_a_lone_clip_finds_a_stratum_of_its_own_speaker_first():
    speakers = np.array(["A", "A", "A", "A", "B", "B", "C", "D"])
    emotions = np.array(["x", "x", "x", "y", "x", "x", "x", "x"])
    split = strata(speakers, emotions)
    assert sorted(sorted(members.tolist()) for members in split.members) == [[0, 1, 2, 3], [4, 5], [6, 7]]
    last = strata(speakers[:7], emotions[:7])
    assert sorted(sorted(members.tolist()) for members in last.members) == [[0, 1, 2, 3], [4, 5, 6]]


def test_degrees_of_freedom_are_those_of_equal_cells_on_average():
    rng = np.random.default_rng(0)
    speakers, emotions = np.repeat(["A", "B", "C", "D"], 5), np.array(["x"] * 20)
    split = strata(speakers, emotions)
    found = [degrees_of_freedom(rng.normal(size=20), split) for _ in range(300)]
    assert max(found) <= 16.0 and 13.0 < np.mean(found) < 16.0
    one = np.concatenate([rng.normal(size=5), np.zeros(15)])
    assert degrees_of_freedom(one, split) == pytest.approx(4.0)
    assert degrees_of_freedom(np.zeros(20), split) == 16.0


# --- new speakers


def test_new_speakers_is_the_t_interval_of_speaker_means():
    simulated = row(speakers=6)
    means = [simulated.values[simulated.speakers == name].mean() for name in np.unique(simulated.speakers)]
    expected = stats.ttest_1samp(means, 0.0).confidence_interval(0.95)
    interval = new_speakers(simulated.values, simulated.speakers)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), rel=1e-10)
    assert interval.method == "Student t on 6 speaker means, df 5"


def test_an_interval_around_another_centre_says_so():
    values, speakers = np.array([1.0, 1.0, 1.0, 2.0, 4.0]), np.array(["A", "A", "A", "B", "C"])
    interval = new_speakers(values, speakers)
    assert (interval.low + interval.high) / 2 == pytest.approx(7 / 3)
    assert "centre 2.33333 (mean over speakers)" in interval.method


@pytest.mark.parametrize(("count", "word"), [(1, "1 speaker, 3 are needed"), (2, "2 speakers, 3 are needed")])
def test_under_three_speakers_there_is_no_interval(count, word):
    simulated = row(speakers=count)
    for interval in (
        new_speakers(simulated.values, simulated.speakers),
        jackknife_new_speakers(lambda mask: 1.0, simulated.speakers).interval,
    ):
        assert interval.low is None and interval.high is None and interval.reason == word


def test_more_clips_of_the_same_speakers_do_not_make_new_speakers_certain():
    speaker = np.repeat(np.random.default_rng(0).normal(0, 1, 5), 200)
    names = np.repeat(list("ABCDE"), 200)
    values = speaker + np.random.default_rng(1).normal(0, 0.1, 1000)
    interval = new_speakers(values, names)
    assert interval.high - interval.low > 1.0
    inside = these_speakers(values, names, np.full(1000, "x"), seed=0)
    assert inside.high - inside.low < 0.02


def test_the_jackknife_of_a_mean_is_student_t():
    simulated = row(speakers=7)
    found = jackknife_new_speakers(lambda mask: float(simulated.values[mask].mean()), simulated.speakers)
    expected = new_speakers(simulated.values, simulated.speakers)
    assert (found.interval.low, found.interval.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert found.estimate == pytest.approx(simulated.values.mean())


def test_the_jackknife_refuses_a_statistic_that_fails_for_one_speaker():
    simulated = row()
    with pytest.raises(ValueError, match="all speakers but S002"):
        jackknife_new_speakers(
            lambda mask: 1.0 if mask[simulated.speakers == "S002"].all() else float("nan"), simulated.speakers
        )


# --- coverage


@pytest.mark.parametrize("n_speakers", [4, 12, 40])
def test_new_speaker_intervals_hold_the_truth_95_times_in_100(n_speakers):
    share = new_speakers_coverage(n_speakers, "normal", trials=600, seed=n_speakers)
    assert 0.93 <= share["Student t"] <= 0.97
    if n_speakers == 4:
        assert share["percentile"] < 0.88  # why the bootstrap of few speakers is not used


@pytest.mark.parametrize("per_cell", [2, 4])
def test_these_speaker_intervals_hold_the_truth_95_times_in_100(per_cell):
    share = these_speakers_coverage(4, 8, per_cell, "normal", trials=400, seed=per_cell)
    assert 0.92 <= share["ours"] <= 0.98
    assert share["ours"] > share["percentile"]
    if per_cell == 2:
        assert share["percentile"] < 0.88  # why n of n clips are not drawn


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["normal", "skewed"])
@pytest.mark.parametrize("n_speakers", [4, 12, 40])
def test_coverage_in_full(n_speakers, shape):
    low = 0.93 if shape == "normal" else 0.90
    assert low <= new_speakers_coverage(n_speakers, shape, trials=3000, seed=1)["Student t"] <= 0.97
    for per_cell in (2, 4):
        share = these_speakers_coverage(n_speakers, 8, per_cell, shape, trials=800, seed=1)["ours"]
        assert (0.93 if shape == "normal" else 0.91) <= share <= 0.97
    share = these_speakers_coverage(n_speakers, 8, 2, shape, trials=800, seed=2, lone=0.5)["ours"]
    assert share >= 0.95  # collapsed cells err on the wide side


# --- order, seed


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_rows_changes_no_bit(shuffler, lone_cells):
    simulated = row(seed=3, speakers=5, emotions=3, per_cell=3)
    if lone_cells:
        simulated = simulated[np.arange(45) % 9 != 8]
        simulated = simulated[np.arange(40) % 8 != 7]
    position = list(range(len(simulated.values)))
    shuffler.shuffle(position)
    mixed = simulated[np.array(position)]
    for function, columns in ((these_speakers, 3), (new_speakers, 2)):
        results = []
        for one in (simulated, mixed):
            arguments = (one.values, one.speakers, one.emotions)[:columns]
            results.append(function(*arguments, seed=5) if columns == 3 else function(*arguments))
        assert results[0] == results[1]
    a, b = (table(one.values, one.speakers, one.emotions) for one in (simulated, simulated))
    b["value"] = np.sqrt(np.abs(b["value"]))
    shuffled = compare(a.iloc[position], b.iloc[position[::-1]], seed=2)
    assert compare(a, b, seed=2) == shuffled
    assert summarise(a, PSNR(), len(a), seed=2) == summarise(a.iloc[position], PSNR(), len(a), seed=2)


def test_the_seed_decides_and_is_used():
    simulated = row()
    columns = simulated.values, simulated.speakers, simulated.emotions
    assert these_speakers(*columns, seed=1) == these_speakers(*columns, seed=1)
    assert these_speakers(*columns, seed=1) != these_speakers(*columns, seed=2)


def test_a_wider_level_contains_a_narrower_one():
    simulated = row()
    columns = simulated.values, simulated.speakers, simulated.emotions
    wide, narrow = these_speakers(*columns, seed=1, level=0.99), these_speakers(*columns, seed=1, level=0.8)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert "level 0.99" in wide.method
    wide, narrow = (new_speakers(simulated.values, simulated.speakers, level) for level in (0.99, 0.8))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_constant_values_have_an_interval_of_no_width():
    simulated = row()
    ones = np.full(len(simulated.values), 0.1)
    for interval in (
        these_speakers(ones, simulated.speakers, simulated.emotions, seed=0),
        new_speakers(ones, simulated.speakers),
    ):
        assert (interval.low, interval.high) == pytest.approx((0.1, 0.1), abs=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_must_be_finite(bad):
    with pytest.raises(ValueError, match="finite"):
        new_speakers(np.array([1.0, bad]), np.array(["A", "B"]))
    with pytest.raises(ValueError, match="one length"):
        these_speakers(np.array([1.0, 2.0]), np.array(["A"]), np.array(["x"]), seed=0)
    with pytest.raises(ValueError, match="at least one clip"):
        new_speakers(np.array([]), np.array([]))


# --- comparisons


def test_pairing_finds_a_difference_that_two_separate_intervals_hide():
    simulated = row(speakers=6, emotions=4, per_cell=2)
    small = 0.2 + 0.05 * np.random.default_rng(9).normal(size=len(simulated.values))
    a = table(simulated.values + small, simulated.speakers, simulated.emotions)
    b = table(simulated.values, simulated.speakers, simulated.emotions)
    found = compare(a, b, seed=0)
    for difference in (found.these_speakers, found.new_speakers):
        assert 0.15 < difference.interval.low < difference.estimate < difference.interval.high < 0.25
        assert difference.p < 0.01
    apart = [new_speakers(t["value"].to_numpy(), simulated.speakers) for t in (a, b)]
    assert apart[0].low < apart[1].high


def test_swapping_the_rows_turns_the_sign_and_keeps_p():
    simulated, other = row(seed=1), row(seed=2)
    a, b = (table(one.values, simulated.speakers, simulated.emotions) for one in (simulated, other))
    forth, back = compare(a, b, seed=0), compare(b, a, seed=0)
    assert forth.new_speakers.p == back.new_speakers.p
    assert forth.new_speakers.estimate == -back.new_speakers.estimate
    assert forth.these_speakers.estimate == -back.these_speakers.estimate
    assert forth.these_speakers.p == pytest.approx(back.these_speakers.p, abs=0.05)
    expected = stats.ttest_1samp(
        [
            (simulated.values - other.values)[simulated.speakers == name].mean()
            for name in np.unique(simulated.speakers)
        ],
        0,
    )
    assert forth.new_speakers.p == pytest.approx(expected.pvalue, rel=1e-9)


def test_p_is_below_five_percent_exactly_where_the_interval_leaves_out_zero():
    for seed in range(60):
        simulated = row(seed=seed)
        centre = np.linspace(0, 0.8, 60)[seed] - simulated.levels
        a = table(simulated.values + centre, simulated.speakers, simulated.emotions)
        b = table(np.zeros(len(simulated.values)), simulated.speakers, simulated.emotions)
        for difference in (compare(a, b, seed=seed).these_speakers, compare(a, b, seed=seed).new_speakers):
            shown = not difference.interval.low <= 0 <= difference.interval.high
            assert (difference.p < 0.05) == shown


def test_p_values_of_no_difference_are_even():
    found = []
    for seed in range(300):
        simulated = row(seed=seed, speakers=3, emotions=4, per_cell=3)
        a = table(simulated.values - simulated.levels, simulated.speakers, simulated.emotions)
        b = table(np.zeros(len(simulated.values)), simulated.speakers, simulated.emotions)
        found.append(compare(a, b, seed=seed, replicates=500).these_speakers.p)
    assert stats.kstest(found, "uniform").pvalue > 0.001


def test_a_row_compared_with_itself_shows_nothing():
    simulated = row()
    a = table(simulated.values, simulated.speakers, simulated.emotions)
    found = compare(a, a, seed=0)
    assert found.these_speakers.p == found.new_speakers.p == 1.0
    assert found.these_speakers.estimate == 0.0
    assert reading(Direction.LOWER, found.new_speakers.interval) == "no difference shown"


def test_only_clips_scored_on_both_sides_are_compared():
    simulated = row()
    a = table(simulated.values, simulated.speakers, simulated.emotions)
    b = table(simulated.values + 1, simulated.speakers, simulated.emotions)
    b.loc[[0, 1], ["status", "value"]] = ["failed", None]
    b.loc[2, "status"] = "static"
    found = compare(a, b.drop(index=3), seed=0)
    assert (found.n_clips, found.n_left_out, found.n_speakers) == (33, 3, 4)
    assert found.these_speakers.estimate == pytest.approx(-1.0)
    assert compare(a, b.drop(index=3), seed=0, own=True).n_clips == 32


def test_tables_that_cannot_be_paired_are_refused():
    simulated = row()
    a = table(simulated.values, simulated.speakers, simulated.emotions)
    with pytest.raises(ValueError, match="stands twice"):
        compare(pd.concat([a, a]), a, seed=0)
    with pytest.raises(ValueError, match="none in common"):
        compare(a, a.assign(clip_id=a["clip_id"] + "x"), seed=0)
    with pytest.raises(ValueError, match="another speaker"):
        compare(a, a.assign(speaker="Z"), seed=0)


def test_holm_is_the_step_down_rule_and_leaves_missing_values_out():
    assert holm([0.01, None, 0.04, 0.03]) == pytest.approx([0.03, None, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == [] and holm([None]) == [None]


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_order_never_lowers_and_stays_a_probability(p_values):
    adjusted = holm(p_values)
    assert all(p <= q <= 1.0 for p, q in zip(p_values, adjusted, strict=True))
    ordered = [q for _, q in sorted(zip(p_values, adjusted, strict=True))]
    assert ordered == sorted(ordered)


@pytest.mark.parametrize(
    ("direction", "low", "high", "expected"),
    [
        (Direction.HIGHER, 0.1, 0.2, "better"),
        (Direction.HIGHER, -0.2, -0.1, "worse"),
        (Direction.LOWER, 0.1, 0.2, "worse"),
        (Direction.LOWER, -0.2, -0.1, "better"),
        (Direction.ZERO, -0.2, -0.1, "better"),
        (Direction.MATCH, 0.1, 0.2, "worse"),
        (Direction.LOWER, -0.1, 0.2, "no difference shown"),
        (Direction.HIGHER, 0.0, 0.2, "no difference shown"),
        (Direction.HIGHER, None, None, "no interval"),
    ],
)
def test_an_interval_is_read_with_the_direction_of_the_metric(direction, low, high, expected):
    assert reading(direction, Interval(target="new-speakers", low=low, high=high, method="m")) == expected


# --- table cells


def test_a_cell_has_its_counts_and_both_intervals():
    simulated = row(speakers=4, emotions=3, per_cell=3)
    cell = summarise(table(simulated.values, simulated.speakers, simulated.emotions), PSNR(), 36, seed=0)
    assert isinstance(cell, MetricValue)
    assert (cell.metric, cell.unit, cell.direction, cell.version) == ("PSNR", "dB", "higher", "1")
    assert cell.value == pytest.approx(simulated.values.mean(), rel=1e-12)
    assert (cell.n_clips, cell.n_speakers, cell.n_frames, cell.n_expected) == (36, 4, 1800, 36)
    assert (cell.coverage, cell.n_substituted, cell.reason) == (1.0, 0, None)
    assert [interval.target for interval in cell.intervals] == ["these-speakers", "new-speakers"]
    assert all(interval.low < cell.value < interval.high for interval in cell.intervals)
    assert MetricValue.model_validate_json(cell.model_dump_json()) == cell


def test_missing_clips_lower_coverage_and_never_enter_as_zero():
    simulated = row()
    full = table(simulated.values, simulated.speakers, simulated.emotions)
    full.loc[[0, 1], ["value", "status", "reason"]] = [None, "failed", "no-face"]
    full.loc[[2], ["value", "status"]] = [None, "ok"]
    full.loc[[3], ["value", "status"]] = [np.inf, "ok"]
    full.loc[[4], "status"] = "excluded"
    cell = summarise(full, PSNR(), 36, seed=0)
    assert cell.n_clips == 31 and cell.coverage == pytest.approx(31 / 36)
    assert cell.value == pytest.approx(simulated.values[5:].mean())
    assert summarise(full.iloc[5:], PSNR(), 36, seed=0).coverage == pytest.approx(31 / 36)


def test_not_applicable_clips_leave_the_denominator():
    simulated = row()
    full = table(simulated.values, simulated.speakers, simulated.emotions)
    full.loc[range(6), ["value", "status", "reason"]] = [None, "n/a", "no-partner-clip"]
    cell = summarise(full, PSNR(), 30, seed=0)
    assert (cell.n_expected, cell.n_clips, cell.coverage) == (30, 30, 1.0)
    assert summarise(full.iloc[6:], PSNR(), 30, seed=0) == cell
    with pytest.raises(ValueError, match="30 rows that are not n/a, but 29"):
        summarise(full, PSNR(), 29, seed=0)


def test_substituted_clips_are_scored_and_counted():
    simulated = row()
    full = table(simulated.values, simulated.speakers, simulated.emotions)
    full.loc[range(5), "status"] = "static"
    cell = summarise(full, PSNR(), 36, seed=0)
    assert (cell.n_clips, cell.n_substituted, cell.coverage) == (36, 5, 1.0)


def test_a_cell_without_any_value_is_null_with_the_commonest_reason():
    simulated = row(speakers=1, emotions=1, per_cell=3)
    empty = table(
        [np.nan] * 3, simulated.speakers, simulated.emotions, "null", ["no-face", "cue-space-only", "no-face"]
    )
    cell = summarise(empty, PSNR(), 3, seed=0)
    assert (cell.value, cell.reason, cell.coverage, cell.intervals, cell.n_frames) == (None, "no-face", 0.0, [], 0)
    nothing = table([np.nan] * 3, simulated.speakers, simulated.emotions, "n/a", "no-partner-clip")
    cell = summarise(nothing, PSNR(), 0, seed=0)
    assert (cell.value, cell.reason, cell.coverage, cell.n_expected) == (None, "no-partner-clip", 0.0, 0)
    cell = summarise(nothing.iloc[:0], PSNR(), 3, seed=0)
    assert (cell.value, cell.reason, cell.n_expected) == (None, "missing-output", 3)


def test_the_difference_to_the_truth_is_paired_by_clip_and_over_clips_that_have_one():
    simulated = row(speakers=4)
    full = table(simulated.values, simulated.speakers, simulated.emotions)
    full["truth"] = full["value"] - 0.5  # every clip by the same amount, however much clips differ
    full.loc[:2, "truth"] = np.nan
    cell = summarise(full, PSNR(), 36, seed=0)
    assert (cell.n_clips, cell.n_paired) == (36, 33)
    assert cell.difference == pytest.approx(0.5)
    assert cell.truth == pytest.approx(full["truth"].mean())
    for interval in cell.difference_intervals:
        assert interval.low == pytest.approx(0.5) and interval.high == pytest.approx(0.5)
    assert summarise(full.drop(columns="truth"), PSNR(), 36, seed=0).difference is None
