"""A verdict needs the whole interval; where it does not reach, nothing is shown, neither the effect nor its absence."""

import numpy as np
import pytest

from bench.calibration.responses import narrowed
from bench.calibration.verdicts import UNCHANGED, verdict_of
from bench.contract.calibration import Point


def curve(*differences, half=0.1, reason=None):
    """Points at doses 1, 2, ...; None for a dose without a value."""
    return [
        Point(dose=k, value=None, reason=reason or "no-face")
        if d is None
        else Point(
            dose=k, value=d, difference=d, low=d - half, high=d + half, low90=d - 0.8 * half, high90=d + 0.8 * half
        )
        for k, d in enumerate(differences, start=1)
    ]


def verdict(says, *differences, effect=1.0, half=0.1):
    return verdict_of(says, effect, curve(*differences, half=half)).verdict


def test_a_rise_beyond_the_effect_is_as_declared_and_its_mirror_image_is_a_fall():
    assert verdict("rises", 0.5, 1.0, 2.0) == "as-declared"
    assert verdict("falls", -0.5, -1.0, -2.0) == "as-declared"
    assert verdict("falls", 0.5, 1.0, 2.0) == "not-as-declared"


def test_a_rise_that_is_shown_to_be_smaller_than_what_counts_is_not_as_declared():
    assert verdict("rises", 0.1, 0.2, 0.5) == "not-as-declared"


def test_an_interval_that_holds_the_effect_shows_nothing():
    assert verdict("rises", 0.5, 0.8, 1.05) == "not-shown"
    assert verdict("flat", 0.0, 0.0, 0.95) == "not-shown"
    assert verdict("rises", 0.5, 1.0, 2.0, half=1.5) == "not-shown"


def test_only_the_highest_dose_with_a_value_must_reach_the_effect():
    assert verdict("rises", 0.0, 0.0, 2.0) == "as-declared"
    assert verdict("rises", 0.5, 2.0, None) == "as-declared"


def test_a_curve_that_turns_back_beyond_its_intervals_is_not_as_declared():
    found = verdict_of("rises", 1.0, curve(0.5, 4.0, 2.0))
    assert (found.verdict, found.monotone) == ("not-as-declared", False)
    assert "not monotone" in found.reason
    assert verdict_of("rises", 1.0, curve(0.5, 2.1, 2.0)).monotone


def test_flat_must_hold_at_every_dose():
    assert verdict("flat", 0.0, -0.5, 0.5) == "as-declared"
    assert verdict("flat", 0.0, 1.5, 0.0) == "not-as-declared"
    assert verdict("flat", 0.0, -1.5, 0.0) == "not-as-declared"
    assert verdict("flat", 0.0, 0.0, None) == "not-shown"


def test_no_change_of_any_clip_does_not_show_that_a_column_is_flat():
    found = verdict_of("flat", 1.0, curve(0.0, 0.0, 0.0, half=0.0))
    assert (found.verdict, found.reason) == ("not-shown", f"dose 1: {UNCHANGED}")
    assert verdict("rises", 0.0, 0.0, 0.0, half=0.0) == "not-as-declared"
    still_once = [*curve(0.2, 0.3), *(p.model_copy(update={"dose": 3}) for p in curve(0.0, half=0.0))]
    assert verdict_of("flat", 1.0, still_once).reason == f"dose 3: {UNCHANGED}"


def test_what_is_unaltered_at_every_dose_is_flat_by_construction_and_a_part_of_it_is_not():
    points = [p.model_copy(update={"unaltered": True}) for p in curve(0.0, 0.0, 0.0, half=0.0)]
    assert verdict_of("flat", 1.0, points).verdict == "as-declared"
    assert verdict_of("flat", 1.0, points).reason.startswith("by construction")
    assert verdict_of("flat", 1.0, [points[0], *curve(0.0, 0.0, half=0.0)]).verdict == "not-shown"


def test_the_worst_dose_is_named():
    assert "1.6 to 1.8 at dose 3" in verdict_of("flat", 1.0, curve(1.2, -1.5, 1.7)).reason
    assert "dose 2 " in verdict_of("flat", 1.0, curve(0.95, -1.05, 0.0)).reason


def test_the_highest_dose_with_a_value_needs_an_interval():
    top = Point(dose=3, value=9.0, difference=9.0, reason="2 speakers, 3 are needed")
    found = verdict_of("rises", 1.0, [*curve(0.5, 2.0), top])
    assert (found.verdict, found.reason) == ("not-shown", "no interval at dose 3: 2 speakers, 3 are needed")


def test_without_values_or_intervals_the_reason_is_said():
    nothing = verdict_of("rises", 1.0, curve(None, None, None, reason="weights-missing"))
    assert (nothing.verdict, nothing.reason) == ("not-shown", "no value at any dose: weights-missing")
    one = [Point(dose=1, value=2.0, difference=2.0, reason="1 speaker, 3 are needed")]
    assert verdict_of("rises", 1.0, one).reason == "no interval: 1 speaker, 3 are needed"


@pytest.mark.parametrize(("says", "truth", "allowed"), [("rises", 1.0, 0.025), ("flat", 1.0, 0.05), ("flat", 0.0, 1.0)])
def test_a_column_on_the_border_passes_by_chance_as_often_as_said(says, truth, allowed):
    """12 speakers, a true effect of exactly what counts: one dose, 2000 draws, four standard errors."""
    from metrics.statistics import new_speakers

    rng, names, draws = np.random.default_rng(0), np.arange(12).astype(str), 2000
    passed = 0
    for values in truth + 0.3 * rng.normal(size=(draws, 12)):
        interval = new_speakers(values, names)
        low90, high90 = narrowed(interval.low, interval.high, 11)
        point = Point(dose=1, value=0.0, difference=values.mean(), low=interval.low, high=interval.high,
                      low90=low90, high90=high90)  # fmt: skip
        passed += verdict_of(says, 1.0, [point]).verdict == "as-declared"
    assert passed / draws <= allowed + 4 * np.sqrt(allowed * (1 - allowed) / draws)
    assert passed / draws >= (0.95 if truth == 0.0 else 0.4 * allowed)


def test_the_narrower_interval_is_that_of_the_same_draws():
    from metrics.statistics import new_speakers

    values, names = np.random.default_rng(1).normal(size=10), np.arange(10).astype(str)
    wide, narrow = new_speakers(values, names), new_speakers(values, names, level=0.90)
    assert narrowed(wide.low, wide.high, 9) == pytest.approx((narrow.low, narrow.high), rel=1e-12)
