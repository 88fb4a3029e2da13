"""Brings a folder's videos into the canonical crop, in the way the folder declares (docs/protocols.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from bench.contract.clip import CROP_SIZE, Clip
from bench.contract.cues import Cues
from bench.contract.errors import Reason, RejectedInput
from bench.contract.landmarks68 import LANDMARKS_68
from bench.data.crop import Crop

if TYPE_CHECKING:
    from bench.data.media import MediaInfo


class Framing(StrEnum):
    """canonical: 256x256 as it is; source: the real clip's stored crop is applied; own: aligned on the video's own face."""

    CANONICAL = "canonical"
    SOURCE = "source"
    OWN = "own"


FLAGGED_RESIDUAL = 6.0
"""RMS px by which an `own`-framed mean face may miss the real one before the clip is flagged."""


@dataclass(frozen=True)
class Framed:
    """A generated video seen in the canonical crop: what was done (part of every cache key) and how to get the frames."""

    transform: tuple
    frames: Callable[[], Iterator[np.ndarray]]
    residual: float | None = None


def check_size(info: MediaInfo, clip: Clip, framing: Framing) -> None:
    """RejectedInput (wrong-size) for a frame size that the declared framing cannot have."""
    size = (info.width, info.height)
    if framing == Framing.CANONICAL and size != (CROP_SIZE, CROP_SIZE):
        raise RejectedInput(
            Reason.WRONG_SIZE,
            f"expected the canonical {CROP_SIZE}x{CROP_SIZE}, found {size[0]}x{size[1]}; declare --framing source (full frames of "
            f"{clip.source_size[0]}x{clip.source_size[1]}) or --framing own (any size)",
        )
    if framing == Framing.SOURCE and size != clip.source_size:
        raise RejectedInput(
            Reason.WRONG_SIZE,
            f"--framing source: expected the real video's {clip.source_size[0]}x{clip.source_size[1]}, found {size[0]}x{size[1]}",
        )


def frame_video(
    read: Callable[[], Iterator[np.ndarray]],
    clip: Clip,
    framing: Framing,
    own_cues: Callable[[Callable[[], Iterator[np.ndarray]]], Cues] | None = None,
) -> Framed:
    """How to see the frames of `read()`, of a size that `check_size` let pass, as canonical ones.

    `own_cues(frames)` extracts cues of the video as it is (framing own only). Raises RejectedInput: no-face where `own`
    finds no face to align on.
    """
    if framing == Framing.CANONICAL:
        return Framed(("canonical",), read)
    if framing == Framing.SOURCE:
        crop = Crop.from_affine(clip.crop)
        return Framed(("source", *clip.crop), lambda: (crop.cut(frame) for frame in read()))
    affine, residual = align_own(own_cues(read), Cues.load(clip.cues))
    return Framed(
        ("own", *np.round(affine, 6).ravel().tolist()), lambda: (warp(frame, affine) for frame in read()), residual
    )


def align_own(generated: Cues, reference: Cues) -> tuple[np.ndarray, float]:
    """One similarity per video, from the mean of its own 68 landmarks to the mean of the real clip's.

    Returns the (2, 3) affine, generated px -> canonical px, and the RMS residual in canonical px. Raises RejectedInput.
    """
    from bench.contract.geometry import similarity_2d

    if not generated.valid.any():
        raise RejectedInput(Reason.NO_FACE, "--framing own: no frame of the generated video has a face to align on")
    source = generated.landmarks[generated.valid][:, LANDMARKS_68, :2].astype(float).mean(0)
    target = reference.landmarks[reference.valid][:, LANDMARKS_68, :2].astype(float).mean(0)
    affine = similarity_2d(source, target)
    moved = source @ affine[:, :2].T + affine[:, 2]
    return affine, float(np.sqrt(((moved - target) ** 2).sum(-1).mean()))


def warp(frame: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> (256, 256, 3) uint8 under a similarity; shrinks by area first so that nothing aliases."""
    import cv2

    scale = float(np.hypot(affine[0, 0], affine[1, 0]))
    affine = affine.copy()
    if scale < 0.8:
        height, width = frame.shape[:2]
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        frame = cv2.resize(frame, small, interpolation=cv2.INTER_AREA)
        # pixel centres: x_small + .5 = (x + .5) * ratio
        ratio = np.array([small[0] / width, small[1] / height])
        affine[:, 2] += affine[:, :2] @ (0.5 / ratio - 0.5)
        affine[:, :2] /= ratio
    return cv2.warpAffine(frame, affine, (CROP_SIZE, CROP_SIZE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
