"""A second opinion on gaze: the ETH-XGaze appearance network (Zhang and others, ECCV 2020), ResNet-18, on a few frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.geometry import (
    NEAR,
    depth_scale,
    pixel_size_at_near,
    rotation_of,
    screen_to_camera,
    vector_to_gaze,
)
from bench.contract.landmarks68 import LANDMARKS_68
from bench.contract.seen import Arrays, Video
from metrics.extractors.sampling import spread_frames
from metrics.gaze_tracks import near_closed, open_eyed

if TYPE_CHECKING:
    import torch

FRAMES = 5
"""Frames looked at per video; also the batch, padded, so that a value does not depend on how many there are."""
# The normalised camera of ETH-XGaze's public data: a virtual camera that looks at the middle of the face from a fixed
# distance, without roll (Zhang, Sugano and Bulling, ETRA 2018).
FOCAL = 960.0
DISTANCE = 60.0  # cm
SIZE = 224
CENTRE_POINTS = tuple(LANDMARKS_68[i] for i in (36, 39, 42, 45, 31, 35))
"""Corners of the eyes and of the nose, whose middle is the middle of the face: that of the eyes and that of the nose, halved."""
MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of RGB in 0..1, as the network was trained."""
TO_IMAGE_AXES = np.diag([1.0, -1.0, -1.0])
"""Our camera frame (y up, z to the viewer) to the usual one of images (y down, z into the picture), and back."""


def face_middle(landmarks: np.ndarray, transform: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(K, 3) cm in our camera frame of landmarks (K, 478, 3) px and transforms (K, 4, 4)."""
    points = screen_to_camera(landmarks, depth_scale(landmarks, transform, size), size, only=CENTRE_POINTS)
    return (points[:, :4].mean(1) + points[:, 4:].mean(1)) / 2


def normalising_rotations(middle: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """(K, 3, 3) from the image's axes to the normalised camera's: it looks at `middle` (K, 3), its x axis in the head's plane.

    `rotation` (K, 3, 3) is head to camera, both in our frames.
    """
    forward = middle @ TO_IMAGE_AXES
    forward = forward / np.linalg.norm(forward, axis=-1, keepdims=True)
    down = np.cross(forward, rotation[..., :, 0] @ TO_IMAGE_AXES)
    down = down / np.linalg.norm(down, axis=-1, keepdims=True)
    return np.stack([np.cross(down, forward), down, forward], axis=-2)


def normalised_faces(frames: np.ndarray, middle: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """(K, 224, 224, 3) uint8: what the normalised cameras see of frames (K, H, W, 3); black outside the picture."""
    import cv2

    height, width = frames.shape[1:3]
    focal = NEAR / pixel_size_at_near((width, height))
    camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    normalised = np.array([[FOCAL, 0, SIZE / 2], [0, FOCAL, SIZE / 2], [0, 0, 1]])
    faces = []
    for frame, point, rotation in zip(frames, middle, turn, strict=True):
        scale = np.diag([1, 1, DISTANCE / np.linalg.norm(point)])
        faces.append(cv2.warpPerspective(frame, normalised @ scale @ rotation @ np.linalg.inv(camera), (SIZE, SIZE)))
    return np.stack(faces)


def directions(pitch_yaw: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """(K, 3) lines of sight in our camera frame of the network's [pitch, yaw] (K, 2) in radians.

    The network's angles are those of the line of sight seen backwards: positive pitch is up, positive yaw to the image's left.
    """
    pitch, yaw = np.asarray(pitch_yaw, np.float64).T
    seen = -np.stack([np.cos(pitch) * np.sin(yaw), np.sin(pitch), np.cos(pitch) * np.cos(yaw)], -1)
    return (np.swapaxes(turn, -1, -2) @ seen[..., None])[..., 0] @ TO_IMAGE_AXES


class GazeXGaze:
    """Gaze on five frames with open eyes, evenly spread over those: `frames` (K,) int64, `gaze` (K, 2) degrees head-relative.

    [yaw, pitch] in this project's signs; one direction for both eyes. The weights are for non-commercial use.
    """

    name: ClassVar[str] = "gaze_xgaze"
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("gaze_eth_xgaze",)
    experts: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[frozenset[str]] = frozenset({"frames", "cues"})
    portrait: ClassVar[bool] = False

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self.path, self.device = Path(weights["gaze_eth_xgaze"]), device
        self._weights: dict[str, torch.Tensor] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_weights": None}

    def __call__(self, video: Video) -> Arrays:
        """Raises Unscorable where no frame has a face, or none has open eyes."""
        cues = video.cues
        usable = np.flatnonzero(open_eyed(cues))
        if not len(usable):
            reason = Reason.EYES_CLOSED if near_closed(cues).any() else Reason.NO_FACE
            raise Unscorable(reason, f"no frame of {len(cues)} shows a face with open eyes")
        chosen = usable[spread_frames(len(usable), FRAMES)]
        frames, landmarks, transform = video.frames[chosen], cues.landmarks[chosen], cues.transform[chosen]
        rotation = rotation_of(transform)
        middle = face_middle(landmarks, transform, (frames.shape[2], frames.shape[1]))
        turn = normalising_rotations(middle, rotation)
        sight = directions(self._angles(normalised_faces(frames, middle, turn)), turn)
        gaze = vector_to_gaze((np.swapaxes(rotation, -1, -2) @ sight[..., None])[..., 0])
        return {"frames": chosen.astype(np.int64), "gaze": gaze.astype(np.float32)}

    def _angles(self, faces: np.ndarray) -> np.ndarray:
        """[pitch, yaw] (K, 2) radians in the normalised camera of faces (K, 224, 224, 3) uint8."""
        import torch

        batch = np.zeros((FRAMES, SIZE, SIZE, 3), np.float32)
        batch[: len(faces)] = (faces / np.float32(255) - np.float32(MEAN)) / np.float32(SD)
        with torch.inference_mode():
            given = torch.from_numpy(batch).permute(0, 3, 1, 2).contiguous().to(self.device)
            return resnet18(given, self._loaded())[: len(faces)].cpu().numpy()

    def _loaded(self) -> dict[str, torch.Tensor]:
        if self._weights is None:
            import torch

            # tensors only: nothing that the file names or contains is run
            state = torch.load(self.path, map_location="cpu", weights_only=True)["model"]
            self._weights = {name: tensor.to(self.device) for name, tensor in state.items()}
        return self._weights


def resnet18(x: torch.Tensor, weights: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(B, classes) of pictures (B, 3, H, W) through an 18-layer residual network (He and others, CVPR 2016), for inference.

    `weights` under the names that torchvision gives them. Written out, because importing torchvision takes longer than
    reading a row of clips.
    """
    from torch.nn import functional

    def layer(x: torch.Tensor, conv: str, norm: str, stride: int = 1, padding: int = 0) -> torch.Tensor:
        x = functional.conv2d(x, weights[f"{conv}.weight"], stride=stride, padding=padding)
        mean, variance, gain, bias = (weights[f"{norm}.{k}"] for k in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(x, mean, variance, gain, bias)

    x = functional.max_pool2d(functional.relu(layer(x, "conv1", "bn1", 2, 3)), 3, 2, 1)
    for stage in range(1, 5):
        for block in range(2):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            short = layer(x, f"{name}.downsample.0", f"{name}.downsample.1", stride) if stride > 1 else x
            x = functional.relu(layer(x, f"{name}.conv1", f"{name}.bn1", stride, 1))
            x = functional.relu(layer(x, f"{name}.conv2", f"{name}.bn2", 1, 1) + short)
    return functional.linear(x.mean((2, 3)), weights["fc.weight"], weights["fc.bias"])
