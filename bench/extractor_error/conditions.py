"""The states a picture may be in when the extractor sees it: as rendered, through the codec, of few pixels, blurred."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

AS_RENDERED = "as rendered"
KINDS = ("none", "codec", "size", "blur")


@dataclass(frozen=True)
class Condition:
    """What is done to all frames of a clip. `kind` is one of KINDS, `amount` its strength in the kind's own unit.

    codec: H.264 as everywhere in the project, at constant rate factor `amount` (0..51, more is worse). size: shrunk to
    `amount` x `amount` px by area and brought back by cubic interpolation, as a method of that resolution would be.
    blur: Gaussian of standard deviation `amount` px. ValueError for another kind.
    """

    kind: str
    amount: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"condition: expected one of {', '.join(KINDS)}, got {self.kind!r}")

    @property
    def name(self) -> str:
        """As it stands in tables and in the data file."""
        amount = f"{self.amount:g}"
        return {"none": AS_RENDERED, "codec": f"CRF {amount}", "size": f"{amount} px", "blur": f"blur {amount} px"}[
            self.kind
        ]

    def __call__(self, frames: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """The frames ((H, W, 3) uint8 RGB each) in this condition; the same objects where nothing is done to them."""
        import cv2

        height, width = frames[0].shape[:2]
        if self.kind == "codec":
            return _through_codec(frames, self.amount)
        if self.kind == "size" and (self.amount, self.amount) != (width, height):
            small = (int(self.amount), int(self.amount))
            shrunk = (cv2.resize(frame, small, interpolation=cv2.INTER_AREA) for frame in frames)
            return [cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC) for frame in shrunk]
        if self.kind == "blur" and self.amount:
            return [cv2.GaussianBlur(frame, (0, 0), self.amount) for frame in frames]
        return frames


def _through_codec(frames: Sequence[np.ndarray], crf: float) -> list[np.ndarray]:
    from bench.data import media

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        media.write_video(path, frames, crf=crf)
        return list(media.read_frames(path))


STORE, GENERATED = Condition("codec", 12), Condition("codec", 18)
"""The codec's settings for prepared clips and for generated ones."""
CONDITIONS = (
    Condition("none", 0),
    STORE,
    GENERATED,
    *(Condition("codec", crf) for crf in (28, 35)),
    *(Condition("size", size) for size in (192, 128, 96, 64)),
    *(Condition("blur", sigma) for sigma in (0.5, 1, 2, 3)),
)
