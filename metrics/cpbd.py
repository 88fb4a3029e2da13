"""CPBD, cumulative probability of blur detection (Narvekar & Karam, IEEE TIP 20(9), 2011): sharpness without a reference."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Direction, Family, Score
from bench.contract.seen import Seen


class CPBD:
    """Share of edges that look sharp, 0..1, mean over up to 25 frames of the generated video by itself.

    Direction "match", not "higher" as in the field's tables: noise, ringing and block edges make narrow edges and raise the
    value above that of the real video, which is as sharp as a generated one should be.
    """

    name: ClassVar[str] = "CPBD"
    family: ClassVar[Family] = Family.IMAGE
    direction: ClassVar[Direction] = Direction.MATCH
    unit: ClassVar[str] = "1"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ("sharpness",)
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    definition: ClassVar[str] = (
        "cumulative probability of blur detection (Narvekar & Karam 2011) as in the package cpbd 1.0.7, on 8-bit BT.601 gray; "
        "mean over 25 frames at the times (k + 0.5) / 25 of the clip; frames without edges are left out"
    )

    def own(self, seen: Seen) -> Score:
        """Raises Unscorable where no frame has edges."""
        values = seen.features["sharpness"]["cpbd"]
        scored = values[np.isfinite(values)]
        if len(scored) == 0:
            raise Unscorable(Reason.NO_VARIATION, f"expected edges in at least one frame, found none in {len(values)}")
        return Score(float(scored.mean()), len(scored))
