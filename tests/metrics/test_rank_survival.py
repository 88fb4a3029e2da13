"""Orders of rows under two protocols: the same order is 1, the reversed one -1, few rows prove nothing, clips decide."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from metrics.rank_survival import agreement, resampled

RNG = np.random.default_rng(5)
SPEAKERS = np.repeat([f"S{k}" for k in range(4)], 8)
EMOTIONS = np.tile(np.repeat(["angry", "happy"], 4), 4)


def test_the_same_order_is_one_the_reversed_minus_one_and_scale_does_not_matter():
    values = RNG.normal(size=6)
    assert agreement(values, 3 * values + 7).tau == 1
    assert agreement(values, -values).tau == -1


def test_swapping_the_two_sides_or_reordering_rows_changes_nothing():
    one, other = RNG.normal(size=(2, 6))
    order = RNG.permutation(6)
    assert agreement(one, other) == agreement(other, one) == agreement(one[order], other[order])


def test_tau_and_p_equal_scipy_reference_with_and_without_ties():
    for rows in (4, 6, 9):
        one, other = RNG.normal(size=(2, rows))
        found, theirs = agreement(one, other), kendalltau(one, other)
        assert (found.tau, found.p) == (pytest.approx(theirs.statistic), pytest.approx(theirs.pvalue))
    tied = np.array([1.0, 1, 2, 3, 3, 4])
    assert agreement(tied, np.arange(6)).tau == pytest.approx(kendalltau(tied, np.arange(6)).statistic)


def test_four_rows_cannot_go_below_a_twelfth_and_five_can_go_below_a_twentieth():
    assert agreement(np.arange(4), np.arange(4)).p == agreement(np.arange(4), np.arange(4)).least_p == 2 / 24
    assert agreement(np.arange(5), np.arange(5)).p == 2 / 120


def test_one_row_or_a_constant_column_has_no_tau():
    assert agreement(np.ones(1), np.ones(1)).tau is None
    assert agreement(np.arange(4), np.ones(4)).tau is None


def test_values_that_are_not_finite_or_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="finite"):
        agreement(np.array([1.0, np.nan]), np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="one length"):
        agreement(np.arange(3), np.arange(4))


def table(levels, noise):
    return np.array(levels)[:, None] + noise * RNG.normal(size=(len(levels), len(SPEAKERS)))


def test_rows_far_apart_keep_their_order_and_winner_in_every_resampling():
    one = table([0, 10, 20, 30], 0.1)
    found = resampled(one, 2 * one, SPEAKERS, EMOTIONS, seed=0)
    assert (found.low, found.high, found.same_winner) == (1, 1, 1)


def test_rows_that_differ_by_noise_alone_have_a_wide_interval_and_a_winner_by_chance():
    found = resampled(table([0] * 5, 1), table([0] * 5, 1), SPEAKERS, EMOTIONS, seed=0)
    assert found.high - found.low > 0.5 and found.same_winner < 0.9


def test_under_match_the_badness_is_the_size_of_the_mean_not_its_sign():
    offsets = table([-3, 1, -0.2, 2], 0.01)
    plain = resampled(np.abs(offsets), offsets, SPEAKERS, EMOTIONS, 0, absolute_mean=(False, True))
    assert plain.same_winner == 1 and plain.low == 1


def test_equal_seeds_give_equal_numbers():
    one, other = table([0, 0.2, 0.4], 1), table([0, 0.2, 0.4], 1)
    assert resampled(one, other, SPEAKERS, EMOTIONS, 3) == resampled(one, other, SPEAKERS, EMOTIONS, 3)


def test_where_no_clip_repeats_a_cell_the_reason_stands():
    found = resampled(np.ones((2, 3)), np.ones((2, 3)), np.array(list("abc")), np.array(list("xyz")), 0)
    assert found.low is None and found.reason == "one clip per speaker and emotion"


def test_rows_that_tie_for_the_best_all_win_whichever_stands_first():
    tied, apart = table([0, 0, 5], 0), table([1, 0, 5], 0)
    for order in ([0, 1, 2], [1, 0, 2]):
        found = resampled(tied[order], apart[order], SPEAKERS, EMOTIONS, seed=0)
        assert found.same_winner == 1 and found.without_tau == 0


def test_resamplings_without_a_tau_are_counted():
    """Two rows that differ on one clip of 32: without that clip in the draw they are alike, and there is no order."""
    one = np.zeros((2, len(SPEAKERS)))
    one[1, 0] = 1
    found = resampled(one, one, SPEAKERS, EMOTIONS, seed=0, replicates=200)
    assert 20 < found.without_tau < 120 and (found.low, found.high, found.same_winner) == (1, 1, 1)
    nothing = resampled(np.zeros((2, len(SPEAKERS))), one, SPEAKERS, EMOTIONS, seed=0, replicates=200)
    assert nothing.without_tau == 200 and nothing.reason == "all rows alike in one of the orders"
