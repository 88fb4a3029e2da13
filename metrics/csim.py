"""CSIM: does the generated face stay the same person? Cosine of identity embeddings."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Direction, Family, Score
from bench.contract.seen import Pair, Seen
from metrics.extractors.identity import FRAMES_PER_CLIP

NETWORKS = {
    "identity_arcface": "ArcFace (InsightFace buffalo_s, w600k_mbf)",
    "identity_sface": "SFace (OpenCV zoo, face_recognition_sface_2021dec)",
}


class IdentitySimilarity:
    """Mean cosine over up to five moments of the clip; 1 for the same picture, about 0 for two people, at least -1."""

    name: ClassVar[str]
    family: ClassVar[Family] = Family.IMAGE
    direction: ClassVar[Direction] = Direction.HIGHER
    unit: ClassVar[str] = "1"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]]
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    to_portrait: ClassVar[bool]

    def __init__(self):
        other = (
            "the speaker's reference image"
            if self.to_portrait
            else "the real clip's frame in the same part of the clip"
        )
        self.definition = (
            f"cosine of {NETWORKS[self.extractors[0]]} embeddings of the generated face and of {other}; "
            f"{FRAMES_PER_CLIP} frames, one from the middle of each {FRAMES_PER_CLIP}th of the clip, aligned by five points "
            "to 112 px; mean over the frames that show a face on both sides"
        )

    def pair(self, pair: Pair) -> Score:
        """Raises Unscorable without a reference image (to the portrait) or without a moment where both show a face."""
        generated, frames = self._embedding(pair.generated)
        if self.to_portrait:
            if pair.reference.portrait is None:
                raise Unscorable(Reason.NO_REFERENCE_IMAGE, "expected a reference image of the speaker, there is none")
            other, _ = self._embedding(pair.reference.portrait)
            other = np.broadcast_to(other[:1], generated.shape)  # one picture: each of its five parts is the same frame
        else:
            other, _ = self._embedding(pair.reference)
        both = np.isfinite(generated).all(1) & np.isfinite(other).all(1)
        if not both.any():
            raise Unscorable(
                Reason.NO_FACE, "expected a face on both sides in at least one part of the clip, found none"
            )
        cosine = np.einsum("sd,sd->s", generated[both], other[both])
        return Score(float(np.clip(cosine, -1, 1).mean()), len(np.unique(frames[both])))

    def _embedding(self, seen: Seen) -> tuple[np.ndarray, np.ndarray]:
        """(5, D) float64 of unit length, (5,) frame numbers."""
        arrays = seen.features[self.extractors[0]]
        vectors = arrays["embedding"].astype(np.float64)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), arrays["frame"]


class CSIM(IdentitySimilarity):
    """ArcFace, paired with the real clip."""

    name = "CSIM"
    extractors = ("identity_arcface",)
    to_portrait = False


class CSIMToPortrait(IdentitySimilarity):
    """ArcFace, to the reference image."""

    name = "CSIM-ref"
    extractors = ("identity_arcface",)
    to_portrait = True


class CSIMSFace(IdentitySimilarity):
    """SFace, paired with the real clip: a second network, under a permissive licence."""

    name = "CSIM-S"
    extractors = ("identity_sface",)
    to_portrait = False


class CSIMSFaceToPortrait(IdentitySimilarity):
    """SFace, to the reference image."""

    name = "CSIM-S-ref"
    extractors = ("identity_sface",)
    to_portrait = True
