"""Mouth-lag, -corr, -sound, -sound-lag: known shifts come back exactly, stillness and silence have no value."""

import numpy as np
import pytest
from posed_face import face_at, seen

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Direction, OwnMetric, PairMetric
from bench.contract.seen import Pair
from metrics.mouth_sync import MouthCorrelation, MouthLag, MouthSound, MouthSoundLag, mouth_opening, sound_envelope

FRAMES = 60


def syllables(frames=FRAMES + 20, seed=0):
    """(T,) lip gap in percent, opening and closing at random moments."""
    rng = np.random.default_rng(seed)
    return 2 + 12 * np.clip(np.convolve(rng.normal(size=frames + 4), np.hanning(5), "valid"), 0, None)


def mouth(opening, valid=None):
    return face_at(np.zeros((len(opening), 3)), opening=opening, valid=valid)


def speech(opening, delay=0.0, seed=0):
    """Noise as loud as the mouth is open, `delay` seconds after it."""
    samples = np.arange(len(opening) * 640)
    level = np.interp(samples / 640 - 25 * delay, np.arange(len(opening)), opening)
    return (0.02 * level * np.random.default_rng(seed).normal(size=len(samples))).astype(np.float32)


def pair(real, made):
    return Pair(seen(real), seen(made))


def test_opening_is_the_gap_over_the_eye_distance():
    assert mouth_opening(mouth(np.array([0.0, 5.0, 11.0]))) == pytest.approx([0, 5, 11], abs=1e-3)
    turned = face_at([[0, 0, 30.0]], opening=np.array([8.0]))
    assert mouth_opening(turned) == pytest.approx([8], abs=1e-3)


@pytest.mark.parametrize("shift", range(-5, 6))
def test_known_shifts_come_back(shift):
    whole = syllables()
    real, late = mouth(whole[10 : 10 + FRAMES]), mouth(whole[10 - shift : 10 - shift + FRAMES])
    assert MouthLag().pair(pair(real, late)) == (shift, FRAMES - abs(shift))


@pytest.mark.parametrize("shift", [-5, -2, 0, 3, 5])
def test_a_shift_comes_back_through_gaps_noise_and_another_size_of_mouth(shift):
    whole, rng = syllables(), np.random.default_rng(1)
    seen_there = rng.random(FRAMES) > 0.2
    made = 0.3 * whole[10 - shift : 10 - shift + FRAMES] + 5 + rng.normal(0, 0.2, FRAMES)
    assert MouthLag().pair(pair(mouth(whole[10 : 10 + FRAMES]), mouth(made, seen_there))).value == shift


def test_swapped_sides_change_the_sign_of_the_lag_and_not_the_correlation():
    whole = syllables()
    there = pair(mouth(whole[10:70]), mouth(whole[7:67]))
    back = Pair(there.generated, there.reference)
    assert MouthLag().pair(there).value == 3 == -MouthLag().pair(back).value
    assert MouthCorrelation().pair(there).value == pytest.approx(MouthCorrelation().pair(back).value, abs=1e-12)


def test_correlation_is_one_for_the_same_movement_at_any_size_and_low_for_another():
    opening = syllables()[:FRAMES]
    assert MouthCorrelation().pair(pair(mouth(opening), mouth(opening))).value == pytest.approx(1, abs=1e-12)
    assert MouthCorrelation().pair(pair(mouth(opening), mouth(3 + 0.5 * opening))).value == pytest.approx(1, abs=1e-4)
    others = [
        MouthCorrelation().pair(pair(mouth(opening), mouth(syllables(seed=s)[:FRAMES]))).value for s in range(1, 9)
    ]
    assert abs(np.mean(others)) < 0.25


def test_correlation_against_numpy_is_the_reference(tolerance):
    sides = mouth(syllables()[:FRAMES]), mouth(syllables(seed=3)[:FRAMES])
    theirs = np.corrcoef(*(mouth_opening(side) for side in sides))[0, 1]
    ours = MouthCorrelation().pair(pair(*sides)).value
    tolerance("Mouth-corr", "numpy.corrcoef", "60 frames", abs(ours - theirs), 1e-12)


@pytest.mark.parametrize("shift", [-4, -1, 0, 2, 5])
def test_the_mouth_behind_its_sound_is_late_by_as_much(shift):
    opening = syllables()[:FRAMES]
    heard = seen(mouth(opening), audio=speech(opening, -shift / 25))
    assert MouthSoundLag().own(heard).value == shift
    in_time = seen(mouth(opening), audio=speech(opening))
    assert MouthSound().own(in_time).value > 0.8
    assert MouthSound().own(heard).value < 0.8 or shift == 0


def test_another_sound_fits_less_well():
    own, other = [], []
    for seed in range(8):
        opening = syllables(seed=seed)[:FRAMES]
        own.append(MouthSound().own(seen(mouth(opening), audio=speech(opening))).value)
        other.append(MouthSound().own(seen(mouth(opening), audio=speech(syllables(seed=99 - seed)[:FRAMES]))).value)
    assert np.mean(own) > np.mean(other) + 0.3


def test_the_envelope_is_deaf_to_volume_and_knows_where_the_sound_ends():
    audio = speech(syllables()[:FRAMES])
    assert sound_envelope(audio, 40) == pytest.approx(sound_envelope(0.1 * audio, 40), abs=1e-3)
    assert np.isnan(sound_envelope(audio[:6400], 40)[11:]).all()


def _reason(what):
    with pytest.raises(Unscorable) as nothing:
        what()
    return nothing.value.reason


def test_what_has_no_value_says_why():
    opening = syllables()[:FRAMES]
    moving, still = mouth(opening), mouth(np.full(FRAMES, 4.0))
    for metric in (MouthLag(), MouthCorrelation()):
        assert _reason(lambda m=metric: m.pair(pair(moving, still))) == Reason.NO_VARIATION
        assert _reason(lambda m=metric: m.pair(pair(still, moving))) == Reason.NO_VARIATION
        assert _reason(lambda m=metric: m.pair(pair(moving, Cues.empty(60)))) == Reason.NO_FACE
        assert _reason(lambda m=metric: m.pair(pair(mouth(opening[:10]), mouth(opening[:10])))) == Reason.TOO_FEW_FRAMES
        half = np.arange(FRAMES) < 30
        apart = pair(mouth(opening, half), mouth(opening, ~half))
        assert _reason(lambda m=metric, p=apart: m.pair(p)) == Reason.TOO_FEW_FRAMES
    for metric in (MouthSound(), MouthSoundLag()):
        silence = seen(moving, audio=np.zeros(FRAMES * 640, np.float32))
        assert _reason(lambda m=metric, s=silence: m.own(s)) == Reason.NO_SPEECH
        assert _reason(lambda m=metric: m.own(seen(moving))) == Reason.NO_AUDIO
        assert _reason(lambda m=metric: m.own(seen(still, audio=speech(opening)))) == Reason.NO_VARIATION


def test_kinds():
    assert isinstance(MouthLag(), PairMetric) and isinstance(MouthCorrelation(), PairMetric)
    assert isinstance(MouthSound(), OwnMetric) and isinstance(MouthSoundLag(), OwnMetric)


def test_lags_to_both_sides_do_not_cancel_to_a_perfect_row():
    assert MouthLag.direction is Direction.ZERO and MouthSoundLag.direction is Direction.ZERO
