"""Who and what a run is: the clips it may see, its identity, run.json."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.atomic import read_json, write_json
from bench.contract.clip import Clip, Part
from bench.contract.errors import UsageError
from bench.data.store import key_of
from bench.package_index import sha256_of
from bench.train import TRAINER_VERSION, Job, Trained
from bench.training.config import as_document
from bench.training.reader import content_of

HELD_OUT = (Part.VALIDATION, Part.TEST)


@dataclass(frozen=True)
class Source:
    """The data of a run: which dataset, under which manifest, in which version; fingerprint of all its clips' content."""

    dataset: str
    profile: str | None
    family: str
    manifest: str
    manifest_sha256: str
    data_version: str | None
    parts: tuple[str, str]
    train_speakers: tuple[str, ...]
    validation_speakers: tuple[str, ...]
    train_clips: int
    validation_clips: int
    fingerprint: str

    def document(self) -> dict[str, Any]:
        """As it stands in run.json and in a card."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in vars(self).items()}


def speakers_of(clips: Iterable[Clip]) -> tuple[str, ...]:
    """The speakers of some clips, each once, sorted."""
    return tuple(sorted({clip.speaker for clip in clips}))


def fingerprint_of(training: Sequence[Clip], validation: Sequence[Clip], data_version: str | None) -> str:
    """One hash over the content of all clips that a run sees."""
    parts = [[(clip.clip_id, content_of(clip)) for clip in part] for part in (training, validation)]
    return key_of(clips=parts, data_version=data_version)


def refuse_leaks(training: Sequence[Clip], validation: Sequence[Clip], held_out: Iterable[str] = ()) -> None:
    """UsageError if a clip or a speaker of validation or test is trained on, or one of test chosen on.

    `held_out` are speakers whom the manifest puts into validation or test, whether they are prepared or not.
    """
    for clips, allowed, verb in (
        (training, (Part.METHOD_TRAIN, Part.JUDGE_TRAIN), "trained"),
        (validation, (Part.VALIDATION,), "chosen"),
    ):
        wrong = sorted({f"{clip.clip_id} ({clip.part})" for clip in clips if clip.part not in allowed})
        if wrong:
            parts = " or ".join(allowed)
            raise UsageError(f"only clips of {parts} are {verb} on; got {', '.join(wrong[:5])}")
    known = {name.upper() for name in (*held_out, *speakers_of(validation))}
    both = [name for name in speakers_of(training) if name.upper() in known]
    if both:
        raise UsageError(
            f"speakers of validation or test must not be trained on; the manifest has {', '.join(both[:5])} on both sides"
        )


def run_id(job: Job, source: Source, patience: int | str | None) -> str:
    """Twelve hex digits of a hash over all that decides about the weights; `patience` is what may end the run early."""
    return key_of(
        trainer=TRAINER_VERSION,
        name=job.trainable.name,
        version=job.trainable.version,
        config=as_document(job.config),
        seed=job.seed,
        patience=patience,
        dataset=source.dataset,
        data=source.fingerprint,
    )[:12]


def write_config(folder: Path, job: Job) -> None:
    """config.json: the configuration, nothing else."""
    write_json(folder / "config.json", as_document(job.config))


def open_run(folder: Path, job: Job, source: Source, command: str) -> None:
    """Write run.json of a run that begins; UsageError if the folder holds one of another version of the data."""
    before = read_json(folder / "run.json")
    if before is not None and before.get("data_version") != source.data_version:
        raise UsageError(
            f"{folder} was trained on version {before.get('data_version')} of the data, the store has version "
            f"{source.data_version}: it cannot go on; remove the folder, then run the same command again"
        )
    write_config(folder, job)
    write_json(folder / "run.json", _document(job, source, command))


def close_run(folder: Path, job: Job, source: Source, command: str, trained: Trained) -> None:
    """Write run.json of a run that is finished."""
    document = _document(job, source, command)
    document |= {
        "finished": True,
        "steps": trained.steps,
        "stopped_early": trained.stopped,
        "best": {"step": trained.best_step, "value": trained.best_value},
        "seconds": round(trained.seconds, 1),
        "waited_for_data": round(trained.waited, 1),
        "checkpoint_sha256": sha256_of(trained.best),
    }
    write_json(folder / "run.json", document)


def finished(folder: Path) -> dict[str, Any] | None:
    """run.json of a run that is finished and whose weights are those it names, else None."""
    document, best = read_json(folder / "run.json"), folder / "best.safetensors"
    if not document or not document.get("finished") or not best.is_file():
        return None
    return document if sha256_of(best) == document["checkpoint_sha256"] else None


def _document(job: Job, source: Source, command: str) -> dict[str, Any]:
    import torch

    from bench.environment import describe

    environment = describe().model_dump(mode="json")
    return {
        "kind": job.trainable.kind,
        "name": job.trainable.name,
        "version": job.trainable.version,
        **source.document(),
        "seed": job.seed,
        "command": command,
        "device": job.device,
        "threads": torch.get_num_threads(),
        "processes": job.processes.size,
        "trainer": TRAINER_VERSION,
        "git": {"commit": environment["git_commit"], "dirty": environment["git_dirty"]},
        "versions": {"python": sys.version.split()[0], **environment["packages"]},
        "machine": environment["machine"],
        "finished": False,
        "checkpoint_sha256": None,
    }
