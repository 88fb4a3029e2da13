"""What the frame judge sees: small gray pictures of the face, one place and size per clip."""

from __future__ import annotations

import numpy as np

from bench.contract.cues import Cues
from bench.contract.geometry import N_MESH

STEP = 2
"""Every second frame is looked at, 12.5 per second at 25 fps."""
SIDE = 80
REACH = 1.75
"""Half the side of the square, over the root mean square distance of the mesh's points from their middle: hair line to chin."""


def looked_at(cues: Cues) -> np.ndarray:
    """(N,) int64: every second frame, of those in which a face was found."""
    frames = np.arange(0, len(cues), STEP)
    return frames[cues.valid[frames]]


def face_square(landmarks: np.ndarray) -> tuple[int, int, int]:
    """Left, top and side in px of the clip's square, from mesh landmarks (N, 478, 3): medians over its frames.

    One square per clip: where the face is put and how large it is drawn does not matter, how the head moves and turns does.
    """
    points = landmarks[:, :N_MESH, :2].astype(np.float64)
    middles = points.mean(1)
    sizes = np.sqrt(((points - middles[:, None]) ** 2).sum(-1).mean(1))
    half = REACH * np.median(sizes)
    left, top = np.rint(np.median(middles, 0) - half)
    return int(left), int(top), max(int(np.rint(2 * half)), 1)


def face_crops(frames: np.ndarray, cues: Cues) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, 80, 80) uint8 of the frames `looked_at`, and their landmarks (N, 478, 2) float32 in px of these pictures.

    frames (T, H, W, 3) uint8 RGB of the crop that the cues are measured in. Gray (BT.601): skin tone and light vary between
    people, not between emotions. Beyond the frame its edge is repeated. N is 0 where no frame looked at has a face.
    """
    import cv2

    chosen = looked_at(cues)
    if not len(chosen):
        return np.empty((0, SIDE, SIDE), np.uint8), np.empty((0, cues.landmarks.shape[1], 2), np.float32)
    landmarks = cues.landmarks[chosen]
    left, top, side = face_square(landmarks)
    height, width = frames.shape[1:3]
    margin = max(0, -left, -top, left + side - width, top + side - height)
    rows, columns = slice(top + margin, top + margin + side), slice(left + margin, left + margin + side)
    pictures = np.empty((len(chosen), SIDE, SIDE), np.uint8)
    for picture, index in zip(pictures, chosen, strict=True):
        gray = cv2.cvtColor(np.ascontiguousarray(frames[index]), cv2.COLOR_RGB2GRAY)
        if margin:
            gray = cv2.copyMakeBorder(gray, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
        picture[:] = cv2.resize(gray[rows, columns], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    # pixel centres: the first pixel of the picture covers side / SIDE pixels of the frame
    placed = (landmarks[..., :2] - (left, top) + 0.5) * (SIDE / side) - 0.5
    return pictures, placed.astype(np.float32)
