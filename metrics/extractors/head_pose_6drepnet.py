"""Head angles from pixels by another network than the landmarks': 6DRepNet360, the second opinion on pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.landmarks68 import LANDMARKS_68
from bench.contract.seen import Video
from metrics.extractors.onnx_network import Network, load_network

FRAMES = 5
"""Frames per clip."""
INPUT = 224
SIDE = 1.37
"""Side of the square crop over the height of the box around the 68 landmarks, and..."""
LIFT = 0.12
"""...how far its centre lies above the box's, over the same height: what the authors' test transform leaves of AFLW2000
(box plus 0.4 and 0.17 of its height above and below, short side to 256 px, middle 224)."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, of RGB in 0..1."""
SIGNS = np.array([1.0, -1.0, 1.0])
"""The network's pitch and roll have this project's signs; its yaw is positive towards the image's left."""


def chosen_frames(valid: np.ndarray, wanted: int = FRAMES) -> np.ndarray:
    """(K,) frame numbers, evenly spread over the True ones of a mask (T,): each in the middle of an equal part of them."""
    seen = np.flatnonzero(valid)
    return seen[((np.arange(wanted) + 0.5) / wanted * len(seen)).astype(int)]


def face_square(landmarks: np.ndarray) -> tuple[float, float, float]:
    """Centre x, centre y and side, px, of the crop around a face's landmarks (478, 3)."""
    points = landmarks[list(LANDMARKS_68), :2].astype(np.float64)
    low, high = points.min(0), points.max(0)
    height = high[1] - low[1]
    return (low[0] + high[0]) / 2, (low[1] + high[1]) / 2 - LIFT * height, SIDE * height


def network_angles(rotation: np.ndarray) -> np.ndarray:
    """[pitch, yaw, roll] (..., 3) in degrees and this project's signs of the network's matrices (..., 3, 3).

    The authors' own reading: R = Rz(roll) Ry(yaw) Rx(pitch), pitch up, yaw towards the image's left, roll clockwise.
    """
    r = np.asarray(rotation, np.float64)
    pitch = np.arctan2(r[..., 2, 1], r[..., 2, 2])
    yaw = np.arctan2(-r[..., 2, 0], np.hypot(r[..., 0, 0], r[..., 1, 0]))
    roll = np.arctan2(r[..., 1, 0], r[..., 0, 0])
    return np.degrees(np.stack([pitch, yaw, roll], -1)) * SIGNS


def network_input(frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(3, 224, 224) float32: what the network sees of the face with these landmarks (478, 3) in a frame (H, W, 3) uint8 RGB."""
    import cv2

    x, y, side = face_square(landmarks)
    scale = INPUT / side
    # the centre of the first pixel is 0, 0 on both sides
    affine = np.array([[scale, 0, (INPUT - 1) / 2 - scale * x], [0, scale, (INPUT - 1) / 2 - scale * y]])
    crop = cv2.warpAffine(frame, affine, (INPUT, INPUT), flags=cv2.INTER_LINEAR)
    picture = (crop.astype(np.float32) / 255 - np.float32(MEAN)) / np.float32(STD)
    return picture.transpose(2, 0, 1)


class HeadPose6DRepNet:
    """angles (5, 3) float32 degrees [pitch, yaw, roll] and frames (5,) int64, at fixed places among the frames with a face.

    Hempel, Abdelrahman and Al-Hamadi, ICIP 2022, network and weights of 6DRepNet360. Unscorable without a face.
    """

    name: ClassVar[str] = "head_pose_6drepnet"
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("head_pose_6drepnet",)
    experts: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[frozenset[str]] = frozenset({"frames", "cues"})
    portrait: ClassVar[bool] = False

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self.path = Path(weights["head_pose_6drepnet"])
        self.device = device
        self._network: Network | None = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_network": None}

    def __call__(self, video: Video) -> dict[str, np.ndarray]:
        """The angles of one video; Unscorable(NO_FACE) where no frame shows a face."""
        cues = video.cues
        if not cues.valid.any():
            raise Unscorable(Reason.NO_FACE, f"no face in any of {len(cues)} frames")
        frames = chosen_frames(cues.valid)
        pictures = [network_input(video.frames[t], cues.landmarks[t]) for t in frames.tolist()]
        return {"angles": self._angles(pictures).astype(np.float32), "frames": frames.astype(np.int64)}

    def angles(self, frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """(3,) degrees of the face with these landmarks (478, 3) in a frame (H, W, 3) uint8 RGB."""
        return self._angles([network_input(frame, landmarks)])[0]

    def _angles(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """(K, 3) degrees of K pictures as `network_input` makes them."""
        if self._network is None:
            self._network = load_network(self.path, self.device)
        return network_angles(self._network(np.stack(pictures)))
