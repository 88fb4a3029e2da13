"""Who plays what in CREMA-D's layout: the rule behind data_manifests/puppet-cremad/*.csv.

Speakers and their parts are those of MEAD's layout (splits.py); emotions, sentences and levels are CREMA-D's: six emotions,
twelve sentences, levels LO, MD, HI for "It's eleven o'clock." (IEO) in all emotions but neutral, XX for all else.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.contract.clip import LEVELS, Part
from bench.contract.errors import UsageError
from bench.data import cremad
from bench.data.puppet.sentences import CREMAD_TAKES
from bench.data.puppet.speaker import stream
from bench.data.puppet.splits import Entry, Profile, speakers

EMOTIONS = ("angry", "disgusted", "fear", "happy", "neutral", "sad")
LEVELLED = "IEO"
"""The one sentence that CREMA-D has at three levels."""
SHORTEST = ("TSI", "DFA")
"""What the smallest profile says besides."""
FRAMES = {"smoke": (36, 42), "quick": (50, 60), "bench": (50, 65), "full": (50, 65)}
"""Range of clip lengths (frames at 25 fps) per profile: CREMA-D's sentences are longer than those of MEAD's layout."""
SEX_DIGIT = {"M": 1, "W": 2}

_Row = tuple[str, str, str | int, bool]  # sentence, emotion, level ("XX" or 1-3), scored


def actor(speaker: str) -> str:
    """CREMA-D's kind of name for a speaker: M101 -> 1101, W101 -> 2101; none of them is an actor of CREMA-D (1001-1091)."""
    return f"{SEX_DIGIT[speaker[0]]}{speaker[1:]}"


def speaker_of_actor(name: str) -> str:
    """The inverse of `actor`."""
    return {str(digit): letter for letter, digit in SEX_DIGIT.items()}[name[0]] + name[1:]


def entries(profile: Profile) -> list[Entry]:
    """All clips of a profile, by part and clip_id; UsageError for a profile that CREMA-D's layout does not have."""
    if profile.name not in FRAMES:
        raise UsageError(
            f"profile {profile.name!r} is written in MEAD's layout only; CREMA-D's has {', '.join(FRAMES)}"
        )
    found: dict[str, Entry] = {}
    for part in Part:
        training = part in (Part.METHOD_TRAIN, Part.JUDGE_TRAIN)
        rules = {"grid": _rotating if training else _grid, "pairs": _every if training else _pairs, "all": _all}
        for i, speaker in enumerate(speakers(profile, part)):
            for sentence, emotion, level, scored in rules[profile.scored](i, profile.short):
                name = clip_name(speaker, sentence, emotion, level)
                if name not in found or scored:
                    found[name] = Entry(name, part, scored)
    order = list(Part)
    return sorted(found.values(), key=lambda e: (order.index(e.part), e.clip_id))


def clip_name(speaker: str, sentence: str, emotion: str, level: str | int) -> str:
    """CREMA-D's clip_id: `1101_IEO_ANG_HI`."""
    codes = {name: code for code, name in cremad.codes("emotions").items()}
    levels = {number: code for code, number in cremad.codes("levels").items()}
    return f"{actor(speaker)}_{sentence}_{codes[emotion]}_{levels.get(level, 'XX')}"


def what_of(clip_id: str) -> tuple[str, str, int, int]:
    """(speaker, emotion, acted level 1-3, take) of a clip_id; the level that XX does not tell is drawn, the same every time."""
    name, sentence, emotion, level = clip_id.split("_")
    speaker, acted = speaker_of_actor(name), cremad.codes("levels").get(level)
    emotion = cremad.codes("emotions")[emotion]
    take = CREMAD_TAKES[0] + list(cremad.codes("sentences")).index(sentence)
    if acted is None:
        acted = 1 if emotion == "neutral" else int(stream(speaker, emotion, 0, take, "acted level").choice(LEVELS))
    return speaker, emotion, acted, take


def _others(i: int, short: bool) -> tuple[str, str]:
    """Two sentences of the i-th speaker that are not the levelled one."""
    rest = SHORTEST if short else tuple(s for s in cremad.codes("sentences") if s != LEVELLED)
    return rest[2 * i % len(rest)], rest[(2 * i + 1) % len(rest)]


def _level(emotion: str, turn: int) -> str | int:
    return "XX" if emotion == "neutral" else LEVELS[turn % len(LEVELS)]


def _grid(i: int, short: bool) -> Iterator[_Row]:
    """Scored (e1, IEO) and (e2, s2), unscored (e1, s2) and (e2, IEO), and a neutral reference in a third sentence.

    Over six speakers every emotion is once e1 and once e2, and as often with men as with women.
    """
    block = i // len(EMOTIONS)
    first, second = EMOTIONS[i % 6], EMOTIONS[(i + 2 * block + 1) % 6]
    other, third = _others(i, short)
    yield LEVELLED, first, _level(first, i + block), True
    yield other, second, "XX", True
    yield LEVELLED, second, _level(second, i + block), False
    yield other, first, "XX", False
    yield third, "neutral", "XX", False


def _pairs(i: int, short: bool) -> Iterator[_Row]:
    """Every emotion in the levelled sentence (levels in turn) and in another, and the neutral reference."""
    other, third = _others(i, short)
    for k, emotion in enumerate(EMOTIONS):
        yield LEVELLED, emotion, _level(emotion, i + k), True
        yield other, emotion, "XX", True
    yield third, "neutral", "XX", False


def _all(i: int, short: bool) -> Iterator[_Row]:
    """Everything that an actor of CREMA-D says: 82 clips."""
    for sentence in cremad.codes("sentences"):
        for emotion in EMOTIONS:
            levels = LEVELS if sentence == LEVELLED and emotion != "neutral" else ("XX",)
            for level in levels:
                yield sentence, emotion, level, True


def _rotating(i: int, short: bool) -> Iterator[_Row]:
    """One clip per emotion, every third in the levelled sentence; neutral in one more, for reference images."""
    for k, emotion in enumerate(EMOTIONS):
        other, third = _others(i + k, short)
        levelled = (i + k) % 3 == 0
        yield (LEVELLED if levelled else other), emotion, (_level(emotion, i + k // 3) if levelled else "XX"), True
        if emotion == "neutral":
            yield third, emotion, "XX", True


def _every(i: int, short: bool) -> Iterator[_Row]:
    """Every emotion at every level of the levelled sentence and in two others."""
    for k, emotion in enumerate(EMOTIONS):
        for level in ("XX",) if emotion == "neutral" else LEVELS:
            yield LEVELLED, emotion, level, True
        for sentence in _others(i + k, short):
            yield sentence, emotion, "XX", True
