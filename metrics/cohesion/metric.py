"""Cohesion: do a clip's expression, gaze and head pose belong together?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected, Direction, Family, SetEstimate
from bench.contract.seen import Pair
from metrics.cohesion.streams import STARTS, STREAMS, WINDOW
from metrics.cohesion.swaps import Outputs, groups_of, put_together, win_rates

ACROSS = "swapped-across-speakers"
"""Flag: some clip has no other one of its speaker and emotion, and was swapped with somebody else's."""
ARRAYS = (*STREAMS, STARTS)
"""What the extractor gives of a video."""


class Cohesion:
    """How often a clip's own expression, gaze and pose score above the same with one of them from another clip.

    0.5: nothing ties them together more than swapped ones; 1: always recognised as belonging together. What the real
    clips reach is in the details as `auc_real`: above it nothing is gained.
    """

    name: ClassVar[str] = "Cohesion"
    family: ClassVar[Family] = Family.COHESION
    # More is better up to the real clips' own value, which stands beside it: a row's streams are compared with each other,
    # not with the real clip's, so there is no real value of the same clip to match.
    direction: ClassVar[Direction] = Direction.HIGHER
    unit: ClassVar[str] = "AUC"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ("cohesion",)
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    collection: ClassVar[str] = "cohesion"
    definition: ClassVar[str] = (
        f"a matcher trained on real cues scores expression, gaze and pose over {WINDOW} frames; share of the clip's windows "
        "that score above the same with one stream from the same time of another clip of the emotion in the row, of the "
        "same speaker where there is one; mean over the three streams and the clips"
    )

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """real_<stream> and made_<stream> (W, 2, D) float32, real_starts and made_starts (W,) int32."""
        if pair.labels.emotion is None:
            raise Unscorable(Reason.NO_LABEL, "streams are swapped between clips of one emotion; this clip has none")
        sides = {"real": pair.reference, "made": pair.generated}
        arrays = {f"{side}_{name}": seen.features["cohesion"][name] for side, seen in sides.items() for name in ARRAYS}
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise Unscorable(Reason.NOT_FINITE, f"outputs of the matcher ({name}): not all numbers are finite")
        return arrays

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Details: the AUC of each swapped stream; of the real clips; of streams put together from three clips (about 0.5)."""
        rows = Rows(clips)
        everything = np.ones(len(clips), bool)
        if np.isnan(rows.auc("made", everything)).any():
            raise Unscorable(
                Reason.TOO_FEW_CLIPS,
                f"expected two clips or more of some emotion to swap streams between, got {len(clips)} clips of "
                f"{len({clip.labels.emotion for clip in clips})} emotions",
            )
        counted = [i for i, others in enumerate(rows.groups(everything)) if others]
        across = sum(rows.labels[i].speaker != rows.labels[rows.groups(everything)[i][0]].speaker for i in counted)
        details: dict[str, float | int | str | None] = {
            **{f"auc_{name}": float(x) for name, x in zip(STREAMS, rows.auc("made", everything), strict=True)},
            "auc_real": float(rows.auc("real", everything).mean()),
            "auc_swapped": rows.auc_of_strangers(),
            "n_windows": sum(len(rows.outputs["made"][i][STREAMS[0]]) for i in counted),
            "n_clips": len(counted),
            "n_clips_swapped_across_speakers": across,
        }
        return SetEstimate(lambda mask: float(rows.auc("made", mask).mean()), details, (ACROSS,) if across else ())


class Rows:
    """The clips in the order of their ids, so that no result depends on the order in which they came."""

    def __init__(self, clips: Sequence[Collected]):
        self.order = np.array(sorted(range(len(clips)), key=lambda i: clips[i].labels.clip_id))
        ordered = [clips[i] for i in self.order]
        self.labels = [clip.labels for clip in ordered]
        self.outputs: dict[str, list[Outputs]] = {
            side: [{name: clip.arrays[f"{side}_{name}"] for name in ARRAYS} for clip in ordered]
            for side in ("real", "made")
        }
        self._known: dict[tuple[str, int, int], list[float] | None] = {}

    def groups(self, mask: np.ndarray) -> list[list[int]]:
        """For each clip, those of the masked ones (in our order) that it is swapped with; none for clips outside the mask."""
        inside = np.flatnonzero(mask)
        found: list[list[int]] = [[] for _ in self.labels]
        speakers = [self.labels[i].speaker for i in inside]
        emotions = [str(self.labels[i].emotion) for i in inside]
        for i, others in zip(inside, groups_of(speakers, emotions), strict=True):
            found[i] = [int(inside[j]) for j in others]
        return found

    def auc(self, side: str, mask: np.ndarray) -> np.ndarray:
        """(3,) mean win rate of each stream over the masked clips (a mask over clips as given); NaN if none can be swapped."""
        rows = []
        for i, others in enumerate(self.groups(np.asarray(mask, bool)[self.order])):
            rates = [rate for j in others if (rate := self._rates(side, i, j)) is not None]
            if rates:
                rows.append(np.mean(rates, 0))
        return np.mean(rows, 0) if rows else np.full(len(STREAMS), np.nan)

    def auc_of_strangers(self) -> float | None:
        """The AUC of clips put together from three speakers of one emotion; None if there are not so many."""
        speakers = [label.speaker for label in self.labels]
        emotions = [str(label.emotion) for label in self.labels]
        made = put_together(self.outputs["made"], speakers, emotions)
        if made is None:
            return None
        pairs = [(made[i], made[j]) for i, others in enumerate(groups_of(speakers, emotions)) for j in others]
        rates = [rate for pair in pairs if (rate := win_rates(*pair)) is not None]
        return float(np.mean([list(rate.values()) for rate in rates])) if rates else None

    def _rates(self, side: str, i: int, j: int) -> list[float] | None:
        if (side, i, j) not in self._known:
            rates = win_rates(self.outputs[side][i], self.outputs[side][j])
            self._known[side, i, j] = rates and [rates[name] for name in STREAMS]
        return self._known[side, i, j]
