"""The canonical crop: one square per clip, found on the real video and applied to every video of that clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.contract.clip import CROP_SIZE
from bench.contract.errors import Reason, RejectedInput

CROP_VERSION = "2"
FACE_TO_CROP = 1.9
"""Side of the crop over the side of the detector's face box: hair, chin and some neck stay inside."""
UPWARD_SHIFT = 0.06
"""The crop's centre lies this share of its side above the centre of the face boxes (they end at the chin)."""
MAX_OUTSIDE = 0.10
"""Largest share of the face box that may lie outside the picture."""
SECOND_FACE_SIZE = 0.5
"""A second face counts if its box side is at least this share of the first one's."""


@dataclass(frozen=True)
class Crop:
    """A square of source pixels, integer so that cutting it needs no resampling: left, top, side."""

    left: int
    top: int
    side: int

    @property
    def affine(self) -> tuple[float, ...]:
        """2x3 row by row, source px -> canonical px, where the centre of the first pixel is (0, 0), as in landmarks."""
        scale = CROP_SIZE / self.side
        x, y = ((0.5 - corner) * scale - 0.5 for corner in (self.left, self.top))
        return (scale, 0.0, x, 0.0, scale, y)

    @classmethod
    def from_affine(cls, affine: Sequence[float]) -> Crop:
        scale = affine[0]
        left, top = (round(0.5 - (shift + 0.5) / scale) for shift in (affine[2], affine[5]))
        return cls(left, top, round(CROP_SIZE / scale))

    def cut(self, frame: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 -> (256, 256, 3) uint8: border pixels repeated outside the picture, area filter when shrinking."""
        import cv2

        height, width = frame.shape[:2]
        rows = (max(self.top, 0), min(self.top + self.side, height))
        columns = (max(self.left, 0), min(self.left + self.side, width))
        inside = frame[rows[0] : rows[1], columns[0] : columns[1]]
        missing = (
            rows[0] - self.top,
            self.top + self.side - rows[1],
            columns[0] - self.left,
            self.left + self.side - columns[1],
        )
        if any(missing):
            inside = cv2.copyMakeBorder(inside, *missing, cv2.BORDER_REPLICATE)
        if self.side == CROP_SIZE:
            return np.ascontiguousarray(inside)
        method = cv2.INTER_AREA if self.side > CROP_SIZE else cv2.INTER_CUBIC
        return cv2.resize(inside, (CROP_SIZE, CROP_SIZE), interpolation=method)

    def outside(self, landmarks: np.ndarray, width: int, height: int) -> np.ndarray:
        """(T, N, 3) canonical px -> (T,) share of the points that lie outside the source picture."""
        source = (landmarks[..., :2] + 0.5) * (self.side / CROP_SIZE) + (self.left, self.top) - 0.5
        beyond = (source < -0.5) | (source > (width - 0.5, height - 0.5))
        return beyond.any(-1).mean(-1)


def detect_whole(detect: Callable[[np.ndarray], np.ndarray], frame: np.ndarray) -> np.ndarray:
    """Faces (n, 17) of a frame; where there is none, those of the frame with room around it.

    The detector does not answer to a face that the picture's edge cuts in half, unless there is picture where the other half
    would be: with it, such a clip is said to have its face out of the frame instead of no face.
    """
    import cv2

    found = detect(frame)
    if len(found):
        return found
    height, width = frame.shape[:2]
    margins = (height // 4, height // 4, width // 2, width // 2)
    found = detect(cv2.copyMakeBorder(frame, *margins, cv2.BORDER_REPLICATE)).copy()
    found[:, 1::2] -= width // 2
    found[:, 2::2] -= height // 4
    return found


def find_crop(detections: Sequence[np.ndarray], width: int, height: int) -> Crop:
    """The crop of a clip from the face detections of its sampled frames.

    detections: per sampled frame an (n, 17) array of [score, left, top, right, bottom, 6 key points] in source px, best first.
    The boxes' union gives the centre, the median box side plus the head's travel gives the side.
    Raises RejectedInput: no-face, two-faces, face-out-of-frame.
    """
    found = [d for d in detections if len(d)]
    if 2 * len(found) < len(detections) or not found:
        raise RejectedInput(
            Reason.NO_FACE,
            f"expected a face in at least half of the sampled frames, found one in {len(found)} of {len(detections)}",
        )
    widths = [d[:, 3] - d[:, 1] for d in found]
    second = [len(w) > 1 and w[1:].max() >= SECOND_FACE_SIZE * w[0] for w in widths]
    if 2 * sum(second) > len(found):
        raise RejectedInput(
            Reason.TWO_FACES,
            f"expected one face, found two of similar size in {sum(second)} of {len(found)} sampled frames",
        )
    boxes = np.stack([d[0, 1:5] for d in found]).astype(float)  # (K, 4) left, top, right, bottom
    sides = boxes[:, 2:] - boxes[:, :2]
    shown = np.clip(np.minimum(boxes[:, 2:], (width, height)) - np.maximum(boxes[:, :2], 0), 0, None)
    outside = 1 - shown.prod(1) / sides.prod(1)
    if np.median(outside) > MAX_OUTSIDE:
        raise RejectedInput(
            Reason.FACE_OUT_OF_FRAME,
            f"{np.median(outside):.0%} of the face box lies outside the picture, at most {MAX_OUTSIDE:.0%} may",
        )
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    low, high = centres.min(0), centres.max(0)
    box = float(np.median(sides.max(1)))
    side = round(FACE_TO_CROP * box + float((high - low).max()))
    x, y = (low + high) / 2
    return Crop(round(x - side / 2), round(y - UPWARD_SHIFT * side - side / 2), side)
