"""Speech is a function of its arguments, its phoneme times are the sound's, and the mouth follows them."""

import time

import numpy as np
import pytest

from bench.contract.clip import EMOTIONS
from bench.contract.errors import UsageError
from bench.data.puppet.sentences import COMMON, SHORT, SPECIFIC, TAKES, sentence
from bench.data.puppet.speech import Delivery, Phoneme, Voice, speak
from bench.data.puppet.visemes import ARTICULATORS, BILABIAL, DIPHTHONGS, OPEN, ROUNDED, closure, mouth, viseme

TEXT = "Two maps were on the sofa."


def test_same_arguments_give_the_same_bytes_whatever_the_clock_says():
    voice = Voice.from_seed(5, "W")
    breathy = Delivery(breath=3, roughness=2)
    first = speak(TEXT, voice, breathy)
    time.sleep(1.05)  # the engine seeds its noise with whole seconds
    speak("Bob may open a window.", voice)
    again = speak(TEXT, voice, breathy)
    assert first.samples.tobytes() == again.samples.tobytes()
    assert first.phonemes == again.phonemes


def test_a_long_temporary_path_does_no_harm(tmp_path, monkeypatch):
    """The engine cuts paths after 160 characters."""
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    voice = Voice.from_seed(5, "W")
    plain = speak(TEXT, voice)
    monkeypatch.setenv("TMPDIR", str(deep))
    assert speak(TEXT, voice).samples.tobytes() == plain.samples.tobytes()
    assert not list(deep.iterdir())


def test_voices_differ_by_seed_and_by_sex():
    voices = [Voice.from_seed(seed, sex) for seed in range(6) for sex in "MW"]
    assert len(set(voices)) == 12
    men, women = voices[::2], voices[1::2]
    assert max(v.pitch for v in men) < min(v.pitch for v in women)
    sounds = {speak(TEXT, v).samples.tobytes() for v in voices[:4]}
    assert len(sounds) == 4


def _pitch(samples: np.ndarray, rate: int) -> float:
    """Median fundamental of the loud parts, Hz, by autocorrelation."""
    found, hop = [], rate // 50
    loud = 0.3 * np.sqrt(np.mean(samples**2))
    for start in range(0, len(samples) - 3 * hop, hop):
        part = samples[start : start + 3 * hop] * np.hanning(3 * hop)
        if np.sqrt(np.mean(part**2)) < loud:
            continue
        lags = np.correlate(part, part, "full")[len(part) - 1 :]
        low, high = rate // 420, rate // 60
        best = low + int(np.argmax(lags[low:high]))
        if lags[best] > 0.5 * lags[0]:
            found.append(rate / best)
    return float(np.median(found))


def test_delivery_moves_pitch_rate_and_loudness():
    voice = Voice.from_seed(2, "M")
    plain = speak(TEXT, voice)
    assert _pitch(speak(TEXT, voice, Delivery(semitones=4)).samples, plain.rate) > 1.12 * _pitch(
        plain.samples, plain.rate
    )
    assert speak(TEXT, voice, Delivery(rate_factor=1.2)).seconds < 0.92 * plain.seconds
    loud = speak(TEXT, voice, Delivery(gain_db=6)).samples
    assert np.sqrt(np.mean(loud**2)) == pytest.approx(10 ** (6 / 20) * np.sqrt(np.mean(plain.samples**2)), rel=0.02)
    assert np.abs(loud).max() <= 0.951


def test_phoneme_times_are_those_of_the_sound():
    """The hiss of s stands where the events say: the lag of the best match is under 10 ms."""
    lags = []
    for seed, sex in ((0, "M"), (1, "W"), (2, "M")):
        said = speak("A soft sea shell is sold.", Voice.from_seed(seed, sex))
        window = said.rate // 200
        count = len(said.samples) // window
        spectrum = np.abs(np.fft.rfft(said.samples[: count * window].reshape(count, window) * np.hanning(window))) ** 2
        frequency = np.fft.rfftfreq(window, 1 / said.rate)
        hiss = np.log(spectrum[:, frequency > 4500].sum(1) + 1e-9) - np.log(spectrum[:, frequency < 3500].sum(1) + 1e-9)
        times = (np.arange(count) + 0.5) * window / said.rate
        expected = np.zeros(count)
        for p in said.phonemes:
            if p.code in ("s", "z", "S"):
                expected[(times >= p.start) & (times < p.end)] = 1
        hiss, expected = hiss - hiss.mean(), expected - expected.mean()
        shifts = range(-12, 13)
        match = [np.sum(np.roll(expected, s) * hiss) for s in shifts]
        lags.append(5.0 * shifts[int(np.argmax(match))])
    assert abs(np.median(lags)) < 10, f"lags of s in ms: {lags}"


def test_phonemes_are_ordered_without_gaps_and_stress_stands_on_vowels():
    said = speak(TEXT, Voice.from_seed(1, "M"))
    for before, after in zip(said.phonemes, said.phonemes[1:], strict=False):
        assert before.start < before.end or before.pause
        assert before.end == pytest.approx(after.start)
    assert sum(p.stress == 2 for p in said.phonemes) >= 2
    assert all(viseme(p.code) not in ("bilabial", "alveolar", "pause") for p in said.phonemes if p.stress)


def test_common_takes_are_shared_and_further_takes_are_not():
    for take in range(1, len(COMMON) + 1):
        assert len({sentence(e, take) for e in EMOTIONS}) == 1
    further = [sentence(e, take) for e in EMOTIONS for take in range(len(COMMON) + 1, TAKES + 1)]
    assert len(set(further)) == len(further) == 8 * 7
    assert [sentence("sad", take, short=True) for take in (1, 2, 3)] == list(SHORT)
    assert set(SPECIFIC) == set(EMOTIONS)
    for emotion, take, short in (("bored", 1, False), ("sad", 0, False), ("sad", TAKES + 1, False), ("sad", 4, True)):
        with pytest.raises(UsageError):
            sentence(emotion, take, short)


@pytest.mark.parametrize("text", COMMON + SHORT)
def test_common_sentences_show_closed_open_and_rounded_lips(text):
    codes = {p.code for p in speak(text, Voice.from_seed(3, "M")).phonemes}
    assert codes & BILABIAL, codes
    assert codes & OPEN, codes
    assert codes & ROUNDED, codes


def test_every_mnemonic_of_the_sentences_is_known():
    voice = Voice.from_seed(3, "M")
    said = {p.code for text in COMMON + SPECIFIC["angry"] for p in speak(text, voice).phonemes}
    assert said >= {"b", "m", "_"}
    assert viseme("b") == "bilabial"
    assert all(viseme(p) == "bilabial" for p in BILABIAL)
    unknown = {
        c
        for c in said
        if viseme(c) == "reduced" and c not in DIPHTHONGS and not c.startswith(("@", "a#", "I", "i", ";", "3"))
    }
    assert not unknown


def _at(curves: np.ndarray, articulator: str) -> np.ndarray:
    return curves[:, ARTICULATORS.index(articulator)]


def test_lips_meet_in_a_frame_of_every_closure_however_short():
    for start in np.arange(0.20, 0.24, 0.005):
        word = (Phoneme("0", 0.0, start, 2), Phoneme("b", start, start + 0.025), Phoneme("0", start + 0.025, 0.6, 2))
        curves = mouth(word, 25, onset=0.1)
        closed = _at(curves, "lip_close")
        assert closed.max() == pytest.approx(1.0), f"b at {start:.3f} s"
        assert abs(int(np.argmax(closed)) / 25 - (0.1 + start)) < 0.06
        assert closed[-5:].max() == 0.0


def test_open_vowels_open_round_vowels_round_and_silence_rests():
    word = (Phoneme("0", 0.0, 0.2, 2), Phoneme("t", 0.2, 0.28), Phoneme("u:", 0.28, 0.5, 2))
    curves = mouth(word, 40, onset=0.4)
    jaw, pucker = _at(curves, "jaw_open"), _at(curves, "lip_pucker")
    open_frame, round_frame = round(25 * 0.5), round(25 * 0.8)
    assert jaw[open_frame] > 2.5 * jaw[round_frame]
    assert pucker[round_frame] > 0.3 > pucker[open_frame]
    assert curves[:5].max() < 0.06
    assert curves[-4:].max() < 0.06
    assert curves.min() >= 0.0
    assert curves.max() <= 1.0


def test_neighbours_colour_a_sound():
    """Co-articulation: the lips round for u before it begins, more than before i."""

    def before(vowel: str) -> float:
        word = (Phoneme("t", 0.0, 0.10), Phoneme(vowel, 0.10, 0.3, 2))
        return float(_at(mouth(word, 20, onset=0.2), "lip_pucker")[round(25 * 0.26)])

    assert before("u:") > before("i:") + 0.08


def test_closure_is_shut_over_the_whole_sound():
    times = np.linspace(0, 1, 1001)
    shut = closure((Phoneme("m", 0.4, 0.5),), times)
    assert (shut[(times > 0.405) & (times < 0.495)] == 1).all()
    assert (shut[(times < 0.34) | (times > 0.56)] == 0).all()
