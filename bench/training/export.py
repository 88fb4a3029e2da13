"""The chosen weights of an evaluator as an expert: float16 safetensors and a card that is measured after the rounding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.atomic import write_json
from bench.contract.errors import UsageError
from bench.contract.expert_file import card_path, read_expert
from bench.package_index import sha256_of
from bench.train import Job, Trained, validate, validation_context
from bench.training.checkpoint import save_tensors
from bench.training.config import as_document
from bench.training.curve import finite

LARGEST = 4_000_000
"""Bytes of a weight file; an evaluator that must be larger says so as `largest_file`."""
HALF_MAX = 65504.0


def check_size(trainable: Any, model: Any) -> None:
    """UsageError, before anything is trained, if the model could not be exported."""
    ships = getattr(trainable, "ships", "")
    size = sum(_bytes(value) for name, value in model.state_dict().items() if name.startswith(ships))
    _within(trainable, size)


def export(job: Job, trained: Trained, path: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Write the best weights of a run to `path` (float16) and the card beside it; returns the card.

    `facts` (dataset, speakers, recipe ..) go into the card as they are. UsageError if the file is larger than allowed, or a
    weight is outside float16.
    """
    import torch
    from safetensors.torch import load_file

    rounded, ships = {}, getattr(job.trainable, "ships", "")
    for name, value in load_file(trained.best).items():
        if not name.startswith(ships):
            continue
        if value.is_floating_point():
            if not bool(torch.isfinite(value).all()) or float(value.abs().max() if value.numel() else 0) > HALF_MAX:
                raise UsageError(f"{job.trainable.name}: {name} has weights outside float16; it cannot be exported")
            value = value.half()
        rounded[name] = value
    save_tensors(path, {name.removeprefix(ships): value for name, value in rounded.items()})
    _within(job.trainable, path.stat().st_size)
    after = {n: v.float() if v.is_floating_point() else v for n, v in rounded.items()}
    trained.model.load_state_dict(after, strict=not ships)
    metric, direction = job.trainable.chosen_by
    after = finite(validate(job, trained.model, trained.data, trained.best_step))
    with torch.no_grad():
        context = validation_context(job, trained.best_step)
        measured = dict(job.trainable.card(trained.model, trained.data, context))
    card = {
        "name": path.stem,
        "trainable": job.trainable.name,
        "version": job.trainable.version,
        "kind": job.trainable.kind,
        **facts,
        "classes": measured.pop("classes", None),
        "config": as_document(job.config),
        "seed": job.seed,
        "device": job.device,
        "seconds": round(trained.seconds),
        "steps": trained.steps,
        "best_step": trained.best_step,
        "chosen_by": {"metric": metric, "direction": direction.value, "value": after[metric]},
        "validation": after,
        "curves": {split: trained.curve.last(split) for split in ("train", "validation")},
        "learning": [[ln.step, ln.values.get(metric)] for ln in trained.curve.lines if ln.split == "validation"],
        "measured": measured,
        "dtype": "float16",
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
    }
    write_json(card_path(path), card)
    return card


def whole(path: Path) -> bool:
    """Whether an expert's file and card are there and belong together."""
    return path.is_file() and card_path(path).is_file() and read_expert(path).card.get("sha256") == sha256_of(path)


def _bytes(value: Any) -> int:
    return value.numel() * (2 if value.is_floating_point() else value.element_size())


def _within(trainable: Any, size: int) -> None:
    largest = getattr(trainable, "largest_file", LARGEST)
    if size > largest:
        raise UsageError(
            f"{trainable.name} has {size / 1e6:.1f} MB of float16 weights, an expert may have {largest / 1e6:.1f} MB: "
            "make its Config smaller"
        )
