"""Statistics of a handful of embedded clips, kept in tests/golden/puppet.json: `python -m bench.data.puppet.golden --write FILE`.

They change when the dataset changes, and then PUPPET_VERSION has to change too. Tolerances let pass what another platform's
rounding does and nothing else; hashes are written down as information, because they are equal on one platform only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.puppet.version import PUPPET_VERSION

if TYPE_CHECKING:
    from bench.data.puppet.performance import Take

CLIPS = (
    ("M401", "angry", 3, 1),
    ("W401", "happy", 2, 2),
    ("M402", "fear", 3, 5),
    ("W402", "surprised", 1, 3),
    ("M301", "sad", 1, 3),
    ("W301", "neutral", 1, 4),
    ("M302", "contempt", 2, 2),
    ("W302", "disgusted", 3, 109),
)
"""(speaker, emotion, level, take): training speakers of both sides, both sexes, every emotion and level, both layouts' words."""
FRAMES = (45, 55)
STILLS = ("M501", "W501")
POINTS = {"nose": 1, "chin": 152, "mouth left": 291, "mouth right": 61, "upper lip": 13, "lower lip": 14, "brow left": 334,
          "brow right": 105, "lid left": 386, "lid right": 159, "iris left": 473, "iris right": 468}  # fmt: skip
"""Landmarks whose mean and spread are kept, subject's left and right."""
COLOURS = ("iris left", "iris right", "upper lip", "nose")
COLOUR_REACH = 1.5
"""The picture's colour is kept about these points, under a Gaussian of so many px."""
BLOCKS = 4
"""A picture is kept as the mean luminance of this many by this many blocks."""
TOLERANCES = {
    "actions": 2e-4,
    "degrees": 5e-3,
    "centimetres": 2e-3,
    "pixels": 1e-2,
    "decibels": 0.05,
    "hertz": 0.5,
    "seconds": 2e-3,
    "luminance": 0.1,
    "exact": 0.0,
    "information": float("inf"),
}
"""Last word of a statistic's group -> how far two values of it may be apart (luminance and colour in levels of 0..255)."""


def statistics() -> dict[str, Any]:
    """The document that is compared: version, and per clip groups of named numbers. Takes about ten seconds."""
    from bench.data.puppet.performance import perform, recorder_crf
    from bench.data.puppet.speaker import Speaker

    clips = {}
    for speaker, emotion, level, take in CLIPS:
        done = perform(Speaker.of(speaker), emotion, level, take, FRAMES)
        file = {"file, exact": {"rate factor": recorder_crf(speaker, emotion, level, take)}}
        clips[f"{speaker} {emotion} {level} {take:03d}"] = of_take(done) | file | pictures_of(done)
    for speaker in STILLS:
        clips[f"{speaker} stills"] = of_stills(speaker)
    return {"puppet_version": PUPPET_VERSION, "clips": clips}


def of_take(take: Take) -> dict[str, dict[str, Any]]:
    """Groups of numbers about one take, without pictures."""
    blink = take.actions[:, _action("blink")] > 0.5
    spoken = [p for p in take.phonemes if not p.pause]
    codes = " ".join(p.code for p in take.phonemes)
    return {
        "what is said, exact": {
            "frames": len(take),
            "blinks": int((np.diff(blink.astype(int), prepend=0) == 1).sum()),
            "text": take.text,
            "phonemes": hashlib.sha256(codes.encode()).hexdigest()[:16],
        },
        "when it is said, seconds": {"first sound": spoken[0].start, "last sound": spoken[-1].end},
        "face, actions": _moments(take.actions, _actions()),
        "gaze, degrees": _moments(take.gaze.mean(axis=1), ("yaw", "pitch")),
        "head, degrees": _moments(take.pose, ("pitch", "yaw", "roll")),
        "place, centimetres": _moments(take.position, ("x", "y", "z")),
        "loudness, decibels": {"rms": _decibels(take.samples), "first 100 ms": _decibels(take.samples[: take.rate // 10])},
        "voice, hertz": {"pitch": pitch_of(take.samples, take.rate)},
        "hashes, information": {"cues": _hash(take.actions, take.gaze, take.pose, take.position),
                                "sound": _hash(take.samples)},
    }  # fmt: skip


def pictures_of(take: Take) -> dict[str, dict[str, Any]]:
    """Groups of numbers about landmarks of all frames and two rendered pictures of one take."""
    from bench.data.puppet.render import Performance, renderer_of
    from bench.data.puppet.truth import RENDERER_SEX

    renderer = renderer_of(take.speaker.seed, RENDERER_SEX[take.speaker.sex])
    whole = Performance(take.actions, take.gaze, take.pose, take.position)
    marks = renderer.landmarks(whole)
    gap = renderer.lip_gap(whole, marks)
    at = [len(take) // 3, len(take) - 1]
    some = Performance(take.actions[at], take.gaze[at], take.pose[at], take.position[at])
    points = {f"{name} {axis}": marks[:, index, k] for name, index in POINTS.items() for k, axis in enumerate("xy")}
    groups: dict[str, dict[str, Any]] = {
        "landmarks, pixels": _moments(np.stack(list(points.values()), axis=1), tuple(points)),
        "lips, pixels": {"mean": float(gap.mean()), "largest": float(gap.max())},
    }
    for index, picture in zip(at, renderer.frames(some), strict=True):
        near = {f"{name} {k}": v for name in COLOURS for k, v in colour_at(picture, marks[index, POINTS[name]]).items()}
        groups[f"picture {index}, luminance"] = of_picture(picture) | near
        groups[f"picture {index}, information"] = {"sha256": _hash(picture)}
    return groups


def of_picture(picture: np.ndarray) -> dict[str, float]:
    """Mean colour, mean gradient, and mean luminance of BLOCKS x BLOCKS blocks of (H, W, 3) uint8, all in levels of 0..255."""
    gray = picture.astype(np.float64) @ [0.299, 0.587, 0.114]
    numbers = dict(zip(("red", "green", "blue"), map(float, picture.reshape(-1, 3).mean(axis=0)), strict=True))
    numbers["gradient x"] = float(np.abs(np.diff(gray, axis=1)).mean())
    numbers["gradient y"] = float(np.abs(np.diff(gray, axis=0)).mean())
    side = len(gray) // BLOCKS
    for i in range(BLOCKS):
        for j in range(BLOCKS):
            numbers[f"block {i}{j}"] = float(gray[i * side : (i + 1) * side, j * side : (j + 1) * side].mean())
    return numbers


def colour_at(picture: np.ndarray, point: np.ndarray) -> dict[str, float]:
    """Mean colour of (H, W, 3) uint8 about `point` (x, y) px, pixel centres at half numbers, Gaussian of COLOUR_REACH px."""
    height, width = picture.shape[:2]
    x, y = (
        np.exp(-0.5 * ((np.arange(n) + 0.5 - c) / COLOUR_REACH) ** 2)
        for n, c in zip((width, height), point, strict=True)
    )
    mean = np.einsum("y,x,yxc->c", y / y.sum(), x / x.sum(), picture.astype(np.float64))
    return dict(zip(("red", "green", "blue"), map(float, mean), strict=True))


def of_stills(speaker: str) -> dict[str, dict[str, Any]]:
    """Groups of numbers about the independent frames of one identity of `pretrain`."""
    from bench.data.puppet.stills import stills

    frames = stills(speaker, 24)
    return {
        "face, actions": _moments(frames.actions, _actions()),
        "gaze, degrees": _moments(frames.gaze.mean(axis=1), ("yaw", "pitch")),
        "head, degrees": _moments(frames.pose, ("pitch", "yaw", "roll")),
        "place, centimetres": _moments(frames.position, ("x", "y", "z")),
        "hashes, information": {"cues": _hash(frames.actions, frames.gaze, frames.pose, frames.position)},
    }


def pitch_of(samples: np.ndarray, rate: int) -> float:
    """Geometric mean of the fundamental frequency (Hz) of the voiced frames: highest peak of the normalised autocorrelation,
    60 to 420 Hz; NaN if nothing is voiced."""
    length, found = round(0.04 * rate), []
    lags = np.arange(rate // 420, rate // 60)
    for start in range(0, len(samples) - length, length // 2):
        block = samples[start : start + length].astype(np.float64)
        block = block - block.mean()
        power = np.fft.irfft(np.abs(np.fft.rfft(block, 2 * length)) ** 2)[:length]
        if power[0] < 1e-3 * length * 0.01:  # silence
            continue
        score = power[lags] / power[0] * length / (length - lags)
        if score.max() > 0.6:
            found.append(rate / lags[int(np.argmax(score))])
    return float(np.exp(np.mean(np.log(found)))) if found else float("nan")


def differences(golden: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What is not the same within TOLERANCES, one line each; empty if all is."""
    lines = []
    for clip in sorted(golden["clips"].keys() | now["clips"].keys()):
        before, after = golden["clips"].get(clip, {}), now["clips"].get(clip, {})
        for group in sorted(before.keys() | after.keys()):
            tolerance = TOLERANCES[group.rpartition(", ")[2]]
            if tolerance == float("inf"):
                continue
            old, new = before.get(group, {}), after.get(group, {})
            for name in sorted(old.keys() | new.keys()):
                if not _near(old.get(name), new.get(name), tolerance):
                    lines.append(
                        f"{clip}, {group}, {name}: {old.get(name)} -> {new.get(name)} (tolerance {tolerance:g})"
                    )
    return lines


def _near(old: Any, new: Any, tolerance: float) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return abs(old - new) <= tolerance + 1e-9
    return old == new


def _moments(values: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """Mean and SD over frames of (T, N), by name."""
    values = values.astype(np.float64)
    rows = zip(names, values.mean(axis=0), values.std(axis=0), strict=True)
    return {key: float(x) for name, mean, sd in rows for key, x in ((f"{name} mean", mean), (f"{name} SD", sd))}


def _decibels(samples: np.ndarray) -> float:
    return 20 * float(np.log10(np.sqrt(np.mean(samples.astype(float) ** 2))))


def _actions() -> tuple[str, ...]:
    from bench.data.puppet.actions import ACTIONS

    return ACTIONS


def _action(name: str) -> int:
    return _actions().index(name)


def _hash(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()[:16]


def write(path: Path) -> None:
    """Write the golden file, numbers rounded to six places."""
    from bench.contract.files import whole_file

    document = json.loads(json.dumps(statistics()), parse_float=lambda text: round(float(text), 6))
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m bench.data.puppet.golden --write FILE | --compare FILE`."""
    parser = argparse.ArgumentParser(prog="python -m bench.data.puppet.golden", description=__doc__.split("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=Path, metavar="FILE", help="write the statistics of this code")
    what.add_argument(
        "--compare", type=Path, metavar="FILE", help="list what differs from FILE; exit code 1 if anything"
    )
    flags = parser.parse_args(arguments)
    if flags.write:
        write(flags.write)
        return
    found = differences(json.loads(flags.compare.read_text(encoding="utf-8")), statistics())
    print("\n".join(found) or "no difference")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
