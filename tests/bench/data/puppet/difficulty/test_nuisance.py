"""The emotion cannot be read from what is not the emotion; from numbers and names alone, and on rendered clips (slow)."""

import numpy as np
import pytest

from bench.contract.clip import EMOTIONS
from bench.contract.errors import UsageError
from bench.data.puppet.difficulty.clips import spots
from bench.data.puppet.difficulty.nuisance import manifest_spots, numbered, of_parameters
from bench.data.puppet.performance import RECORDER_CRF, recorder_crf


def test_sentence_length_voice_and_recorder_do_not_tell_the_emotion():
    """Smallest p of the probes times their number: under 0.05 would be a leak."""
    found = of_parameters(count=30)
    assert set(found) == {"sentence", "clip length", "voice of the speaker", "quality of the recorder"}
    assert min(min(c.p, c.p_means) for c in found.values()) * 2 * len(found) > 0.05, found
    assert all(c.accuracy < 0.18 for c in found.values()), found


def test_the_recorder_is_drawn_from_its_range_for_each_clip():
    values = np.array([recorder_crf(f"M{300 + i}", e, 3, 1) for i in range(1, 60) for e in EMOTIONS])
    low, high = RECORDER_CRF
    assert low <= values.min() < low + 0.2
    assert high - 0.2 < values.max() <= high
    assert recorder_crf("M301", "sad", 3, 1) == recorder_crf("M301", "sad", 3, 1)


def test_only_judge_training_speakers_are_looked_at():
    names = {s.speaker for s in spots(18, 2)} | {s.speaker for s in manifest_spots()}
    assert {name[1] for name in names} == {"3"}
    assert len(names) == 18
    for count in (1, 999):
        with pytest.raises(UsageError, match="judge-training"):
            spots(count)


def test_every_emotion_has_as_many_clips_and_every_speaker_as_many_of_each():
    emotion, level, speaker = numbered(spots(6, 1))
    assert np.bincount(emotion).tolist() == [6 * 3] * 8
    assert all((np.bincount(emotion[speaker == s]) == 3).all() for s in range(6))
    assert set(level[emotion == EMOTIONS.index("neutral")]) == {1}
