"""Pose-spec: Welch's spectrum as scipy has it, bands that tell sway from tremble, finite for a still head."""

import numpy as np
import pytest
from posed_face import collected, face_at, row, sway

from bench.contract.errors import Reason, Unscorable
from metrics.pose_spectrum import PoseSpectrum, band_powers, power_spectrum


def estimate(pairs, seed=0):
    clips = collected(PoseSpectrum(), pairs)
    found = PoseSpectrum().estimate(clips, seed)
    return found, found.statistic(np.ones(len(clips), bool))


def of(change):
    """The corrected value and estimate where the generated movement is a change of another draw."""

    def make(s, e, t):
        other = sway(50, 2.0, 500 + 10 * s + t + 100 * e)
        return face_at(sway(50, 2.0, 10 * s + t + 100 * e)), face_at(change(other))

    return estimate(row(make, takes=4))


def test_welch_against_scipy_is_the_reference(tolerance):
    from scipy.signal import welch

    angles = np.random.default_rng(0).normal(size=(63, 3)).cumsum(0)
    _, theirs = welch(angles, 25, "hann", 25, 13, detrend="constant", axis=0)
    difference = np.abs(power_spectrum(angles) / theirs - 1)[1:].max()
    tolerance("Pose-spec", "scipy.signal.welch", "power density, relative", difference, 1e-10)


def test_a_sine_stands_in_its_band_with_its_power():
    t = np.arange(50) / 25
    powers = band_powers(2.0 * np.sin(2 * np.pi * np.outer(t, [1.5, 6.0, 10.5])))
    assert np.argmax(powers, 0).tolist() == [0, 2, 3]
    assert powers.max(0) == pytest.approx([2.0, 2.0, 2.0], rel=0.15)


def test_a_gap_is_not_bridged():
    angles = np.zeros((60, 3))
    angles[30:] = 20
    assert power_spectrum(angles).max() > 10
    angles[29:31] = np.nan
    assert power_spectrum(angles) == pytest.approx(0)
    angles[::20] = np.nan
    assert power_spectrum(angles) is None


def test_identical_videos_are_exactly_zero_and_another_draw_is_near_it():
    found, value = estimate(row(lambda s, e, t: (face_at(sway(50, 2.0, s + t)),) * 2))
    assert value == 0 and found.details["p"] == 1
    found, value = of(lambda angles: angles)
    assert abs(value) < 0.7 and found.details["p"] > 0.05


def test_clips_of_one_speaker_and_emotion_in_each_others_place_are_zero_and_not_better_than_real():
    def moved(s, e, t):
        return sway(50, 2.0, 10 * s + t + 100 * e)

    found, value = estimate(
        row(lambda s, e, t: (face_at(moved(s, e, t)), face_at(moved(s, e, 1 - t))), speakers=4, takes=2)
    )
    assert value == pytest.approx(0, abs=1e-9) and found.details["p"] == 1


def test_a_still_head_a_trembling_one_and_shuffled_frames_are_each_seen():
    rng = np.random.default_rng(0)
    still, frozen = of(lambda angles: 0 * angles)
    trembling, shaken = of(lambda angles: angles + rng.normal(0, 0.5, angles.shape))
    shuffled, mixed = of(lambda angles: angles[rng.permutation(len(angles))])
    assert all(np.isfinite(x) and x > 3 for x in (frozen, shaken, mixed))
    low, high = "generated over real, 0.5-2.5 Hz, dB", "generated over real, 8.5-12.5 Hz, dB"
    assert still.details[low] < -15
    assert trembling.details[high] > 10 and abs(trembling.details[low]) < 2
    assert shuffled.details[high] > 10


def test_sides_can_be_swapped_and_clips_come_in_any_order():
    pairs = row(lambda s, e, t: (face_at(sway(50, 2.0, s + t)), face_at(sway(50, 5.0, 40 + s + t))))
    value = estimate(pairs)[1]
    assert estimate([type(p)(p.generated, p.reference) for p in pairs])[1] == pytest.approx(value, rel=1e-9)
    clips = collected(PoseSpectrum(), pairs)
    mask = np.arange(len(clips)) % 4 > 0
    first, again = PoseSpectrum().estimate(clips, 1), PoseSpectrum().estimate(clips[::-1], 1)
    assert first.statistic(mask) == again.statistic(mask[::-1]) and first.details == again.details


def test_clips_of_under_a_second_have_no_spectrum():
    short = row(lambda s, e, t: (face_at(sway(20)),) * 2)
    with pytest.raises(Unscorable) as nothing:
        estimate(short)
    assert nothing.value.reason == Reason.WINDOW_TOO_SHORT
