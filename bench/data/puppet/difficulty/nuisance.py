"""What must not tell the emotion: sentence, length, light, background, voice, file sizes; each against permuted emotions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.contract.clip import EMOTIONS, Part
from bench.data.puppet.difficulty.clips import FRAMES, Seen, Spot, speakers
from bench.data.puppet.difficulty.judge import Chance, against_chance


def numbered(wanted: Sequence[Spot]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Emotion, level and speaker of each clip as class numbers, three arrays (n,); speakers in order of their first clip."""
    order = {name: i for i, name in enumerate(dict.fromkeys(s.speaker for s in wanted))}
    rows = [(EMOTIONS.index(s.emotion), s.level, order[s.speaker]) for s in wanted]
    return tuple(np.array(rows).T)


def manifest_spots(profile: str = "bench") -> list[Spot]:
    """The judge-training clips with common sentences of a profile, as its manifest has them."""
    from bench.data.puppet.layouts import plan
    from bench.data.puppet.sentences import COMMON

    clips = plan(profile, (Part.JUDGE_TRAIN.value,))
    return [Spot(c.speaker, c.emotion, c.level, c.take) for c in clips if c.take <= len(COMMON)]


def of_parameters(count: int = 40, seed: int = 0) -> dict[str, Chance]:
    """Probes that need nothing but names and numbers: sentence, clip length, voice, light, recorder.

    `count` speakers with 3 takes of every emotion and level; the sentence from the manifest of the profile `bench`.
    """
    from bench.data.puppet.performance import clip_frames, recorder_crf
    from bench.data.puppet.speaker import Speaker

    planned = manifest_spots()
    emotion, _, speaker = numbered(planned)
    found = {"sentence": against_chance(np.eye(4)[[s.take for s in planned]], emotion, speaker, seed)}
    wanted = [
        Spot(name, e, level, take)
        for name in speakers(count)
        for e in EMOTIONS
        for level in ((1,) if e == "neutral" else (1, 2, 3))
        for take in (1, 2, 3)
    ]
    emotion, _, speaker = numbered(wanted)
    keys = [(s.speaker, s.emotion, s.level, s.take) for s in wanted]
    length = np.array([[clip_frames(*key, FRAMES)] for key in keys], float)
    found["clip length"] = against_chance(length, emotion, speaker, seed)
    people = {name: Speaker.of(name) for name in speakers(count)}
    voices = np.array([_voice(people[s.speaker]) for s in wanted])
    found["voice of the speaker"] = against_chance(voices, emotion, speaker, seed)
    lights = {name: _light(person) for name, person in people.items()}
    found["light of the speaker"] = against_chance(
        np.array([lights[s.speaker] for s in wanted]), emotion, speaker, seed
    )
    crf = np.array([[recorder_crf(*key)] for key in keys])
    found["quality of the recorder"] = against_chance(crf, emotion, speaker, seed)
    return found


def of_clips(wanted: Sequence[Spot], seen: Sequence[Seen], seed: int = 0) -> dict[str, Chance]:
    """Probes of rendered pictures and written files: background, size of the sound, and of the video where there is one."""
    emotion, _, speaker = numbered(wanted)
    background = np.stack([s.background for s in seen])
    found = {"background (mean colour of the upper corners)": against_chance(background, emotion, speaker, seed)}
    seconds = np.array([len(s.sound) / 16_000 for s in seen])
    for name in ("audio_bytes", "video_bytes"):
        size = np.array([getattr(s, name) for s in seen], float)
        if (size > 0).all():
            x = np.stack([np.log(size), np.log(size / seconds)], axis=1)
            label = f"size of the {name.split('_')[0]} file (bytes, and per second)"
            found[label] = against_chance(x, emotion, speaker, seed)
    return found


def size_at_equal_quality(filed: Sequence[Spot], files: Sequence[Seen], seed: int = 0) -> Chance:
    """What the video files' bytes per second tell once the recorder's rate factor, which is random, is taken off."""
    from bench.data.puppet.performance import recorder_crf

    emotion, _, speaker = numbered(filed)
    size = np.log([s.video_bytes / (len(s.sound) / 16_000) for s in files])
    crf = np.array([recorder_crf(s.speaker, s.emotion, s.level, s.take) for s in filed])
    known = np.column_stack([np.eye(speaker.max() + 1)[speaker], crf])
    rest = size - known @ np.linalg.lstsq(known, size, rcond=None)[0]
    return against_chance(rest[:, None], emotion, speaker, seed)


def _light(speaker) -> list[float]:
    """Direction, colour, fill and ambient light that the speaker's pictures are shaded with."""
    from bench.data.puppet.identity import Identity
    from bench.data.puppet.truth import RENDERER_SEX

    person = Identity.from_seed(speaker.seed, RENDERER_SEX[speaker.sex])
    return [*person.light, *person.light_colour, person.fill, *np.ravel(person.ambient)]


def _voice(speaker) -> list[float]:
    voice = speaker.voice
    return [voice.pitch, voice.top, voice.words_per_minute, float(np.mean(voice.formants)), float(np.mean(voice.widths)),
            voice.flutter, voice.roughness, voice.breath, voice.consonants]  # fmt: skip
