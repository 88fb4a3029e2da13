"""The emotion cannot be read from what is not the emotion; from numbers and names alone, and on rendered clips (slow)."""

import numpy as np
import pytest

from bench.contract.clip import EMOTIONS
from bench.contract.errors import UsageError
from bench.data.puppet.difficulty.clips import Seen, spots
from bench.data.puppet.difficulty.judge import against_chance
from bench.data.puppet.difficulty.nuisance import manifest_spots, numbered, of_parameters, size_at_equal_quality
from bench.data.puppet.performance import RECORDER_CRF, recorder_crf


def test_sentence_length_voice_and_recorder_do_not_tell_the_emotion():
    """Smallest p of the probes times their number: under 0.05 would be a leak."""
    found = of_parameters(count=40)
    assert set(found) == {
        "sentence", "clip length", "voice of the speaker", "light of the speaker", "quality of the recorder",
    }  # fmt: skip
    assert min(min(c.p, c.p_means) for c in found.values()) * 2 * len(found) > 0.05, found
    assert all(c.accuracy < 0.18 for c in found.values()), found
    assert found["clip length"].seen < 0.03  # a leak of three points would be seen
    assert found["quality of the recorder"].seen < 0.03
    assert found["light of the speaker"].seen == found["voice of the speaker"].seen == 0  # a person's own


def test_the_size_of_a_file_is_seen_at_equal_quality():
    """Sizes that follow the emotion a little are drowned by the recorder, and found when its rate factor is taken off."""
    from dataclasses import replace

    wanted = spots(6, 1)
    emotion, _, speaker = numbered(wanted)
    none = np.zeros(0)
    clip = Seen(none, none, none, none, none, none, none, np.zeros(32_000), 0, 0)
    rng = np.random.default_rng(0)

    def files(leak: float) -> list[Seen]:
        found = []
        for s, k in zip(wanted, speaker, strict=True):
            more = 0.03 * rng.standard_normal() + leak * (s.emotion == "angry") + 0.1 * k
            crf = recorder_crf(s.speaker, s.emotion, s.level, s.take)
            found.append(replace(clip, video_bytes=int(200_000 * 2 ** (-crf / 6) * np.exp(more))))
        return found

    leaky = files(0.05)
    assert against_chance(np.log([[f.video_bytes] for f in leaky]), emotion, speaker).p_means > 0.02
    assert size_at_equal_quality(wanted, leaky).p_means < 0.01
    assert size_at_equal_quality(wanted, files(0.0)).p_means > 0.02


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
    assert [s.speaker for s in spots(2, 1, first=312)[::24]] == ["M312", "W312"]
    for first in (300, 400, 101):
        with pytest.raises(UsageError, match="first speaker"):
            spots(2, 1, first=first)


def test_every_emotion_has_as_many_clips_and_every_speaker_as_many_of_each():
    emotion, level, speaker = numbered(spots(6, 1))
    assert np.bincount(emotion).tolist() == [6 * 3] * 8
    assert all((np.bincount(emotion[speaker == s]) == 3).all() for s in range(6))
    assert set(level[emotion == EMOTIONS.index("neutral")]) == {1}
