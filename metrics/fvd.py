"""FVD, Frechet video distance (Unterthiner, van Steenkiste, Kurach, Marinier, Michalski & Gelly, arXiv:1812.01717, 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected, Direction, Family, SetEstimate
from bench.contract.seen import Pair
from metrics.extractors.i3d import CLASSES, FRAMES
from metrics.fid import frechet_estimate

MIN_RUNS = 2 * CLASSES
"""Runs of 16 frames; below this on either side the covariance is of low rank and the cell is flagged."""


class FVD:
    """FVD between runs of 16 frames of all real and all generated clips; near 0 for the same runs. Symmetric.

    In no default protocol: see docs/metrics-image.md for how far its network is verified.
    """

    name: ClassVar[str] = "FVD"
    family: ClassVar[Family] = Family.IMAGE
    direction: ClassVar[Direction] = Direction.LOWER
    unit: ClassVar[str] = "1"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ("i3d",)
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    collection: ClassVar[str] = "i3d"
    definition: ClassVar[str] = (
        f"Frechet distance of normal fits to the {CLASSES} logits of I3D (Kinetics-400, RGB, frames scaled to 224 px "
        f"bilinearly), one vector per whole run of {FRAMES} frames at 25 fps, covariances over n - 1, float64"
    )

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """real (n, 400) and generated (m, 400) float32."""
        arrays = {"real": pair.reference, "generated": pair.generated}
        arrays = {name: side.features["i3d"]["logits"] for name, side in arrays.items()}
        for name, logits in arrays.items():
            if not np.isfinite(logits).all():
                raise Unscorable(Reason.NOT_FINITE, f"I3D logits of the {name} clip: not all numbers are finite")
        return arrays

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """As FID's, with runs for frames; raises Unscorable for fewer than two clips."""
        return frechet_estimate(clips, seed, MIN_RUNS, "runs")
