"""The result of an earlier evaluation: what it was made of, and whether it stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from bench.atomic import own_folder
from bench.contract.errors import UsageError
from bench.contract.result import DatasetRecord, MethodRecord, Result
from bench.data.store import Selection, key_of
from bench.features import PASSING
from bench.plan import Plan, sha256_of_file
from bench.protocols import Protocol
from bench.scoring import SCORING_VERSION, Job
from bench.set_scores import SET_VERSION

EVALUATE_VERSION = "2"
"""Raised when cells, breakdowns or kept files of the same scores change: results are then made anew."""
RESULT_NAMES = "result.json clips.parquet items.parquet rejected.parquet samples real traces sets figures cards"
RESULT_FILES = frozenset(RESULT_NAMES.split())


def result_folder(out: Path, videos: Path) -> Path:
    """`out` resolved, as `own_folder` says; UsageError too if the videos are in it: it is replaced as a whole."""
    if out.expanduser().resolve() in (videos.resolve(), *videos.resolve().parents):
        raise UsageError(f"--out {out}: the videos are in that folder, and it is replaced as a whole; choose another")
    return own_folder(out, RESULT_FILES, "result")


def inputs_of(
    work: Sequence[Job],
    protocol: Protocol,
    method: MethodRecord,
    dataset: DatasetRecord,
    selection: Selection,
    label: str,
    seed: int,
    remarks: Sequence[str],
) -> str:
    """Hash over everything that a result depends on, the videos by their bytes."""

    def content(path: Path) -> str | None:
        return sha256_of_file(path) if path.is_file() else None

    # methods that say nothing keep the results they had before they could
    unsaid = {name for name in ("saw_test_speakers", "weights") if not getattr(method, name)}
    first = work[0]
    clips = [
        (
            job.row.clip.clip_id,
            job.row.fingerprint,
            job.row.flags,
            job.verdict,
            content(job.videos / f"{job.row.clip.clip_id}.mp4"),
            content(job.videos / f"{job.row.clip.clip_id}.cues.safetensors"),
        )
        for job in work
    ]
    return key_of(
        versions=[EVALUATE_VERSION, SCORING_VERSION, SET_VERSION],
        plan=first.plan.key,
        protocol=protocol.sha256,
        framing=first.framing.value,
        missing=first.missing,
        method=method.model_dump(exclude=unsaid),
        dataset=dataset.model_dump(),
        rejected=content(selection.rejected),
        name=label,
        seed=seed,
        clips=clips,
        remarks=list(remarks),
    )


def standing_result(out: Path, inputs: str, plan: Plan) -> Result | None:
    """The result in `out` if it was made of the same inputs and is whole; what merely failed in it is tried again."""
    tables = ("result.json", "clips.parquet", "items.parquet")
    if not all((out / name).is_file() for name in tables):
        return None
    try:
        found = Result.load(out / "result.json")
    except (OSError, ValidationError):  # of another version, or not whole: made anew
        return None
    failed = any(u.reason in PASSING for m in found.metrics if m.metric not in plan.missing for u in m.unscored)
    return found if found.inputs_sha256 == inputs and not failed else None
