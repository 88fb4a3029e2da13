"""Face tracks as the pipeline of SyncNet's authors has them; the boxes come from outside.

Rules and constants: run_pipeline.py of Chung & Zisserman's syncnet_python, which Wav2Lip's real-video score runs. Frames
count from 0 at 25 fps; boxes are [left, top, right, bottom] in px.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrics.syncnet.crop import MAX_GAP, median_zero_ends, place_of

MIN_CONFIDENCE = 0.9
MIN_OVERLAP = 0.5
MIN_TRACK = 100
"""A track has MORE than this many detections, 4 s; the package syncnet-python has 50 here."""
MIN_FACE = 100
"""A track's mean box is longer than this on its longer side, px."""


@dataclass(frozen=True)
class Track:
    """One face over consecutive frames: its first frame and (T, 4) float64 boxes, linear between detections."""

    first: int
    boxes: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def places(self) -> np.ndarray:
        """(T, 3) centre x, centre y, half size, through the reference's median filter with its zeros at the ends."""
        return np.stack([median_zero_ends(column) for column in place_of(self.boxes).T], 1)


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    shared = width * height
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared) if areas > shared else 0.0


def tracks_of(detections: Sequence[np.ndarray], min_track: int = MIN_TRACK, min_face: float = MIN_FACE) -> list[Track]:
    """The tracks of one shot from its boxes per frame: the first begins with the first box of the first frame, and so on.

    detections: per frame (n, 5) boxes with a confidence, best first; those above 0.9 count. A track takes every box that
    overlaps its last one by more than 0.5 and comes at most 25 frames later. Tracks of at most `min_track` detections or
    with a mean box of at most `min_face` px are dropped, as in the reference. ValueError for other shapes.
    """
    left_over = [_confident(np.asarray(frame, np.float64)) for frame in detections]
    found = []
    while any(left_over):
        frames, boxes = _next_track(left_over)
        if len(frames) <= min_track:
            continue
        every = np.arange(frames[0], frames[-1] + 1)
        filled = np.stack([np.interp(every, frames, side) for side in np.array(boxes).T], 1)
        if (filled[:, 2:] - filled[:, :2]).mean(0).max() > min_face:
            found.append(Track(frames[0], filled))
    return found


def _confident(boxes: np.ndarray) -> list[np.ndarray]:
    if not boxes.size:
        return []
    if boxes.ndim != 2 or boxes.shape[1] != 5:
        raise ValueError(f"expected boxes (n, 5) left, top, right, bottom, confidence; got {boxes.shape}")
    return list(boxes[boxes[:, 4] > MIN_CONFIDENCE, :4])


def _next_track(left_over: list[list[np.ndarray]]) -> tuple[list[int], list[np.ndarray]]:
    """Takes one track out of the boxes that are left: its frames and boxes."""
    frames: list[int] = []
    boxes: list[np.ndarray] = []
    for number, faces in enumerate(left_over):
        if boxes and number - frames[-1] > MAX_GAP:
            break
        place = 0
        while place < len(faces):
            if not boxes or overlap(faces[place], boxes[-1]) > MIN_OVERLAP:
                frames.append(number)
                boxes.append(faces.pop(place))
            place += 1  # the box after one that was taken is passed over, as in the reference
    return frames, boxes
