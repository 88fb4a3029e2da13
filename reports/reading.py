"""How to read each metric: what it compares, what moves it, what it cannot see."""

from __future__ import annotations

from dataclasses import dataclass

from reports.media import is_truth
from reports.table import Column, Table
from reports.words import ARROW_MEANING, number, printable

READING = {
    "SSIM": "Compares brightness, contrast and fine structure of each frame with the real frame at the same place; 1 is the same "
    "picture. A right expression two pixels aside scores low, a still face on the right background scores high: look at the "
    "static row before being impressed. Blind to timing as such and to sound.",
    "PSNR": "Mean squared pixel error of each frame against the real one, on a logarithmic scale: 6 dB more is half the typical error. "
    "Ruled by the large areas, background and hair; the mouth hardly counts. A clip that is the real one to the last bit has no "
    "error, so its value is the largest that the definition allows.",
    "M-LMD": "How far the 20 lip points lie from the real ones, after each mouth is centred on itself: shape and opening of the mouth, "
    "frame by frame. 0 is the same mouth. A method that says the right words half a second late scores badly; head movement "
    "enters only as far as it turns or tilts the mouth.",
    "F-LMD": "The same over all 68 face points: brows, eyes, jaw and lips, and the head's turn and tilt, which move all points. 0 is the "
    "same face at the same pose.",
    "M-LVD": "How far the lip points' movement from one frame to the next differs from the real one: the rhythm of the mouth. A still "
    "mouth is wrong by the whole real movement; a trembling one is punished, which M-LMD forgives.",
    "F-LVD": "The same over all 68 face points: rhythm and smoothness of head and face. Frames in random order give very large values.",
    "Gaze-JS": "Whether the eyes look where the real ones look, as often: the gaze maps of each emotion, real against generated. About "
    "0 is as alike as two samples of the same people; below 0 the clips follow the real ones more closely than chance "
    "would. Blind to the order of frames, and to a constant by which all of a speaker's gaze is off.",
    "Gaze-SW": "The same question without bins, in degrees: how far real gaze would have to be moved to become the generated one. A "
    "shift by d degrees counts as 0.64 d. Small noise that no bin shows counts here.",
    "Gaze-trans": "From where to where the eyes jump: moves between nine regions of gaze. Eyes that never move are a bit apart from real "
    "ones; eyes that jump between the right places in the wrong order are seen here and not in Gaze-JS.",
    "Fix-dur": "How long the eyes rest between two jumps, cut at one second. Compare with the real value beside it: at 25 frames per "
    "second small jumps are missed and noise makes some up, on both sides alike.",
    "Sacc-rate": "Jumps of the eyes per second, of five degrees or more. 0 is a stare; frames in random order give more than ten.",
    "Sacc-amp": "How far the eyes jump, median of the jumps found. Those under five degrees are not among them, so it says nothing of "
    "small ones.",
    "Gaze-head": "Whether the eyes turn against the head while they rest on something, as real eyes must: -1 is perfect, 0 is eyes that "
    "know nothing of the head. Noise of the estimator pulls real eyes to about -0.5.",
    "Gaze-rel": "Whether a second, unrelated estimator sees the same gaze. It says nothing of the method; where it is low, the other "
    "gaze columns measure the estimator.",
}
"""Metric -> three sentences for a reader who meets it for the first time."""


@dataclass(frozen=True)
class Reading:
    """One metric explained: heading, direction, words, and where the scale of this table's controls lies."""

    column: Column
    meaning: str
    words: str
    scale: str


def readings(table: Table) -> list[Reading]:
    """One for each column, in the table's order."""
    return [
        Reading(column, ARROW_MEANING[column.direction], READING.get(column.metric, ""), _scale(table, j))
        for j, column in enumerate(table.columns)
    ]


def _scale(table: Table, j: int) -> str:
    """Where truth, codec and stillness lie: "gt 1.000, gt-reencoded 0.982, static 0.795"."""
    column = table.columns[j]
    parts = []
    for row, line in zip(table.rows, table.cells, strict=True):
        name = row.loaded.result.method.name
        if line[j].value is not None and (
            is_truth(row) or (row.role != "method" and name in ("gt-reencoded", "static"))
        ):
            parts.append(f"{row.label} {number(line[j].value, column.decimals)}")
    return printable(", ".join(parts))
