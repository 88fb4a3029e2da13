"""What the sync expert sees: the lower face in gray, stabilised on the upper face of the clip's own track."""

from __future__ import annotations

import numpy as np

from bench.contract.cues import Cues
from bench.contract.landmarks68 import MOUTH_20

RIGID = (33, 133, 362, 263, 168, 6, 197, 195)
"""Eye corners and bridge of the nose: they move with the head, hardly with speech."""
OUTER_CORNERS = (0, 3)
"""The two of `RIGID` between which the eye distance is taken."""
SIDE = 48
"""Pixels of the square that the network sees."""
EYE_DISTANCE = 46.0
"""Distance of the outer eye corners in these pixels: the square is a little wider."""
BELOW_MOUTH = 0.08
"""The square's centre lies this share of the eye distance under the mouth's: an open jaw stays inside."""
SMOOTH = 2
"""The head's place is the mean over this many frames on either side: landmark jitter is not passed on."""
FLATTEST = 2.0
"""Gray levels: a flatter clip than this is not stretched to look like a face."""


def mouth_crops(frames: np.ndarray, cues: Cues, margin: int = 0) -> np.ndarray:
    """(T, H, W, 3) uint8 RGB and their cues -> (T, S, S) uint8 gray (BT.601), S = 48 + 2 margin; 0 without a face.

    Turn, size and place of the head are taken out by the points of eyes and nose; the square is centred on the median place
    of the mouth. ValueError if lengths differ.
    """
    import cv2

    if len(frames) != len(cues):
        raise ValueError(f"mouth crops: expected as many frames as cues, got {len(frames)} and {len(cues)}")
    side = SIDE + 2 * margin
    crops = np.zeros((len(frames), side, side), np.uint8)
    turns, centres = mouth_places(cues)
    for index in np.flatnonzero(cues.valid):
        # drawn at twice the size and halved by areas: a frame has more pixels than the crop, and none may alias
        a = turns[index] * EYE_DISTANCE * 2
        b = (side - 0.5) * (1 + 1j) - a * centres[index]
        matrix = np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])
        gray = cv2.cvtColor(np.ascontiguousarray(frames[index]), cv2.COLOR_RGB2GRAY)
        large = cv2.warpAffine(gray, matrix, (2 * side, 2 * side), borderMode=cv2.BORDER_REPLICATE)
        crops[index] = cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA)
    return crops


def mouth_places(cues: Cues) -> tuple[np.ndarray, np.ndarray]:
    """Per frame the factor that turns the head upright and its eye distance to 1, and the crop's centre in px.

    Both (T,) complex128, x + iy; NaN in frames without a face.
    """
    points = cues.landmarks[:, RIGID, :2].astype(np.float64) @ (1, 1j)  # (T, 8)
    mouth = cues.landmarks[:, MOUTH_20, :2].astype(np.float64) @ (1, 1j)  # (T, 20)
    turns = np.full(len(cues), np.nan, np.complex128)
    centres = turns.copy()
    seen = cues.valid
    if not seen.any():
        return turns, centres
    points, mouth = points[seen], mouth[seen].mean(1)
    left, right = OUTER_CORNERS
    eyes = points[:, right] - points[:, left]
    shape = _median((points - points.mean(1, keepdims=True)) / eyes[:, None])
    # the similarity that takes the frame's points to the clip's median shape, in the complex plane: z -> a (z - middle)
    middle = points.mean(1)
    centred = points - middle[:, None]
    a = (np.conj(centred) @ (shape - shape.mean())) / (np.abs(centred) ** 2).sum(1)
    place = _median((mouth - middle) * a) + 1j * BELOW_MOUTH
    turns[seen] = a
    centres[seen] = middle + place / a
    return _smoothed(turns), _smoothed(centres)


def _median(values: np.ndarray) -> np.ndarray:
    return np.median(values.real, axis=0) + 1j * np.median(values.imag, axis=0)


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Mean over the frames with a face within `SMOOTH` of each frame; NaN stays NaN."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, SMOOTH, constant_values=np.nan), 2 * SMOOTH + 1)
    seen = np.isfinite(windows)
    mean = np.where(seen, windows, 0).sum(1) / np.maximum(seen.sum(1), 1)
    return np.where(np.isfinite(values), mean, np.nan)


def standardised(crops: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Crops (T, S, S) uint8 -> float32 with mean 0 and deviation 1 over all pixels of the frames `seen` (T,) bool."""
    pixels = crops[seen].astype(np.float32)
    mean, deviation = (float(pixels.mean()), float(pixels.std())) if seen.any() else (0.0, 1.0)
    return (crops.astype(np.float32) - mean) / max(deviation, FLATTEST)
