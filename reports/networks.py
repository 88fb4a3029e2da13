"""Which columns read which networks, so that a ruler is not laid on values that other networks gave."""

from __future__ import annotations

from collections.abc import Sequence

from bench.contract.result import ExtractorRecord
from reports.words import join, printable

READ_BY: dict[str, tuple[str, ...]] = {
    "cohesion": ("Cohesion",),
    "emotion_judge": ("Emo-acc", "Emo-F1", "Judge-agree"),
    "gaze_xgaze": ("Gaze-rel",),
    "geometry_judge": ("GeoEmo-acc", "GeoEmo-F1", "Judge-agree"),
    "head_pose_6drepnet": ("Pose2-W1",),
    "i3d": ("FVD",),
    "identity_arcface": ("CSIM", "CSIM-ref"),
    "identity_sface": ("CSIM-S", "CSIM-S-ref"),
    "inception": ("FID", "KID"),
    "inception_five": ("FD-5f",),
    "inception_five_bgr": ("FD-5f",),
    "sharpness": ("CPBD",),
    "sync_expert": ("SX-D", "SX-C", "SX-D0", "SX-offset"),
    "syncnet": ("LSE-D", "LSE-C", "LSE-D0", "AV-offset"),
    "syncnet_aligned": ("LSE-D", "LSE-C", "LSE-D0", "AV-offset"),
    "syncnet_tracks": ("LSE-D", "LSE-C", "LSE-D0", "AV-offset"),
    "syncnet_whole": ("LSE-D", "LSE-C", "LSE-D0", "AV-offset"),
    "warp": ("WarpE",),
}
"""Columns of each extractor. Any record that stands nowhere here ("face", behind every crop and cue, and those of plug-ins)
may be read by every column. tests/reports/test_networks.py compares it with
the metrics' own declarations, which this package may not import."""
OWN_WEIGHTS = ("LPIPS",)
"""Metrics that hold weights themselves: the record has the metric's name, and concerns no other column."""
EXPERTS = ("cohesion", "emotion_judge", "geometry_judge", "sync_expert")
"""Trained on the user's own machine: the same name and version can hold other weights. All others are published files."""


def other_networks(metric: str, calibrated: Sequence[ExtractorRecord], own: Sequence[ExtractorRecord]) -> str | None:
    """Why values of `metric` in a row cannot be read by curves made with other networks; None where they can.

    `calibrated`, `own`: the records of the calibration and of the row. One that a side lacks is unknown: that refuses a
    column of an expert, which differs from machine to machine, and no other.
    """
    sides = [{e.name: e for e in records if _reads(metric, e.name)} for records in (calibrated, own)]
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        one, other = (side.get(name) for side in sides)
        if one is None or other is None:
            if name in EXPERTS:
                return f"no record of the expert {'in the calibration' if one is None else 'of these rows'}"
        elif one.version != other.version:
            return f"calibrated with version {one.version} of {name}, these rows have version {other.version}"
        elif one.weights != other.weights:
            return f"calibrated with other weights of {name} than these rows have"
    return None


def not_laid_on(refused: dict[str, str]) -> str:
    """What is said of the columns that other networks made."""
    reasons: dict[str, list[str]] = {}
    for metric, reason in refused.items():
        reasons.setdefault(reason, []).append(metric)
    return printable("".join(f"; not laid on {join(metrics)}: {reason}" for reason, metrics in reasons.items()))


def _reads(metric: str, extractor: str) -> bool:
    listed = READ_BY.get(extractor)
    if listed is not None:
        return metric in listed
    return extractor == metric or extractor not in OWN_WEIGHTS
