"""Small metrics of every kind and extractors of every taste, to watch the engine with."""

from typing import ClassVar

import numpy as np

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Direction, Family, Score, SetEstimate

CALLS: list[tuple[str, int]] = []
"""(extractor, frames seen) of every call in this process."""


class _Extractor:
    VERSION: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    experts: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[frozenset[str]] = frozenset({"frames"})
    portrait: ClassVar[bool] = False

    def __init__(self, weights, device="cpu"):
        self.weights, self.device = weights, device

    def __call__(self, video):
        CALLS.append((self.name, len(video.cues)))
        return self.look(video)


class Brightness(_Extractor):
    name = "fake-brightness"
    portrait = True

    def look(self, video):
        assert video.audio is None, "sound was not asked for"
        return {"level": video.frames.mean((1, 2, 3))}


class Loudness(_Extractor):
    name = "fake-loudness"
    takes = frozenset({"audio"})

    def look(self, video):
        assert video.frames is None, "pictures were not asked for"
        if not np.abs(video.audio).max() > 1e-4:
            raise Unscorable(Reason.NO_SPEECH, "expected speech, found silence")
        return {"rms": np.sqrt(np.mean(video.audio.astype(np.float64) ** 2)), "own": np.array(video.own_sound)}


class Nods(_Extractor):
    name = "fake-nods"
    takes = frozenset({"cues"})

    def look(self, video):
        return {"forward": video.cues.transform[:, 1, 2].astype(np.float64)}


class Stumbling(_Extractor):
    name = "fake-stumbling"

    def look(self, video):
        raise RuntimeError("the network is on fire")


class Learned(_Extractor):
    name = "fake-learned"
    experts = ("fake-expert",)

    def look(self, video):
        return {"n": np.array(self.weights["fake-expert"].stat().st_size)}


class Weighty(_Extractor):
    name = "fake-weighty"
    needs = ("fer_mini_xception",)

    def look(self, video):
        return {"n": np.array(self.weights["fer_mini_xception"].stat().st_size)}


class _Metric:
    family: ClassVar[Family] = Family.IMAGE
    direction: ClassVar[Direction] = Direction.LOWER
    unit: ClassVar[str] = "1"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    definition = "a small number that the engine is watched with"


class _Own(_Metric):
    direction = Direction.MATCH


class OwnBrightness(_Own):
    name = "own"
    extractors = ("fake-brightness",)

    def own(self, seen):
        level = seen.features["fake-brightness"]["level"]
        return Score(float(level.mean()), len(level))


class OwnSound(_Own):
    name = "sound"
    extractors = ("fake-loudness",)

    def own(self, seen):
        return Score(float(seen.features["fake-loudness"]["rms"]), 1)


class WhoseSound(_Own):
    name = "whose-sound"
    extractors = ("fake-loudness",)

    def own(self, seen):
        return Score(float(seen.features["fake-loudness"]["own"]), 1)


class OwnNods(_Own):
    name = "nods"
    extractors = ("fake-nods",)

    def own(self, seen):
        return Score(float(np.nanstd(seen.features["fake-nods"]["forward"])), len(seen.cues))


class OwnBlinks(_Own):
    """Reads cues without an extractor, and says so."""

    name = "blinks"
    reads = ("openness",)

    def own(self, seen):
        return Score(float(np.nanmean(seen.cues.openness)), len(seen.cues))


class NotANumber(_Own):
    name = "nan"

    def own(self, seen):
        return Score(float("nan"), 3)


class OnFire(_Own):
    name = "on-fire"
    extractors = ("fake-stumbling",)

    def own(self, seen):
        return Score(float(seen.features["fake-stumbling"]["n"]), 1)


class ByExpert(_Own):
    name = "by-expert"
    extractors = ("fake-learned",)

    def own(self, seen):
        return Score(float(seen.features["fake-learned"]["n"]), 1)


class ByWeights(_Own):
    name = "by-weights"
    extractors = ("fake-weighty",)

    def own(self, seen):
        return Score(float(seen.features["fake-weighty"]["n"]), 1)


class ToPortrait(_Metric):
    """Brightness against the speaker's reference image."""

    name = "portrait"
    extractors = ("fake-brightness",)

    def pair(self, pair):
        if pair.reference.portrait is None:
            raise Unscorable(Reason.NO_REFERENCE_IMAGE, "the speaker has no reference image")
        (image,) = pair.reference.portrait.features["fake-brightness"]["level"]
        made = pair.generated.features["fake-brightness"]["level"]
        return Score(float(np.abs(made - image).mean()), len(made))


class Undeclared(_Metric):
    """Reads what it did not ask for."""

    name = "undeclared"

    def pair(self, pair):
        return Score(float(pair.generated.features["fake-brightness"]["level"].mean()), 1)


class SetBrightness(_Metric):
    """Difference of the mean brightness of all clips."""

    name = "set"
    collection = "fake-levels"
    extractors = ("fake-brightness",)

    def collect(self, pair):
        sides = {"real": pair.reference, "made": pair.generated}
        return {n: s.features["fake-brightness"]["level"].astype(np.float32) for n, s in sides.items()}

    def estimate(self, clips, seed):
        if len(clips) < 2:
            raise Unscorable(Reason.TOO_FEW_CLIPS, f"{len(clips)} clips, 2 are needed")
        real, made = (np.array([c.arrays[n].mean(dtype=np.float64) for c in clips]) for n in ("real", "made"))
        noise = np.random.default_rng(seed).normal()

        def statistic(mask):
            return abs(float(made[mask].mean() - real[mask].mean())) if mask.any() else float("nan")

        details = {"n_frames": int(sum(len(c.arrays["made"]) for c in clips)), "null": float(noise)}
        return SetEstimate(statistic, details, ("small-sample",), {"real": real.tolist(), "made": made.tolist()})


class SetSpread(SetBrightness):
    name = "set-spread"

    def estimate(self, clips, seed):
        made, real = (np.array([c.arrays[n].mean(dtype=np.float64) for c in clips]) for n in ("made", "real"))

        def spread(side):
            return lambda mask: float(side[mask].std(ddof=1)) if mask.sum() > 1 else float("nan")

        return SetEstimate(spread(made), truth=spread(real))


EXTRACTORS = {
    cls.name: f"fake_metrics:{cls.__name__}" for cls in (Brightness, Loudness, Nods, Stumbling, Learned, Weighty)
}
METRICS = {
    cls.name: cls
    for cls in (
        OwnBrightness, OwnSound, WhoseSound, OwnNods, OwnBlinks, NotANumber, OnFire, ByExpert, ByWeights, ToPortrait,
        Undeclared, SetBrightness, SetSpread,
    )
}  # fmt: skip
