"""What a finished trial is worth. Every score of every trial comes from here, and from the run's own files alone."""

from __future__ import annotations

from pathlib import Path

from bench.atomic import read_json
from bench.training.curve import read_curve

VALIDATION = "validation/"


def scores(run: Path) -> dict[str, float | None]:
    """Numbers of a finished run by name: those of the validation whose weights were kept, as validation/<name>.

    A sweep's `metric` names one of them. Other ways to score a run (best.safetensors and config.json lie in it) add names.
    """
    document = read_json(run / "run.json") or {}
    step = document["best"]["step"]
    lines = [line for line in read_curve(run / "metrics.jsonl") if line.split == "validation" and line.step == step]
    return {VALIDATION + name: value for name, value in lines[-1].values.items()} if lines else {}
