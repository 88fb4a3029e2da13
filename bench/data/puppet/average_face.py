"""The average speaker: how the canonical mesh is laid on a face so that a landmark lies where the landmark network puts it."""

from __future__ import annotations

import numpy as np

from bench.data.puppet.canonical import CanonicalMesh
from bench.data.puppet.handles import Handles, handle_field, mirrored

# Canonical vertex of the subject's right side or the midline -> shift in cm (x, y). The canonical mesh is a tidy average:
# its forehead is taller, its jaw heavier and its nose narrower than what the landmark network sees on pictures of it. The
# numbers follow the mean of seen minus true landmarks over the speakers 700-711 (none of whom is ever measured), the nose
# by about half of it.
AVERAGE_SHIFT: Handles = {
    0: (0, 0, 0), 1: (0, -0.35, 0), 2: (0, -0.03, 0), 4: (0, -0.45, 0), 5: (0, -0.48, 0), 6: (0, -0.47, 0), 8: (0,
    -0.25, 0), 9: (0, -0.28, 0), 10: (0, -0.98, 0), 13: (0, 0.11, 0), 14: (0, -0.07, 0), 17: (0, -0.16, 0), 18:
    (0, -0.06, 0), 21: (0.58, -0.36, 0), 33: (0.38, 0.08, 0), 40: (0.22, 0.22, 0), 46: (0.05, 0.29, 0), 50: (0.2,
    -0.07, 0), 52: (-0.09, 0.33, 0), 53: (-0.02, 0.27, 0), 54: (0.61, -0.54, 0), 55: (0.09, -0.02, 0), 58: (-0.23,
    0.61, 0), 61: (0.03, 0.11, 0), 63: (0.12, 0.15, 0), 64: (-0.21, -0.26, 0), 65: (-0, -0.01, 0), 66: (-0, -0.01,
    0), 67: (0.41, -0.91, 0), 68: (0.36, -0.3, 0), 69: (0.12, -0.56, 0), 70: (0.23, 0.24, 0), 91: (0.05, -0.07,
    0), 93: (0.03, 0.63, 0), 98: (-0.24, -0.22, 0), 103: (0.54, -0.72, 0), 104: (0.19, -0.37, 0), 105: (0.07,
    0.14, 0), 107: (0.04, -0.21, 0), 109: (0.23, -0.99, 0), 118: (0.22, -0.11, 0), 122: (0.04, -0.53, 0), 123:
    (0.32, 0.15, 0), 127: (0.26, 0.22, 0), 129: (-0.2, -0.26, 0), 132: (-0.11, 0.75, 0), 133: (0.19, -0.04, 0),
    136: (-0.2, 0.75, 0), 145: (0.28, 0.03, 0), 150: (0.01, 0.81, 0), 151: (0, -0.53, 0), 152: (0, 0.45, 0), 159:
    (-0.17, 0.32, 0), 162: (0.46, -0.07, 0), 164: (0, 0.03, 0), 168: (0, -0.33, 0), 172: (-0.27, 0.64, 0), 174:
    (0.04, -0.16, 0), 175: (0, 0.25, 0), 176: (0.02, 0.72, 0), 187: (0.02, 0.19, 0), 195: (0, -0.49, 0), 196: (0,
    -0.3, 0), 197: (0, -0.48, 0), 199: (0, 0.28, 0), 200: (0, 0.18, 0), 205: (-0.07, -0, 0), 226: (0.33, -0.07, 0),
    229: (0.41, -0.23, 0), 234: (0.1, 0.49, 0),
}  # fmt: skip
_SIGMA = 1.3


def average_face(canonical: CanonicalMesh) -> np.ndarray:
    """Field (468, 3) cm from the canonical mesh to the average speaker, mirror-symmetric.

    Where the skin faces the camera a shifted point slides along the face instead of leaving it.
    """
    points = canonical.points
    field = handle_field(points, mirrored(AVERAGE_SHIFT, canonical.mirror) | AVERAGE_SHIFT, _SIGMA)
    normal = np.zeros_like(points)
    a, b, c = (points[canonical.triangles[:, k]] for k in range(3))
    for k in range(3):
        np.add.at(normal, canonical.triangles[:, k], np.cross(b - a, c - a))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    facing = np.clip((normal[:, 2] - 0.3) / 0.3, 0, 1)
    field[:, 2] -= facing * (normal[:, :2] * field[:, :2]).sum(1) / np.maximum(normal[:, 2], 0.3)
    return field
