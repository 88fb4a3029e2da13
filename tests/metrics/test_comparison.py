"""Comparisons of two rows say "better" of the better one, whatever the direction, and "not shown" of equals."""

import numpy as np
import pandas as pd
import pytest

from bench.contract.errors import Unscorable
from bench.contract.metric import Direction
from metrics.comparison import badness_of_clips, badness_of_sets
from metrics.statistics import compare, reading

SPEAKERS, EMOTIONS, PER_CELL = 6, 4, 2


def row(offset: float, seed: int = 0, noise: float = 0.1, truth: float | None = None, status="ok") -> pd.DataFrame:
    """Per-clip rows with value = offset + a speaker's share + noise; `truth` is the real clips' value."""
    rng = np.random.default_rng(seed)
    cells = [(s, e) for s in range(SPEAKERS) for e in range(EMOTIONS) for _ in range(PER_CELL)]
    share = rng.normal(0, 0.05, SPEAKERS)
    return pd.DataFrame(
        {
            "clip_id": [f"c{i:03d}" for i in range(len(cells))],
            "speaker": [f"s{s}" for s, _ in cells],
            "emotion": [f"e{e}" for _, e in cells],
            "value": [offset + share[s] + rng.normal(0, noise) for s, _ in cells],
            "truth": truth,
            "status": status,
        }
    ).astype({"truth": "float64"})


def said(difference) -> str:
    return reading(Direction.LOWER, difference.interval)


@pytest.mark.parametrize(
    ("direction", "good", "bad"),
    [
        (Direction.HIGHER, 2.0, 1.0),
        (Direction.LOWER, 1.0, 2.0),
        (Direction.ZERO, -1.0, 2.0),
        (Direction.MATCH, 4.5, 6.0),
        (Direction.MATCH, 5.5, 4.0),
    ],
)
def test_the_better_row_is_called_better_from_both_sides_and_for_both_targets(direction, good, bad):
    one, other = (row(v, seed, truth=5.0) for seed, v in enumerate((good, bad)))
    forth, back = badness_of_clips(one, other, direction, seed=0), badness_of_clips(other, one, direction, seed=0)
    assert said(forth.new_speakers) == said(forth.these_speakers) == "better"
    assert said(back.new_speakers) == said(back.these_speakers) == "worse"
    assert forth.new_speakers.estimate == pytest.approx(-back.new_speakers.estimate)


@pytest.mark.parametrize("direction", list(Direction))
def test_a_row_compared_with_itself_shows_nothing(direction):
    one = row(3.0, truth=5.0)
    found = badness_of_clips(one, one, direction, seed=0)
    assert found.new_speakers.estimate == found.these_speakers.estimate == 0.0
    assert said(found.new_speakers) == said(found.these_speakers) == "no difference shown"


def test_under_match_equal_distances_on_both_sides_of_the_truth_are_no_difference():
    found = badness_of_clips(row(4.0, 0, truth=5.0), row(6.0, 0, truth=5.0), Direction.MATCH, seed=0)
    assert said(found.new_speakers) == "no difference shown"


def test_under_match_the_distance_is_of_the_means_so_that_noise_of_clips_alone_is_no_badness():
    quiet, noisy = row(5.0, 1, noise=0.01, truth=5.0), row(5.0, 2, noise=1.0, truth=5.0)
    assert said(badness_of_clips(quiet, noisy, Direction.MATCH, seed=0).new_speakers) == "no difference shown"


def test_match_without_a_truth_is_refused_and_clips_without_one_are_left_out():
    with pytest.raises(Unscorable):
        badness_of_clips(row(1.0), row(2.0), Direction.MATCH, seed=0)
    one, other = row(4.5, 0, truth=5.0), row(6.0, 1, truth=5.0)
    one.loc[0, "truth"] = np.nan
    assert badness_of_clips(one, other, Direction.MATCH, seed=0).n_left_out == 1


def test_for_a_linear_direction_it_is_the_paired_comparison_with_its_sign():
    one, other = row(1.0, 0), row(2.0, 1)
    found, plain = badness_of_clips(one, other, Direction.LOWER, seed=3), compare(one, other, seed=3)
    assert found == plain
    assert badness_of_clips(one, other, Direction.HIGHER, seed=3).new_speakers.estimate == pytest.approx(
        -plain.new_speakers.estimate
    )


def test_the_order_of_rows_changes_no_bit():
    one, other = row(4.5, 0, truth=5.0), row(5.2, 1, truth=5.0)
    mixed = other.sample(frac=1.0, random_state=1)
    assert badness_of_clips(one, other, Direction.MATCH, 0) == badness_of_clips(
        one.iloc[::-1], mixed, Direction.MATCH, 0
    )


def test_only_own_outputs_are_compared_if_asked():
    one, other = row(1.0, 0), row(2.0, 1)
    other.loc[:9, "status"] = "static"
    assert badness_of_clips(one, other, Direction.LOWER, 0).n_clips == len(one)
    assert badness_of_clips(one, other, Direction.LOWER, 0, own=True).n_clips == len(one) - 10


def test_sets_are_compared_by_their_own_statistic_speaker_by_speaker():
    speakers = np.repeat([f"s{k}" for k in range(8)], 4)
    values = np.random.default_rng(0).normal(0, 1, (2, 32))

    def spread(side):
        return lambda mask: float(values[side][mask].std() * (1 + 2 * side))

    found = badness_of_sets(spread(0), spread(1), Direction.LOWER, speakers)
    assert said(found) == "better" and found.interval.target == "new-speakers"
    back = badness_of_sets(spread(1), spread(0), Direction.LOWER, speakers)
    assert back.estimate == pytest.approx(-found.estimate)
    near = badness_of_sets(spread(0), spread(1), Direction.MATCH, speakers, truth=lambda mask: 1.0)
    assert said(near) == "better"
    with pytest.raises(Unscorable):
        badness_of_sets(spread(0), spread(1), Direction.MATCH, speakers)


def test_the_distance_to_the_truth_covers_at_its_level_where_it_is_not_near_zero():
    """Coverage of the interval for new speakers of |a - t| - |b - t|, true value .5, at 12 speakers."""
    rng = np.random.default_rng(5)
    hits, runs = 0, 150
    for _ in range(runs):
        frame = pd.DataFrame(
            {"speaker": [f"s{k:02d}" for k in range(12)], "emotion": "e", "status": "ok", "truth": 5.0}
        )
        frame["clip_id"] = frame["speaker"]
        a, b = (frame.assign(value=5.0 + off + rng.normal(0, 0.3, 12)) for off in (1.0, -0.5))
        ends = badness_of_clips(a, b, Direction.MATCH, seed=0).new_speakers.interval
        hits += ends.low <= 0.5 <= ends.high
    assert hits / runs == pytest.approx(0.95, abs=0.05)
