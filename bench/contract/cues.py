"""Face cues of one video: landmarks, pose, gaze, openness, blendshapes; and their file format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.contract.files import whole_file

N_LANDMARKS = 478
N_BLENDSHAPES = 52
FIELDS = {
    "landmarks": (N_LANDMARKS, 3),
    "transform": (4, 4),
    "gaze": (2, 2),
    "openness": (2,),
    "blendshapes": (N_BLENDSHAPES,),
    "valid": (),
}


@dataclass(frozen=True)
class Cues:
    """Per-frame face cues; frames without a face are NaN and `valid` False, never interpolated.

    landmarks (T, 478, 3) float32, px of the canonical crop (the centre of the first pixel is 0, 0), z in the same unit with
    zero mean per frame;
    transform (T, 4, 4) float32, head to camera, cm (MediaPipe's facial transformation matrix);
    gaze (T, 2, 2) float32 degrees, [subject-left eye, subject-right eye] x [yaw, pitch], relative to the head;
    openness (T, 2) float32, lid gap over eye width, same eye order; blendshapes (T, 52) float32 in 0..1; valid (T,) bool.
    """

    landmarks: np.ndarray
    transform: np.ndarray
    gaze: np.ndarray
    openness: np.ndarray
    blendshapes: np.ndarray
    valid: np.ndarray

    def __post_init__(self) -> None:
        frames = len(self.valid)
        for name, shape in FIELDS.items():
            got = getattr(self, name).shape
            if got != (frames, *shape):
                raise ValueError(f"cues.{name}: expected shape {(frames, *shape)}, got {got}")

    def __len__(self) -> int:
        return len(self.valid)

    def __getitem__(self, index: slice | np.ndarray) -> Cues:
        """The cues of some frames (slice, index array or mask)."""
        return Cues(**{name: getattr(self, name)[index] for name in FIELDS})

    @classmethod
    def empty(cls, frames: int) -> Cues:
        """`frames` invalid frames: NaN everywhere, valid False."""
        arrays = {n: np.full((frames, *s), np.nan, np.float32) for n, s in FIELDS.items() if n != "valid"}
        return cls(**arrays, valid=np.zeros(frames, bool))

    def save(self, path: Path) -> None:
        """Write cues.safetensors at `path` (written to a temporary name, then renamed)."""
        from safetensors.numpy import save

        arrays = {n: np.ascontiguousarray(getattr(self, n), np.float32) for n in FIELDS if n != "valid"}
        arrays["valid"] = np.ascontiguousarray(self.valid.astype(np.uint8))
        with whole_file(path) as temporary:  # a full disk is an OSError here, unlike in safetensors' own writer
            temporary.write_bytes(save(arrays))

    @classmethod
    def load(cls, path: Path) -> Cues:
        """Read cues.safetensors; unknown or missing arrays raise ValueError."""
        from safetensors.numpy import load_file

        arrays = load_file(path)
        if set(arrays) != set(FIELDS):
            raise ValueError(f"{path}: expected arrays {sorted(FIELDS)}, got {sorted(arrays)}")
        arrays["valid"] = arrays["valid"].astype(bool)
        return cls(**arrays)
