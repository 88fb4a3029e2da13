"""Do two ways of measuring the same thing put the rows in the same order? Kendall's tau over the rows of one table."""

from __future__ import annotations

from dataclasses import dataclass

from bench.contract.metric import Direction
from reports.columns import Column
from reports.table import Table
from reports.words import number

SECOND_OPINIONS = (
    ("Emo-acc", "GeoEmo-acc", "two judges of emotion: the face's pixels, and its geometry"),
    ("Emo-F1", "GeoEmo-F1", "two judges of emotion: the face's pixels, and its geometry"),
    ("Pose-W1", "Pose2-W1", "two estimators of head pose: landmarks, and 6DRepNet"),
    ("Gaze-SW", "Gaze2-SW", "two estimators of gaze: irises, and ETH-XGaze"),
    ("Gaze-JS", "Gaze-SW", "two distances between gaze distributions"),
    ("CSIM", "CSIM-S", "two face recognisers: ArcFace, and SFace"),
    ("FID", "KID", "two distances between the same Inception features"),
    ("SX-D", "LSE-D", "the dataset's own sync expert, and SyncNet"),
)
"""Pairs of columns that answer one question by different means."""
LEAST_ROWS = 4
"""With three rows two of six orders are already alike or opposite."""


@dataclass(frozen=True)
class Agreement:
    """Two columns: Kendall's tau-b of the rows' badness (1: the same order), and how many rows have both values."""

    first: Column
    second: Column
    what: str
    rows: int
    tau: float | None

    @property
    def text(self) -> str:
        return "—" if self.tau is None else number(self.tau, 2)


def agreements(table: Table) -> list[Agreement]:
    """One for each pair of `SECOND_OPINIONS` that the table has; tau is None below 4 rows or where a column is constant."""
    place = {column.metric: j for j, column in enumerate(table.columns)}
    found = []
    for one, other, what in SECOND_OPINIONS:
        if one in place and other in place:
            i, j = place[one], place[other]
            pairs = [(a, b) for line in table.cells if (a := _badness(table, line, i)) is not None
                     and (b := _badness(table, line, j)) is not None]  # fmt: skip
            found.append(Agreement(table.columns[i], table.columns[j], what, len(pairs), _tau(pairs)))
    return [one for one in found if one.rows]


def _badness(table: Table, line, j: int) -> float | None:
    """Smaller is better; under match the distance to the ground truth, None where that is not known."""
    cell, direction = line[j], table.columns[j].direction
    if cell.value is None:
        return None
    if direction == Direction.MATCH:
        # the ground truth's own row has no difference to itself
        return abs(cell.difference_value) if cell.difference_value is not None else None
    return {Direction.HIGHER: -cell.value, Direction.LOWER: cell.value, Direction.ZERO: abs(cell.value)}[direction]


def _tau(pairs: list[tuple[float, float]]) -> float | None:
    from scipy.stats import kendalltau

    if len(pairs) < LEAST_ROWS:
        return None
    tau = float(kendalltau(*zip(*pairs, strict=True)).statistic)
    return None if tau != tau else tau
