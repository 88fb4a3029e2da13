"""What a handful of speakers can show: more speakers, alike methods and larger differences need less."""

import pytest

from metrics.few_speakers import correlation_needed, least_sign_p, speakers_needed, spread_of_differences
from metrics.power import power_of, smallest_difference


def test_methods_that_move_together_leave_no_spread_and_unrelated_ones_root_two():
    assert spread_of_differences(3.0, 1.0) == 0
    assert spread_of_differences(3.0, 0.0) == pytest.approx(3 * 2**0.5)


def test_the_number_of_speakers_is_the_first_that_reaches_the_power():
    n = speakers_needed(0.5, 1.0)
    assert power_of(0.5, 1.0, n) >= 0.8 > power_of(0.5, 1.0, n - 1)
    assert speakers_needed(50, 1.0) == 3 and speakers_needed(1e-6, 1.0) is None


def test_the_correlation_needed_makes_the_difference_just_detectable():
    needed = correlation_needed(0.02, 0.043, 4)
    assert smallest_difference(spread_of_differences(0.043, needed), 4) == pytest.approx(0.02)
    assert correlation_needed(1.0, 0.043, 4) < -1
    with pytest.raises(ValueError, match="3 or more speakers"):
        correlation_needed(0.02, 0.043, 2)


def test_a_sign_test_on_four_speakers_never_reaches_five_percent():
    assert least_sign_p(4) == 0.125 and least_sign_p(6) < 0.05 < least_sign_p(5)
