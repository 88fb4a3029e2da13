"""What a clip's extracted cues say, as numbers for a small judge: one set of statistics per kind of cue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.data.puppet.difficulty.sound import sound_statistics

if TYPE_CHECKING:
    from bench.data.puppet.difficulty.clips import Seen

SETS: dict[str, tuple[str, ...]] = {
    "expression, gaze, pose, blinks": ("expression", "gaze", "pose", "blinks"),
    "expression": ("expression",),
    "gaze": ("gaze",),
    "pose": ("pose",),
    "gaze and pose": ("gaze", "pose"),
    "blinks": ("blinks",),
    "sound": ("sound",),
    "all of these with sound": ("expression", "gaze", "pose", "blinks", "sound"),
}
"""What a judge is shown -> the kinds of cue in it."""
ALL_CUES = next(iter(SETS))


def statistics_of(seen: Seen) -> dict[str, np.ndarray]:
    """Kind of cue -> numbers of one clip; nothing in them depends on the clip's length or on other clips."""
    good = seen.valid
    return {
        "expression": expression(seen.blendshapes[good]),
        "pose": angles(seen.pose[good]),
        "gaze": angles(seen.gaze[good].mean(1)),
        "blinks": lids(seen.openness[good]),
        "sound": sound_statistics(seen.sound),
    }


def expression(scores: np.ndarray) -> np.ndarray:
    """Blendshape scores (n, 52) without those of gaze and blinks: mean and 85th percentile of both sides' mean and difference."""
    left, right, single = _columns()
    sides = (scores[:, left] + scores[:, right]) / 2
    uneven = np.abs(scores[:, left] - scores[:, right])
    flat = np.concatenate([sides, uneven, scores[:, single]], axis=1)
    return np.r_[flat.mean(0), np.percentile(flat, 85, axis=0)]


def angles(track: np.ndarray) -> np.ndarray:
    """Angles (n, a) in degrees: mean, absolute mean, spread, 10th and 90th percentile, mean step from frame to frame."""
    mean = track.mean(0)
    steps = np.abs(np.diff(track, axis=0)).mean(0)
    return np.r_[mean, np.abs(mean), track.std(0), np.percentile(track, [10, 90], axis=0).ravel(), steps]


def lids(openness: np.ndarray) -> np.ndarray:
    """Lid openness (n, 2): median, spread, smallest, share of frames under 60 % of the median."""
    both = openness.mean(1)
    middle = np.median(both)
    return np.array([middle, both.std(), both.min() / max(middle, 1e-6), (both < 0.6 * middle).mean()])


def table(rows: list[dict[str, np.ndarray]], kinds: tuple[str, ...]) -> np.ndarray:
    """Numbers (clips, dimensions) of some kinds of cue."""
    return np.stack([np.concatenate([row[kind] for kind in kinds]) for row in rows])


def _columns() -> tuple[list[int], list[int], list[int]]:
    from metrics.extractors.face_network import BLENDSHAPES

    # gaze and blinks are cues of their own; the score "_neutral" is a constant
    names = [n for n in BLENDSHAPES if not n.startswith(("eyeLook", "eyeBlink", "_"))]
    paired = [n for n in names if n.endswith("Left") and n.replace("Left", "Right") in names]
    single = [n for n in names if not n.endswith(("Left", "Right"))]
    paired += ["mouthLeft", "jawLeft"] if "mouthLeft" not in paired else []
    at = BLENDSHAPES.index
    return [at(n) for n in paired], [at(n.replace("Left", "Right")) for n in paired], [at(n) for n in single]
