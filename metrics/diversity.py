"""How different two clips of the same speaker and emotion are: the variety of poses and of expressions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from math import fsum
from typing import ClassVar

import numpy as np

from bench.contract.clip import CROP_SIZE, FPS
from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.geometry import normalise
from bench.contract.landmarks68 import LANDMARKS_68
from bench.contract.metric import Collected, Direction, Family, SetEstimate
from bench.contract.seen import Pair
from metrics.pose import head_angles, seen_angles

EVERY = 5
"""Frames between two compared moments: 0.2 s, about a syllable."""
LEAST_MOMENTS = 3
"""Moments at which both clips must show a face."""
IDENTICAL = 1e-6
"""Distance, in the unit of the sequence, below which two clips count as the same."""
MILLIMETRES = 10.0


def pose_sequence(cues: Cues) -> np.ndarray:
    """(M, 3) degrees: head angles every 0.2 s, NaN without a face."""
    return head_angles(cues)[::EVERY]


def face_sequence(cues: Cues) -> np.ndarray:
    """(M, 204) mm: the MediaPipe-68 landmarks in the head's frame every 0.2 s, pose, place and size taken out."""
    kept = cues[::EVERY]
    points = normalise(kept.landmarks, kept.transform, (CROP_SIZE, CROP_SIZE), only=LANDMARKS_68)
    points = np.where(kept.valid[:, None, None], points, np.nan)
    return MILLIMETRES * points.reshape(len(kept), -1)


class _Diversity:
    """Mean distance between the sequences of different clips of one speaker and emotion, moment by moment.

    A model without randomness that ignores the sound makes all clips of a speaker and emotion alike: 0. Real clips
    differ in what is said and in how: their value is the target, more is not better. No released definition exists
    (SadTalker's code for its diversity was never published); this one is ours.
    """

    direction: ClassVar[Direction] = Direction.MATCH
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    dimensions: ClassVar[int]
    """Numbers of a sequence that make one point: a distance is the mean over points."""

    def sequence(self, cues: Cues) -> np.ndarray:
        """(M, P * dimensions) of one video."""
        raise NotImplementedError

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """generated, real: (M, D) float32; Unscorable where a side shows a face in under 5 frames."""
        arrays = {}
        for name, seen in (("generated", pair.generated), ("real", pair.reference)):
            cues = seen.cues[: pair.n_paired]
            seen_angles(cues)
            arrays[name] = self.sequence(cues).astype(np.float32)
        return arrays

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Unscorable(TOO_FEW_CLIPS) where no speaker has two clips of one emotion with moments in common."""
        order = sorted(range(len(clips)), key=lambda i: (clips[i].labels.dataset, clips[i].labels.clip_id))
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for i in order:
            groups[clips[i].labels.speaker, clips[i].labels.emotion or ""].append(i)
        pairs: dict[str, list[tuple[tuple[str, str], int, int, float]]] = {"generated": [], "real": []}
        for group, members in groups.items():
            for i, j in combinations(members, 2):
                for side, found in pairs.items():
                    distance = self.distance(clips[i].arrays[side], clips[j].arrays[side])
                    if distance is not None:
                        found.append((group, i, j, distance))
        if not pairs["generated"]:
            raise Unscorable(
                Reason.TOO_FEW_CLIPS, f"no speaker has two clips of one emotion to compare, {len(clips)} clips in all"
            )

        def value(side: str, mask: np.ndarray) -> float:
            cells: dict[tuple[str, str], list[float]] = defaultdict(list)
            for group, i, j, distance in pairs[side]:
                if mask[i] and mask[j]:
                    cells[group].append(distance)
            means = [fsum(found) / len(found) for found in cells.values()]
            return fsum(means) / len(means) if means else float("nan")

        everything = np.ones(len(clips), bool)
        same = sum(distance < IDENTICAL for *_, distance in pairs["generated"])
        details: dict[str, float | int | str | None] = {
            "real": value("real", everything) if pairs["real"] else None,
            "pairs of clips": len(pairs["generated"]),
            "identical pairs": same,
        }
        flags = ("identical-clips",) if same else ()
        truth = (lambda mask: value("real", np.asarray(mask, bool))) if pairs["real"] else None
        return SetEstimate(lambda mask: value("generated", np.asarray(mask, bool)), details, flags, truth=truth)

    def distance(self, first: np.ndarray, second: np.ndarray) -> float | None:
        """Mean over moments and points of the distance of two sequences on their common beginning; None under 3 moments."""
        length = min(len(first), len(second))
        difference = (first[:length].astype(np.float64) - second[:length]).reshape(length, -1, self.dimensions)
        moments = np.linalg.norm(difference, axis=-1).mean(-1)
        moments = moments[np.isfinite(moments)]
        return float(moments.mean()) if len(moments) >= LEAST_MOMENTS else None


class PoseDiversity(_Diversity):
    """Variety of head movement."""

    name: ClassVar[str] = "Div-pose"
    family: ClassVar[Family] = Family.POSE
    unit: ClassVar[str] = "deg"
    reads: ClassVar[tuple[str, ...]] = ("transform",)
    collection: ClassVar[str] = "pose-sequences"
    dimensions: ClassVar[int] = 3
    definition: ClassVar[str] = (
        f"distance of the head angles (pitch, yaw, roll) of two clips at equal times, every {EVERY / FPS:g} s, mean over "
        "their common beginning; mean over pairs of different clips of one speaker and emotion, then over these cells"
    )

    def sequence(self, cues: Cues) -> np.ndarray:
        """See `pose_sequence`."""
        return pose_sequence(cues)


class FaceDiversity(_Diversity):
    """Variety of facial expression, speech included."""

    name: ClassVar[str] = "Div-face"
    family: ClassVar[Family] = Family.LANDMARKS
    unit: ClassVar[str] = "mm"
    reads: ClassVar[tuple[str, ...]] = ("landmarks", "transform")
    collection: ClassVar[str] = "face-sequences"
    dimensions: ClassVar[int] = 3
    definition: ClassVar[str] = (
        "distance of the MediaPipe-68 landmarks of two clips in the head's frame (mm of an average head) at equal times, "
        f"every {EVERY / FPS:g} s, mean over points and their common beginning; mean over pairs of different clips of one "
        "speaker and emotion, then over these cells"
    )

    def sequence(self, cues: Cues) -> np.ndarray:
        """See `face_sequence`."""
        return face_sequence(cues)
