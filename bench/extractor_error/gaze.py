"""How wrong the estimated gaze is, per eye and axis, and the width of direction bins that follows."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

from bench.contract.cues import Cues
from bench.extractor_error.figures import SHARE, Figure, Table, errors, line_figures, over_people
from bench.extractor_error.lids import near_closed
from bench.extractor_error.readings import Reading

EYES = ("left", "right")
"""The subject's own left and right."""
AXES = ("yaw", "pitch")
KINDS = tuple((f"{side} {axis}", eye, column) for column, axis in enumerate(AXES) for eye, side in enumerate(EYES))


def usable(cues: Cues) -> np.ndarray:
    """(T,) bool: frames with a face whose eyes are not closed, and were not and will not be within 2 frames."""
    return cues.valid & ~near_closed(cues)


def gaze_lines(stills: Sequence[Reading], condition: str) -> Table:
    """Rows: eye and axis; columns as `line_figures`, degrees, of each person's line through the set gazes."""
    seen = [still.cues[condition].gaze.astype(np.float64)[still.parts["gaze"]] for still in stills]
    true = [still.truth.gaze[still.parts["gaze"]] for still in stills]
    return {
        name: line_figures([t[:, eye, axis] for t in true], [s[:, eye, axis] for s in seen])
        for name, eye, axis in KINDS
    }


def gaze_errors(clips: Sequence[Reading], condition: str) -> Table:
    """Rows: eye and axis; columns as `errors`, degrees, over the usable frames of acted clips."""
    kept = [usable(clip.cues[condition]) for clip in clips]
    return {
        name: errors(
            [clip.truth.gaze[k, eye, axis] for clip, k in zip(clips, kept, strict=True)],
            [clip.cues[condition].gaze[k, eye, axis].astype(np.float64) for clip, k in zip(clips, kept, strict=True)],
        )
        for name, eye, axis in KINDS
    }


def share_used(clips: Sequence[Reading], condition: str) -> Figure:
    """Share 0..1 of a clip's frames with a face and usable gaze, mean over people."""
    return over_people([usable(clip.cues[condition]).mean() for clip in clips], SHARE)


def bin_widths(errors_of_gaze: Table) -> dict[str, dict[str, float]]:
    """Least width in degrees of a direction bin per axis: twice the estimator's SD, of the worse eye.

    `errors_of_gaze` is `gaze_errors`. centred: each person's own mean taken out first, so that only the SD within a person
    counts; as estimated: people thrown together, the SD across people added in quadrature. Upper ends of the intervals are
    used, so that the rule also holds for other people.
    """
    widths = {}
    for axis in AXES:
        rows = [errors_of_gaze[f"{eye} {axis}"] for eye in EYES]
        widths[axis] = {
            "centred": max(2 * row["within"].most for row in rows),
            "as estimated": max(2 * float(np.hypot(row["within"].most, row["across"].most)) for row in rows),
        }
    return widths


def reach(clips: Sequence[Reading], condition: str, axis: int, centred: bool) -> float:
    """Degrees from the middle that 95 % of the usable frames' estimates do not exceed, both eyes together."""
    values = []
    for clip in clips:
        own = clip.cues[condition].gaze[usable(clip.cues[condition])][:, :, axis].astype(np.float64)  # (T, 2)
        values.append((own - own.mean(0) if centred else own).ravel())
    return float(np.quantile(np.abs(np.concatenate(values)), 0.95))


def bin_edges(least_width: float, reach_degrees: float) -> list[float]:
    """Edges of equal bins about 0, the middle one centred on it: whole-degree width, as many as reach asks for.

    The width is `least_width` rounded up. Bins are added on both sides while the next one's inner edge is within reach; the
    outermost bins take what lies beyond them (`bench.contract.geometry.gaze_bins`).
    """
    width = ceil(least_width - 1e-9)
    beside = max(1, ceil((reach_degrees - width / 2) / width))
    return [width * (k - beside - 0.5) for k in range(2 * beside + 2)]


def both_eyes(rows: Table, axis: str, column: str) -> float:
    """Mean over the two eyes of one column's value of `gaze_errors`, for curves."""
    return float(np.mean([rows[f"{eye} {axis}"][column].value for eye in EYES]))
