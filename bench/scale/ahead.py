"""Hours and disk of the real datasets, from their manifests, the lengths of their clips and rates measured here or documented."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from bench.contract.clip import Part
from bench.data.datasets import get_dataset
from bench.data.manifests import count, load_manifest
from bench.doctor import forecast
from bench.doctor.ahead import UNKNOWN
from bench.doctor.sources import Sources
from bench.rates import Rate


@dataclass(frozen=True)
class Ahead:
    """What a part of a dataset costs: preparing it, and scoring one row of it if it is scored."""

    dataset: str
    part: str
    clips: int
    frames: int
    prepare: forecast.Step
    row: forecast.Step | None


def ahead(known: Iterable[Rate] = (), jobs: int = 2) -> list[Ahead]:
    """Every part of MEAD and CREMA-D; rates of earlier runs on this machine go before the documented ones."""
    known = list(known)
    found = []
    for name, sources in (
        ("mead", UNKNOWN),
        ("cremad", Sources(cremad_frames(), 480, 360, 30_000 / 1001, 0, 0)),
    ):
        prepare = forecast.prepare_cost(known, sources) or forecast.documented_prepare(sources)
        score = forecast.stage_cost("rows", known, name) or forecast.documented_stage("rows")
        parts = count(load_manifest(name, get_dataset(name).default_manifest))
        for part, numbers in parts.items():
            clips, frames = numbers["clips"], round(numbers["clips"] * sources.frames)
            scored = part in (Part.TEST, Part.VALIDATION)
            found.append(
                Ahead(
                    dataset=name,
                    part=str(part),
                    clips=clips,
                    frames=frames,
                    prepare=forecast.step("prepare", clips, frames, prepare, jobs),
                    row=forecast.step("row", clips, frames, score, jobs) if scored else None,
                )
            )
    return found


def cremad_frames() -> float:
    """Mean length of CREMA-D's clips at 25 fps, from the table of their lengths."""
    text = files("data_manifests").joinpath("cremad/lengths.csv").read_text(encoding="utf-8")
    rows = [(int(row["frames"]), int(row["clips"])) for row in csv.DictReader(text.splitlines())]
    return sum(frames * clips for frames, clips in rows) / sum(clips for _, clips in rows)
