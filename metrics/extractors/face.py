"""Face cues of a video through MediaPipe's networks in LiteRT: landmarks, head pose, gaze, lid opening, blendshapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.contract.cues import N_BLENDSHAPES, N_LANDMARKS, Cues
from bench.contract.eyes import eyes_in_head, gaze_of, openness_of
from metrics.extractors import face_geometry
from metrics.extractors.face_network import FaceNetworks, roi_of_face, roi_of_landmarks

MIN_PRESENCE = 0.5


class FaceExtractor:
    """Frames -> face cues; one object may go through any number of videos, none of which leaves a trace in it.

    Built with the path of `face_landmarker` in `weights`; the networks run on one CPU thread whatever `device` says. They
    are loaded at first use in each process, so the object itself pickles small.
    """

    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("face_landmarker",)

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu"):
        self.task = Path(weights["face_landmarker"])
        self.device = device
        self._loaded: tuple[FaceNetworks, np.ndarray] | None = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_loaded": None}

    @property
    def _networks(self) -> FaceNetworks:
        return self._load()[0]

    def _load(self) -> tuple[FaceNetworks, np.ndarray]:
        if self._loaded is None:
            self._loaded = FaceNetworks(self.task), face_geometry.canonical_mesh(self.task)
        return self._loaded

    def __call__(self, frames: Iterable[np.ndarray]) -> Cues:
        """Cues of one video's frames, (H, W, 3) uint8 RGB of one size, in order; landmarks in px of these frames.

        The face found first (best detector score) is followed: each frame's landmarks give the next frame's region, and
        the detector runs again where the presence score falls under 0.5. A frame without a face is NaN and not valid.
        Only the outputs are kept. ValueError for frames of another kind or of changing size.
        """
        networks, mesh = self._load()
        size: tuple[int, int] | None = None
        landmarks, blendshapes = [], []
        roi = None
        for frame in frames:
            size = _checked(frame, size)
            found, roi = self._follow(frame, roi)
            landmarks.append(np.full((N_LANDMARKS, 3), np.nan, np.float32) if found is None else found)
            blendshapes.append(
                np.full(N_BLENDSHAPES, np.nan, np.float32) if found is None else networks.blendshapes(found)
            )
        if size is None:
            return Cues.empty(0)
        points = np.stack(landmarks)
        transform = face_geometry.fit_pose(points, mesh, size)
        eyes = eyes_in_head(points, transform, size)
        points[..., 2] -= points[..., 2].mean(-1, keepdims=True)
        return Cues(
            landmarks=points,
            transform=transform.astype(np.float32),
            gaze=gaze_of(eyes, transform).astype(np.float32),
            openness=openness_of(eyes).astype(np.float32),
            blendshapes=np.stack(blendshapes),
            valid=np.isfinite(points).all((1, 2)),
        )

    def _follow(self, frame: np.ndarray, roi: np.ndarray | None) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Landmarks of this frame, if there is a face, and the region for the next one."""
        if roi is not None:
            landmarks, presence = self._networks.landmarks(frame, roi)
            if presence >= MIN_PRESENCE:
                return landmarks, roi_of_landmarks(landmarks)
        faces = self._networks.detect(frame)
        if len(faces):
            landmarks, presence = self._networks.landmarks(frame, roi_of_face(faces[0]))
            if presence >= MIN_PRESENCE:
                return landmarks, roi_of_landmarks(landmarks)
        return None, None

    def detect(self, frame: np.ndarray) -> np.ndarray:
        """Faces (n, 17) float32 in one frame (H, W, 3) uint8 RGB, best first.

        Columns: score in 0.5..1; box left, top, right, bottom; six key points x, y: the subject's right eye, left eye,
        nose tip, mouth, right ear, left ear. All in px of the frame; boxes may reach outside it.
        """
        _checked(frame, None)
        return self._networks.detect(frame)

    def detections(self, frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """`detect` for each frame."""
        return (self.detect(frame) for frame in frames)


def _checked(frame: np.ndarray, size: tuple[int, int] | None) -> tuple[int, int]:
    if not (isinstance(frame, np.ndarray) and frame.ndim == 3 and frame.shape[2] == 3 and frame.dtype == np.uint8):
        got = f"{frame.dtype} {frame.shape}" if isinstance(frame, np.ndarray) else type(frame).__name__
        raise ValueError(f"frame: expected (H, W, 3) uint8 RGB, got {got}")
    now = (frame.shape[1], frame.shape[0])
    if size is not None and now != size:
        raise ValueError(f"frames of one video: expected all {size[0]}x{size[1]}, got one of {now[0]}x{now[1]}")
    return now
