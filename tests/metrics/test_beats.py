"""Beat: nods on the syllables score, nods beside them do not, silence and stillness have no value."""

import numpy as np
import pytest
from posed_face import face_at, seen

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import OwnMetric
from metrics.beats import REST_DELAY, Beat, alignment, motion_beats, sound_beats

SYLLABLES = np.array([0.52, 1.12, 1.56, 2.2, 2.76, 3.28])
SECONDS = 4.0


def speech(at=SYLLABLES, seconds=SECONDS):
    time = np.arange(int(seconds * 16000)) / 16000
    loud = sum(np.exp(-((time - t) ** 2) / (2 * 0.05**2)) for t in at)
    return ((0.3 * loud + 1e-4) * np.sin(2 * np.pi * 150 * time)).astype(np.float32)


def nods(at, seconds=SECONDS, size=3.0):
    """(T, 3) a head that swings and rests for a moment at these times."""
    time = np.arange(int(seconds * 25)) / 25
    bounds = np.concatenate([[0.0], np.sort(at), [seconds]])
    phase = np.interp(time, bounds, np.arange(len(bounds)))
    return size * np.cos(np.pi * phase)[:, None] * [1, 0.2, 0]


def beat(angles, audio, **of_face):
    return Beat().own(seen(face_at(angles, **of_face), audio=audio))


def test_beats_lie_where_they_were_put():
    assert sound_beats(speech()) == pytest.approx(SYLLABLES, abs=0.011)
    assert motion_beats(nods(SYLLABLES)) == pytest.approx(SYLLABLES, abs=0.045)


def test_nods_after_the_syllables_score_and_nods_between_them_do_not():
    audio = speech()
    on = beat(nods(SYLLABLES + REST_DELAY), audio).value
    off = beat(nods(SYLLABLES + REST_DELAY + 0.22), audio).value
    assert on > 0.35 and off < 0
    assert beat(nods(SYLLABLES + REST_DELAY), speech(SYLLABLES + 0.22)).value < 0


def test_more_beats_gain_nothing():
    everywhere = np.arange(0.3, 3.8, 0.16)
    assert abs(beat(nods(everywhere), speech()).value) < 0.15


def test_alignment_by_hand():
    assert alignment(np.array([1.0, 2.0]), np.array([1.0, 2.06, 9.0])) == pytest.approx((1 + np.exp(-0.5)) / 2)


def test_a_gap_holds_no_beat():
    angles = nods(SYLLABLES)
    angles[53:57] = np.nan
    assert not ((motion_beats(angles) > 2.0) & (motion_beats(angles) < 2.4)).any()


def test_the_volume_of_the_sound_does_not_count():
    angles = nods(SYLLABLES + 0.05)
    assert beat(angles, speech()).value == pytest.approx(beat(angles, 0.05 * speech()).value, abs=1e-6)


@pytest.mark.parametrize(
    ("cues", "audio", "reason"),
    [
        (face_at(nods(SYLLABLES)), None, Reason.NO_AUDIO),
        (face_at(nods(SYLLABLES)), np.zeros(64000, np.float32), Reason.NO_SPEECH),
        (face_at(np.zeros((100, 3))), speech(), Reason.NO_VARIATION),
        (Cues.empty(100), speech(), Reason.NO_FACE),
    ],
)
def test_what_has_no_value_says_why(cues, audio, reason):
    with pytest.raises(Unscorable) as nothing:
        Beat().own(seen(cues, audio=audio))
    assert nothing.value.reason == reason
    assert isinstance(Beat(), OwnMetric)
