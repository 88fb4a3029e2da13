"""Face cues against rendered truth: slope, offset and correlation per axis. Run as `python -m bench.check_cues`.

Heads of the embedded dataset are rendered at known pose and gaze within +-20 degrees and read by `FaceExtractor`. A sign that is
wrong shows as a negative slope, an axis mixed up with another as a low correlation.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.contract.geometry import pose_of

POSE_RANGE = (20.0, 20.0, 20.0)
GAZE_RANGE = (20.0, 15.0)


@dataclass(frozen=True)
class AxisCheck:
    """Estimate against truth on one axis, degrees: estimate = slope * truth + an offset per person.

    slope and correlation r are within persons; offset is the mean of the persons' offsets and spread their standard
    deviation; residual is the RMS error about the persons' lines; n the number of frames.
    """

    axis: str
    slope: float
    offset: float
    spread: float
    r: float
    residual: float
    n: int


def check_cues(people: int = 10, frames: int = 9, seed: int = 0) -> list[AxisCheck]:
    """Render `people` heads with `frames` random poses and gazes each, extract, and compare axis by axis.

    Half of the frames turn the head with the eyes straight, half move the eyes on a head within 5 degrees of frontal.
    Each frame is taken as a video of its own. Frames in which no face is found count in none of the fits but the last
    row, "faces found": slope is the share of frames with a face, n their number.
    """
    from bench.data.puppet.identity import Identity
    from bench.data.puppet.render import HeadRenderer, Performance
    from bench.weights import resolve
    from metrics.extractors.face import FaceExtractor

    rng = np.random.default_rng(seed)
    extract = FaceExtractor({"face_landmarker": resolve("face_landmarker")})
    truth_pose, truth_gaze, pose, gaze, eyes_move = [], [], [], [], []
    for person in range(people):
        rest = Performance.rest(frames)
        moving = np.arange(frames) % 2 == 1
        angles = rng.uniform(-1, 1, (frames, 3)) * np.where(moving[:, None], 5.0, POSE_RANGE)
        look = rng.uniform(-1, 1, (frames, 1, 2)) * GAZE_RANGE * moving[:, None, None]
        performance = Performance(rest.actions, np.repeat(look, 2, 1), angles, rest.position)
        renderer = HeadRenderer(Identity.from_seed(int(rng.integers(2**31)), "MF"[person % 2]))
        for frame in renderer.frames(performance):
            cues = extract([frame])
            pose.append(pose_of(cues.transform)[0])
            gaze.append(cues.gaze[0])
        truth_pose.append(angles)
        truth_gaze.append(performance.gaze)
        eyes_move.append(moving)
    truth_pose, truth_gaze, eyes_move = (np.concatenate(a) for a in (truth_pose, truth_gaze, eyes_move))
    pose, gaze = np.array(pose), np.array(gaze)
    who = np.repeat(np.arange(people), frames)
    rows = [_fit(name, truth_pose[:, axis], pose[:, axis], who) for axis, name in enumerate(("pitch", "yaw", "roll"))]
    for eye, side in enumerate(("left", "right")):
        for axis, name in enumerate(("yaw", "pitch")):
            picked = truth_gaze[eyes_move, eye, axis], gaze[eyes_move, eye, axis], who[eyes_move]
            rows.append(_fit(f"gaze {name}, subject's {side} eye", *picked))
    still = ~eyes_move
    rows += [
        _fit(
            f"gaze {name} by head {turn} (should be 0)",
            truth_pose[still, axis],
            gaze[still].mean(1)[:, 1 - axis],
            who[still],
        )
        for axis, turn, name in ((1, "yaw", "yaw"), (0, "pitch", "pitch"))
    ]
    found = np.isfinite(pose).all(1)
    rows.append(AxisCheck("faces found", float(found.mean()), 0.0, 0.0, 1.0, 0.0, int(found.sum())))
    return rows


def _fit(axis: str, truth: np.ndarray, estimate: np.ndarray, person: np.ndarray) -> AxisCheck:
    kept = np.isfinite(estimate)
    truth, estimate, person = truth[kept], estimate[kept], person[kept]
    means = np.array([[truth[person == p].mean(), estimate[person == p].mean()] for p in np.unique(person)])
    at = np.searchsorted(np.unique(person), person)
    x, y = truth - means[at, 0], estimate - means[at, 1]
    slope = float(x @ y / (x @ x))
    offsets = means[:, 1] - slope * means[:, 0]
    r, residual = float(x @ y / np.sqrt((x @ x) * (y @ y))), float(np.sqrt(np.mean((y - slope * x) ** 2)))
    return AxisCheck(axis, slope, float(offsets.mean()), float(offsets.std()), r, residual, len(truth))


def read_videos(folder: Path) -> list[dict[str, float | str | int]]:
    """What is read from real videos, for which there is no truth: per file frames, frames with a face, mean angles in degrees."""
    from bench.data import media
    from bench.weights import resolve
    from metrics.extractors.face import FaceExtractor

    extract = FaceExtractor({"face_landmarker": resolve("face_landmarker")})
    rows = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".flv", ".mp4", ".mov", ".mkv", ".avi")):
        cues = extract(media.read_frames(path, fps=None))
        seen = cues[cues.valid]
        pose, gaze = pose_of(seen.transform).mean(0), seen.gaze.mean(0)
        angles = [*pose, gaze[0, 0], gaze[1, 0], gaze[0, 1], gaze[1, 1]]
        rows.append(
            {
                "file": path.name,
                "frames": len(cues),
                "faces": len(seen),
                **dict(zip(READ, map(float, angles), strict=True)),
            }
        )
    return rows


READ = ("pitch", "yaw", "roll", "left yaw", "right yaw", "left pitch", "right pitch")


def _print_videos(folder: Path) -> None:
    print("| file | frames | with a face | " + " | ".join(READ) + " |\n|---|" + "---|" * (2 + len(READ)))
    for row in read_videos(folder):
        print(
            f"| {row['file']} | {row['frames']} | {row['faces']} | " + " | ".join(f"{row[n]:+.1f}" for n in READ) + " |"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table (or one JSON document); exit status 1 if a sign is wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.check_cues", description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--frames", type=int, default=9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--videos", type=Path, help="read these real videos instead, without truth")
    chosen = parser.parse_args(arguments)
    if chosen.videos:
        _print_videos(chosen.videos)
        return 0
    rows = check_cues(chosen.people, chosen.frames, chosen.seed)
    if chosen.json:
        json.dump([asdict(row) for row in rows], sys.stdout, indent=1)
        print()
    else:
        print(f"{'axis':40} {'slope':>7} {'offset':>7} {'spread':>7} {'r':>6} {'residual':>8} {'n':>4}")
        for row in rows[:-1]:
            numbers = f"{row.slope:7.3f} {row.offset:7.2f} {row.spread:7.2f} {row.r:6.3f} {row.residual:8.2f} {row.n:4}"
            print(f"{row.axis:40} {numbers}")
        print(f"faces found in {rows[-1].n} of {chosen.people * chosen.frames} frames")
    return int(any(row.slope <= 0 for row in rows if "should be 0" not in row.axis))


if __name__ == "__main__":
    raise SystemExit(main())
