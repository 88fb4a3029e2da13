"""Pure geometry of heads, eyes and landmarks (numpy only): the one place where signs and frames of reference are fixed.

Camera frame (right-handed, cm): x to the image's right, y up, z towards the viewer; the camera sits at the origin and
looks along -z. Head frame (right-handed, cm): that of the canonical face mesh, whose axes are those of the camera frame
when the head faces straight ahead: x to the image's right (the subject's left), y up, z out of the face.
`transform` (4, 4) takes head points to camera points: rotation, a scale near 1, translation.

Angles are degrees, [pitch, yaw, roll]: pitch is positive when the face turns up, yaw when it turns towards the image's
right, roll when it turns clockwise as seen on the image. With right-handed rotations about the camera's axes this is
R = Rz(-roll) Ry(yaw) Rx(-pitch): the face's own direction (0, 0, 1) then goes to
(cos(pitch) sin(yaw), sin(pitch), cos(pitch) cos(yaw)) before the roll.

Camera model: pinhole, vertical field of view 63 degrees over the frame, near plane at 1 cm (MediaPipe's default).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

VERTICAL_FOV = 63.0
NEAR = 1.0
N_MESH = 468
"""Landmarks 0..467 are the face mesh, 468..477 the two irises; depth is measured against the mesh's mean."""

SUBJECT_RIGHT_EYE = {"outer": 33, "inner": 133, "upper": (160, 159, 158), "lower": (144, 145, 153), "iris": 468}
SUBJECT_LEFT_EYE = {"outer": 263, "inner": 362, "upper": (387, 386, 385), "lower": (373, 374, 380), "iris": 473}
"""Landmark numbers of the eyes; upper and lower lid points face each other pairwise, from the outer side inwards."""

# Points and weights of the pose fit, as `geometry_pipeline_metadata_landmarks.binarypb` of MediaPipe's face landmarker
# has them: stiff parts of the face. A fitted transform takes their weighted mean on the canonical mesh exactly to the
# weighted mean of the seen points; `depth_scale` rests on that.
POSE_POINTS = (
    *(4, 6, 10, 33, 54, 67, 117, 119, 121, 127, 129, 132, 133, 136, 143, 147, 198, 205),
    *(263, 284, 297, 346, 348, 350, 356, 358, 361, 362, 365, 372, 376, 420, 425),
)
POSE_WEIGHTS = (
    *(0.07090993970632553, 0.032100144773721695, 0.00844655092805624, 0.05872416868805885, 0.007667080033570528),
    *(0.00907805934548378, 0.009791937656700611, 0.014565368182957172, 0.01859136112034321, 0.005197994410991669),
    *(0.12062520533800125, 0.005560018587857485, 0.05328618362545967, 0.06689045578241348, 0.014816547743976116),
    *(0.014262833632528782, 0.025462191551923752, 0.04725227877497673, 0.05872416868805885, 0.007667080033570528),
    *(0.00907805934548378, 0.009791937656700611, 0.014565368182957172, 0.01859136112034321, 0.005197994410991669),
    *(0.12062520533800125, 0.005560018587857485, 0.05328618362545967, 0.06689045578241348, 0.014816547743976116),
    *(0.014262833632528782, 0.025462191551923752, 0.04725227877497673),
)
CANONICAL_CENTRE = (0, -0.262520344, 3.74073924)


def euler_to_matrix(angles: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of [pitch, yaw, roll] (..., 3) in degrees; see the module's text for the signs."""
    pitch, yaw, roll = np.moveaxis(np.radians(np.asarray(angles, np.float64)), -1, 0)
    cp, sp, cy, sy, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw), np.cos(roll), np.sin(roll)
    rows = [
        [cr * cy, sr * cp - cr * sy * sp, cr * sy * cp + sr * sp],
        [-sr * cy, cr * cp + sr * sy * sp, cr * sp - sr * sy * cp],
        [-sy, -cy * sp, cy * cp],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def matrix_to_euler(rotation: np.ndarray) -> np.ndarray:
    """[pitch, yaw, roll] (..., 3) in degrees of rotation matrices (..., 3, 3).

    Pitch and roll are within (-180, 180], yaw within [-90, 90]; the inverse of `euler_to_matrix` for |yaw| < 90.
    """
    r = np.asarray(rotation, np.float64)
    yaw = np.arcsin(np.clip(-r[..., 2, 0], -1, 1))
    pitch = np.arctan2(-r[..., 2, 1], r[..., 2, 2])
    roll = np.arctan2(-r[..., 1, 0], r[..., 0, 0])
    return np.degrees(np.stack([pitch, yaw, roll], -1))


def rotation_of(transform: np.ndarray) -> np.ndarray:
    """Rotation part (..., 3, 3) of head-to-camera transforms (..., 4, 4), the scale taken out."""
    linear = np.asarray(transform, np.float64)[..., :3, :3]
    with np.errstate(invalid="ignore"):  # a NaN frame stays NaN
        return linear / np.cbrt(np.linalg.det(linear))[..., None, None]


def pose_of(transform: np.ndarray) -> np.ndarray:
    """Head pose [pitch, yaw, roll] (..., 3) in degrees of head-to-camera transforms (..., 4, 4); NaN where they are."""
    return matrix_to_euler(rotation_of(transform))


def gaze_to_vector(gaze: np.ndarray) -> np.ndarray:
    """Unit vectors (..., 3) of gaze angles [yaw, pitch] (..., 2) in degrees, both in the same frame (head or camera).

    Yaw is positive towards the image's right, pitch up; [0, 0] is the frame's z axis.
    """
    yaw, pitch = np.moveaxis(np.radians(np.asarray(gaze, np.float64)), -1, 0)
    return np.stack([np.cos(pitch) * np.sin(yaw), np.sin(pitch), np.cos(pitch) * np.cos(yaw)], -1)


def vector_to_gaze(vector: np.ndarray) -> np.ndarray:
    """Gaze angles [yaw, pitch] (..., 2) in degrees of vectors (..., 3) of any length."""
    x, y, z = np.moveaxis(np.asarray(vector, np.float64), -1, 0)
    return np.degrees(np.stack([np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))], -1))


def gaze_in_camera(gaze: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Camera-frame gaze angles (T, ..., 2) of head-relative ones (T, ..., 2) under transforms (T, 4, 4); degrees."""
    rotation = rotation_of(transform)
    rotation = rotation.reshape(rotation.shape[:1] + (1,) * (np.ndim(gaze) - 2) + (3, 3))
    return vector_to_gaze((rotation @ gaze_to_vector(gaze)[..., None])[..., 0])


def gaze_bins(gaze: np.ndarray, yaw_edges: np.ndarray, pitch_edges: np.ndarray) -> np.ndarray:
    """Direction bin (...) int64 of gaze angles [yaw, pitch] (..., 2), row by row in pitch; -1 where an angle is NaN.

    `yaw_edges` (A + 1,) and `pitch_edges` (B + 1,) ascend and make A x B bins, bin = pitch_bin * A + yaw_bin, each
    closed below and open above; what lies outside the edges belongs to the outermost bins. ValueError if edges do not ascend.
    """
    index = []
    for axis, edges in enumerate((yaw_edges, pitch_edges)):
        edges = _ascending(edges)
        inside = np.searchsorted(edges[1:-1], np.asarray(gaze)[..., axis], side="right")
        index.append(inside)
    bins = index[1] * (len(np.asarray(yaw_edges)) - 1) + index[0]
    return np.where(np.isnan(gaze).any(-1), -1, bins)


def gaze_bin_centres(yaw_edges: np.ndarray, pitch_edges: np.ndarray) -> np.ndarray:
    """Middle [yaw, pitch] (A * B, 2) of every bin of `gaze_bins`, in the order of its numbers."""
    middles = [(_ascending(edges)[1:] + _ascending(edges)[:-1]) / 2 for edges in (yaw_edges, pitch_edges)]
    yaw, pitch = np.meshgrid(*middles)
    return np.stack([yaw.ravel(), pitch.ravel()], -1)


def _ascending(edges: np.ndarray) -> np.ndarray:
    edges = np.asarray(edges, np.float64)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"bin edges: expected at least two ascending numbers, got {edges}")
    return edges


def weighted_procrustes(source: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Similarities (..., 4, 4) that take points `source` (N, 3) to `target` (..., N, 3) best in weighted least squares.

    `weights` (N,) are positive. Rotation, one scale, translation, never a reflection (Umeyama 1991, IEEE TPAMI 13(4)).
    Where `target` has a NaN the transform is NaN.
    """
    source, target, weights = (np.asarray(a, np.float64) for a in (source, target, weights))
    weights = weights / weights.sum()
    source_centre, target_centre = weights @ source, np.einsum("n,...ni->...i", weights, target)
    centred = source - source_centre
    covariance = np.einsum("...ni,n,nj->...ij", target - target_centre[..., None, :], weights, centred)
    whole = np.isfinite(covariance).all((-2, -1))
    u, singular, vt = np.linalg.svd(np.where(whole[..., None, None], covariance, np.eye(3)))
    flip = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    u[..., :, 2] *= flip[..., None]
    rotation = u @ vt
    scale = (singular[..., 0] + singular[..., 1] + flip * singular[..., 2]) / (weights @ (centred**2).sum(-1))
    transform = np.zeros((*covariance.shape[:-2], 4, 4))
    transform[..., :3, :3] = scale[..., None, None] * rotation
    transform[..., :3, 3] = target_centre - (transform[..., :3, :3] @ source_centre)
    transform[..., 3, 3] = 1
    transform[~whole] = np.nan
    return transform


def pixel_size_at_near(size: tuple[int, int]) -> float:
    """Width of a pixel on the near plane, cm, for a frame of `size` (width, height) px."""
    return 2 * NEAR * np.tan(np.radians(VERTICAL_FOV / 2)) / size[1]


def screen_to_camera(
    landmarks: np.ndarray, scale: np.ndarray, size: tuple[int, int], *, only: Sequence[int] | None = None
) -> np.ndarray:
    """Camera points (..., N, 3) in cm of landmarks (..., N, 3) in px, under depth scales (...).

    Landmarks: x to the right, y down, z away from the viewer in the same unit, any origin. The mesh's mean depth
    becomes near / scale, and every point keeps its line of sight. `size` is (width, height); `only` names the points
    wanted, by default all.
    """
    landmarks = np.asarray(landmarks)
    middle = landmarks[..., :N_MESH, 2].mean(-1, keepdims=True, dtype=np.float64)
    points = np.asarray(landmarks if only is None else landmarks[..., list(only), :], np.float64)
    pixel = pixel_size_at_near(size)
    depth = (points[..., 2] - middle) * pixel + NEAR
    depth = depth / np.asarray(scale)[..., None]
    x = (points[..., 0] - size[0] / 2) * pixel * depth / NEAR
    y = (size[1] / 2 - points[..., 1]) * pixel * depth / NEAR
    return np.stack([x, y, -depth], -1)


def camera_to_screen(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Landmarks (..., 478, 3) in px, z with zero mean, of camera points (..., 478, 3) in cm; undoes `screen_to_camera`."""
    points = np.asarray(points, np.float64)
    pixel = pixel_size_at_near(size)
    depth = -points[..., 2]
    scale = NEAR / depth[..., :N_MESH].mean(-1, keepdims=True)
    x = points[..., 0] / depth * NEAR / pixel + size[0] / 2
    y = size[1] / 2 - points[..., 1] / depth * NEAR / pixel
    z = depth * scale / pixel
    return np.stack([x, y, z - z.mean(-1, keepdims=True)], -1)


def depth_scale(landmarks: np.ndarray, transform: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Depth scale (...) that belongs to landmarks (..., 478, 3) in px and the transform (..., 4, 4) fitted to them.

    A weighted Procrustes fit takes the weighted mean of the canonical points to that of the seen ones, so the depth of
    the one tells the scale of the other.
    """
    depth = np.asarray(landmarks)[..., 2]
    weights = np.asarray(POSE_WEIGHTS) / sum(POSE_WEIGHTS)
    seen = depth[..., POSE_POINTS] @ weights - depth[..., :N_MESH].mean(-1, dtype=np.float64)
    row = np.asarray(transform, np.float64)[..., 2, :]
    return -(seen * pixel_size_at_near(size) + NEAR) / (row[..., :3] @ np.asarray(CANONICAL_CENTRE) + row[..., 3])


def normalise(
    landmarks: np.ndarray, transform: np.ndarray, size: tuple[int, int], *, only: Sequence[int] | None = None
) -> np.ndarray:
    """Landmarks in the head frame: (..., 478, 3) px and transforms (..., 4, 4) -> (..., 478, 3) float64 cm.

    Pose, place and size in the picture are gone; what is left is expression and identity in the canonical mesh's frame.
    `size` is the frame's (width, height); `only` names the landmarks wanted, by default all. `relocate` undoes it, to
    rounding. NaN where landmarks or transform are NaN.
    """
    camera = screen_to_camera(landmarks, depth_scale(landmarks, transform, size), size, only=only)
    transform = np.asarray(transform, np.float64)
    linear = transform[..., :3, :3]
    whole = np.isfinite(transform).all((-2, -1))
    inverse = np.linalg.inv(np.where(whole[..., None, None], linear, np.eye(3)))
    inverse = np.where(whole[..., None, None], inverse, np.nan)
    return (camera - transform[..., None, :3, 3]) @ np.swapaxes(inverse, -1, -2)


def relocate(normalised: np.ndarray, transform: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Landmarks put back into the picture: head-frame (..., 478, 3) cm and transforms (..., 4, 4) -> (..., 478, 3) px.

    z has zero mean per frame. The inverse of `normalise`; with another transform it is the same face at another pose.
    """
    transform = np.asarray(transform, np.float64)
    camera = np.asarray(normalised, np.float64) @ np.swapaxes(transform[..., :3, :3], -1, -2)
    return camera_to_screen(camera + transform[..., None, :3, 3], size)


def interocular_distance(landmarks: np.ndarray) -> np.ndarray:
    """Distance (...) in px between the outer eye corners of landmarks (..., 478, 2 or 3), in the picture plane."""
    points = np.asarray(landmarks, np.float64)[..., :2]
    return np.linalg.norm(
        points[..., SUBJECT_LEFT_EYE["outer"], :] - points[..., SUBJECT_RIGHT_EYE["outer"], :], axis=-1
    )


def similarity_2d(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Affine (2, 3) of the rotation, scale and shift that takes points (N, 2) to points (N, 2) best in least squares.

    Rows with a NaN on either side are left out; ValueError if fewer than two different points remain.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    kept = np.isfinite(source).all(-1) & np.isfinite(target).all(-1)
    # In the complex plane a similarity is z -> a z + b, and least squares has a closed form.
    z, w = source[kept] @ (1, 1j), target[kept] @ (1, 1j)
    if kept.sum() < 2 or np.ptp(z.real) + np.ptp(z.imag) == 0:
        raise ValueError(
            f"similarity: expected at least two different points, got {int(kept.sum())} of {len(kept)} usable"
        )
    zc, wc = z - z.mean(), w - w.mean()
    a = (np.conj(zc) @ wc) / (np.conj(zc) @ zc).real
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def apply_affine(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (..., 2) moved by an affine (2, 3)."""
    matrix = np.asarray(matrix, np.float64)
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]
