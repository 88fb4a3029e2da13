"""How wrong the estimated head pose is: scale and offset per axis, spread, and what opening the jaw does to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.contract.geometry import pose_of
from bench.extractor_error.figures import Table, errors, line, line_figures, over_people
from bench.extractor_error.gaze import EYES
from bench.extractor_error.readings import Reading
from bench.extractor_error.scenes import EXPRESSIONS, JAW, PITCHES

AXES = ("pitch", "yaw", "roll")


def pose_lines(stills: Sequence[Reading], condition: str) -> Table:
    """Rows: AXES; columns as `line_figures`, degrees, of each person's line through the set poses."""
    seen = [pose_of(still.cues[condition].transform).astype(np.float64)[still.parts["pose"]] for still in stills]
    true = [still.truth.pose[still.parts["pose"]] for still in stills]
    return {
        name: line_figures([t[:, axis] for t in true], [s[:, axis] for s in seen]) for axis, name in enumerate(AXES)
    }


def pose_errors(clips: Sequence[Reading], condition: str) -> Table:
    """Rows: AXES; columns as `errors`, degrees, over the frames of acted clips."""
    seen = [pose_of(clip.cues[condition].transform).astype(np.float64) for clip in clips]
    return {
        name: errors([clip.truth.pose[:, axis] for clip in clips], [s[:, axis] for s in seen])
        for axis, name in enumerate(AXES)
    }


def expression_shifts(stills: Sequence[Reading], condition: str) -> Table:
    """What an expression does to estimates of a head and eyes that do not move, from stills at each of PITCHES.

    Rows: "jaw open", "jaw open, per 10 px of lip gap", and EXPRESSIONS. Columns, degrees, mean over people: pitch, yaw, roll,
    gaze yaw, gaze pitch (mean of both eyes): estimate with the expression in full minus estimate without it; of the jaw the
    slope over its steps.
    """
    rows: dict[str, dict[str, list[float]]] = {}
    for still in stills:
        cues = still.cues[condition]
        seen = np.concatenate([pose_of(cues.transform), cues.gaze.mean(1)], axis=1).astype(np.float64)
        jaw = seen[still.parts["jaw"]].reshape(len(PITCHES), len(JAW), -1)
        gap = still.truth.lip_gap[still.parts["jaw"]].reshape(len(PITCHES), len(JAW))
        shifts = {
            "jaw open": _slope(np.tile(JAW, (len(PITCHES), 1)), jaw),
            "jaw open, per 10 px of lip gap": 10 * _slope(gap, jaw),
        }
        shifts |= {name: (seen[still.parts[name]] - jaw[:, 0]).mean(0) for name in EXPRESSIONS}
        for name, values in shifts.items():
            row = rows.setdefault(name, {})
            for column, value in zip((*AXES, "gaze yaw", "gaze pitch"), values, strict=True):
                row.setdefault(column, []).append(float(value))
    return {name: {column: over_people(v) for column, v in row.items()} for name, row in rows.items()}


def _slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Slope (C,) of y (P, J, C) on x (P, J), each of the P rows about its own mean."""
    x, y = x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True)
    return np.einsum("pj,pjc->c", x, y) / (x**2).sum()


def gaze_under_turns(stills: Sequence[Reading], condition: str) -> Table:
    """Slope of the estimated gaze on the head's angle while the eyes look straight ahead of the head; 0 is right.

    Rows: "yaw" and "pitch" (of the head, against gaze of the same name); columns: EYES.
    """
    rows: Table = {}
    for column, name in ((1, "yaw"), (0, "pitch")):
        rows[name] = {}
        for eye, side in enumerate(EYES):
            slopes = [
                line(
                    s.truth.pose[s.parts["pose"], column], s.cues[condition].gaze[s.parts["pose"], eye, 1 - column]
                ).slope
                for s in stills
            ]
            rows[name][side] = over_people(slopes)
    return rows
