"""What each gaze metric sees: known alterations of estimated cues, and what the metrics say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from bench.contract.cues import Cues
from bench.contract.errors import Unscorable
from bench.contract.metric import Collected, SetMetric
from bench.gaze_check.clips import Read, Rows, as_true, collected
from metrics.gaze import GazeJS
from metrics.gaze_coupling import GazeHead
from metrics.gaze_events import FixationDuration, SaccadeAmplitude, SaccadeRate
from metrics.gaze_sw import GazeSW
from metrics.gaze_transitions import GazeTransitions

Alter = Callable[[Read, np.random.Generator], Cues]


def _gaze(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Alter:
    return lambda one, rng: replace(one.cues, gaze=change(one.cues.gaze, rng).astype(np.float32))


def _order(gaze: np.ndarray, rng: np.random.Generator, one: Read) -> np.ndarray:
    """Frames with open eyes in random order among themselves: what the lids cover stays where it is."""
    out = gaze.copy()
    where = np.flatnonzero(one.open)
    out[where] = gaze[rng.permutation(where)]
    return out


ALTERED: dict[str, Alter] = {
    "unaltered": lambda one, rng: one.cues,
    "true gaze and pose": lambda one, rng: as_true(one),
    "noise, SD 1 degree": _gaze(lambda g, rng: g + rng.normal(0, 1, g.shape)),
    "noise, SD 3 degrees": _gaze(lambda g, rng: g + rng.normal(0, 3, g.shape)),
    "5 degrees aside": _gaze(lambda g, rng: g + (5, 0)),
    "half as far": _gaze(lambda g, rng: g * 0.5),
    "eyes exchanged": _gaze(lambda g, rng: g[:, ::-1]),
    "mirrored": _gaze(lambda g, rng: g * (-1, 1)),
    "frozen": _gaze(lambda g, rng: np.repeat(np.nanmedian(g, 0)[None], len(g), 0)),
    "frames shuffled": lambda one, rng: replace(one.cues, gaze=_order(one.cues.gaze, rng, one)),
    "backwards": lambda one, rng: replace(one.cues, gaze=one.cues.gaze[::-1], openness=one.cues.openness[::-1]),
}
METRICS = (GazeJS, GazeSW, GazeTransitions, FixationDuration, SaccadeRate, SaccadeAmplitude, GazeHead)


def sight_of_metrics(clips: Sequence[Read]) -> Rows:
    """Rows: what was done to the estimated cues; columns: each metric's value (and p of divergences)."""
    rows = []
    for name, alter in ALTERED.items():
        rng = np.random.default_rng(0)
        given = [collected(one, one.cues, alter(one, rng)) for one in clips]
        rows.append((name, _values(given)))
    for name, partner in (
        ("another clip, same speaker and emotion", _same_kind),
        ("another emotion, same speaker", _other_emotion),
    ):
        rng = np.random.default_rng(0)
        pairs = [(one, partner(one, clips, rng)) for one in clips]
        rows.append((name, _values([collected(one, one.cues, other.cues) for one, other in pairs])))
    return rows


def _same_kind(one: Read, clips: Sequence[Read], rng: np.random.Generator) -> Read:
    return _pick(
        rng,
        (c for c in clips if (c.clip.speaker, c.clip.emotion) == (one.clip.speaker, one.clip.emotion) and c is not one),
    )


def _other_emotion(one: Read, clips: Sequence[Read], rng: np.random.Generator) -> Read:
    return _pick(rng, (c for c in clips if c.clip.speaker == one.clip.speaker and c.clip.emotion != one.clip.emotion))


def _pick(rng: np.random.Generator, clips: Iterable[Read]) -> Read:
    choice = list(clips)
    return choice[int(rng.integers(len(choice)))]


def _values(clips: Sequence[Collected]) -> list[str]:
    cells = []
    for cls in METRICS:
        metric: SetMetric = cls()
        try:
            found = metric.estimate(clips, 0)
        except Unscorable as nothing:
            cells.append(str(nothing.reason))
            continue
        p = found.details.get("p")
        value = found.statistic(np.ones(len(clips), bool))
        cells.append(f"{value:.3f}" + (f" (p {p:.3f})" if p is not None else ""))
    return cells
