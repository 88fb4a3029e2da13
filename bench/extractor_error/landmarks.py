"""How far the extractor's landmarks lie from the true ones, in px, by part of the face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.contract.geometry import N_MESH
from bench.contract.landmarks68 import LANDMARKS_68
from bench.data.puppet.canonical import EYE_RINGS, INNER_LIP, OUTER_LIP, OVAL
from bench.extractor_error.figures import NOT_NEGATIVE, Table, over_people
from bench.extractor_error.readings import Reading

REGIONS: dict[str, tuple[int, ...]] = {
    "all of the mesh": tuple(range(N_MESH)),
    "lips": (*INNER_LIP, *OUTER_LIP),
    "eyes": (*EYE_RINGS[0], *EYE_RINGS[1]),
    "brows": LANDMARKS_68[17:27],
    "outline": OVAL,
    "irises": tuple(range(N_MESH, N_MESH + 10)),
}
"""Landmark numbers of each part: 468 of the mesh, 40 of the lips, 32 of the lid margins, 10, 36 and 10 of the irises."""


def landmark_errors(readings: Sequence[Reading], condition: str) -> Table:
    """Rows: REGIONS. Columns, px, mean over people of each person's own mean over landmarks.

    distance: from the true to the estimated landmark, mean over frames; constant: length of the mean error vector, which is
    the same in all frames of a person; varying: root mean square length of what is left of the error vector without it.
    """
    rows: Table = {}
    for region, points in REGIONS.items():
        columns: dict[str, list[float]] = {"distance": [], "constant": [], "varying": []}
        for reading in readings:
            cues = reading.cues[condition]
            seen = cues.landmarks[cues.valid][:, points, :2]
            wrong = seen - reading.truth.landmarks[cues.valid][:, points]  # (T, P, 2)
            if not len(wrong):
                continue
            mean = wrong.mean(0)
            columns["distance"].append(float(np.linalg.norm(wrong, axis=-1).mean()))
            columns["constant"].append(float(np.linalg.norm(mean, axis=-1).mean()))
            columns["varying"].append(float(np.sqrt(((wrong - mean) ** 2).sum(-1).mean(0)).mean()))
        rows[region] = {name: over_people(values, NOT_NEGATIVE) for name, values in columns.items()}
    return rows
