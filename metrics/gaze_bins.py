"""Direction bins of the gaze metrics: their edges, which are data with a reason, and maps of counts over them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from bench.contract.geometry import gaze_bins
from metrics.options import choose

FRAMES = {"head": "relative to the head", "camera": "relative to the camera"}
READS = {"head": ("gaze",), "camera": ("gaze", "transform")}
"""Cues that a direction comes from: a head that is held changes where eyes look in the camera's frame."""
CENTRES = {
    "own": "each side minus its own median per speaker and eye",
    "real": "both sides minus the real side's median per speaker and eye",
    "raw": "not centred",
}


@dataclass(frozen=True)
class Edges:
    """Edges in degrees of yaw (A + 1,) and pitch (B + 1,) bins, ascending, and why they are what they are."""

    yaw: tuple[float, ...]
    pitch: tuple[float, ...]
    reason: str

    @property
    def n_bins(self) -> int:
        return (len(self.yaw) - 1) * (len(self.pitch) - 1)

    @property
    def words(self) -> str:
        """The edges as they stand in definitions."""
        return f"yaw {_listed(self.yaw)}, pitch {_listed(self.pitch)} degrees"

    def bins(self, gaze: np.ndarray) -> np.ndarray:
        """Bin numbers (...) int64 of directions [yaw, pitch] (..., 2), row by row in pitch; -1 where one is NaN."""
        return gaze_bins(gaze, np.asarray(self.yaw), np.asarray(self.pitch))

    def counts(self, gaze: np.ndarray) -> np.ndarray:
        """Frames (2, n_bins) float64 per eye and bin of gaze (T, 2, 2); NaN frames are in no bin."""
        bins = self.bins(gaze)
        return np.stack([np.bincount(one[one >= 0], minlength=self.n_bins) for one in bins.T]).astype(np.float64)


@lru_cache(maxsize=1)
def _table() -> dict[str, Edges]:
    text = (files("data_manifests") / "gaze" / "edges.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    rows = {f"{frame}.{centre}": row for frame in FRAMES for centre, row in document[frame].items()} | {
        "moves": document["moves"]
    }
    return {
        name: Edges(tuple(map(float, row["yaw"])), tuple(map(float, row["pitch"])), row["reason"])
        for name, row in rows.items()
    }


def map_edges(frame: str, centre: str) -> Edges:
    """Edges of the maps under the options gaze.frame and gaze.centre; UsageError for an unknown one."""
    choose("gaze.frame", frame, FRAMES)
    choose("gaze.centre", centre, CENTRES)
    return _table()[f"{frame}.{'raw' if centre == 'raw' else 'centred'}"]


def move_edges() -> Edges:
    """Edges of the coarser regions between which moves are counted."""
    return _table()["moves"]


def _listed(edges: tuple[float, ...]) -> str:
    return " ".join(f"{edge:g}" for edge in edges)
