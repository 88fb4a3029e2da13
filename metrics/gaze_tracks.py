"""Gaze of both sides of every clip, ready for the gaze metrics: open eyes only, one frame of reference, centred per speaker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.geometry import euler_to_matrix, gaze_to_vector, pose_of, vector_to_gaze
from bench.contract.metric import Collected
from bench.contract.seen import Pair
from metrics.pose_cells import Cells, cells_of

COLLECTION = "gaze"
CLOSED = 0.15
"""Eyes count as closed where the mean of both eyes' openness is below this (docs/face-cues.md)."""
MARGIN = 2
"""Frames before and after closed eyes whose gaze is not used either: the lid still covers the iris."""
WORDS = {"real": "real", "made": "generated"}
"""The sides of a clip, as they are called in arrays and in words."""


def near_closed(cues: Cues) -> np.ndarray:
    """(T,) bool: frames with closed eyes, and MARGIN frames around them; False where no face was found."""
    with np.errstate(invalid="ignore"):
        closed = cues.valid & (cues.openness.astype(np.float64).mean(1) < CLOSED)
    near = closed.copy()
    for shift in range(1, MARGIN + 1):
        near[shift:] |= closed[:-shift]
        near[:-shift] |= closed[shift:]
    return near & cues.valid


def open_eyed(cues: Cues) -> np.ndarray:
    """(T,) bool: frames with a face, a finite gaze of both eyes, and lids that are not near closing."""
    return cues.valid & ~near_closed(cues) & np.isfinite(cues.gaze).all((1, 2))


def collect_gaze(pair: Pair) -> Mapping[str, np.ndarray]:
    """What a clip gives to every metric of the collection "gaze", for both sides ("real", "made").

    `<side>_gaze` (T, 2, 2) float32 degrees, head-relative, NaN where the eyes are near closed or no face was found;
    `<side>_pose` (T, 3) float32 degrees; `<side>_frames` (3,) int64: frames, with a face, of these near closed.
    Only the common beginning counts. Raises Unscorable where a side has no frame with a face, or none with open eyes.
    """
    arrays: dict[str, np.ndarray] = {}
    for (side, words), seen in zip(WORDS.items(), (pair.reference, pair.generated), strict=True):
        cues = seen.cues[: pair.n_paired]
        usable = open_eyed(cues)
        if not cues.valid.any():
            raise Unscorable(Reason.NO_FACE, f"no frame of the {words} video has a face")
        if not usable.any():
            raise Unscorable(
                Reason.EYES_CLOSED if near_closed(cues).any() else Reason.NOT_FINITE,
                f"expected at least one frame with open eyes and a gaze in the {words} video, found none of "
                f"{int(cues.valid.sum())} (closed: openness under {CLOSED:g}, and {MARGIN} frames around it)",
            )
        arrays[f"{side}_gaze"] = np.where(usable[:, None, None], cues.gaze, np.nan).astype(np.float32)
        arrays[f"{side}_pose"] = pose_of(cues.transform).astype(np.float32)
        arrays[f"{side}_frames"] = np.array([len(cues), cues.valid.sum(), near_closed(cues).sum()], np.int64)
    return arrays


@dataclass(frozen=True)
class Tracks:
    """Every clip's gaze, in the order of `cells`.

    `real`, `made`: one (T, 2, 2) float64 array per clip, degrees, NaN as collected. `shift` is generated minus real median, mean
    over speakers and eyes, by axis: what centring each side by itself takes out.
    """

    cells: Cells
    clips: Sequence[Collected]
    real: Sequence[np.ndarray]
    made: Sequence[np.ndarray]
    shift: Mapping[str, float]

    def details(self) -> dict[str, float | int | str | None]:
        """Frames with open eyes, share of frames with a face in which they are closed, and the shift, per side."""
        found: dict[str, float | int | str | None] = {}
        for side, word in WORDS.items():
            counts = np.sum([clip.arrays[f"{side}_frames"] for clip in self.clips], axis=0)
            found[f"frames {word}"] = int(sum(np.isfinite(track[:, 0, 0]).sum() for track in getattr(self, side)))
            found[f"eyes closed {word}"] = float(counts[2] / counts[1])
        found["n_frames"] = found["frames generated"]
        return found | {f"shift {axis}": value for axis, value in self.shift.items()}


def tracks_of(clips: Sequence[Collected], frame: str, centre: str) -> Tracks:
    """Tracks under the options gaze.frame and gaze.centre; Unscorable(TOO_FEW_CLIPS) below two clips."""
    cells, clips = cells_of(clips)
    sides = {side: [_in_frame(clip.arrays, side, frame) for clip in clips] for side in WORDS}
    speakers = cells.speakers.tolist()
    medians = {
        side: {
            name: np.nanmedian(
                np.concatenate([track for track, own in zip(tracks, speakers, strict=True) if own == name]), axis=0
            )
            for name in sorted(set(speakers))
        }
        for side, tracks in sides.items()
    }
    gaps = np.mean([medians["made"][name] - middle for name, middle in medians["real"].items()], axis=(0, 1))
    for side, tracks in sides.items():
        if centre != "raw":
            zero = medians["real" if centre == "real" else side]
            sides[side] = [track - zero[name] for track, name in zip(tracks, speakers, strict=True)]
    return Tracks(cells, clips, sides["real"], sides["made"], {"yaw": float(gaps[0]), "pitch": float(gaps[1])})


def _in_frame(arrays: Mapping[str, np.ndarray], side: str, frame: str) -> np.ndarray:
    gaze = arrays[f"{side}_gaze"].astype(np.float64)
    if frame == "head":
        return gaze
    rotation = euler_to_matrix(arrays[f"{side}_pose"])[:, None]  # (T, 1, 3, 3)
    return vector_to_gaze((rotation @ gaze_to_vector(gaze)[..., None])[..., 0])
