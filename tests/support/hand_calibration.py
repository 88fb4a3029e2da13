"""A calibration made by hand: one damage whose curve is known, and cells of every verdict and declaration."""

from __future__ import annotations

from bench.contract.calibration import Calibration, DamageCurve, Point, ResponseCell
from bench.contract.result import DatasetRecord, Environment

DOSES = [1.0, 2.0, 4.0]


def cell(metric="SSIM", effect=lambda dose: -0.01 * dose, half=0.002, doses=DOSES, **changes) -> ResponseCell:
    """A column that moves by `effect` of the dose, known within +-`half` (None: no interval); as declared, version 1."""
    points = [
        Point(
            dose=dose,
            value=1.0 + effect(dose),
            difference=effect(dose),
            low=None if half is None else effect(dose) - half,
            high=None if half is None else effect(dose) + half,
            n_clips=20,
            n_speakers=5,
        )
        for dose in doses
    ]
    says = "rises" if effect(doses[-1]) > 0 else "falls"
    fields = {
        "metric": metric, "version": "1", "unit": "1", "direction": "higher", "says": says, "least": 0.005, "base": 1.0,
        "points": points, "verdict": "as-declared", "reason": "beyond the smallest effect", "monotone": True,
    }  # fmt: skip
    return ResponseCell(**(fields | changes))


def damage(*cells: ResponseCell, name="blur", unit="px", kind="picture", doses=DOSES) -> DamageCurve:
    return DamageCurve(damage=name, unit=unit, kind=kind, doses=doses, cells=list(cells))


def calibration(*damages: DamageCurve, dataset=None, **changes) -> Calibration:
    """Of the made-up rows of result_rows.py; `dataset`: changes of the dataset's record."""
    about = {
        "name": "puppet", "profile": "quick", "part": "test", "manifest": "quick", "manifest_sha256": "m",
        "data_version": "2", "n_scored": 20, "n_speakers": 5, "n_rejected": 0, "store_sha256": "s",
    }  # fmt: skip
    fields = {
        "dataset": DatasetRecord(**(about | (dataset or {}))), "protocol": "emotalk", "protocol_sha256": "p",
        "declaration_sha256": "d", "created": "2026-01-01T00:00:00+00:00", "seed": 0, "n_clips": 20, "n_speakers": 5,
        "environment": Environment(
            python="3", platform="x", packages={}, git_commit=None, git_dirty=None, emotalk="0"
        ),
        "command": "emotalk calibrate", "wall_seconds": 60.0, "damages": list(damages) or [damage(cell())],
    }  # fmt: skip
    return Calibration(**(fields | changes))
