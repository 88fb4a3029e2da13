"""Phonemes to mouth movement: articulator targets blended by dominance, so that neighbours colour each other.

The model is that of Cohen and Massaro (1993, "Modeling coarticulation in synthetic visual speech"): every sound has a
target and a dominance per articulator, dominance decays on both sides of the sound, and the mouth is the dominance-weighted
mean of the targets. Closures are not averaged: lips that must meet do meet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.contract.clip import FPS
from bench.data.puppet.speech import Phoneme

ARTICULATORS = (
    "jaw_open",
    "lips_part",
    "lip_pucker",
    "lip_funnel",
    "lip_stretch",
    "lip_tuck",
    "lower_lip_depress",
    "upper_lip_raise",
    "tongue",
    "lip_close",
)
"""The action units that speech drives, in the order of the columns of `mouth`."""

BILABIAL = frozenset({"p", "b", "m"})
LABIODENTAL = frozenset({"f", "v"})
ROUNDED = frozenset(
    {"u:", "u", "U", "w", "O:", "O", "O2", "O@", "oU", "o@", "o:", "o", "OI", "aU", "S", "Z", "tS", "dZ", "r"}
)
OPEN = frozenset({"a", "aa", "0", "A:", "A", "A@", "aI", "aU", "E", "e@", "V"})
"""Vowels on which the mouth opens wide."""

# articulator targets of one class of sound, and how strongly it insists on each (1 unless said)
_Target = dict[str, float]
_CLASSES: dict[str, tuple[frozenset[str], _Target, _Target]] = {
    "open": (
        frozenset({"0", "A:", "A", "A@", "a", "aa", "A~", "a@"}),
        {"jaw_open": 0.55, "lips_part": 0.45, "lower_lip_depress": 0.22, "upper_lip_raise": 0.08},
        {"jaw_open": 2.0, "lips_part": 1.3},
    ),
    "mid": (
        frozenset({"E", "e", "e@", "e:", "V", "V2"}),
        {"jaw_open": 0.38, "lips_part": 0.42, "lip_stretch": 0.18, "lower_lip_depress": 0.15, "upper_lip_raise": 0.06},
        {"jaw_open": 1.4},
    ),
    "reduced": (
        frozenset({"@", "a#", "@2", "@5", "@L", "I2", "i2", "I#", "E2", "3", "@-", ";"}),
        {"jaw_open": 0.17, "lips_part": 0.34, "lip_stretch": 0.05},
        {"jaw_open": 0.5, "lips_part": 0.5, "lip_pucker": 0.3, "lip_funnel": 0.3, "lip_stretch": 0.4},
    ),
    "spread": (
        frozenset({"I", "i", "i:", "i@", "j"}),
        {"jaw_open": 0.13, "lips_part": 0.38, "lip_stretch": 0.42, "lower_lip_depress": 0.12, "upper_lip_raise": 0.06},
        {"lip_stretch": 1.4},
    ),
    "rounded": (
        frozenset({"u:", "u", "U", "w", "u2"}),
        {"jaw_open": 0.12, "lips_part": 0.22, "lip_pucker": 0.50, "lip_funnel": 0.18},
        {"lip_pucker": 1.6, "lip_stretch": 1.4},
    ),
    "open-rounded": (
        frozenset({"O:", "O", "O2", "O@", "o@", "o:", "o", "U@"}),
        {"jaw_open": 0.32, "lips_part": 0.30, "lip_pucker": 0.18, "lip_funnel": 0.48},
        {"lip_funnel": 1.5, "lip_stretch": 1.2},
    ),
    "r-coloured": (
        frozenset({"3:", "r", "r-", "R"}),
        {"jaw_open": 0.15, "lips_part": 0.30, "lip_pucker": 0.15, "lip_funnel": 0.30},
        {"jaw_open": 0.7},
    ),
    "hushing": (
        frozenset({"S", "Z", "tS", "dZ"}),
        {"jaw_open": 0.06, "lips_part": 0.42, "lip_funnel": 0.45, "lower_lip_depress": 0.15},
        {"jaw_open": 2.2, "lip_funnel": 1.4},
    ),
    "hissing": (
        frozenset({"s", "z"}),
        {"jaw_open": 0.05, "lips_part": 0.40, "lip_stretch": 0.22, "lower_lip_depress": 0.18, "tongue": 0.35},
        {"jaw_open": 2.2},
    ),
    "labiodental": (
        frozenset({"f", "v"}),
        {"jaw_open": 0.07, "lips_part": 0.16, "lip_tuck": 0.95, "upper_lip_raise": 0.20},
        {"jaw_open": 1.8, "lip_tuck": 3.0, "lips_part": 1.5},
    ),
    "dental": (
        frozenset({"T", "D"}),
        {"jaw_open": 0.13, "lips_part": 0.36, "tongue": 0.95, "lower_lip_depress": 0.10},
        {"jaw_open": 1.3, "tongue": 2.0},
    ),
    "alveolar": (
        frozenset({"t", "d", "n", "l", "t2", "t#", "n-", "l-", "*", "?"}),
        {"jaw_open": 0.11, "lips_part": 0.34, "tongue": 0.75, "lip_stretch": 0.08},
        {"jaw_open": 1.2, "tongue": 1.5, "lip_stretch": 0.4, "lip_pucker": 0.3, "lip_funnel": 0.3},
    ),
    "velar": (
        frozenset({"k", "g", "N", "x"}),
        {"jaw_open": 0.16, "lips_part": 0.34},
        {"jaw_open": 0.8, "lips_part": 0.6, "lip_stretch": 0.3, "lip_pucker": 0.3, "lip_funnel": 0.3},
    ),
    "glottal": (frozenset({"h"}), {"jaw_open": 0.20, "lips_part": 0.36}, {k: 0.25 for k in ARTICULATORS}),
    "bilabial": (
        BILABIAL,
        {"jaw_open": 0.07, "lips_part": 0.0},
        {"jaw_open": 1.8, "lips_part": 2.5, "lip_stretch": 0.3, "lip_pucker": 0.4, "lip_funnel": 0.4},
    ),
    "pause": (frozenset({"_"}), {}, {k: 0.7 for k in ARTICULATORS}),
}
_CLASS_OF = {code: name for name, (codes, _, _) in _CLASSES.items() for code in codes}
DIPHTHONGS = {
    "eI": ("E", "I"),
    "aI": ("A", "I"),
    "aI@": ("A", "I"),
    "aI3": ("A", "I"),
    "OI": ("O", "I"),
    "aU": ("A", "U"),
    "aU@": ("A", "U"),
    "oU": ("O", "U"),
    "@U": ("O", "U"),
}

_OPENING = ("jaw_open", "lips_part", "lower_lip_depress")
_WIDE_INSISTS, _WIDE_LEAST = 1.5, 1.0
_GRID = 200  # Hz; curves are built finer than the film and read at frame times
_REACH = {"lip_pucker": 0.070, "lip_funnel": 0.065, "jaw_open": 0.045, "tongue": 0.030}
_REACH_OTHER = 0.050  # seconds in which dominance falls to 1/e outside the sound itself
_CLOSED = 0.046  # seconds a closure is held at least: longer than one frame, so that one frame always shows it
_LEAD = 0.015  # seconds by which the mouth is ahead of the events: sound peaks at the start of a vowel, opening in its middle
_CLOSING = 0.045  # seconds of closing and of opening


def viseme(code: str) -> str:
    """The class of sound that espeak-ng's mnemonic `code` belongs to; an unknown one is looked up by its first letter."""
    for key in (code, code.rstrip("#2-;:~"), code[:1]):
        if key in _CLASS_OF:
            return _CLASS_OF[key]
    return "reduced"


def mouth(phonemes: Sequence[Phoneme], frames: int, onset: float = 0.0, effort: float = 1.0) -> np.ndarray:
    """Mouth action curves of an utterance whose first sample is at `onset` seconds of the clip.

    Returns (frames, len(ARTICULATORS)) float64 in 0..1, frame t standing for the instant t / 25 s. `effort` scales the
    opening (1 is normal speech). lip_close is 1 in at least one frame of every p, b and m.
    """
    times = np.arange(int(np.ceil(frames / FPS * _GRID)) + 1) / _GRID
    segments = _segments(phonemes, onset, times[-1])
    total, weight = np.zeros((len(times), len(ARTICULATORS))), np.full((len(times), len(ARTICULATORS)), 1e-9)
    for name, start, end, gain in segments:
        _, targets, insists = _CLASSES[name]
        # a stressed open vowel is opened by everybody, however lazily or fast
        wide = name in ("open", "mid") and gain > 1.0
        outside = np.maximum(np.maximum(start - times, times - end), 0.0)
        for column, articulator in enumerate(ARTICULATORS):
            if articulator == "lip_close":
                continue
            dominance = insists.get(articulator, 1.0) * np.exp(-outside / _REACH.get(articulator, _REACH_OTHER))
            scale = gain * effort if articulator in _OPENING else 1.0
            if wide and articulator in _OPENING:
                dominance, scale = dominance * _WIDE_INSISTS, max(scale, _WIDE_LEAST)
            total[:, column] += dominance * min(1.0, targets.get(articulator, 0.0) * scale)
            weight[:, column] += dominance
    curves = _smooth(total / weight, 0.015)
    curves[:, ARTICULATORS.index("lip_close")] = closure(phonemes, times, onset)
    frame_times = np.arange(frames) / FPS + _LEAD
    return np.stack([np.interp(frame_times, times, curve) for curve in curves.T], axis=1).clip(0.0, 1.0)


def closure(phonemes: Sequence[Phoneme], times: np.ndarray, onset: float = 0.0) -> np.ndarray:
    """How far the lips are brought together at `times` (s) for p, b and m: (N,) in 0..1, 1 over each closure."""
    closed = np.zeros(len(times))
    for p in phonemes:
        if p.code not in BILABIAL:
            continue
        start, end = onset + p.start, onset + p.end
        if p.code != "m":
            end -= min(0.015, 0.2 * (end - start))  # a stop's own time ends with its burst: the lips are open by then
        start = min(start, end - _CLOSED)  # too short for a frame: the lips meet earlier, never later
        ramp = np.minimum(times - (start - _CLOSING), (end + _CLOSING) - times) / _CLOSING
        ramp = ramp.clip(0.0, 1.0)
        closed = np.maximum(closed, ramp * ramp * (3.0 - 2.0 * ramp))
    return closed


def _segments(phonemes: Sequence[Phoneme], onset: float, end: float) -> list[tuple[str, float, float, float]]:
    """(class, start, end, gain) over the whole clip: diphthongs split in two, silence before and after as pauses."""
    segments = [("pause", -1.0, onset, 1.0)]
    last = onset
    for p in phonemes:
        start, stop = onset + p.start, onset + p.end
        last = max(last, stop)
        gain = (0.85, 1.0, 1.12)[p.stress]
        if p.code in DIPHTHONGS:
            first, second = DIPHTHONGS[p.code]
            turn = start + 0.6 * (stop - start)
            segments += [(viseme(first), start, turn, gain), (viseme(second), turn, stop, 1.0)]
        else:
            segments.append((viseme(p.code), start, stop, gain if p.stress else 1.0))
    segments.append(("pause", last, max(end, last) + 1.0, 1.0))
    return segments


def _smooth(curves: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian along time, sigma in seconds, ends held."""
    radius = int(4 * sigma * _GRID)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / (sigma * _GRID)) ** 2)
    padded = np.pad(curves, ((radius, radius), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel / kernel.sum(), mode="valid") for column in padded.T], axis=1)
