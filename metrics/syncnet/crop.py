"""The picture SyncNet looks at: a face with room to the sides and below, 224x224, BGR; or a whole picture, squeezed."""

from __future__ import annotations

import numpy as np

SIZE = 224
CROP_SCALE = 0.4
"""Room around the face box, of its half size: 0.4 left and right, 0.8 below, none above (Chung & Zisserman's pipeline)."""
GRAY = 110
"""What stands outside the picture."""
MEDIAN = 13
"""Frames of the median filter over place and size."""
MAX_GAP = 25
"""Frames without a face that are bridged; as long as a face may be unseen in the reference's tracks."""
N_MESH = 468
MIN_HALF = 1.0
EYES_AND_MOUTH = np.array([[87.0, 59.0], [137.0, 59.0], [112.0, 120.0]])
"""Where EAT's evaluator brings the middles of the two eyes and of the inner lips, in its 224 px crop (scripts/align_68.py)."""
STEADY = 0.2
"""Share of the frame before in the shift that holds the mouth there."""


def median_zero_ends(values: np.ndarray) -> np.ndarray:
    """(T,) -> (T,) float64 median over 13 frames as in the reference: beyond the ends it sees zeros.

    So the first and last six values are pulled down, to the smallest value near the end in the outermost frame.
    """
    from scipy.signal import medfilt

    return medfilt(np.asarray(values, np.float64), MEDIAN)


def median(values: np.ndarray) -> np.ndarray:
    """(T,) -> (T,) float64 median over 13 frames; the first and last value are repeated beyond the ends."""
    from scipy.ndimage import median_filter

    return median_filter(np.asarray(values, np.float64), MEDIAN, mode="nearest")


def place_of(boxes: np.ndarray) -> np.ndarray:
    """(T, 4) boxes [left, top, right, bottom] px -> (T, 3): centre x, centre y, half of the longer side."""
    left, top, right, bottom = np.asarray(boxes, np.float64).T
    return np.stack([(left + right) / 2, (top + bottom) / 2, np.maximum(bottom - top, right - left) / 2], 1)


def on_picture(places: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(..., 3) places -> (...) bool: finite, at least 1 px, centre on a picture of `size` (height, width)."""
    x, y, half = np.moveaxis(np.asarray(places, np.float64), -1, 0)
    return (half >= MIN_HALF) & (x >= 0) & (x <= size[1]) & (y >= 0) & (y <= size[0])  # False for NaN


def cut(picture: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 and (3,) centre x, centre y, half size in px -> (224, 224, 3) uint8, channels in the same order.

    From half a face above the centre to 1.8 halves below it, 1.4 halves to each side, whole pixels, bilinear; what lies
    outside the picture is gray 110. ValueError for a place that is not finite, under 1 px, or centred off the picture.
    """
    import cv2

    x, y, half = (float(v) for v in place)
    height, width = picture.shape[:2]
    if not on_picture(place, (height, width)):
        raise ValueError(
            f"a face at x {x:.1f}, y {y:.1f}, half size {half:.1f} px is not on a picture {width}x{height}"
        )
    room = int(half * (1 + 2 * CROP_SCALE))
    padded = cv2.copyMakeBorder(picture, room, room, room, room, cv2.BORDER_CONSTANT, value=(GRAY,) * 3)
    x, y = x + room, y + room
    rows = slice(int(y - half), int(y + half * (1 + 2 * CROP_SCALE)))
    columns = slice(int(x - half * (1 + CROP_SCALE)), int(x + half * (1 + CROP_SCALE)))
    return cv2.resize(padded[rows, columns], (SIZE, SIZE))


def whole(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> (224, 224, 3) uint8, squeezed (bilinear, no filter against aliasing): Wav2Lip's LRS script."""
    import cv2

    return cv2.resize(picture, (SIZE, SIZE))


def mouth_held(landmarks: np.ndarray) -> np.ndarray:
    """Affines (T, 2, 3) from the picture to EAT's 224 px crop, from landmarks (T, 478, 3) px, all finite; T at least 1.

    One similarity for the clip, of its mean eye and mouth middles; then each frame is shifted so that its mouth stays at one place,
    0.8 of what is missing and 0.2 of the frame before's shift. So it follows the head's place, but neither its turn nor its size.
    """
    from bench.contract.geometry import apply_affine, similarity_2d
    from bench.contract.landmarks68 import LANDMARKS_68

    points = landmarks[:, LANDMARKS_68, :2].astype(np.float64)
    middles = np.stack([points[:, part].mean(1) for part in (slice(36, 42), slice(42, 48), slice(60, 68))], 1)
    clip = similarity_2d(middles.mean(0), EYES_AND_MOUTH)
    missing = EYES_AND_MOUTH[2] - apply_affine(clip, middles[:, 2])  # (T, 2)
    affines = np.repeat(clip[None], len(points), 0)
    shift = missing[0]
    for frame, wanted in enumerate(missing):
        shift = STEADY * shift + (1 - STEADY) * wanted
        affines[frame, :, 2] += shift
    return affines


def warped(picture: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 under an affine (2, 3) -> (224, 224, 3) uint8, bilinear; black outside the picture."""
    import cv2

    return cv2.warpAffine(picture, affine, (SIZE, SIZE))


def face_places(landmarks: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Where the face is, from landmarks (T, 478, 3) px and valid (T,) bool -> (T, 3) as `place_of`, NaN where unseen.

    The box is that of the 468 mesh points, forehead to chin and cheek to cheek: OUR stand-in for the detector box that the
    network was trained with. Up to 25 unseen frames between two seen ones are bridged linearly; then the median filter.
    """
    seen = np.flatnonzero(np.asarray(valid) & np.isfinite(landmarks[:, :N_MESH, :2]).all((1, 2)))
    places = np.full((len(landmarks), 3), np.nan)
    if not len(seen):
        return places
    mesh = landmarks[seen, :N_MESH, :2]
    boxes = np.concatenate([mesh.min(1), mesh.max(1)], 1)
    own = place_of(boxes)
    breaks = np.flatnonzero(np.diff(seen) - 1 > MAX_GAP) + 1
    for frames, part in zip(np.split(seen, breaks), np.split(own, breaks), strict=True):
        every = np.arange(frames[0], frames[-1] + 1)
        places[every] = np.stack([median(np.interp(every, frames, column)) for column in part.T], 1)
    return places
