"""The bone and flesh of one speaker: shape modes, eyes and lips of the canonical face at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.contract.geometry import POSE_POINTS, POSE_WEIGHTS, euler_to_matrix, pose_of, weighted_procrustes
from bench.data.puppet.average_face import average_face
from bench.data.puppet.canonical import (
    EYE_RINGS,
    EYE_RINGS_1,
    EYE_RINGS_2,
    LIP_PAIRS,
    LOWER_LIP,
    N_CANONICAL,
    UPPER_LIP,
)
from bench.data.puppet.mesh import SKULL_CENTRE, HeadMesh

if TYPE_CHECKING:
    from bench.data.puppet.identity import Identity

# Shape modes: name -> ((vertex of the subject's right side or the midline, width cm, (x, y, z) cm per standard deviation), ...)
_Mode = tuple[tuple[int, float, tuple[float, float, float]], ...]
SHAPE_MODES: dict[str, _Mode] = {
    "jaw_width": ((58, 2.2, (-0.25, 0, 0)), (172, 2.0, (-0.22, 0, 0)), (136, 1.8, (-0.14, 0, 0))),
    "jaw_height": ((58, 2.2, (0, -0.32, 0)), (172, 1.8, (0, -0.2, 0))),
    "chin_width": ((150, 1.4, (-0.32, 0, 0)), (176, 1.2, (-0.25, 0, 0))),
    "chin_length": ((152, 1.9, (0, -0.42, 0)), (200, 1.3, (0, -0.12, 0))),
    "chin_forward": ((199, 1.6, (0, 0, 0.38)), (152, 1.6, (0, 0, 0.25))),
    "temple_width": ((162, 2.4, (-0.3, 0, 0)), (234, 2.2, (-0.3, 0, 0))),
    "forehead_height": ((10, 2.8, (0, 0.42, 0)), (103, 2.4, (0, 0.3, 0))),
    "forehead_slope": ((151, 2.4, (0, 0, 0.3)), (10, 2.0, (0, 0, -0.2))),
    "brow_ridge": ((105, 1.3, (0, 0, 0.22)), (9, 1.2, (0, 0, 0.12)), (63, 1.1, (0, 0, 0.15))),
    "brow_height": ((105, 1.1, (0, 0.2, 0)), (70, 1.0, (0, 0.16, 0)), (107, 0.9, (0, 0.17, 0))),
    "brow_tilt": ((70, 1.0, (0, 0.16, 0)), (107, 0.9, (0, -0.1, 0))),
    "cheekbone": ((50, 1.6, (-0.12, 0, 0.3)), (117, 1.6, (-0.15, 0, 0.2)), (123, 1.6, (-0.25, 0, 0.1))),
    "cheek_full": ((205, 1.6, (-0.1, 0, 0.26)), (207, 1.6, (-0.2, 0, 0.12)), (147, 1.8, (-0.2, 0, 0))),
    # a long nose takes the mouth down with it: the upper lip keeps its length
    "nose_length": (
        *((1, 1.1, (0, -0.22, 0)), (2, 1.0, (0, -0.18, 0)), (98, 0.9, (0, -0.17, 0)), (64, 0.9, (0, -0.15, 0))),
        *((13, 1.5, (0, -0.13, 0)), (61, 1.5, (0, -0.13, 0))),
    ),
    "nose_width": ((64, 0.7, (-0.13, 0, 0)), (98, 0.6, (-0.07, 0, 0)), (129, 0.8, (-0.1, 0, 0))),
    "nose_bridge": ((6, 0.9, (0, 0, 0.34)), (197, 0.9, (0, 0, 0.3)), (168, 0.8, (0, 0, 0.22))),
    "nose_bridge_width": ((122, 0.6, (-0.13, 0, 0.03)), (196, 0.6, (-0.12, 0, 0.03))),
    "nose_tip": ((4, 0.8, (0, 0, 0.24)), (1, 0.8, (0, 0, 0.22))),
    "nose_tip_up": ((4, 0.9, (0, 0.15, 0.0)), (1, 0.8, (0, 0.15, 0)), (2, 0.6, (0, 0.1, 0))),
    "mouth_width": ((61, 1.0, (-0.12, 0, -0.04)), (40, 0.8, (-0.055, 0, 0)), (91, 0.8, (-0.055, 0, 0))),
    "mouth_height": ((13, 1.5, (0, 0.14, 0)), (61, 1.5, (0, 0.14, 0))),
    "mouth_forward": ((13, 1.4, (0, 0, 0.22)), (14, 1.4, (0, 0, 0.22))),
    "mouth_corner": ((61, 0.6, (0, 0.11, 0)),),
    "upper_lip": ((37, 0.42, (0, 0.12, 0.08)), (39, 0.42, (0, 0.09, 0.05)), (0, 0.4, (0, 0.09, 0.08))),
    "lower_lip": ((84, 0.65, (0, -0.06, 0.05)), (17, 0.5, (0, -0.04, 0.05))),
    "eye_spacing": ((159, 1.1, (-0.14, 0, 0)), (145, 1.1, (-0.14, 0, 0))),
    "eye_height": ((159, 1.3, (0, 0.08, 0)), (145, 1.3, (0, 0.08, 0))),
    "eye_depth": ((159, 1.0, (0, 0, 0.12)), (145, 1.0, (0, 0, 0.12))),
}
# What differs between the sexes, in standard deviations (men +, women -).
_SEX_SHIFT = {
    "jaw_width": 0.5,
    "jaw_height": 0.3,
    "chin_width": 0.5,
    "chin_length": 0.5,
    "brow_ridge": 0.8,
    "brow_height": -0.4,
    "cheekbone": -0.3,
    "cheek_full": -0.3,
    "nose_length": 0.3,
    "nose_width": 0.4,
    "nose_tip": 0.3,
    "upper_lip": -0.25,
    "lower_lip": -0.2,
    "forehead_slope": -0.4,
}

# Where the average speaker differs from the canonical mesh, in standard deviations.
MEAN_FACE = {
    "brow_height": -1.3,
    "chin_length": -0.9,
    "forehead_height": -1.0,
    "jaw_width": -0.8,
    "chin_width": -0.2,
    "cheekbone": 0.5,
    "cheek_full": -0.7,
    "eye_depth": -0.6,
    "mouth_width": 0.9,
    "upper_lip": 0.4,
    "lower_lip": 0.3,
    "mouth_corner": -0.3,
    "nose_tip": -0.5,
    "nose_width": -0.4,
    "nose_length": -0.2,
}


def draw_shape(rng: np.random.Generator, sign: float) -> tuple[np.ndarray, np.ndarray]:
    """Shape numbers (standard deviations, one per SHAPE_MODES) and stretch (3,) of a speaker; sign +1 for men, -1 for women."""
    shape = 0.8 * np.clip(rng.normal(0, 1, len(SHAPE_MODES)), -1.7, 1.7)
    shape += [MEAN_FACE.get(name, 0.0) + sign * _SEX_SHIFT.get(name, 0.0) for name in SHAPE_MODES]
    stretch = 1 + np.clip(rng.normal(0, 1, 3), -2, 2) * [0.03, 0.03, 0.04]
    return shape, stretch * (1.015 if sign > 0 else 0.985)


def draw_eyes(rng: np.random.Generator, sign: float) -> np.ndarray:
    """Size, opening, tilt (degrees) and corner roundness of a speaker's eyes; sign +1 for men, -1 for women."""
    return np.array(
        [
            1.15 + 0.035 * np.clip(rng.normal(), -2, 2) - 0.02 * sign,
            1.10 + 0.06 * np.clip(rng.normal(), -2, 2) - 0.03 * sign,
            2.0 + 1.9 * np.clip(rng.normal(), -2, 2) - 0.8 * sign,
            rng.uniform(0, 1),
        ]
    )


def _bump(points: np.ndarray, centre: int, width: float) -> np.ndarray:
    return np.exp(-((points - points[centre]) ** 2).sum(1) / (2 * width**2))


def rest_face(identity: Identity, mesh: HeadMesh) -> tuple[np.ndarray, np.ndarray]:
    """The speaker's canonical points (468, 3) cm at rest with closed lips, and the lip distances (9,) at which they touch.

    The face is mirror-symmetric.
    """
    base, mirror = mesh.canonical.points, mesh.canonical.mirror
    points = _shaped_eyes(base, identity.eyes) + average_face(mesh.canonical)
    move = np.zeros_like(points)
    for amount, mode in zip(identity.shape, SHAPE_MODES.values(), strict=True):
        for centre, width, step in mode:
            delta = amount * np.asarray(step)
            move += _bump(base, centre, width)[:, None] * delta
            if mirror[centre] != centre:
                move += _bump(base, int(mirror[centre]), width)[:, None] * (delta * [-1, 1, 1])
    points = _levelled(_sharpened((points + move) * identity.stretch, mesh), mesh)
    return _closed_lips(points, mesh)


NETWORK_TILT = 0.2
"""Degrees by which the landmark network reads these faces as lowered, on average over the speakers 700-715 in all poses.

`python -m bench.data.puppet.measure --tilt` fits it; the speakers whose figures are shown (500-523) have no part in it.
Still faces alone would ask for 1.7: a dropped jaw and raised brows are read as a raised head.
"""


def _levelled(points: np.ndarray, mesh: HeadMesh) -> np.ndarray:
    """The face turned about the x axis so that its rest is pitch 0 as MediaPipe fits pose: a long nose is no lowered head."""
    weights = np.zeros(N_CANONICAL)
    weights[list(POSE_POINTS)] = POSE_WEIGHTS
    surface = mesh.subdivision[:N_CANONICAL] @ mesh.control_points(points)
    fitted = pose_of(weighted_procrustes(mesh.canonical.points, surface, weights))[0]
    turn = euler_to_matrix(np.array([NETWORK_TILT - fitted, 0.0, 0.0]))
    return (points - SKULL_CENTRE) @ turn.T + SKULL_CENTRE


def _sharpened(target: np.ndarray, mesh: HeadMesh) -> np.ndarray:
    """Control points whose smooth surface goes (nearly) through `target`: subdivision alone would blunt nose and lips."""
    points = target.copy()
    rows = mesh.subdivision[:N_CANONICAL]
    for _ in range(2):
        points += 0.8 * (target - rows @ mesh.control_points(points))
    return 0.5 * (points + (points * [-1, 1, 1])[mesh.canonical.mirror])


def _shaped_eyes(base: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    """Open the canonical mesh's narrow eyes to `opening` cm, scale, tilt them, and lay the lids out as almonds."""
    size, opening, tilt, roundness = eyes
    points = base.copy()
    for side, sign in ((0, -1.0), (1, 1.0)):
        outer, inner = base[EYE_RINGS[side][0]], base[EYE_RINGS[side][8]]
        centre = (outer + inner) / 2
        half = abs(outer[0] - inner[0]) / 2 * size
        angle = np.radians(tilt) * sign
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        for ring, share in ((EYE_RINGS, 1.0), (EYE_RINGS_1, 0.86), (EYE_RINGS_2, 0.42)):
            index = np.array(ring[side])
            local = base[index, :2] - centre[:2]
            local[:, 0] *= 1 + (size - 1) * share
            across = np.clip(local[:, 0] * sign / half, -1, 1)  # -1 inner corner, +1 outer corner
            upper = np.zeros(16)
            upper[1:8], upper[9:] = 1.0, -1.0
            power = 2.2 + 0.8 * roundness
            lid_top = 0.54 * opening * (1 - np.abs(across - 0.05 * (1 - across**2)) ** power)
            lid_bottom = -0.46 * opening * (1 - np.abs(across - 0.12 * (1 - across**2)) ** power)
            target = np.where(upper > 0, lid_top, np.where(upper < 0, lid_bottom, 0.0))
            natural = base[np.array(EYE_RINGS[side]), 1] - centre[1]
            local[:, 1] += share * (target - natural)
            points[index, :2] = centre[:2] + local @ (np.eye(2) * (1 - share) + turn * share).T
    return points


def _closed_lips(points: np.ndarray, mesh: HeadMesh) -> tuple[np.ndarray, np.ndarray]:
    """Close the canonical mesh's parted lips so that the subdivided surfaces just touch."""
    points = points.copy()
    upper_rows, lower_rows = np.array(UPPER_LIP).reshape(4, 9), np.array(LOWER_LIP).reshape(4, 9)
    share = np.array([0.25, 0.6, 0.85, 1.0])
    pairs = np.array(LIP_PAIRS)
    rows = mesh.subdivision[:N_CANONICAL]
    for _ in range(12):
        limit = rows @ mesh.control_points(points)
        gap = limit[pairs[:, 0]] - limit[pairs[:, 1]]
        gap[:, 1] += 0.03  # a little overlap: no light through closed lips
        gap[:, [0, 2]] *= 0.5
        for row in range(4):
            points[upper_rows[row]] -= 0.5 * share[row] * gap
            points[lower_rows[row]] += 0.5 * share[row] * gap
    return points, points[pairs[:, 0], 1] - points[pairs[:, 1], 1]
