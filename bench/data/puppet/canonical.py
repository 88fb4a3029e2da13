"""MediaPipe's canonical face: 468 points and 898 triangles read from face_landmarker.task, and what its numbers mean.

Units are cm, x towards image right (the subject's left), y up, z towards the camera.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

N_CANONICAL = 468
# Rings of the canonical mesh, subject's right side (x < 0) first; every ring runs around its opening.
EYE_RINGS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
EYE_RINGS_1 = (
    (130, 247, 30, 29, 27, 28, 56, 190, 243, 112, 26, 22, 23, 24, 110, 25),
    (359, 467, 260, 259, 257, 258, 286, 414, 463, 341, 256, 252, 253, 254, 339, 255),
)
EYE_RINGS_2 = (
    (226, 113, 225, 224, 223, 222, 221, 189, 244, 233, 232, 231, 230, 229, 228, 31),
    (446, 342, 445, 444, 443, 442, 441, 413, 464, 453, 452, 451, 450, 449, 448, 261),
)
INNER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
OUTER_LIP = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
LIP_PAIRS = ((191, 95), (80, 88), (81, 178), (82, 87), (13, 14), (312, 317), (311, 402), (310, 318), (415, 324))
LIP_CORNERS = (61, 76, 62, 78, 291, 306, 292, 308)
UPPER_LIP = (
    *(185, 40, 39, 37, 0, 267, 269, 270, 409, 184, 74, 73, 72, 11, 302, 303, 304, 408),
    *(183, 42, 41, 38, 12, 268, 271, 272, 407, 191, 80, 81, 82, 13, 312, 311, 310, 415),
)
LOWER_LIP = (
    *(146, 91, 181, 84, 17, 314, 405, 321, 375, 77, 90, 180, 85, 16, 315, 404, 320, 307),
    *(96, 89, 179, 86, 15, 316, 403, 319, 325, 95, 88, 178, 87, 14, 317, 402, 318, 324),
)
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)


@dataclass(frozen=True)
class CanonicalMesh:
    """MediaPipe's canonical face: points (468, 3) cm, uv (468, 2) in 0..1 (v down), triangles (898, 3), mirror (468,).

    `mirror[i]` is the vertex on the other side of the face.
    """

    points: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray
    mirror: np.ndarray


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _protobuf_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
        elif kind == 2:
            size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
        elif kind in (1, 5):
            size = 4 if kind == 5 else 8
            value, at = data[at : at + size], at + size
        else:
            raise ValueError(f"expected a protobuf message, got wire type {kind} at byte {at}")
        yield key >> 3, value


def load_canonical_mesh(task_path: Path) -> CanonicalMesh:
    """The canonical face mesh inside face_landmarker.task (zip with a protobuf; Apache-2.0, Google).

    Raises ValueError if the file does not hold 468 vertices of (x, y, z, u, v) and 898 triangles.
    """
    with zipfile.ZipFile(task_path) as archive:
        metadata = archive.read("geometry_pipeline_metadata_landmarks.binarypb")
    mesh = next((v for _, v in _protobuf_fields(metadata) if isinstance(v, bytes) and len(v) > 1000), b"")
    floats, indices = b"", []
    for _, value in _protobuf_fields(mesh):
        if isinstance(value, int):
            indices.append(value)
        elif len(value) == 4:
            floats += value
        elif not floats:
            floats = value
        else:
            at = 0
            while at < len(value):
                index, at = _varint(value, at)
                indices.append(index)
    values = np.array(struct.unpack(f"<{len(floats) // 4}f", floats), np.float64)
    indices = [i for i in indices if i < N_CANONICAL]
    if len(values) != N_CANONICAL * 5 or len(indices) < 898 * 3:
        raise ValueError(
            f"{task_path}: expected 468 x 5 floats and 898 triangles, got {len(values)} and {len(indices)}"
        )
    table = values.reshape(N_CANONICAL, 5)
    triangles = np.array(indices[-898 * 3 :], np.int64).reshape(-1, 3)
    points = table[:, :3]
    distance = np.abs(points[:, None] * [-1, 1, 1] - points[None]).sum(-1)
    return CanonicalMesh(points, table[:, 3:], triangles, distance.argmin(1))
