"""Render a head: from an identity and per-frame actions, gaze and pose to pictures, landmarks and the lip gap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bench.contract.geometry import euler_to_matrix
from bench.data.puppet import raster, shading
from bench.data.puppet.actions import ACTIONS, ActionModel
from bench.data.puppet.canonical import EYE_RINGS, N_CANONICAL
from bench.data.puppet.clothes import neck_share
from bench.data.puppet.identity import Identity, task_path
from bench.data.puppet.mesh import head_mesh
from bench.data.puppet.rest_face import rest_face
from bench.data.puppet.scene import PIVOT, Scene

CAMERA_DISTANCE = 42.0
FRAME_CM = 29.0
"""Width and height cm of what the frame shows at the depth of the face (z = 3)."""
CENTRE_Y = -1.2
"""Height cm of the camera: its axis meets the middle of the picture, as every reader of a single picture takes for granted."""
EYE_RADIUS, IRIS_RADIUS = 1.26, 0.6
LID_THICKNESS = 0.07
KEY, AMBIENT = 0.95, 0.36


@dataclass(frozen=True)
class Performance:
    """What a head does, frame by frame at 25 fps.

    actions (T, len(ACTIONS)) float32 in 0..1, columns in the order of ACTIONS; gaze (T, 2, 2) degrees [subject-left eye,
    subject-right eye] x [yaw, pitch], relative to the head, yaw + towards image right, pitch + up; pose (T, 3) degrees
    [pitch + up, yaw + towards image right, roll + clockwise as seen in the picture], R = Rz Ry Rx; position (T, 3) cm of
    the head [x to image right, y up, z to the camera], 0 at rest. Raises ValueError for another shape or a NaN.
    """

    actions: np.ndarray
    gaze: np.ndarray
    pose: np.ndarray
    position: np.ndarray

    def __post_init__(self) -> None:
        frames = len(self.actions)
        for name, shape in (("actions", (len(ACTIONS),)), ("gaze", (2, 2)), ("pose", (3,)), ("position", (3,))):
            value = np.asarray(getattr(self, name))
            if value.shape != (frames, *shape):
                raise ValueError(f"performance.{name}: expected shape {(frames, *shape)}, got {value.shape}")
            if not np.isfinite(value).all():
                raise ValueError(f"performance.{name}: expected finite numbers, got NaN or infinity")

    def __len__(self) -> int:
        return len(self.actions)

    @classmethod
    def rest(cls, frames: int = 1) -> Performance:
        """`frames` frames of a face at rest that looks straight into the camera."""
        return cls(
            np.zeros((frames, len(ACTIONS)), np.float32),
            np.zeros((frames, 2, 2), np.float32),
            np.zeros((frames, 3), np.float32),
            np.zeros((frames, 3), np.float32),
        )


def _as_float64(performance: Performance) -> tuple[np.ndarray, ...]:
    values = performance.actions, performance.gaze, performance.pose, performance.position
    return tuple(np.asarray(value, np.float64) for value in values)


def _keep_lids_on_ball(points: np.ndarray, index: np.ndarray, centre: np.ndarray) -> None:
    arm = points[index] - centre
    distance = np.linalg.norm(arm, axis=1)
    push = np.maximum(EYE_RADIUS + LID_THICKNESS - distance, 0) * (arm[:, 2] > 0)
    points[index] += arm / distance[:, None] * push[:, None]


class HeadRenderer:
    """Renders one identity at `size` x `size` px; one instance serves any number of performances, in one thread."""

    def __init__(self, identity: Identity, size: int = 256, samples: int = 2):
        self.identity, self.size, self.samples = identity, size, samples
        self.mesh = mesh = head_mesh(task_path())
        face, lip_rest = rest_face(identity, mesh)
        self._model = ActionModel(face, mesh.canonical, lip_rest)
        self._rest_control = mesh.control_points(face, identity.neck)
        self._face = face
        matrix = mesh.subdivision
        self._csr = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data.astype(np.float64)
        self._fine = matrix.shape[0]
        self._eye_centres = self._place_eyes()
        self._skin_share = matrix @ np.where(mesh.ring > 0, neck_share(self._rest_control[:, 1]), 1.0)
        self._scene: Scene | None = None

    def _place_eyes(self) -> np.ndarray:
        """Centres (2, 3) cm of the eyeballs, subject's right first: the front of the ball lies just behind the lids."""
        limit = self.mesh.subdivision[:N_CANONICAL] @ self._rest_control
        centres = []
        for ring in EYE_RINGS:
            rim = limit[list(ring)]
            middle = (rim[0] + rim[8]) / 2
            front = (rim[4, 2] + rim[12, 2]) / 2
            centres.append([middle[0], 0.5 * (middle[1] + rim[[4, 12], 1].mean()) + 0.02, front - 0.98 * EYE_RADIUS])
        return np.array(centres)

    def _camera(self) -> tuple[float, float, float]:
        """Focal length and centre in sample units: sample j lies at (j + 0.5) / samples px."""
        focal = self.size * self.samples * (CAMERA_DISTANCE - 3.0) / FRAME_CM
        middle = self.size * self.samples * 0.5 - 0.5
        return focal, middle, middle

    def _skin(self, actions: np.ndarray, gaze: np.ndarray) -> np.ndarray:
        """Fine skin points (m, 3) cm in the head's frame."""
        face = self._model.face(actions, gaze[:, 1])
        control = self._rest_control + self.mesh.follow @ (face - self._face)
        points = np.empty((self._fine, 3))
        raster.sparse_product(*self._csr, control, points)
        for side in range(2):
            _keep_lids_on_ball(points, self.mesh.eye_points[side], self._eye_centres[side])
        return points

    def _eyes(self, gaze: np.ndarray, turn: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Eyeballs in the world: (2, 8) as shading._eye_sample wants them, (2, 3, 3) eye-to-world rotations."""
        eyes, gazes = np.empty((2, 8)), np.empty((2, 3, 3))
        for side in range(2):  # 0 is the subject's right
            eyes[side, :3] = turn @ (self._eye_centres[side] - PIVOT) + PIVOT + shift
            eyes[side, 3:] = EYE_RADIUS, IRIS_RADIUS / EYE_RADIUS, CAMERA_DISTANCE, self.identity.fill, 1.0
            yaw, pitch = gaze[1 - side]
            gazes[side] = turn @ euler_to_matrix((pitch, yaw, 0.0))
        return eyes, gazes

    def frames(self, performance: Performance) -> Iterator[np.ndarray]:
        """The pictures, one (size, size, 3) uint8 RGB array per frame; equal input gives equal bytes."""
        if self._scene is None:
            rest = self._skin(np.zeros(len(ACTIONS)), np.zeros((2, 2)))
            self._scene = Scene(self.identity, self.mesh, rest, self._skin_share, self._face, self.size)
        scene = self._scene
        n = self.size * self.samples
        owner, depth = np.empty((n, n), np.int32), np.empty((n, n), np.float32)
        focal, cx, cy = self._camera()
        identity = self.identity
        half = identity.light + np.array([0, 0, 1])
        half /= np.linalg.norm(half)
        for actions, gaze, pose, position in zip(*_as_float64(performance), strict=True):
            turn = euler_to_matrix(pose)
            scene.update(self._skin(actions, gaze), actions, self._eye_centres, turn, position)
            scene.world[:, 1] -= CENTRE_Y
            raster.project(scene.world, focal, CAMERA_DISTANCE, cx, cy, scene.screen)
            raster.clear(owner, depth)
            raster.draw_triangles(scene.screen, scene.triangles[: scene.hair], scene.two_sided, owner, depth)
            raster.draw_strands(scene.screen, scene.triangles, scene.hair, scene.attrs, owner, depth)
            eyes, gazes = self._eyes(gaze, turn, position)
            eyes[:, 1] -= CENTRE_Y
            for side in range(2):
                raster.draw_sphere(
                    eyes[side, :3], EYE_RADIUS, shading.EYE_OWNER + side, focal, CAMERA_DISTANCE, cx, cy, owner, depth
                )
                eyes[side, 7] = scene.light_on_eye(side)
            picture = np.empty((self.size, self.size, 3), np.uint8)
            shading.shade(
                owner, depth, scene.screen, scene.triangles, scene.material, scene.group, scene.normals, scene.attrs,
                scene.colours, scene.texture, eyes, gazes, identity.iris, identity.light, half, identity.fill,
                KEY * identity.light_colour, AMBIENT * identity.ambient, turn, focal, cx, cy, scene.background, scene.gamma, self.samples,
                picture,
            )  # fmt: skip
            yield picture

    def _pixels(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3) -> picture px (..., 2); the picture spans 0..size, pixel centres at half numbers."""
        scale = self.size * (CAMERA_DISTANCE - 3.0) / FRAME_CM / (CAMERA_DISTANCE - points[..., 2])
        x = self.size * 0.5 + scale * points[..., 0]
        y = self.size * 0.5 - scale * (points[..., 1] - CENTRE_Y)
        return np.stack([x, y], -1)

    def landmarks(self, performance: Performance) -> np.ndarray:
        """True picture positions (T, 478, 2) float32 px of the canonical landmarks and the irises, in MediaPipe's order.

        468-472 are the subject's right iris (centre, then image right, top, image left, bottom), 473-477 the left one.
        """
        out = np.empty((len(performance), 478, 2), np.float32)
        sine = IRIS_RADIUS / EYE_RADIUS
        ring = np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]]) * sine
        spots = np.concatenate([ring, np.sqrt(1 - (ring**2).sum(1, keepdims=True))], 1)
        for frame, (actions, gaze, pose, position) in enumerate(zip(*_as_float64(performance), strict=True)):
            turn = euler_to_matrix(pose)
            face = self._skin(actions, gaze)[:N_CANONICAL]
            out[frame, :N_CANONICAL] = self._pixels((face - PIVOT) @ turn.T + PIVOT + position)
            eyes, gazes = self._eyes(gaze, turn, position)
            for side in range(2):
                world = eyes[side, :3] + EYE_RADIUS * spots @ gazes[side].T
                out[frame, 468 + 5 * side : 473 + 5 * side] = self._pixels(world)
        return out

    def lip_gap(self, performance: Performance, landmarks: np.ndarray | None = None) -> np.ndarray:
        """Height (T,) float64 px of the opening between the inner edges of the lips, in the middle; 0 when closed.

        `landmarks`: those of this performance, if they are at hand.
        """
        marks = self.landmarks(performance) if landmarks is None else landmarks
        turn = np.radians(np.asarray(performance.pose)[:, 2])
        down = np.stack([-np.sin(turn), np.cos(turn)], 1)
        return np.maximum(((marks[:, 14] - marks[:, 13]) * down).sum(1), 0.0).astype(np.float64)


@lru_cache(maxsize=16)
def renderer_of(seed: int, sex: str, size: int = 256) -> HeadRenderer:
    """The renderer of a speaker, kept for the next clip of the same one: building a head takes as long as 25 frames."""
    return HeadRenderer(Identity.from_seed(seed, sex), size)
