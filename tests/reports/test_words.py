"""Numbers, intervals and reasons as they are printed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.contract.errors import Reason
from reports.words import MINUS, REASON, decimals_for, is_not_applicable, number, printable, reason_in_words, spread


@pytest.mark.parametrize(
    ("half_widths", "decimals"),
    [
        ([0.012], 3),
        ([0.0996], 2),
        ([0.00034], 5),
        ([3.4], 1),
        ([35.0], 0),
        ([350.0], 0),
        ([0.5, 0.02, 0.002], 3),
        ([2.5e-6], 6),
    ],
)
def test_digits_are_two_significant_ones_of_the_median_half_width(half_widths, decimals):
    assert decimals_for(half_widths, [0.5]) == decimals


def test_what_no_digit_can_show_sets_no_digits():
    assert decimals_for([1e-12], [0.5]) == decimals_for([], [0.5])
    assert decimals_for([], [1e-9]) == decimals_for([], [])


def test_digits_without_an_interval_are_four_of_the_value():
    assert decimals_for([], [0.8123]) == 4
    assert decimals_for([0.0], [28.31]) == 2
    assert decimals_for([], []) == 2


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_a_printed_number_reads_back_to_its_digits_and_has_no_negative_zero(value, decimals):
    text = number(value, decimals)
    assert float(text.replace(MINUS, "-")) == pytest.approx(value, abs=0.5 * 10**-decimals * (1 + 1e-9))
    assert not (text.startswith(MINUS) and float(text[1:]) == 0)
    assert "-" not in text


def test_infinity_is_not_a_number_of_digits():
    assert number(math.inf, 2) == "∞"
    assert number(-math.inf, 2) == f"{MINUS}∞"


def test_a_symmetric_interval_is_a_half_width_and_another_is_its_ends():
    assert spread(0.713, 0.701, 0.725, 3) == "± 0.012"
    assert spread(0.713, 0.690, 0.725, 3) == "[0.690, 0.725]"
    assert spread(0.1, -0.3, 0.2, 1) == f"[{MINUS}0.3, 0.2]"


def test_a_half_width_under_the_last_digit_does_not_read_as_zero():
    assert spread(0.98, 0.9799, 0.9801, 2) == "± <0.01"
    assert spread(1.0, 1.0, 1.0, 2) == "± 0.00"


def test_every_reason_of_the_contract_has_words():
    assert set(REASON) == set(Reason)


def test_a_reason_keeps_its_detail_and_an_unknown_one_its_own_words():
    assert reason_in_words("weights-missing: a.bin") == "weights are missing: a.bin"
    assert reason_in_words("no-face", "0 of 52 frames") == "no face was found: 0 of 52 frames"
    assert reason_in_words("2 speakers, at least 3 are needed") == "2 speakers, at least 3 are needed"
    assert reason_in_words(None) == "no reason recorded"


def test_only_what_cannot_exist_is_not_applicable():
    assert is_not_applicable("cue-space-only: no pixels")
    assert not is_not_applicable("weights-missing")
    assert not is_not_applicable(None)


def test_control_and_direction_characters_are_made_visible():
    assert printable("a\x1b[31m\u202eb\n") == "a�[31m�b�"
