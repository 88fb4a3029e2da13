"""FD-5f: a Frechet distance of five frames per clip, as EAT's evaluator takes them; its own column, because it is no FID."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from bench.contract.metric import Collected, SetEstimate
from metrics.extractors.inception import FEATURES
from metrics.extractors.inception_five import FRAMES_PER_CLIP
from metrics.fid import MIN_FRAMES, InceptionSet, frechet_estimate
from metrics.options import choose

EXTRACTOR = {"rgb": "inception_five", "bgr": "inception_five_bgr"}
CHANNELS = {
    "rgb": "colours as they are",
    "bgr": "red and blue exchanged before the network, as in EAT's evaluator",
}


class FiveFrameFrechet(InceptionSet):
    """Frechet distance of pool3 features of the frames that begin the fifths of each clip.

    channels: "rgb", or "bgr", a published mistake kept so that its share of the number can be seen. EAT's own features are
    those of torchvision's ImageNet network; here they are the FID Inception's, so the value is neither FID nor EAT's.
    """

    name: ClassVar[str] = "FD-5f"
    protocol_keys: ClassVar[tuple[str, ...]] = ("fd.channels",)
    extractors: tuple[str, ...] = (EXTRACTOR["rgb"],)
    collection: str = EXTRACTOR["rgb"]

    def __init__(self, channels: str = "rgb"):
        self.channels = choose("fd.channels", channels, CHANNELS)
        self.collection = EXTRACTOR[self.channels]
        self.extractors = (self.collection,)
        self.definition = (
            f"Frechet distance, not FID: normal fits to pool3 features ({FEATURES}) of the FID Inception (bilinear to 299 px without "
            f"antialiasing), the {FRAMES_PER_CLIP} frames that begin the clip's fifths, {CHANNELS[self.channels]}; covariances over "
            "n - 1, float64"
        )

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """See `frechet_estimate`; raises Unscorable for fewer than two clips."""
        return frechet_estimate(clips, seed, MIN_FRAMES)
