"""Who plays what in which profile: the rule behind data_manifests/puppet/*.csv.

Speakers are numbered by part (1xx test, 2xx validation, 3xx judge training, 4xx method training, 5xx to 9xx the identities
of `pretrain`, method training too) in all profiles and layouts, so that nobody is a training speaker of one profile and a
test speaker of another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from bench.contract.clip import EMOTIONS, LEVELS, Part
from bench.contract.errors import UsageError
from bench.data.puppet.sentences import COMMON, TAKES
from bench.data.puppet.version import PUPPET_VERSION as PUPPET_VERSION

SEED = "puppet-1"
VIEW = "front"
FIRST = {Part.TEST: 101, Part.VALIDATION: 201, Part.JUDGE_TRAIN: 301, Part.METHOD_TRAIN: 401}
PRETRAIN_FIRST = 501
SENTENCE_PAIRS = ((1, 2), (2, 3), (3, 1), (2, 1), (3, 2), (1, 3))
"""Two common takes per speaker; the third one is said by the neutral reference clip."""


@dataclass(frozen=True)
class Profile:
    """The size of one edition: speakers per part, range of clip lengths in frames, which sentences, what it is for."""

    name: str
    title: str
    speakers: dict[Part, int]
    frames: tuple[int, int]
    short: bool
    scored: str
    """Rule of the scored parts: grid (2 of 2x2 clips), pairs (8 emotions x 2 sentences), all (every level x 3 sentences)."""
    train_common: int
    train_specific: int
    train_levels: str
    """rotating: one level per emotion and speaker; every: all of them."""
    frames_only: bool = False
    """Pictures without sound and without an emotion: one clip of independent frames per identity."""


PROFILES: dict[str, Profile] = {
    p.name: p
    for p in (
        Profile("smoke", "the embedded dataset at its smallest: 2 test speakers, 4 scored clips of about a second",
                {Part.METHOD_TRAIN: 2, Part.JUDGE_TRAIN: 1, Part.VALIDATION: 1, Part.TEST: 2},
                (25, 29), True, "grid", 1, 0, "rotating"),
        Profile("quick", "the embedded dataset for a first table: 12 test speakers, 24 scored clips of about 2 s",
                {Part.METHOD_TRAIN: 8, Part.JUDGE_TRAIN: 4, Part.VALIDATION: 4, Part.TEST: 12},
                (45, 55), False, "grid", 1, 0, "rotating"),
        Profile("bench", "the embedded dataset for the acceptance tables: 12 test speakers x 8 emotions x 2 clips",
                {Part.METHOD_TRAIN: 36, Part.JUDGE_TRAIN: 18, Part.VALIDATION: 8, Part.TEST: 12},
                (44, 60), False, "pairs", 1, 1, "every"),
        Profile("pretrain", "identities for learning to render faces: one clip of independent frames each, no sound, no emotion",
                {Part.METHOD_TRAIN: 480}, (16, 24), False, "", 0, 0, "", frames_only=True),
        Profile("full", "the embedded dataset at full size: 24 test speakers, every emotion and level, three sentences",
                {Part.METHOD_TRAIN: 44, Part.JUDGE_TRAIN: 22, Part.VALIDATION: 10, Part.TEST: 24},
                (44, 62), False, "all", 3, 3, "every"),
    )
}  # fmt: skip


@dataclass(frozen=True, order=True)
class Entry:
    """One clip of a manifest."""

    clip_id: str
    part: Part
    scored: bool


def find_profile(name: str) -> Profile:
    """The profile called `name`; UsageError with the list otherwise."""
    if name not in PROFILES:
        raise UsageError(f"unknown profile {name!r} of the embedded dataset; there are: {', '.join(PROFILES)}")
    return PROFILES[name]


def clip_name(speaker: str, emotion: str, level: int, take: int) -> str:
    """MEAD's clip_id: `M101_front_angry_3_001`."""
    return f"{speaker}_{VIEW}_{emotion}_{level}_{take:03d}"


def speakers(profile: Profile, part: Part) -> list[str]:
    """The speakers of a part, men and women in turn: M101, W101, M102, ..."""
    first = PRETRAIN_FIRST if profile.frames_only else FIRST[part]
    return [f"{'MW'[i % 2]}{first + i // 2}" for i in range(profile.speakers.get(part, 0))]


def entries(profile: Profile) -> list[Entry]:
    """All clips of a profile, by part and clip_id."""
    found: dict[str, Entry] = {}
    if profile.frames_only:  # MEAD's layout wants an emotion's folder; the clip shows none, and `prepare` gives it none
        return sorted(
            Entry(clip_name(speaker, "neutral", 1, 1), part, True)
            for part in profile.speakers
            for speaker in speakers(profile, part)
        )

    def add(part: Part, speaker: str, emotion: str, level: int, take: int, scored: bool) -> None:
        name = clip_name(speaker, emotion, level, take)
        if name not in found or scored:
            found[name] = Entry(name, part, scored)

    for part in (Part.METHOD_TRAIN, Part.JUDGE_TRAIN):
        for i, speaker in enumerate(speakers(profile, part)):
            for emotion, level, take in _training(profile, i):
                add(part, speaker, emotion, level, take, True)
    for part in (Part.VALIDATION, Part.TEST):
        rule = {"grid": _grid, "pairs": _pairs, "all": _all}[profile.scored]
        for speaker, *clip, scored in rule(profile, part):
            add(part, speaker, *clip, scored)
    order = list(Part)
    return sorted(found.values(), key=lambda e: (order.index(e.part), e.clip_id))


def _levels(emotion: str) -> tuple[int, ...]:
    return (1,) if emotion == "neutral" else LEVELS


def _training(profile: Profile, i: int) -> list[tuple[str, int, int]]:
    """(emotion, level, take) of the i-th training speaker; neutral in one more sentence, for reference images."""
    clips = []
    for k, emotion in enumerate(EMOTIONS):
        levels = _levels(emotion)
        if profile.train_levels == "rotating":
            levels = (levels[(i + k) % len(levels)],)
        for level in levels:
            turn = i + k + level
            clips += [(emotion, level, 1 + (turn + j) % len(COMMON)) for j in range(profile.train_common)]
            first = len(COMMON) + 1
            clips += [
                (emotion, level, first + (turn + j) % (TAKES - len(COMMON))) for j in range(profile.train_specific)
            ]
            if emotion == "neutral" and profile.train_common == 1:
                clips.append((emotion, level, 1 + (turn + 1) % len(COMMON)))
    return clips


def _grid(profile: Profile, part: Part) -> list[tuple[str, str, int, int, bool]]:
    """Two scored clips per speaker, their two crossed partners, and a neutral reference in the third sentence.

    Scored (e1, s1) and (e2, s2); (e1, s2) and (e2, s1) are the other sentence of one and the other emotion of the other.
    """
    names = speakers(profile, part)
    rows = []
    for i, (speaker, (first, second)) in enumerate(zip(names, _draw_pairs(len(names), part), strict=True)):
        s1, s2 = SENTENCE_PAIRS[i % len(SENTENCE_PAIRS)]
        rows += [(speaker, *first, s1, True), (speaker, *second, s2, True)]
        rows += [(speaker, *first, s2, False), (speaker, *second, s1, False)]
        rows.append((speaker, "neutral", 1, 6 - s1 - s2, False))
    return rows


def _draw_pairs(count: int, part: Part) -> list[tuple[tuple[str, int], tuple[str, int]]]:
    """Two (emotion, level) for each of `count` speakers: emotions and levels as even as can be, no pair of emotions twice."""
    seed = hashlib.sha256(f"{SEED}/{part}/{count}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(seed[:16], "little"))
    while True:
        cells: list[tuple[str, int]] = []
        for round_ in range(-(-2 * count // len(EMOTIONS))):
            turn = list(rng.permutation(LEVELS))
            for k, j in enumerate(rng.permutation(len(EMOTIONS))):
                emotion = EMOTIONS[j]
                level = 1 if emotion == "neutral" else 1 + (int(turn[0]) + int(j) + round_) % 3
                cells.append((emotion, level))
                if k + 1 + round_ * len(EMOTIONS) == 2 * count:
                    break
        order = rng.permutation(len(cells))
        pairs = [(cells[order[2 * i]], cells[order[2 * i + 1]]) for i in range(count)]
        unordered = {frozenset((a[0], b[0])) for a, b in pairs}
        full = len(cells) >= 3 * len(EMOTIONS)
        even = not full or len(set(cells)) == 7 * len(LEVELS) + 1
        if len(unordered) == count and all(len(u) == 2 for u in unordered) and even:
            return pairs


def _pairs(profile: Profile, part: Part) -> list[tuple[str, str, int, int, bool]]:
    """Every emotion in two sentences at one level per speaker (each level equally often), and the neutral reference."""
    rows = []
    for i, speaker in enumerate(speakers(profile, part)):
        s1, s2 = SENTENCE_PAIRS[(i + i // 3) % 3]
        for k, emotion in enumerate(EMOTIONS):
            levels = _levels(emotion)
            level = levels[(i + k) % len(levels)]
            rows += [(speaker, emotion, level, s, True) for s in (s1, s2)]
        rows.append((speaker, "neutral", 1, 6 - s1 - s2, False))
    return rows


def _all(profile: Profile, part: Part) -> list[tuple[str, str, int, int, bool]]:
    return [
        (speaker, emotion, level, take, True)
        for speaker in speakers(profile, part)
        for emotion in EMOTIONS
        for level in _levels(emotion)
        for take in range(1, len(COMMON) + 1)
    ]
