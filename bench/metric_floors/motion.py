"""What the motion metrics give on real clips, on their exact truth and on heads that do nothing: `python -m bench.metric_floors.motion`.

Reads a prepared part of the embedded dataset that is neither trained on nor tested, and prints the tables of
docs/metrics-motion.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.contract.clip import Clip
from bench.contract.errors import Unscorable
from bench.contract.metric import Collected, OwnMetric, SetMetric
from bench.contract.seen import Pair, Seen, Video
from bench.metric_floors.motion_rows import POSE_ONLY, Reading, held, readings, rows_of, stills, strangers

PARTS = ("validation", "judge-train")


def own_values(measure: Callable[[Seen], float], videos: Sequence[Seen]) -> np.ndarray:
    """The values of the videos that have one."""
    values = []
    for video in videos:
        try:
            values.append(measure(video))
        except Unscorable:
            continue
    return np.array(values)


def agreement(metric: OwnMetric, found: Sequence[Reading]) -> float:
    """Pearson correlation of the estimate's value with the truth's, over clips that have both."""
    both = []
    for reading in found:
        try:
            both.append((metric.own(reading.seen).value, metric.own(reading.truth).value))
        except Unscorable:
            continue
    return float(np.corrcoef(np.array(both).T)[0, 1])


def cell(values: np.ndarray, of: int) -> str:
    """mean (SD), and how many have a value where not all do."""
    if not len(values):
        return "no value"
    missing = "" if len(values) == of else f", {len(values)} of {of}"
    return f"{values.mean():.3g} ({values.std():.2g}{missing})"


def own_table(found: Sequence[Reading], still: Sequence[Seen]) -> list[str]:
    """Columns that measure one video."""
    from metrics.beats import Beat
    from metrics.mouth_sync import MouthSound, MouthSoundLag
    from metrics.pose_motion import PoseRange, PoseSpeed, PoseSpread

    lines = [
        "| column | real | exact truth | r over clips | head truly still, face acting | still picture | another's sound |",
        "|---|---|---|---|---|---|---|",
    ]
    others = [replace(own.seen, audio=other.seen.audio) for own, other in strangers(found)]
    for metric in (PoseSpread(), PoseRange(), PoseSpeed(), Beat(), MouthSound(), MouthSoundLag()):
        real = own_values(lambda v, m=metric: m.own(v).value, [r.seen for r in found])
        row = [metric.name, cell(real, len(found))]
        if "transform" in metric.reads:
            true = own_values(lambda v, m=metric: m.own(v).value, [r.truth for r in found])
            row += [cell(true, len(found)), f"{agreement(metric, found):.2f}"]
            row += [cell(own_values(lambda v, m=metric: m.own(v).value, [held(r) for r in found]), len(found))]
        else:
            row += ["-", "-", "-"]
        row.append(cell(own_values(lambda v, m=metric: m.own(v).value, still), len(still)))
        sounding = metric.name in ("Beat", "Mouth-sound", "Mouth-sound-lag")
        row.append(cell(own_values(lambda v, m=metric: m.own(v).value, others), len(others)) if sounding else "-")
        lines.append("| " + " | ".join(row) + " |")
    return lines


def pair_table(rows: dict[str, list[Pair]], seed: int) -> list[str]:
    """Columns that compare two videos, and those of whole sets with their null."""
    from metrics.blink import BlinkDuration, BlinkRate
    from metrics.diversity import FaceDiversity, PoseDiversity
    from metrics.mouth_sync import MouthCorrelation, MouthLag
    from metrics.pose_distance import PoseW1
    from metrics.pose_motion import PoseMean
    from metrics.pose_spectrum import PoseSpectrum

    sets = (PoseW1(), PoseSpectrum(), PoseDiversity(), FaceDiversity(), BlinkRate(), BlinkDuration())
    pairs = (PoseMean(), MouthLag(), MouthCorrelation())
    lines = ["| generated | " + " | ".join(m.name for m in (*sets, *pairs)) + " |", "|---" * (len(sets) + 4) + "|"]
    for name, row in rows.items():
        posed_only = name in POSE_ONLY
        values = [set_cell(m, row, seed) if not posed_only or m.reads == ("transform",) else "-" for m in sets]
        for metric in pairs:
            if posed_only and metric.reads != ("transform",):
                values.append("-")
                continue
            found = []
            for pair in row:
                try:
                    found.append(metric.pair(pair).value)
                except Unscorable:
                    continue
            values.append(cell(np.array(found), len(row)))
        lines.append("| " + " | ".join([name, *values]) + " |")
    return lines


def set_cell(metric: SetMetric, row: Sequence[Pair], seed: int) -> str:
    """The value; where there is a null, uncorrected value, null and p behind it; half the width of the interval."""
    from metrics.statistics import jackknife_new_speakers

    clips = [Collected(pair.labels, metric.collect(pair)) for pair in row]
    try:
        estimate = metric.estimate(clips, seed)
    except Unscorable as nothing:
        return str(nothing.reason)
    value = estimate.statistic(np.ones(len(clips), bool))
    try:
        interval = jackknife_new_speakers(
            estimate.statistic, np.array([clip.labels.speaker for clip in clips])
        ).interval
        width = f" ± {(interval.high - interval.low) / 2:.2g}" if interval.high is not None else ""
    except ValueError:
        width = ""
    if "null" not in estimate.details:
        return f"{value:.3g}{width}"
    parts = {key: estimate.details[key] for key in ("uncorrected", "null", "p")}
    return f"{value:.2f}{width} ({parts['uncorrected']:.2f} - {parts['null']:.2f}, p {parts['p']:.3f})"


def floor_lines(found: Sequence[Reading], still: Sequence[Seen], seed: int) -> list[str]:
    """The floors of Pose-W1, blinks against the truth, and how much mouths move."""
    from metrics.blink import closures
    from metrics.mouth_sync import mouth_opening
    from metrics.pose_distance import PoseW1

    metric = PoseW1()
    clips = [Collected(r.seen.labels, metric.collect(Pair(r.seen, r.seen))) for r in found]
    details = metric.estimate(clips, seed).details
    lines = [f"- Pose-W1, {key}: {_short(details[key])}" for key in details if "floor" in key or "frames" in key]
    counted = [closures(r.seen.cues) for r in found]
    true = sum(int(((r.lids[1:] > 0.5) & (r.lids[:-1] <= 0.5)).sum()) for r in found)
    lines.append(
        f"- blinks that begin in sight: {sum(c.blinks for c in counted)} counted, {true} true, in "
        f"{sum(c.seconds for c in counted):.0f} s; closures over 0.5 s: {sum(c.long for c in counted)}"
    )
    real, held_still = ([mouth_opening(v.cues) for v in side] for side in ([r.seen for r in found], still))
    spread = [[float(np.nanstd(opening)) for opening in side] for side in (real, held_still)]
    lines.append(
        f"- SD of the mouth's opening in a clip, percent of the eye distance: real {min(spread[0]):.2g} to "
        f"{max(spread[0]):.2g}, still pictures up to {max(spread[1]):.2g}"
    )
    return lines


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def noise_lines(found: Sequence[Reading]) -> list[str]:
    """Power density of the estimator's error above 8.5 Hz, and of the estimates' and the truth's."""
    from metrics.pose import AXES, head_angles
    from metrics.pose_spectrum import power_spectrum

    sides: dict[str, list[np.ndarray]] = defaultdict(list)
    for reading in found:
        estimate, true = head_angles(reading.seen.cues), head_angles(reading.truth.cues)
        for name, angles in (("estimate", estimate), ("truth", true), ("error", estimate - true)):
            if (power := power_spectrum(angles)) is not None:
                sides[name].append(power[9:].mean(0))
    return [
        f"- degrees²/Hz at 9 to 12 Hz, {name}: "
        + ", ".join(f"{axis} {value:.4f}" for axis, value in zip(AXES, np.mean(powers, 0), strict=True))
        for name, powers in sides.items()
    ]


def second_opinion_table(clips: Sequence[Clip], found: Sequence[Reading]) -> list[str]:
    """6DRepNet's angles against the landmarks' and the truth, over five frames of every clip, raw and centred per speaker."""
    from bench.data import media
    from bench.weights import resolve
    from metrics.extractors.head_pose_6drepnet import HeadPose6DRepNet
    from metrics.pose import AXES, head_angles
    from metrics.pose_second_opinion import rank_correlation

    network = HeadPose6DRepNet({"head_pose_6drepnet": resolve("head_pose_6drepnet")})
    sides: list[list[np.ndarray]] = []
    for clip, reading in zip(clips, found, strict=True):
        pictures = np.stack(list(media.read_frames(clip.video)))[: len(reading.seen.cues)]
        seen = network(Video(reading.seen.cues, pictures))
        frames = seen["frames"]
        sides.append([seen["angles"], *(head_angles(v.cues)[frames] for v in (reading.seen, reading.truth))])
    second, first, truth = (np.array([clip[i] for clip in sides], np.float64) for i in range(3))
    speakers = np.array([r.seen.labels.speaker for r in found])

    def centred(angles: np.ndarray) -> np.ndarray:
        middles = {name: angles[speakers == name].mean((0, 1)) for name in set(speakers.tolist())}
        return angles - np.array([middles[name] for name in speakers.tolist()])[:, None]

    lines = [
        "| axis | Spearman with landmarks | centred | Pearson with truth | centred | landmarks with truth, centred |",
        "|---|---|---|---|---|---|",
    ]
    for axis, name in enumerate(AXES):
        pairs = ((second, first), (centred(second), centred(first)))
        ranks = [rank_correlation(a[..., axis].ravel(), b[..., axis].ravel()) for a, b in pairs]
        against = ((second, truth), (centred(second), centred(truth)), (centred(first), centred(truth)))
        line = [np.corrcoef(a[..., axis].ravel(), b[..., axis].ravel())[0, 1] for a, b in against]
        lines.append(f"| {name} | " + " | ".join(f"{v:.2f}" for v in (*ranks, *line)) + " |")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables as Markdown."""
    from bench.data.store import Store
    from bench.workspace import Workspace

    parser = argparse.ArgumentParser(prog="python -m bench.metric_floors.motion", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(os.environ.get("EMOTALK_WORK") or "work"))
    parser.add_argument("--profile", default="bench")
    parser.add_argument("--part", choices=PARTS, default=PARTS[0])
    parser.add_argument("--limit", type=int, help="the first clips only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pixels", action="store_true", help="also the second opinion on pose, half a second per clip")
    chosen = parser.parse_args(arguments)
    store = Store(Workspace(chosen.work).store(f"puppet-{chosen.profile}"))
    clips = [row.clip for row in store.selection(chosen.profile, chosen.part).limited(chosen.limit)]
    found = readings(clips)
    speakers = len({r.seen.labels.speaker for r in found})
    print(f"{len(found)} clips of {speakers} {chosen.part} speakers, profile {chosen.profile}, seed {chosen.seed}\n")
    still = stills(clips, found)
    for lines in (
        own_table(found, still),
        pair_table(rows_of(found, chosen.seed), chosen.seed),
        floor_lines(found, still, chosen.seed),
        noise_lines(found),
        second_opinion_table(clips, found) if chosen.pixels else [],
    ):
        print("\n".join(lines) + "\n" * bool(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
