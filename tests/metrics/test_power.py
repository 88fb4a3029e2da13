"""The smallest difference that can be shown: it has the power it claims, and rests on the same spread as the comparison."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.contract.metric import Direction
from metrics.comparison import badness_of_clips, badness_of_sets
from metrics.power import parts_of_clips, parts_of_set, power_of, sd_known_within, smallest_difference, speaker_sd

TRIALS = 4000
MONTE_CARLO = 4 * np.sqrt(0.8 * 0.2 / TRIALS)


@pytest.mark.parametrize("tests", [1, 8])
@pytest.mark.parametrize("speakers", [4, 12, 40])
def test_a_difference_of_the_printed_size_is_shown_in_80_percent_of_draws_of_speakers(speakers, tests):
    sd = 3.0
    difference = smallest_difference(sd, speakers, tests)
    rng = np.random.default_rng(speakers + tests)
    drawn = rng.normal(difference, sd, (TRIALS, speakers))
    p = stats.ttest_1samp(drawn, 0.0, axis=1).pvalue
    assert (p <= 0.05 / tests).mean() == pytest.approx(0.8, abs=MONTE_CARLO)
    half = rng.normal(difference / 2, sd, (TRIALS, speakers))
    assert (stats.ttest_1samp(half, 0.0, axis=1).pvalue <= 0.05 / tests).mean() < 0.5


def test_a_set_metrics_difference_of_the_printed_size_is_shown_by_the_jackknife_too():
    """A ratio of means over clips, which no single clip has: row b lies a true difference above row a."""
    speakers, sd, rng = 12, 0.2, np.random.default_rng(0)
    difference, trials = smallest_difference(sd, speakers), TRIALS // 10
    names, shown = np.arange(speakers), 0

    def ratio(above, below, mask):
        return above[mask].mean() / below[mask].mean()

    for _ in range(trials):
        b, below = 2.0 + rng.normal(difference, sd, speakers), 1.0 + rng.normal(0, 0.01, speakers)
        sides = [partial(ratio, above, below) for above in (b, np.full(speakers, 2.0))]
        error = speaker_sd(*(parts_of_set(side, names) for side in sides)) / np.sqrt(speakers)
        estimate = sides[0](names >= 0) - sides[1](names >= 0)
        shown += abs(estimate) > stats.t.isf(0.025, speakers - 1) * error
    assert shown / trials == pytest.approx(0.8, abs=MONTE_CARLO * np.sqrt(10))


def test_it_agrees_with_the_published_sample_size_of_a_paired_t_test():
    """d = 0.5 needs 34 pairs for 80 % (Cohen 1988; G*Power's own example gives .8078 there)."""
    assert power_of(0.5, 1.0, 33) < 0.8 < power_of(0.5, 1.0, 34) == pytest.approx(0.8078, abs=5e-4)


def test_more_speakers_show_less_more_tests_need_more_and_the_unit_is_the_metrics_own():
    sizes = [smallest_difference(1.0, n) for n in (3, 4, 12, 40, 400)]
    assert sizes == sorted(sizes, reverse=True)
    assert smallest_difference(1.0, 12, 8) > smallest_difference(1.0, 12, 2) > smallest_difference(1.0, 12)
    assert smallest_difference(7.0, 12) == pytest.approx(7 * smallest_difference(1.0, 12))
    assert smallest_difference(0.0, 12) == 0.0


def test_below_three_speakers_there_is_none():
    assert smallest_difference(1.0, 2) is None and smallest_difference(1.0, 3) > 3


def test_no_difference_is_shown_as_often_as_alpha_says():
    assert power_of(0.0, 1.0, 12) == pytest.approx(0.05)


def rows(direction, seed=0):
    """Two rows of a metric on the same clips of five speakers with unequal numbers of clips."""
    rng = np.random.default_rng(seed)
    speaker = np.repeat(range(5), [2, 3, 4, 5, 6])
    truth = rng.normal(5, 1, 20) if direction == Direction.MATCH else np.full(20, np.nan)
    sides = []
    for level in (1.0, 2.5):
        value = np.nan_to_num(truth) + level + rng.normal(0, 0.3, 20) + rng.normal(0, 0.3, 5)[speaker]
        table = {"clip_id": [f"c{i}" for i in range(20)], "speaker": speaker.astype(str), "emotion": "angry"}
        sides.append(pd.DataFrame(table | {"value": value, "truth": truth, "status": "ok"}))
    return speaker.astype(str), truth, sides


@pytest.mark.parametrize("direction", list(Direction))
def test_the_spread_is_the_one_behind_the_interval_of_a_comparison(direction):
    speakers, truth, sides = rows(direction)
    parts = [parts_of_clips(side["value"].to_numpy(), truth, direction, speakers) for side in sides]
    interval = badness_of_clips(*sides, direction, seed=0).new_speakers.interval
    error = (interval.high - interval.low) / 2 / stats.t.isf(0.025, 4)
    assert speaker_sd(*parts) == pytest.approx(error * np.sqrt(5))


def spread(values, mask):
    return float(values[mask].std())


def test_the_spread_of_a_set_metric_is_the_one_behind_its_interval():
    speakers, _, sides = rows(Direction.LOWER)
    a, b = (partial(spread, side["value"].to_numpy()) for side in sides)
    interval = badness_of_sets(a, b, Direction.LOWER, speakers).interval
    error = (interval.high - interval.low) / 2 / stats.t.isf(0.025, 4)
    assert speaker_sd(parts_of_set(a, speakers), parts_of_set(b, speakers)) == pytest.approx(error * np.sqrt(5))


def test_rows_that_differ_alike_for_every_speaker_have_no_spread():
    speakers, truth, [side, _] = rows(Direction.LOWER)
    values = side["value"].to_numpy()
    parts = [parts_of_clips(values + shift, truth, Direction.LOWER, speakers) for shift in (0.0, 3.0)]
    assert speaker_sd(*parts) == pytest.approx(0.0, abs=1e-12)


def test_few_speakers_know_their_spread_badly():
    low, high = sd_known_within(12)
    drawn = np.random.default_rng(0).normal(0, 1, (TRIALS, 12)).std(axis=1, ddof=1)
    inside = (drawn * low <= 1) & (drawn * high >= 1)
    assert inside.mean() == pytest.approx(0.95, abs=0.015)
    assert sd_known_within(4)[1] > high


@pytest.mark.parametrize(
    ("speakers", "tests"), [(3, 1), (12, 60), (200, 17), (200, 20), (220, 11), (400, 20), (1000, 60)]
)
def test_many_speakers_and_many_rows_have_a_smallest_difference_that_is_shown_in_80_percent(speakers, tests):
    found = smallest_difference(1.0, speakers, tests)
    assert power_of(found, 1.0, speakers, 0.05 / tests) == pytest.approx(0.8, abs=1e-4)


def test_where_the_other_tail_no_longer_counts_the_power_makes_no_step():
    for speakers in (3, 12, 200):
        at = [power_of(shift / np.sqrt(speakers), 1.0, speakers) for shift in (3.0 - 1e-6, 3.0 + 1e-6)]
        assert at[0] == pytest.approx(at[1], abs=2e-5)
