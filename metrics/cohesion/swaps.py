"""Swapping streams between clips of one emotion, and how often a clip's own streams score above swapped ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np

from metrics.cohesion.streams import OTHERS, STARTS, STREAMS

TIE = 0.1
"""Scores are log-odds; where two differ by less, the matcher has no opinion. A still picture has streams of coding noise, and
the coder refreshes all of them at once."""
Outputs = Mapping[str, np.ndarray]
"""Stream -> (W, 2, D): the matcher's outputs for the windows of a clip; "starts" -> (W,): their first frames."""


def pair_scores(left: Outputs, right: Outputs, a: str, b: str) -> np.ndarray:
    """(W,) float64: stream `a` of `left` against stream `b` of `right`, window by window."""
    x, y = (np.asarray(o[s][:, OTHERS[s].index(t)], np.float64) for o, s, t in ((left, a, b), (right, b, a)))
    return (x * y).sum(-1)


def win_rates(clip: Outputs, other: Outputs) -> dict[str, float] | None:
    """Stream -> the share of windows in which the clip's own three streams score above the same with this stream taken from
    `other` at the same time of the clip; ties (differences under TIE) count half. None if no window begins at the same frame.

    At the same time, because clips begin and end alike: how far into a clip a stream is must tell nothing.
    """
    clip, other = at_the_same_time(clip, other)
    if not len(clip[STARTS]):
        return None
    found = {}
    for stream in STREAMS:
        # what does not touch the stream is equal on both sides, and left out
        own = sum(pair_scores(clip, clip, stream, rest) for rest in OTHERS[stream])
        above = own - sum(pair_scores(clip, other, rest, stream) for rest in OTHERS[stream])
        found[stream] = float(((above >= TIE) + 0.5 * (np.abs(above) < TIE)).mean())
    return found


def at_the_same_time(*clips: Outputs) -> list[dict[str, np.ndarray]]:
    """The clips with those windows alone whose first frame all of them have."""
    shared = reduce(np.intersect1d, [clip[STARTS] for clip in clips])
    rows = [np.searchsorted(clip[STARTS], shared) for clip in clips]
    return [{name: clip[name][row] for name in (*STREAMS, STARTS)} for clip, row in zip(clips, rows, strict=True)]


def groups_of(speakers: Sequence[str], emotions: Sequence[str]) -> list[list[int]]:
    """For each clip the clips that its streams are swapped with: of the same emotion, and of the same speaker if there are any."""
    found = []
    for i, (speaker, emotion) in enumerate(zip(speakers, emotions, strict=True)):
        alike = [j for j, e in enumerate(emotions) if e == emotion and j != i]
        found.append([j for j in alike if speakers[j] == speaker] or alike)
    return found


def put_together(clips: Sequence[Outputs], speakers: Sequence[str], emotions: Sequence[str]) -> list[Outputs] | None:
    """Clips whose expression, gaze and pose come from three speakers of one emotion: what nothing but chance holds together.

    Clip i keeps its expression; None if some emotion has fewer than three speakers.
    """
    there = sorted(set(speakers))
    clips_of: dict[tuple[str, str], list[int]] = {}
    for i, key in enumerate(zip(speakers, emotions, strict=True)):
        clips_of.setdefault(key, []).append(i)
    if any(len({s for s, e in clips_of if e == emotion}) < 3 for emotion in set(emotions)):
        return None
    found = []
    for speaker, emotion, i in zip(speakers, emotions, range(len(clips)), strict=True):
        after = [
            s for s in there[there.index(speaker) + 1 :] + there[: there.index(speaker)] if (s, emotion) in clips_of
        ]
        rank = clips_of[speaker, emotion].index(i)
        sources = [i, *(clips_of[s, emotion][rank % len(clips_of[s, emotion])] for s in after[:2])]
        three = at_the_same_time(*(clips[k] for k in sources))
        found.append({**{name: of[name] for name, of in zip(STREAMS, three, strict=True)}, STARTS: three[0][STARTS]})
    return found
