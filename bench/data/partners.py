"""Which other clips a scored clip needs: controls' partners, reference images, emotion sources. Pure and deterministic.

All functions take clips of the dataset (`SourceClip`s, or prepared `Clip`s) and look only at their names. Partners are
clips of the same speaker; two clips say the same if their `sentence` is equal, and different things only if both are
known and differ. Where several clips would do, the choice is drawn from the SHA-256 of the two clip ids: it does not
depend on the order of the list or of the disk, nor on which other clips are scored, and no clip is preferred by its
name.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from bench.contract.clip import Part

SAME_SENTENCE = "reference-same-sentence"
SAME_CLIP = "reference-same-clip"


class Named(Protocol):
    """What the choices look at; SourceClip and Clip have it."""

    clip_id: str
    speaker: str
    emotion: str
    level: int | None
    sentence: str | None
    part: Part | None
    scored: bool


C = TypeVar("C", bound=Named)


@dataclass(frozen=True)
class Reference(Generic[C]):
    """The clip that a reference image is taken from, and what a table must say about it."""

    clip: C
    flags: tuple[str, ...] = ()


def by_speaker(clips: Iterable[C]) -> dict[str, list[C]]:
    """Clips grouped by speaker: give a function here one speaker's clips, and long lists cost no time."""
    groups: dict[str, list[C]] = {}
    for clip in clips:
        groups.setdefault(clip.speaker, []).append(clip)
    return groups


def other_sentence(clip: Named, clips: Iterable[C]) -> C | None:
    """A real clip of the same speaker and emotion that says something else (control `gt-mismatched`), None if there is
    none.

    One of the same level if there is one, else of the nearest level.
    """
    fit = [c for c in clips if c.speaker == clip.speaker and c.emotion == clip.emotion and _says_other(clip, c)]
    nearest = min((_level_distance(clip, c) for c in fit), default=0)
    fit = [c for c in fit if _level_distance(clip, c) == nearest]
    return min(fit, key=lambda c: (_draw(clip, c.clip_id), c.clip_id), default=None)


def other_emotion(clip: Named, clips: Iterable[C]) -> C | None:
    """A real clip of the same speaker and sentence in another emotion (control `gt-wrong-emotion`), None if there is
    none.

    The emotion is drawn first, each that is there with equal chance; then a clip of the same level if there is one,
    else of the nearest: taking the level first would never give neutral, which has one level only.
    """
    fit = [
        c for c in clips if c.speaker == clip.speaker and c.emotion != clip.emotion and clip.sentence is not None
        and c.sentence == clip.sentence
    ]  # fmt: skip
    return min(
        fit,
        key=lambda c: (_draw(clip, c.emotion), _level_distance(clip, c), _draw(clip, c.clip_id), c.clip_id),
        default=None,
    )


def emotion_source(clip: Named, clips: Iterable[C]) -> C | None:
    """A clip of a method-training speaker with the same emotion (for methods that take an emotion-source video), None
    if none.

    Never of the clip's own speaker; of the same level if there is one, and of these one that says something else if
    there is one.
    """
    fit = [
        c for c in clips if c.part == Part.METHOD_TRAIN and c.speaker != clip.speaker and c.emotion == clip.emotion
    ]  # fmt: skip
    return min(
        fit,
        key=lambda c: (_level_distance(clip, c), not _says_other(clip, c), _draw(clip, c.clip_id), c.clip_id),
        default=None,
    )


def reference_candidates(
    clip: Named, clips: Iterable[C], scored: Iterable[Named] | None = None
) -> tuple[list[C], bool]:
    """The clips that `clip`'s reference image may come from, best first, and whether they say another sentence than it.

    Every speaker has one order of all neutral clips: first those whose sentence the fewest scored clips of the speaker
    say, then those that are not scored themselves, then by level and clip_id. A clip's candidates are that order
    without the clips that say what it says. So one image serves all clips of a speaker, but for those that say its
    sentence, which share the next one: a speaker has at most two, whatever is scored. If all neutral clips say what
    `clip` says, they are all candidates and the second value is False. No neutral clip: an empty list.

    `scored`: all scored clips of the manifest's part, so that the order does not change with a limit or with clips that
    could not be prepared; by default those of `clips` whose `scored` is True.
    """
    clips = [c for c in clips if c.speaker == clip.speaker]
    return _candidates(
        clip, _order(clips, [c for c in (clips if scored is None else scored) if c.speaker == clip.speaker])
    )


def _order(clips: Iterable[C], scored: Iterable[Named]) -> list[C]:
    """The neutral ones of a speaker's clips, best first for a reference image."""
    own = [c for c in scored if c.scored]
    said = Counter(c.sentence for c in own)
    ids = {c.clip_id for c in own}
    return sorted(
        (c for c in clips if c.emotion == "neutral"),
        key=lambda c: (said[c.sentence], c.clip_id in ids, c.level or 0, c.clip_id),
    )


def _candidates(clip: Named, order: list[C]) -> tuple[list[C], bool]:
    other = [c for c in order if _says_other(clip, c)]
    return (other, True) if other else (order, False)


def reference_of(clip: Named, clips: Iterable[C], scored: Iterable[Named] | None = None) -> Reference[C] | None:
    """The first of `reference_candidates` with its flags; None if the speaker has no neutral clip.

    Give only usable clips (prepared, with a frame that `choose_reference_frame` accepts) as `clips`, and all scored
    ones as `scored`. Flags: `reference-same-sentence`, and `reference-same-clip` where it is the scored clip itself.
    """
    return _first(clip, *reference_candidates(clip, clips, scored))


def _first(clip: Named, candidates: Sequence[C], other: bool) -> Reference[C] | None:
    if not candidates:
        return None
    first = candidates[0]
    same = (SAME_CLIP,) if first.clip_id == clip.clip_id else ()
    return Reference(first, () if other else (SAME_SENTENCE, *same))


class Partners(Generic[C]):
    """The choices of the functions above for many clips, from usable `clips` that are sorted once.

    A speaker of MEAD has hundreds of clips: to look through all of them for each would take the square of that.
    `scored`: all scored clips of the part; `no_reference`: ids of neutral clips without a frame for a reference image.
    """

    def __init__(self, clips: Iterable[C], scored: Iterable[Named], no_reference: Iterable[str] = ()):
        faceless = set(no_reference)
        all_scored = by_speaker(scored)
        self._emotion: dict[tuple[str, str], list[C]] = {}
        self._sentence: dict[tuple[str, str | None], list[C]] = {}
        for clip in (clips := list(clips)):
            self._emotion.setdefault((clip.speaker, clip.emotion), []).append(clip)
            self._sentence.setdefault((clip.speaker, clip.sentence), []).append(clip)
        self._neutral = {
            speaker: _order([c for c in own if c.clip_id not in faceless], all_scored.get(speaker, ()))
            for speaker, own in by_speaker(clips).items()
        }

    def other_sentence(self, clip: Named) -> C | None:
        return other_sentence(clip, self._emotion.get((clip.speaker, clip.emotion), ()))

    def other_emotion(self, clip: Named) -> C | None:
        return other_emotion(clip, self._sentence.get((clip.speaker, clip.sentence), ()))

    def reference_of(self, clip: Named) -> Reference[C] | None:
        return _first(clip, *_candidates(clip, self._neutral.get(clip.speaker, [])))


def needed_clips(
    scored: Sequence[Named],
    clips: Sequence[Named],
    *,
    unusable: Iterable[str] = (),
    no_reference: Iterable[str] = (),
    emotion_sources: bool = False,
) -> set[str]:
    """The clip ids to prepare for scoring `scored`: these, their partners, their reference clips.

    `clips` are all clips of the part, with `scored` set as in the manifest. `unusable`: ids that turned out not to
    work; `no_reference`: ids of neutral clips without a frame for a reference image. The next choices take their place:
    call again after preparing until nothing new is asked for. `emotion_sources`: also the clips of training speakers,
    which must be among `clips` then.
    """
    gone = set(unusable)
    usable = [c for c in clips if c.clip_id not in gone]
    partners = Partners(usable, [c for c in clips if c.scored], no_reference)
    needed = {c.clip_id for c in scored} - gone
    for clip in scored:
        if clip.clip_id in gone:
            continue
        reference = partners.reference_of(clip)
        chosen = [partners.other_sentence(clip), partners.other_emotion(clip), reference.clip if reference else None]
        if emotion_sources:
            chosen.append(emotion_source(clip, usable))
        needed.update(c.clip_id for c in chosen if c is not None)
    return needed


def _says_other(clip: Named, other: Named) -> bool:
    return None not in (clip.sentence, other.sentence) and clip.sentence != other.sentence


def _level_distance(clip: Named, other: Named) -> int:
    # a level that one of the two does not have is farther than any that can be compared
    if clip.level is None or other.level is None:
        return 0 if clip.level == other.level else 9
    return abs(clip.level - other.level)


def _draw(clip: Named, name: str) -> bytes:
    return hashlib.sha256(f"{clip.clip_id}|{name}".encode()).digest()
