"""From landmarks to head pose, for all frames of a clip at once."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.contract import geometry
from bench.contract.geometry import N_MESH, NEAR


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
