"""Measure the rendered heads with the real face networks: `python -m bench.data.puppet.measure --identities 24`.

`--write docs/puppet-faces.md` also fills the two measured tables of that page; `--tilt` prints the constant of
`rest_face.NETWORK_TILT`, from speakers that are not measured.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.contract.geometry import pose_of
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.identity import Identity
from bench.data.puppet.likeness import same_and_different
from bench.data.puppet.render import HeadRenderer, Performance

FIRST_SEED = 1600
TILT_SEEDS = range(700, 716)
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
POSES = [
    *((p, 0, 0) for p in (-20, -10, 10, 20)),
    *((0, y, 0) for y in (-20, -10, 10, 20)),
    *((0, 0, r) for r in (-20, -10, 10, 20)),
    *((0, 0, 0), (14, 14, 0), (-14, -14, 10), (12, -14, -10), (-12, 14, -10)),
]
GAZE_YAW, GAZE_PITCH = (-24, -12, 0, 12, 24), (-16, -8, 0, 8, 16)
LIPS = (
    {},
    {"lip_press": 1.0},
    {"jaw_open": 0.25, "lip_close": 1.0, "lip_press": 0.5},
    {"jaw_open": 0.4, "lip_close": 1.0},
    {"lips_part": 0.5},
    {"lips_part": 1.0},
    {"jaw_open": 0.35},
    {"jaw_open": 0.7},
    {"jaw_open": 1.0},
)
ANSWERS = {
    "jaw_open": ("jawOpen",),
    "lip_press": ("mouthPressLeft", "mouthPressRight"),
    "lip_pucker": ("mouthPucker",),
    "lip_funnel": ("mouthFunnel",),
    "lip_stretch": ("mouthStretchLeft", "mouthStretchRight"),
    "lip_tuck": ("mouthRollLower",),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "dimpler": ("mouthDimpleLeft", "mouthDimpleRight"),
    "frown": ("mouthFrownLeft", "mouthFrownRight"),
    "upper_lip_raise": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "lower_lip_depress": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "chin_raise": ("mouthShrugLower",),
    "nose_wrinkle": ("browDownLeft", "browDownRight"),  # noseSneer stays 0 on these faces, whatever moves
    "cheek_raise": ("eyeSquintLeft", "eyeSquintRight"),  # as does cheekSquint
    "brow_inner_raise": ("browInnerUp",),
    "brow_outer_raise": ("browOuterUpLeft", "browOuterUpRight"),
    "brow_lower": ("browDownLeft", "browDownRight"),
    "lid_raise": ("eyeWideLeft", "eyeWideRight"),
    "lid_tighten": ("eyeSquintLeft", "eyeSquintRight"),
    "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
}
"""Action -> the blendshapes that should answer it (their mean is taken)."""
NOISE = 0.01
"""A fall of a score by less than this between two steps is none."""


def columns(name: str) -> list[int]:
    """Columns of one action; "smile" and "dimpler" are both sides."""
    return [ACTIONS.index(c) for c in ([name] if name in ACTIONS else [f"{name}_left", f"{name}_right"])]


def conditions(rng: np.random.Generator) -> tuple[Performance, dict[str, np.ndarray]]:
    """One performance with all the conditions, and the frames (indices) of each; every action starts from one rest frame."""
    rows: list[dict[str, float]] = [{}]
    poses, gazes = [(0.0, 0.0, 0.0)], [(0.0, 0.0)]
    at: dict[str, np.ndarray] = {}

    def add(pose: tuple[float, ...] = (0, 0, 0), gaze: tuple[float, float] = (0, 0), **actions: float) -> int:
        rows.append(actions)
        poses.append(pose)
        gazes.append(gaze)
        return len(rows) - 1

    def at_random() -> dict[str, float]:
        return {name: rng.uniform(0, 0.35) for name in ("jaw_open", "smile", "brow_inner_raise")}

    at["pose"] = np.array([add(pose, **at_random()) for pose in POSES])
    at["gaze"] = np.array([add(tuple(rng.uniform(-10, 10, 3)), (y, p)) for y in GAZE_YAW for p in GAZE_PITCH])
    for name in ANSWERS:
        at[name] = np.array([0, *(add(**{name: level}) for level in LEVELS[1:])])
    at["lips"] = np.array([add(**actions) for actions in LIPS])
    performance = Performance.rest(len(rows))
    performance.pose[:] = poses
    performance.gaze[:] = np.array(gazes)[:, None]
    for frame, actions in enumerate(rows):
        for name, value in actions.items():
            performance.actions[frame, columns(name)] = value
    return performance, at


@dataclass
class Seen:
    """What was true and what the networks saw, one list entry per speaker."""

    valid: list[np.ndarray] = field(default_factory=list)
    marks: list[np.ndarray] = field(default_factory=list)
    """(frames, 478) px between seen and true landmarks, NaN where no face was found."""
    pose: list[np.ndarray] = field(default_factory=list)
    """(2, poses, 3) degrees: true, seen."""
    gaze: list[np.ndarray] = field(default_factory=list)
    """(2, gazes, 2, 2) degrees: true, seen."""
    gap: list[np.ndarray] = field(default_factory=list)
    """(2, len(LIPS)) px: true, seen."""
    answer: dict[str, list[np.ndarray]] = field(default_factory=lambda: {name: [] for name in ANSWERS})
    """(5,) scores at LEVELS."""
    reach: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ANSWERS})
    """px that the landmark which moves most has moved at 1."""
    frame_seconds: list[float] = field(default_factory=list)
    setup_seconds: list[float] = field(default_factory=list)
    first_frame_seconds: float = 0.0


def speakers(count: int, first_seed: int) -> Iterator[tuple[int, Identity]]:
    """Number and identity of `count` speakers, men and women in turn."""
    return ((k, Identity.from_seed(first_seed + k, "MF"[k % 2])) for k in range(count))


def look(identities: int, first_seed: int = FIRST_SEED) -> Seen:
    """Render and read `identities` speakers, each picture alone (no help from the frame before); needs face_landmarker."""
    from bench.weights import resolve
    from metrics.extractors.face import FaceExtractor
    from metrics.extractors.face_network import BLENDSHAPES

    extractor = FaceExtractor({"face_landmarker": resolve("face_landmarker")})
    seen = Seen()
    start = time.process_time()
    next(HeadRenderer(Identity.from_seed(first_seed, "M")).frames(Performance.rest()))
    seen.first_frame_seconds = time.process_time() - start
    for k, identity in speakers(identities, first_seed):
        performance, at = conditions(np.random.default_rng([first_seed, k]))
        start = time.process_time()
        renderer = HeadRenderer(identity)
        next(renderer.frames(performance))
        seen.setup_seconds.append(time.process_time() - start)
        start = time.process_time()
        frames = list(renderer.frames(performance))
        seen.frame_seconds.append((time.process_time() - start) / len(frames))
        truth = renderer.landmarks(performance)
        cues = [extractor([frame]) for frame in frames]
        marks, scores, valid = (
            np.concatenate([getattr(c, name) for c in cues]) for name in ("landmarks", "blendshapes", "valid")
        )
        seen.valid.append(valid)
        seen.marks.append(np.linalg.norm(marks[..., :2] - truth, axis=-1))
        pose = pose_of(np.concatenate([c.transform for c in cues]))
        seen.pose.append(np.stack([performance.pose, pose])[:, at["pose"]])
        gaze = np.concatenate([c.gaze for c in cues])
        seen.gaze.append(np.stack([performance.gaze, gaze])[:, at["gaze"]])
        gap = np.stack([renderer.lip_gap(performance, truth), marks[:, 14, 1] - marks[:, 13, 1]])
        seen.gap.append(gap[:, at["lips"]])
        for name, shapes in ANSWERS.items():
            wanted = [BLENDSHAPES.index(shape) for shape in shapes]
            seen.answer[name].append(scores[at[name]][:, wanted].mean(1))
            moved = truth[at[name][-1], :468] - truth[0, :468]
            seen.reach[name].append(float(np.linalg.norm(moved, axis=-1).max()))
    return seen


def slope(truth: np.ndarray, seen: np.ndarray) -> tuple[float, float, float]:
    """Least-squares slope and offset of seen against truth, and their correlation, over the pairs that are numbers."""
    good = np.isfinite(truth) & np.isfinite(seen)
    gain, offset = np.polyfit(truth[good], seen[good], 1)
    return float(gain), float(offset), float(np.corrcoef(truth[good], seen[good])[0, 1])


def rises(scores: np.ndarray) -> np.ndarray:
    """Which rows of scores (n, 5) end higher than they start and never fall by more than NOISE between two steps."""
    return (np.diff(scores, axis=1) > -NOISE).all(1) & (scores[:, -1] > scores[:, 0] + NOISE)


def fitted_tilt() -> float:
    """Degrees that NETWORK_TILT should be, so that the network's pitch of the TILT_SEEDS speakers is right on average.

    Over POSES, with the little expression that goes with them.
    """
    from bench.data.puppet.rest_face import NETWORK_TILT
    from bench.weights import resolve
    from metrics.extractors.face import FaceExtractor

    extractor = FaceExtractor({"face_landmarker": resolve("face_landmarker")})
    error = []
    for k, identity in speakers(len(TILT_SEEDS), TILT_SEEDS.start):
        performance, at = conditions(np.random.default_rng([TILT_SEEDS.start, k]))
        shown = Performance(
            *(getattr(performance, name)[at["pose"]] for name in ("actions", "gaze", "pose", "position"))
        )
        for frame, true in zip(HeadRenderer(identity).frames(shown), shown.pose[:, 0], strict=True):
            error.append(pose_of(extractor([frame]).transform)[0, 0] - true)
    return float(NETWORK_TILT - np.nanmean(error))


def main() -> None:
    from bench.data.puppet import measure_page

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--identities", type=int, default=24)
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="seed of the first speaker")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="fill the measured tables of this page")
    parser.add_argument("--tilt", action="store_true", help="print the fitted NETWORK_TILT and stop")
    arguments = parser.parse_args()
    if arguments.tilt:
        print(f"NETWORK_TILT = {fitted_tilt():.2f}  # speakers {TILT_SEEDS.start}-{TILT_SEEDS.stop - 1}")
        return
    seen = look(arguments.identities, arguments.seed)
    figures = measure_page.figures(seen, same_and_different(arguments.identities, arguments.seed))
    blocks = {
        "actions": measure_page.actions_table(seen),
        "figures": measure_page.figures_table(figures, seen, arguments.identities, arguments.seed),
    }
    print("\n\n".join(blocks.values()))
    if arguments.write:
        measure_page.fill(arguments.write, blocks)


if __name__ == "__main__":
    main()
