"""Two estimators of gaze against the truth, and the movements that follow from estimate and truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.contract.seen import Seen, Video
from bench.gaze_check.clips import Read, Rows, as_true, collected
from metrics.gaze_coupling import GazeHead
from metrics.gaze_events import FixationDuration, SaccadeAmplitude, SaccadeRate
from metrics.gaze_reliability import both_opinions, correlations, within_speakers


def estimator_quality(clips: Sequence[Read], weights: Path) -> Rows:
    """Rows: axis and pair of what is compared; correlation within speakers, slope, SD of error, offset and its SD."""
    from bench.data import media
    from metrics.extractors.gaze_xgaze import GazeXGaze

    extract = GazeXGaze({"gaze_eth_xgaze": weights})
    opinions, truths = [], []
    for one in clips:
        frames = np.stack(list(media.read_frames(one.clip.video, fps=25)))
        seen = extract(Video(one.cues, frames))
        opinions.append(both_opinions(Seen(one.labels, one.cues, {extract.name: seen})))
        truths.append(one.gaze[seen["frames"]].mean(1))
    speakers = np.array([one.clip.speaker for one in clips])
    rows = []
    both = within_speakers(opinions, speakers)
    for k, name in enumerate(("landmarks", "ETH-XGaze")):
        against = [np.stack([t, o[:, k]], 1) for t, o in zip(truths, opinions, strict=True)]
        centred = within_speakers(against, speakers)
        r = correlations(centred)
        slope = (centred[:, 0] * centred[:, 1]).sum(0) / (centred[:, 0] ** 2).sum(0)
        error = (centred[:, 1] - centred[:, 0]).std(0)
        offsets = np.array(
            [
                np.concatenate([a[:, 1] - a[:, 0] for a, s in zip(against, speakers, strict=True) if s == own]).mean(0)
                for own in np.unique(speakers)
            ]
        )
        for axis, word in enumerate(("yaw", "pitch")):
            numbers = [
                f"{r[axis]:.2f}",
                f"{slope[axis]:.2f}",
                f"{error[axis]:.1f}",
                f"{offsets[:, axis].mean():+.1f}",
                f"{offsets[:, axis].std(ddof=1):.1f}",
            ]
            rows.append((f"{name} against truth, {word}", numbers))
    agreement = correlations(both)
    rows += [
        (f"landmarks against ETH-XGaze, {word}", [f"{agreement[axis]:.2f}", "", "", "", ""])
        for axis, word in enumerate(("yaw", "pitch"))
    ]
    return rows


def true_movements(clips: Sequence[Read]) -> Rows:
    """Rows: true or estimated; fixation duration, saccade rate and amplitude, coupling with the head."""
    metrics = (FixationDuration(), SaccadeRate(), SaccadeAmplitude(), GazeHead())
    rows = []
    for name, side in (("true", as_true), ("estimated", lambda one: one.cues)):
        given = [collected(one, one.cues, side(one)) for one in clips]
        everything = np.ones(len(given), bool)
        rows.append((name, [f"{m.estimate(given, 0).statistic(everything):.2f}" for m in metrics]))
    return rows
