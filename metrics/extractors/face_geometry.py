"""From landmarks to head pose, gaze and lid opening, for all frames of a clip at once."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.contract import geometry
from bench.contract.geometry import N_MESH, NEAR, SUBJECT_LEFT_EYE, SUBJECT_RIGHT_EYE

EYES = (SUBJECT_LEFT_EYE, SUBJECT_RIGHT_EYE)
"""Order of the eyes in every array: the subject's left one first."""
EYE_LANDMARKS = tuple(i for e in EYES for i in (e["outer"], e["inner"], *e["upper"], *e["lower"], e["iris"]))
"""The 18 landmarks that lids and gaze are read from: nine per eye."""


def canonical_mesh(task: Path) -> np.ndarray:
    """Vertices (468, 3) float64 in cm of the canonical face mesh inside `face_landmarker.task`."""
    with zipfile.ZipFile(task) as bundle:
        raw = bundle.read("geometry_pipeline_metadata_landmarks.binarypb")
    mesh = next(value for number, value in _fields(raw) if number == 1)
    vertices = b"".join(value for number, value in _fields(mesh) if number == 3)
    return np.frombuffer(vertices, "<f4").reshape(N_MESH, 5)[:, :3].astype(np.float64)  # x, y, z, u, v


def pose_basis(task: Path) -> dict[int, float]:
    """Landmark -> weight of the pose fit, as `face_landmarker.task` gives them."""
    with zipfile.ZipFile(task) as bundle:
        raw = bundle.read("geometry_pipeline_metadata_landmarks.binarypb")
    rows = [dict(_fields(value)) for number, value in _fields(raw) if number == 2]
    return {row[1]: struct.unpack("<f", row[2])[0] for row in rows}


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values of a protobuf message: varints as int, everything else as bytes."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        length = varint() if kind == 2 else {5: 4, 1: 8}[kind]
        yield key >> 3, message[position : position + length]
        position += length


def fit_pose(landmarks: np.ndarray, mesh: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Head-to-camera transforms (T, 4, 4) float64 in cm of landmarks (T, 478, 3) in px; NaN where these are NaN.

    MediaPipe's facial transformation matrix: landmarks are projected onto the near plane of a camera with a vertical
    field of view of 63 degrees, the scale against the canonical mesh is estimated twice (flat, then in perspective),
    and 33 weighted points are fitted by Procrustes. `mesh` is `canonical_mesh`, `size` the frame's (width, height).
    """
    points = np.asarray(landmarks, np.float64)
    chosen = list(geometry.POSE_POINTS)
    weights = np.asarray(geometry.POSE_WEIGHTS)
    source = mesh[chosen]
    pixel = geometry.pixel_size_at_near(size)
    flat = points[:, chosen] * (pixel, -pixel, -pixel)  # shifts do not change a scale
    scale = _scale(geometry.weighted_procrustes(source, flat, weights))

    def camera(scale: np.ndarray) -> np.ndarray:
        depth = (points[:, chosen, 2] - points[:, :N_MESH, 2].mean(1, keepdims=True)) * pixel + NEAR
        depth = depth / scale[:, None]
        x = (points[:, chosen, 0] - size[0] / 2) * pixel * depth / NEAR
        y = (size[1] / 2 - points[:, chosen, 1]) * pixel * depth / NEAR
        return np.stack([x, y, -depth], -1)

    scale = scale * _scale(geometry.weighted_procrustes(source, camera(scale), weights))
    return geometry.weighted_procrustes(source, camera(scale), weights)


def _scale(transform: np.ndarray) -> np.ndarray:
    return np.linalg.norm(transform[:, :3, 0], axis=-1)


def eyes_in_head(landmarks: np.ndarray, transform: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Eye points (T, 2, 9, 3) in head-frame cm of landmarks (T, 478, 3) px, the subject's left eye first.

    The nine points: outer corner, inner corner, three of the upper lid, the three facing them below, iris centre.
    """
    return geometry.normalise(landmarks, transform, size, only=EYE_LANDMARKS).reshape(-1, 2, 9, 3)


def openness_of(eyes: np.ndarray) -> np.ndarray:
    """Lid gap over eye width (T, 2) of eye points (T, 2, 9, 3), the subject's left eye first.

    The gap is the mean distance of three facing pairs of lid points, the width that of the eye's corners: about 0.3 with
    open eyes, under 0.15 with closed ones, whatever the head pose and the size of the picture.
    """
    gap = np.linalg.norm(eyes[:, :, 2:5] - eyes[:, :, 5:8], axis=-1).mean(-1)
    return gap / np.linalg.norm(eyes[:, :, 0] - eyes[:, :, 1], axis=-1)


# The eye in the canonical head frame (cm), whose size is that of an average head: the pupil is seen 1.05 cm in front of the
# centre of rotation (which lies 13.5 mm behind the cornea's apex, the entrance pupil 3.05 mm), and that centre lies behind,
# outwards of and above the middle between the eye's corners. The depth is such that turning a rendered head leaves its gaze
# where it is; the other two are a compromise over few faces of known gaze: people differ by several degrees there, a
# constant per person and eye.
PUPIL_RADIUS = 1.05
EYEBALL_BEHIND = 0.85
EYEBALL_OUTWARDS = 0.05
EYEBALL_ABOVE = 0.11
# The network's irises follow vertical eye movement only half: slope 0.45 on rendered heads and on real clips
# (there against ETH-XGaze), while horizontal movement is seen in full. Pitch is stretched accordingly.
PITCH_GAIN = 1.8


def gaze_of(eyes: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Gaze [yaw, pitch] (T, 2, 2) in degrees relative to the head, the subject's left eye first.

    `eyes` (T, 2, 9, 3) are `eyes_in_head`, `transform` (T, 4, 4). The line of sight from the camera through the iris centre
    is cut with a sphere around the eyeball's centre; the iris's own depth, which the network guesses, is not used. Frames
    with closed lids keep their estimate: openness tells them. NaN where the input is NaN.
    """
    transform = np.asarray(transform, np.float64)
    whole = np.isfinite(transform).all((-2, -1))
    camera = np.linalg.inv(np.where(whole[:, None, None], transform, np.eye(4)))[:, None, :3, 3]  # in the head frame
    shift = np.array([[side * EYEBALL_OUTWARDS, EYEBALL_ABOVE, -EYEBALL_BEHIND] for side in (1, -1)])
    centre = (eyes[:, :, 0] + eyes[:, :, 1]) / 2 + shift
    ray = eyes[:, :, 8] - camera
    ray = ray / np.linalg.norm(ray, axis=-1, keepdims=True)
    to_centre = centre - camera
    nearest = (to_centre * ray).sum(-1, keepdims=True) * ray - to_centre  # from the eyeball's centre to the ray
    depth = np.sqrt(np.clip(PUPIL_RADIUS**2 - (nearest**2).sum(-1, keepdims=True), 0, None))
    return geometry.vector_to_gaze(nearest - depth * ray) * (1, PITCH_GAIN)
