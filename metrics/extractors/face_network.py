"""The three networks of MediaPipe's face landmarker, run through LiteRT: detection, 478 landmarks, 52 blendshapes.

What goes into each network and how its numbers are read follows the definition in MediaPipe's face landmarker task
(graphs `face_detector`, `face_landmarks_detector`, `face_blendshapes`), without its smoothing over time.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from metrics.extractors.face_crop import crop_into

DETECTOR_SIZE = 128
LANDMARK_SIZE = 256
MIN_SCORE = 0.5
MAX_OVERLAP = 0.3
ROI_SCALE = 1.5
# Detector key points: 0 subject's right eye, 1 left eye, 2 nose tip, 3 mouth, 4 right ear, 5 left ear.
KEY_POINTS = 6
EYE_LINE_BOX = (0, 1)  # of the detector's key points
EYE_LINE_LANDMARKS = (33, 263)

BLENDSHAPE_POINTS = (
    *(0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80),
    *(81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153),
    *(154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249),
    *(251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314),
    *(317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382),
    *(384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, *range(468, 478)),
)

BLENDSHAPES = tuple(
    "_neutral browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff cheekSquintLeft "
    "cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft eyeLookDownRight eyeLookInLeft eyeLookInRight "
    "eyeLookOutLeft eyeLookOutRight eyeLookUpLeft eyeLookUpRight eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight "
    "jawForward jawLeft jawOpen jawRight mouthClose mouthDimpleLeft mouthDimpleRight mouthFrownLeft mouthFrownRight "
    "mouthFunnel mouthLeft mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight mouthPucker mouthRight "
    "mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmileLeft mouthSmileRight mouthStretchLeft "
    "mouthStretchRight mouthUpperUpLeft mouthUpperUpRight noseSneerLeft noseSneerRight".split()
)
"""Names of the 52 blendshape scores, left and right being the subject's."""


class Network:
    """One LiteRT model with one input, on one thread."""

    def __init__(self, model: bytes):
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=model, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [d["index"] for d in self._interpreter.get_output_details()]

    def __call__(self, x: np.ndarray) -> list[np.ndarray]:
        """Outputs of one float32 input of the network's own shape."""
        self._interpreter.set_tensor(self._input, x)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


class FaceNetworks:
    """The landmarker's networks out of `face_landmarker.task`; one object is used by one thread."""

    def __init__(self, task: Path):
        with zipfile.ZipFile(task) as bundle, _without_start_notice():
            self._detector = Network(bundle.read("face_detector.tflite"))
            self._landmarks = Network(bundle.read("face_landmarks_detector.tflite"))
            self._blendshapes = Network(bundle.read("face_blendshapes.tflite"))
        self._anchors = detector_anchors()
        self._small = np.empty((1, DETECTOR_SIZE, DETECTOR_SIZE, 3), np.float32)
        self._large = np.empty((1, LANDMARK_SIZE, LANDMARK_SIZE, 3), np.float32)

    def detect(self, frame: np.ndarray) -> np.ndarray:
        """Faces (n, 17) float32 in (H, W, 3) uint8 RGB, best first: score, box x0 y0 x1 y1, six key points x y, all px."""
        height, width = frame.shape[:2]
        side = max(height, width)
        roi = np.array([width / 2, height / 2, side, side, 0.0])
        crop_into(frame, roi, self._small[0], scale=1 / 127.5, offset=-1, replicate=False)
        regression, logits = self._detector(self._small)
        scores = sigmoid(logits[0, :, 0].astype(np.float64))
        found = np.flatnonzero(scores >= MIN_SCORE)
        points = regression[0, found].reshape(-1, 2 + KEY_POINTS, 2) / DETECTOR_SIZE
        centre, extent = points[:, 0] + self._anchors[found], points[:, 1]
        points[:, 2:] += self._anchors[found, None]
        points[:, 0], points[:, 1] = centre - extent / 2, centre + extent / 2
        faces = weighted_suppression(scores[found], points)
        faces[:, 1:] = (faces[:, 1:].reshape(-1, 8, 2) * side + (np.array([width, height]) - side) / 2).reshape(-1, 16)
        return faces.astype(np.float32)

    def landmarks(self, frame: np.ndarray, roi: np.ndarray) -> tuple[np.ndarray, float]:
        """Landmarks (478, 3) float32 in px of the frame and the presence score in 0..1, looked for in `roi`."""
        crop_into(frame, roi, self._large[0], scale=1 / 255, offset=0, replicate=True)
        raw, presence, *_ = self._landmarks(self._large)
        points = raw.reshape(-1, 3) / LANDMARK_SIZE
        x, y, w, h, angle = roi
        cos, sin = math.cos(angle), math.sin(angle)
        local = (points[:, :2] - 0.5) * (w, h)
        out = np.empty((len(points), 3), np.float32)
        out[:, 0] = local[:, 0] * cos - local[:, 1] * sin + x
        out[:, 1] = local[:, 0] * sin + local[:, 1] * cos + y
        out[:, 2] = points[:, 2] * w
        return out, float(sigmoid(np.float64(presence.reshape(-1)[0])))

    def blendshapes(self, landmarks: np.ndarray) -> np.ndarray:
        """Blendshape scores (52,) float32 in 0..1 of landmarks (478, 3) in px."""
        return self._blendshapes(landmarks[None, BLENDSHAPE_POINTS, :2])[0]


@contextlib.contextmanager
def _without_start_notice() -> Iterator[None]:
    """Keep LiteRT's line about its CPU delegate off stderr, which it writes past Python and without a switch; only that."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            said.seek(0)
            for line in said:
                if b"XNNPACK delegate" not in line:
                    os.write(2, line)


def detector_anchors() -> np.ndarray:
    """Anchor centres (896, 2) of the short-range detector, in 0..1: two per cell of 16 x 16, six per cell of 8 x 8."""
    grids = []
    for cells, per_cell in ((16, 2), (8, 6)):
        middle = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(middle, middle, indexing="ij")
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], -1), per_cell, axis=0))
    return np.concatenate(grids).astype(np.float32)


def weighted_suppression(scores: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Merge overlapping faces: scores (n,) and points (n, 8, 2) -> (m, 17), best first.

    Faces that overlap the best remaining one by more than `MAX_OVERLAP` (intersection over union) are averaged with it,
    weighted by score; the best one's score is kept (weighted non-maximum suppression, Bazarevsky et al. 2019, BlazeFace).
    """
    order = np.argsort(-scores, kind="stable")
    merged = []
    while len(order):
        best = points[order[0]]
        boxes = points[order]
        overlap = np.clip(np.minimum(boxes[:, 1], best[1]) - np.maximum(boxes[:, 0], best[0]), 0, None).prod(-1)
        areas = (boxes[:, 1] - boxes[:, 0]).prod(-1)
        union = areas + (best[1] - best[0]).prod() - overlap
        same = np.divide(overlap, union, out=np.zeros_like(union), where=union > 0) > MAX_OVERLAP
        same[0] = True
        weights = scores[order[same]]
        mean = np.einsum("n,nij->ij", weights / weights.sum(), boxes[same])
        merged.append(np.concatenate([scores[order[:1]], mean.ravel()]))
        order = order[~same]
    return np.array(merged, np.float64).reshape(-1, 17)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def roi_of_face(face: np.ndarray) -> np.ndarray:
    """Landmark network's region of interest (5,) for one row (17,) of `FaceNetworks.detect`."""
    box, points = face[1:5].reshape(2, 2), face[5:].reshape(-1, 2)
    return _roi(box[0], box[1], *points[list(EYE_LINE_BOX)], square=False)


def roi_of_landmarks(landmarks: np.ndarray) -> np.ndarray:
    """Region of interest (5,) for the next frame, around landmarks (478, 3) in px."""
    points = landmarks[:, :2]
    return _roi(points.min(0), points.max(0), *points[list(EYE_LINE_LANDMARKS)], square=True)


def _roi(low: np.ndarray, high: np.ndarray, right_eye: np.ndarray, left_eye: np.ndarray, *, square: bool) -> np.ndarray:
    width, height = (float(v) for v in high - low)
    if square:
        width = height = max(width, height)
    dx, dy = (float(v) for v in left_eye - right_eye)
    x, y = (float(v) for v in (low + high) / 2)
    return np.array([x, y, width * ROI_SCALE, height * ROI_SCALE, math.atan2(dy, dx)])
