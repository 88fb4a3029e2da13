"""The centred pose distance once more, from another network's angles, and how far the two estimators agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected
from bench.contract.seen import Pair, Seen
from metrics.pose import AXES, head_angles
from metrics.pose_distance import PoseDistance

EXTRACTOR = "head_pose_6drepnet"
AGREE = 0.5
"""Rank correlation of the two estimators below which neither is to be believed on this row."""


class PoseSecondOpinion(PoseDistance):
    """Pose-W1 from pixels instead of landmarks, on five frames per clip: does the finding hold for another estimator?

    Landmark pose takes smiles and brows for pitch (docs/extractor-errors.md); this network has other weaknesses. Read
    the two columns together, and neither where the flag "estimators-disagree" stands.
    """

    name: ClassVar[str] = "Pose2-W1"
    extractors: ClassVar[tuple[str, ...]] = (EXTRACTOR,)
    reads: ClassVar[tuple[str, ...]] = ()
    primary: ClassVar[bool] = False
    collection: ClassVar[str] = "pose-second-opinion"
    definition: ClassVar[str] = (
        "Pose-W1 with the angles of 6DRepNet360 on 5 frames per clip, evenly spread over the frames with a face of each side"
    )

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """real, generated: (5, 3) float32 degrees of the network; real_landmarks, generated_landmarks: on the same frames."""
        arrays = {}
        for name, seen in (("real", pair.reference), ("generated", pair.generated)):
            arrays[name], arrays[f"{name}_landmarks"] = _both_angles(seen)
        return arrays

    def agreement(self, clips: Sequence[Collected]) -> tuple[dict[str, float | None], tuple[str, ...]]:
        """Spearman and Pearson per axis over the row's generated frames, and Spearman over its real ones."""
        details: dict[str, float | None] = {}
        doubt = False
        for axis, axis_name in enumerate(AXES):
            for side in ("generated", "real"):
                second, first = (
                    np.concatenate([clip.arrays[key][:, axis] for clip in clips]) for key in (side, f"{side}_landmarks")
                )
                ranks = rank_correlation(first, second)
                details[f"Spearman {axis_name}, {side}"] = ranks
                details[f"Pearson {axis_name}, {side}"] = _correlation(first, second)
                doubt |= side == "generated" and (ranks is None or ranks < AGREE)
        return details, ("estimators-disagree",) if doubt else ()


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Spearman's correlation of two samples (n,), ties at their mean rank; None where one does not vary."""
    from scipy.stats import rankdata

    return _correlation(rankdata(first), rankdata(second))


def _correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    a, b = (np.asarray(x, np.float64) - np.mean(x, dtype=np.float64) for x in (first, second))
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else None


def _both_angles(seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    found = seen.features[EXTRACTOR]
    frames = np.asarray(found["frames"], int)
    landmarks = head_angles(seen.cues)[frames]
    if not np.isfinite(landmarks).all():
        raise Unscorable(Reason.NO_FACE, f"frames {frames.tolist()} were read, not all of them show a face")
    return np.asarray(found["angles"], np.float32), landmarks.astype(np.float32)
