"""Non-inferiority of paired rows: agrees with the comparison of rows, keeps its error rates, and says what it can show."""

import numpy as np
import pandas as pd
import pytest

from bench.contract.metric import Direction
from metrics.comparison import badness_of_clips
from metrics.noninferiority import ALPHA, Paired, detectable, judge, of_clips, of_sets
from metrics.statistics import holm, mean

SPEAKERS = np.repeat([f"s{k:02}" for k in range(12)], 4)
EMOTIONS = np.tile(["angry", "angry", "happy", "happy"], 12)
ALONE = np.tile(["angry", "happy", "sad", "fear"], 12)


def values(seed, n=48, centre=5.0):
    return np.random.default_rng(seed).normal(centre, 1.0, n)


def table(column, truth=None):
    clips = [f"c{k:02}" for k in range(len(column))]
    return pd.DataFrame(
        {"clip_id": clips, "speaker": SPEAKERS, "emotion": EMOTIONS, "value": column, "truth": truth, "status": "ok"}
    )


@pytest.mark.parametrize("direction", list(Direction))
def test_difference_and_interval_are_those_of_the_comparison_of_rows(direction):
    a, b, truth = values(0) - 5.5, values(1) - 5.0, values(2) - 8.0
    own = of_clips(a, b, truth if direction == Direction.MATCH else None, direction, SPEAKERS, EMOTIONS, seed=0)
    other = badness_of_clips(table(a, truth), table(b, truth), direction, seed=0).these_speakers
    assert own.estimate == pytest.approx(other.estimate, abs=1e-12)
    # other draws of the same bootstrap
    assert own.interval.low == pytest.approx(other.interval.low, abs=0.06)
    assert own.interval.high == pytest.approx(other.interval.high, abs=0.06)


@pytest.mark.parametrize("direction", list(Direction))
def test_a_row_against_itself_is_never_worse_and_known_exactly(direction):
    a = values(0)
    found = of_clips(a, a, values(2), direction, SPEAKERS, EMOTIONS, seed=0)
    assert (found.estimate, found.interval.low, found.interval.high, found.upper) == (0.0, 0.0, 0.0, 0.0)
    assert found.p_worse >= 0.5 and judge(found, 1e-9, found.p_worse) == "not worse"
    assert detectable(found.error, found.df) == 0.0


def test_the_order_of_clips_does_not_matter():
    order = np.random.default_rng(0).permutation(48)
    a, b, truth = values(0), values(1), values(2)
    for direction in Direction:
        one = of_clips(a, b, truth, direction, SPEAKERS, EMOTIONS, seed=0)
        other = of_clips(a[order], b[order], truth[order], direction, SPEAKERS[order], EMOTIONS[order], seed=0)
        assert one == other


@pytest.mark.parametrize("emotions", [EMOTIONS, ALONE], ids=["two clips of an emotion", "one"])
@pytest.mark.parametrize("direction", [Direction.LOWER, Direction.MATCH])
def test_equal_rows_raise_an_alarm_no_oftener_than_stated(emotions, direction):
    """Shown to be worse, before the margin is asked for: at most ALPHA, within Monte Carlo error."""
    draws, shown = 400, 0
    truth = np.zeros(48)
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        common = rng.normal(5.0, 1.0, 48)
        a, b = (common + rng.normal(0.0, 0.5, 48) for _ in range(2))
        shown += of_clips(a, b, truth, direction, SPEAKERS, emotions, seed).p_worse <= ALPHA
    assert shown / draws <= ALPHA + 2.5 * np.sqrt(ALPHA * (1 - ALPHA) / draws)


@pytest.mark.parametrize("draw", ["normal", "exponential"])
def test_two_clips_of_each_of_twelve_speakers_are_enough_for_the_stated_rate_down_to_its_tail(draw):
    """Holm over ten metrics asks for p at a tenth of ALPHA; there the bootstrap over strata of two is allowed twice that."""
    speakers, emotions = np.repeat([f"s{k:02}" for k in range(12)], 2), np.tile(["angry", "happy"], 12)
    p = []
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        a, b = (getattr(rng, draw)(size=24) for _ in range(2))
        p.append(of_clips(a, b, None, Direction.LOWER, speakers, emotions, seed).p_worse)
    assert np.mean(np.array(p) <= ALPHA) <= ALPHA + 0.01
    assert np.mean(np.array(p) <= ALPHA / 10) <= 2 * ALPHA / 10


def test_a_row_that_is_worse_by_the_margin_passes_no_oftener_than_stated():
    draws, margin, passed = 400, 0.2, 0
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        b = rng.normal(5.0, 1.0, 48)
        found = of_clips(b + rng.normal(margin, 0.5, 48), b, None, Direction.LOWER, SPEAKERS, EMOTIONS, seed)
        passed += found.upper <= margin
    assert passed / draws <= ALPHA + 2.5 * np.sqrt(ALPHA * (1 - ALPHA) / draws)


def test_what_is_called_detectable_is_found_in_four_of_five_draws():
    """One-sided t test on 12 differences, and an equal row within a margin of that size."""
    from scipy import stats

    rng, n = np.random.default_rng(0), 12
    size = detectable(1.0 / np.sqrt(n), n - 1)
    noise = rng.normal(0.0, 1.0, (4000, n))
    error = noise.std(axis=1, ddof=1) / np.sqrt(n)
    critical = stats.t.isf(ALPHA, n - 1)
    found = np.mean((noise.mean(axis=1) + size) / error > critical)
    passed = np.mean(noise.mean(axis=1) + critical * error <= size)
    assert found == pytest.approx(0.8, abs=0.025) and passed == pytest.approx(0.8, abs=0.025)


def test_detectable_grows_with_the_error_and_falls_with_its_degrees_of_freedom():
    assert detectable(2.0, 11) == pytest.approx(2 * detectable(1.0, 11))
    assert detectable(1.0, 1) > detectable(1.0, 5) > detectable(1.0, 200) > 2.48


def test_one_clip_per_emotion_is_resampled_inside_the_speaker_and_says_so():
    found = of_clips(values(0), values(1), None, Direction.LOWER, SPEAKERS, ALONE, seed=0)
    assert found.upper is not None and "errs wide" in found.interval.method


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize(("n", "people"), [(12, 12), (6, 3)])
def test_where_no_clips_can_be_resampled_the_interval_is_for_new_speakers(n, people, direction):
    speakers = np.array([f"s{k % people:02}" for k in range(n)])
    a, b, truth = values(0, n), values(1, n), values(2, n)
    found = of_clips(a, b, truth, direction, speakers, np.arange(n).astype(str), seed=0)
    columns = {
        "clip_id": [f"c{k}" for k in range(n)],
        "speaker": speakers,
        "emotion": "e",
        "truth": truth,
        "status": "ok",
    }
    one, other = (pd.DataFrame(columns | {"value": v}) for v in (a, b))
    expected = badness_of_clips(one, other, direction, seed=0).new_speakers
    assert (found.interval.target, found.df) == ("new-speakers", people - 1)
    assert found.estimate == pytest.approx(expected.estimate)
    assert [found.interval.low, found.interval.high] == pytest.approx([expected.interval.low, expected.interval.high])


def test_two_speakers_of_a_clip_each_give_no_interval_and_are_not_shown():
    found = of_clips(
        values(0, 2), values(1, 2), None, Direction.LOWER, np.array(["a", "b"]), np.array(["e", "e"]), seed=0
    )
    assert found.upper is None and found.interval.reason == "2 speakers, 3 are needed"
    assert judge(found, 100.0, None) == "not shown"


def test_match_without_the_real_clips_values_is_an_error():
    with pytest.raises(ValueError, match="real clips"):
        of_clips(values(0), values(1), None, Direction.MATCH, SPEAKERS, EMOTIONS, seed=0)


def test_a_metric_of_the_set_goes_by_the_jackknife_over_speakers():
    a, b = values(0), values(1)
    found = of_sets(lambda m: mean(a[m]), lambda m: mean(b[m]), None, Direction.LOWER, SPEAKERS)
    of_speakers = np.array([(a - b)[s == SPEAKERS].mean() for s in sorted(set(SPEAKERS))])
    assert found.df == 11 and found.interval.target == "new-speakers"
    assert found.error == pytest.approx(of_speakers.std(ddof=1) / np.sqrt(12))
    assert found.upper == pytest.approx(found.estimate + 1.795885 * found.error)
    few = of_sets(lambda m: 1.0, lambda m: 2.0, None, Direction.LOWER, np.array(["a", "b"]))
    assert few.upper is None and judge(few, 10.0, None) == "not shown"


def case(estimate, half, p):
    from bench.contract.result import Interval

    interval = Interval(target="these-speakers", low=estimate - half, high=estimate + half, method="")
    return Paired(estimate, interval, upper=estimate + 0.84 * half, p_worse=p, error=half / 2, df=30.0)


@pytest.mark.parametrize(
    ("estimate", "half", "p", "verdict"),
    [
        (-1.0, 0.5, 0.99, "better"),
        (-0.2, 0.5, 0.8, "not worse"),
        (0.5, 0.2, 0.0, "not worse"),
        (0.8, 0.4, 0.0, "not shown"),
        (1.2, 0.4, 0.0, "worse"),
        (1.2, 2.0, 0.12, "not shown"),
        (0.0, 2.0, 0.5, "not shown"),
    ],
)
def test_the_verdict_follows_from_bound_margin_and_p(estimate, half, p, verdict):
    """Margin 1: within it, beyond it, or not known."""
    assert judge(case(estimate, half, p), 1.0, p) == verdict


def test_what_is_worse_by_itself_may_not_be_among_many():
    found = case(1.2, 0.4, 0.02)
    assert judge(found, 1.0, 0.02) == "worse"
    assert judge(found, 1.0, holm([0.02, 0.9, 0.9, 0.9])[0]) == "not shown"
