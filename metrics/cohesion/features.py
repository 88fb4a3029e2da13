"""The three streams of a clip that should belong together: expression, gaze and head pose, cut into windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.geometry import pose_of
from metrics.cohesion.streams import STARTS, STREAMS, WINDOW
from metrics.extractors.face_network import BLENDSHAPES
from metrics.gaze_tracks import open_eyed

HOP = 8
"""Frames between the starts of two windows."""
SEEN_AT_LEAST = 24
"""Frames of a window in which a stream must have been seen; gaps are bridged in a straight line."""
# The eyes' own scores (eyeLook*, eyeBlink*, eyeSquint*, eyeWide*) would give the gaze to the expression stream outright:
# lids go with the iris, and the estimated gaze goes with the lids. The other scores left out hardly ever move.
LEFT_OUT = ("eye", "_", "cheek", "nose", "jawForward", "jawLeft", "jawRight", "mouthLeft", "mouthRight")
EXPRESSION = tuple(i for i, name in enumerate(BLENDSHAPES) if not name.startswith(LEFT_OUT))
"""Blendshape scores of brows, jaw and mouth."""
SIZES = {"expression": len(EXPRESSION), "gaze": 2, "pose": 3}


BROWS = {
    "raised": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    "lowered": ("browDownLeft", "browDownRight"),
}
PITCH_FROM_BROWS = {"raised": 4.9, "lowered": -4.9}
"""Degrees that the estimated head pitch goes up by, for a mean brow score that goes from 0 to 1 while the head stays."""
GAZE_PITCH_FROM_BROWS = {"raised": -8.9, "lowered": 4.0}
"""The same of the estimated gaze. Both: slopes over clips in which brows and eyes belong to other people, so that nothing else
can tie them (`python -m bench.decoupled --split judge-train --every 4 --takes 2`)."""


def brow_score(blendshapes: np.ndarray, action: str) -> np.ndarray:
    """(T,) mean score of brows "raised" or "lowered" of blendshapes (T, 52)."""
    return blendshapes[:, [BLENDSHAPES.index(name) for name in BROWS[action]]].mean(1)


def streams_of(cues: Cues) -> dict[str, np.ndarray]:
    """Stream -> (T, C) float32 with NaN where it was not seen: expression (27 scores), gaze [yaw, pitch] (degrees relative to
    the head, mean of both eyes, closed eyes left out) and pose [pitch, yaw, roll] (degrees).

    Each is centred on the clip: whose face it is, and where the camera stood, is no part of it. What brows add to the
    estimated pitch of head and gaze is taken off.
    """
    gaze, pose = cues.gaze.mean(1).astype(np.float64), pose_of(cues.transform)
    for action in BROWS:
        score = brow_score(cues.blendshapes, action)
        pose[:, 0] -= PITCH_FROM_BROWS[action] * score
        gaze[:, 1] -= GAZE_PITCH_FROM_BROWS[action] * score
    gaze = np.where(open_eyed(cues)[:, None], gaze, np.nan)
    tracks = {"expression": cues.blendshapes[:, EXPRESSION], "gaze": gaze, "pose": pose}
    return {name: _centred(np.where(cues.valid[:, None], track, np.nan)) for name, track in tracks.items()}


def window_starts(streams: Mapping[str, np.ndarray], hop: int = HOP) -> list[int]:
    """First frames of the windows in which every stream was seen often enough."""
    length = len(next(iter(streams.values())))
    seen = np.stack([np.isfinite(track).all(1) for track in streams.values()])
    return [
        start
        for start in range(0, length - WINDOW + 1, hop)
        if (seen[:, start : start + WINDOW].sum(1) >= SEEN_AT_LEAST).all()
    ]


def windows_of(cues: Cues) -> dict[str, np.ndarray]:
    """Stream -> (W, C, WINDOW) float32: the windows of a clip, all streams at the same frames; "starts" -> (W,) int32, these.

    Unscorable: shorter-than-window, or too-few-frames where no window has enough frames with a face and open eyes.
    """
    if len(cues) < WINDOW:
        raise Unscorable(Reason.WINDOW_TOO_SHORT, f"expected at least {WINDOW} frames, the video has {len(cues)}")
    streams = streams_of(cues)
    starts = window_starts(streams)
    if not starts:
        raise Unscorable(
            Reason.TOO_FEW_FRAMES,
            f"no {WINDOW} frames in a row have {SEEN_AT_LEAST} with a face and open eyes ({int(cues.valid.sum())} of "
            f"{len(cues)} frames have a face)",
        )
    whole = {name: bridged(track) for name, track in streams.items()}
    return cut(whole, starts)


def cut(tracks: Mapping[str, np.ndarray], starts: Sequence[int]) -> dict[str, np.ndarray]:
    """Stream -> (W, C, WINDOW) of tracks (T, C) without gaps, and the windows' first frames as "starts"."""
    windows = {name: np.stack([tracks[name][s : s + WINDOW].T for s in starts]) for name in STREAMS}
    return {**windows, STARTS: np.array(starts, np.int32)}


def bridged(track: np.ndarray) -> np.ndarray:
    """A (T, C) track with its gaps crossed in a straight line, and its ends held."""
    seen = np.flatnonzero(np.isfinite(track).all(1))
    moments = np.arange(len(track))
    return np.stack([np.interp(moments, seen, column[seen]) for column in track.T], 1).astype(np.float32)


def _centred(track: np.ndarray) -> np.ndarray:
    seen = np.isfinite(track).all(1)
    return (track - (track[seen].mean(0) if seen.any() else 0.0)).astype(np.float32)
