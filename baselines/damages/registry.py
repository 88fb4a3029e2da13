"""The damages by name: each with its dose is a row of its own, `blur~1.5`."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from baselines.registry import MethodSpec
from bench.contract.errors import UsageError

_PACKAGE = "baselines.damages"
DAMAGES: Mapping[str, str] = MappingProxyType(
    {
        "blur": f"{_PACKAGE}.picture:Blur",
        "noise": f"{_PACKAGE}.picture:Noise",
        "codec": f"{_PACKAGE}.picture:Codec",
        "colour-swap": f"{_PACKAGE}.picture:ColourSwap",
        "frames-dropped": f"{_PACKAGE}.picture:FramesDropped",
        "sound-lag": f"{_PACKAGE}.sound:SoundLag",
        "other-sentence": f"{_PACKAGE}.sound:OtherSentence",
        "mouth-frozen": f"{_PACKAGE}.expression:MouthFrozen",
        "landmarks-jittered": f"{_PACKAGE}.landmarks:LandmarksJittered",
        "emotion-swapped": f"{_PACKAGE}.clips:EmotionSwapped",
        "level-lowered": f"{_PACKAGE}.expression:LevelLowered",
        "gaze-frozen": f"{_PACKAGE}.gaze:GazeFrozen",
        "gaze-mirrored": f"{_PACKAGE}.gaze:GazeMirrored",
        "gaze-shuffled": f"{_PACKAGE}.gaze:GazeShuffled",
        "gaze-iid": f"{_PACKAGE}.gaze:GazeIid",
        "pose-scaled": f"{_PACKAGE}.pose:PoseScaled",
        "pose-frozen": f"{_PACKAGE}.pose:PoseFrozen",
        "pose-shuffled": f"{_PACKAGE}.pose:PoseShuffled",
        "pose-offset": f"{_PACKAGE}.pose:PoseOffset",
        "blinks-removed": f"{_PACKAGE}.expression:BlinksRemoved",
        "cues-swapped": f"{_PACKAGE}.clips:CuesSwapped",
    }
)


def find_damage(name: str, dose: float) -> MethodSpec:
    """The row of one damage at one dose; UsageError for an unknown name (a dose out of range is told when it is loaded)."""
    if name not in DAMAGES:
        close = get_close_matches(name, DAMAGES, n=2)
        hint = f"did you mean {' or '.join(close)}? " if close else ""
        raise UsageError(f"unknown damage {name!r}; {hint}known: {', '.join(DAMAGES)}")
    dose = float(dose) + 0.0  # -0 is 0
    return MethodSpec(f"{name}~{dose:g}", DAMAGES[name], dose=dose)


def damage_called(name: str) -> MethodSpec:
    """`blur~1.5` -> its row; UsageError for an unknown damage, or a dose that is no number."""
    damage, _, dose = name.partition("~")
    try:
        number = float(dose)
    except ValueError:
        raise UsageError(f"--method {name}: expected a number as the dose, as blur~1.5, got {dose!r}") from None
    return find_damage(damage, number)
