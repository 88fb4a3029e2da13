"""Identity embeddings of faces, for CSIM: ArcFace and SFace on aligned crops of a few frames per clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.geometry import SUBJECT_LEFT_EYE, SUBJECT_RIGHT_EYE, similarity_2d
from bench.contract.seen import Video
from metrics.extractors.onnx_network import Network, load_network

FRAMES_PER_CLIP = 5
CROP = 112
# Both networks were trained on faces brought onto these points of a 112 x 112 crop: eye on the image's left, eye on the
# right, tip of the nose, corners of the mouth (InsightFace's alignment; OpenCV's FaceRecognizerSF has the same numbers).
TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
NOSE_TIP = 4
MOUTH_CORNERS = (61, 291)
"""Landmarks of the subject's right and left corner of the mouth, on the image's left and right."""


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """(..., 478, 3) px -> (..., 5, 2): eyes, nose tip, mouth corners, as `TEMPLATE` orders them.

    An eye is the middle of its two corners, not the iris: the alignment does not turn with the gaze.
    """
    eyes = [landmarks[..., [eye["outer"], eye["inner"]], :2].mean(-2) for eye in (SUBJECT_RIGHT_EYE, SUBJECT_LEFT_EYE)]
    rest = [landmarks[..., point, :2] for point in (NOSE_TIP, *MOUTH_CORNERS)]
    return np.stack([*eyes, *rest], axis=-2)


def slot_frames(cues: Cues, count: int = FRAMES_PER_CLIP) -> np.ndarray:
    """(count,) int64: in each of `count` equal parts of the clip the frame with a face nearest its middle, -1 if none has.

    Slot k of a real and slot k of a generated clip show the same time, to within the part.
    """
    frames = len(cues)
    chosen = np.full(count, -1, np.int64)
    for k in range(count):
        part = np.arange(k * frames // count, max((k + 1) * frames // count, k * frames // count + 1))
        seen = part[cues.valid[part]]
        if len(seen):
            chosen[k] = seen[np.argmin(np.abs(2 * count * seen - (2 * k + 1) * frames + count))]
    return chosen


class IdentityEmbedding:
    """embedding (5, D) float32 of unit length, NaN rows where a fifth of the clip shows no face; frame (5,) int64, -1 there."""

    name: ClassVar[str]
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]]
    experts: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[frozenset[str]] = frozenset({"frames", "cues"})
    portrait: ClassVar[bool] = True
    scale: ClassVar[float]
    mean: ClassVar[float]
    dimensions: ClassVar[int]

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self.file = Path(weights[self.needs[0]])
        self.device = device
        self._network: Network | None = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_network": None}

    def __call__(self, video: Video) -> dict[str, np.ndarray]:
        """Raises Unscorable where no frame shows a face."""
        if video.frames is None or not video.cues.valid.any():
            raise Unscorable(Reason.NO_FACE, "expected a face in at least one frame, found none")
        chosen = slot_frames(video.cues)
        embedding = np.full((len(chosen), self.dimensions), np.nan, np.float32)
        seen = sorted(set(chosen[chosen >= 0].tolist()))
        vectors = self._embeddings([aligned(video.frames[frame], video.cues.landmarks[frame]) for frame in seen])
        for frame, vector in zip(seen, vectors, strict=True):
            embedding[chosen == frame] = vector
        return {"embedding": embedding, "frame": chosen}

    def embed(self, crop: np.ndarray) -> np.ndarray:
        """(112, 112, 3) uint8 RGB, aligned -> (D,) float32 of length 1."""
        return self._embeddings([crop])[0]

    def _embeddings(self, crops: Sequence[np.ndarray]) -> list[np.ndarray]:
        import cv2

        if self._network is None:
            self._network = load_network(self.file, self.device)
        # the frames are RGB and both networks want RGB: no channel is swapped
        blobs = [
            cv2.dnn.blobFromImage(crop, self.scale, (CROP, CROP), (self.mean,) * 3, swapRB=False, crop=False)
            for crop in crops
        ]
        vectors = self._network(np.concatenate(blobs)).astype(np.float64)
        return [(vector / np.linalg.norm(vector)).astype(np.float32) for vector in vectors]


def aligned(frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The face of one frame (H, W, 3) uint8 with landmarks (478, 3) px, brought onto `TEMPLATE`: (112, 112, 3) uint8."""
    import cv2

    return cv2.warpAffine(frame, similarity_2d(five_points(landmarks), np.array(TEMPLATE)), (CROP, CROP))


class ArcFaceEmbedding(IdentityEmbedding):
    """ArcFace (Deng, Guo, Xue & Zafeiriou, CVPR 2019), InsightFace's MobileFaceNet trained on WebFace600K; pixels in [-1, 1]."""

    name = "identity_arcface"
    needs = ("arcface_mbf",)
    scale, mean = 1 / 127.5, 127.5
    dimensions = 512


class SFaceEmbedding(IdentityEmbedding):
    """SFace (Zhong, Deng, Hu, Zhao, Li & Wen, IEEE TIP 30, 2021), OpenCV model zoo; pixels 0..255, scaled inside the network."""

    name = "identity_sface"
    needs = ("sface",)
    scale, mean = 1.0, 0.0
    dimensions = 128
