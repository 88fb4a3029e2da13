"""Result folders of made-up rows: five speakers, two emotions, two clips of each, metrics of every kind and direction."""

from __future__ import annotations

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from bench.contract.result import (
    CLIP_COLUMNS,
    DatasetRecord,
    Environment,
    ExtractorRecord,
    MethodRecord,
    MetricValue,
    ProtocolRecord,
    Result,
)

CLIPS = [(f"{s}_{e}_{k}", s, e) for s in ("A", "B", "C", "D", "E") for e in ("angry", "happy") for k in (1, 2)]
METRICS = {"SSIM": ("higher", "image", False), "M-LMD": ("lower", "landmarks", True), "SX-C": ("match", "sync", True)}
TRUTH = 6.0


def write_row(folder, name, values, spread=1.0, weights="w", seed=0, static=0, **dataset):
    """A result folder: clips scatter around `values` of METRICS, and gave to a set metric numbers of this spread."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    lines, cells, arrays = [], [], {}
    for metric, value in values.items():
        direction, family, primary = METRICS[metric]
        drawn = None if value is None else value + 0.05 * rng.normal(size=len(CLIPS))
        for i, (clip_id, speaker, emotion) in enumerate(CLIPS):
            status = "null" if value is None else "static" if i < static else "ok"
            lines.append(
                ["puppet", "quick/test", clip_id, speaker, emotion, 3, name, "emotalk", metric]
                + [None if value is None else drawn[i], TRUTH if metric == "SX-C" else None, status, None, 50]
            )
        cells.append(_cell(metric, None if value is None else float(drawn.mean()), direction, family, primary))
    for clip_id, speaker, emotion in CLIPS:
        lines.append(["puppet", "quick/test", clip_id, speaker, emotion, 3, name, "emotalk", "spread"]
                     + [None, None, "collected", None, 50])  # fmt: skip
        arrays[f"{clip_id}/x"] = spread * rng.normal(size=8)
    cells.append(_cell("spread", spread, "lower", "pose", True, kind="set"))
    pd.DataFrame(lines, columns=list(CLIP_COLUMNS)).astype(CLIP_COLUMNS).to_parquet(folder / "clips.parquet")
    (folder / "sets").mkdir()
    save_file(arrays, folder / "sets" / "numbers.safetensors")
    about = {"name": "puppet", "profile": "quick", "part": "test", "manifest": "quick", "manifest_sha256": "m",
             "data_version": "2", "n_scored": 20, "n_speakers": 5, "n_rejected": 0, "store_sha256": "s"}  # fmt: skip
    Result(
        name=name,
        method=MethodRecord(name=name, version="1", consumes=[], kind="plug-in"),
        dataset=DatasetRecord(**(about | dataset)),
        protocol=ProtocolRecord(name="emotalk", status="ours", sha256="p", framing="canonical", missing="static"),
        metrics=cells,
        items=[],
        problems=[],
        extractors=[ExtractorRecord(name="face", version="1", weights={"face": weights})],
        environment=Environment(python="3", platform="x", packages={}, git_commit=None, git_dirty=None, emotalk="0"),
        seed=0,
        created="2026-01-01T00:00:00+00:00",
        command="emotalk evaluate",
        wall_seconds=1.0,
    ).save(folder / "result.json")
    return folder


def _cell(metric, value, direction, family, primary, kind="clip"):
    return MetricValue(
        metric=metric, kind=kind, family=family, primary=primary, direction=direction, unit="1", definition=metric,
        version="1", value=value, reason=None if value is not None else "no-face", n_clips=20, n_speakers=5, n_frames=1000,
        n_expected=20, coverage=1.0,
    )  # fmt: skip
