"""What each verb of the command line does: calls the parts in order and says what came out."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

from bench import cli
from bench.cli import Outcome
from bench.contract.commands import emotalk
from bench.contract.errors import ExitCode, Reason, UsageError
from bench.tracking.mirror import SILENT, Mirror
from bench.workspace import Workspace

if TYPE_CHECKING:
    from bench.data.manifests import Manifest
    from bench.data.store import Selection


def say(text: str) -> None:
    """A line for the person watching; stdout stays for results."""
    print(text, file=sys.stderr, flush=True)


def profile_of(flags: cli.OnDataset) -> str | None:
    from bench.data.datasets import is_embedded

    return flags.profile if is_embedded(flags.dataset) else None


def manifest_of(flags: cli.OnDataset) -> Manifest:
    """The manifest that the flags name: the user's, the profile, or the dataset's default."""
    from bench.data.datasets import get_dataset
    from bench.data.manifests import load_manifest

    default = profile_of(flags) or get_dataset(flags.dataset).default_manifest
    return load_manifest(flags.dataset, flags.manifest or default)


def prepare(
    flags: cli.Prepare | cli.Run | cli.Calibrate, space: Workspace, command: str, mirror: Mirror = SILENT
) -> Outcome:
    from bench.prepare import prepare as prepare_store

    mirror.begin("prepare", f"prepare {flags.label}")
    report = prepare_store(
        flags.dataset,
        root=flags.root,
        profile=profile_of(flags),
        manifest=flags.manifest,
        part=flags.split,
        space=space,
        jobs=flags.jobs,
        limit=flags.limit,
        verify=getattr(flags, "verify", False),
    )
    mirror.prepared(
        report.selection,
        scored=report.scored,
        prepared=report.prepared,
        reused=report.reused,
        frames=report.frames,
        seconds=report.seconds,
    )
    lines = [
        f"prepared {report.scored} scored clips of {flags.label}/{report.part} (manifest {report.manifest}) with their companions: "
        f"{report.prepared} new, {report.reused} from before, {len(report.rejected)} rejected, {report.seconds:.1f} s"
    ]
    if report.prepared:
        lines[0] += f", {report.frames} frames"
    for reason, count in sorted(report.reasons.items()):
        lines.append(f"  rejected: {reason} x {count}")
    for row in report.rejected[:10]:
        lines.append(f"    {row['clip_id']} ({row['path']}): {row['reason']}: {row['detail']}")
    if len(report.rejected) > 10:
        lines.append(f"    ... all of them in {report.store / 'rejected.parquet'}")
    for flag, count in sorted(report.flags.items()):
        lines.append(f"  flag: {flag} on {count} scored clips")
    unexpected = [row for row in report.rejected if not row["known"]]
    broken = any(row["reason"] == Reason.PREPARE_FAILED for row in report.rejected)
    code = ExitCode.SOME_FAILED if broken or (flags.strict and unexpected) else ExitCode.DONE
    document = {
        "store": str(report.store),
        "selection": str(report.selection),
        "manifest": report.manifest,
        "part": report.part,
        "scored": report.scored,
        "prepared": report.prepared,
        "reused": report.reused,
        "frames": report.frames,
        "seconds": report.seconds,
        "rejected": report.rejected,
        "flags": report.flags,
        "exit_code": int(code),
    }
    return Outcome(code, document, "\n".join(lines))


def selection_of(flags: cli.OnDataset, space: Workspace) -> Selection:
    """The selection that `prepare` made under the same flags; UsageError, with the command, if there is none or the manifest
    changed since."""
    from bench.data.store import Store
    from bench.prepare import selection_name

    manifest = manifest_of(flags)
    try:
        selection = Store(space.store(flags.label)).selection(selection_name(manifest), flags.split, flags.limit)
    except UsageError as error:
        raise UsageError(f"{error}: `{preparing(flags, flags.split)}`") from None
    if selection.document["manifest_sha256"] != manifest.sha256:
        raise UsageError(
            f"manifest {manifest.name} changed since the store was prepared; run `{preparing(flags, flags.split)}` again"
        )
    return selection


def preparing(flags: cli.OnDataset, part: str) -> str:
    """The command that prepares a part of what these flags ask for."""
    return emotalk(
        "prepare",
        flags.dataset,
        profile=profile_of(flags),
        manifest=flags.manifest,
        split=part,
        limit=flags.limit,
        work=flags.work,
    )


def train(flags: cli.Train, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from bench.train_verb import train_verb

    return train_verb(flags, space, command, mirror)


def sweep(flags: cli.Sweep, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from bench.sweep_verb import sweep_verb

    return sweep_verb(flags, space, command, mirror)


def generate(flags: cli.Generate, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from bench.generate_verb import generate_verb

    return generate_verb(flags, space, command, mirror)


def evaluate(flags: cli.Evaluate, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from bench.evaluate_verb import evaluate_verb

    return evaluate_verb(flags, space, command, mirror)


def result_name(
    flags: cli.Evaluate | cli.Run | cli.Calibrate,
    label: str | None,
    protocol: str,
    selection: Selection,
    made_with: int | None = None,
) -> str:
    """Folder name of a result: the dataset, the row, and every flag that changes numbers where it is not the default.

    `made_with`: the seed of the videos, where it is known; it is named where it is not --seed.
    """
    parts = [flags.label, selection.document["manifest"] if flags.manifest else None]
    parts += [flags.split if flags.split != "test" else None, label, protocol if protocol != "emotalk" else None]
    missing = getattr(flags, "missing", "static")
    parts += [getattr(flags, "framing", None), missing if missing != "static" else None]
    parts += [f"seed{flags.seed}" if flags.seed else None]
    parts += [f"made-with-seed{made_with}" if made_with not in (None, flags.seed) else None]
    parts += [f"first{flags.limit}" if flags.limit else None]
    name = "--".join("".join(c if c.isalnum() or c in "-_@.+~" else "-" for c in p) for p in parts if p)
    return name if len(name) <= 120 else f"{name[:110]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def report(flags: cli.Report, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from bench.report_verb import report_verb

    return report_verb(flags, space, command, mirror)


def compare(flags: cli.Compare, space: Workspace, command: str) -> Outcome:
    from bench.compare_verb import compare_verb

    return compare_verb(flags, space, command)


def power(flags: cli.Power, space: Workspace, command: str) -> Outcome:
    from bench.power_verb import power_verb

    return power_verb(flags, space, command)


def hypotheses(flags: cli.Hypotheses, space: Workspace, command: str) -> Outcome:
    from bench.hypotheses_verb import hypotheses_verb

    return hypotheses_verb(flags, space, command)


def calibrate(flags: cli.Calibrate, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from bench.calibrate_verb import calibrate_verb

    return calibrate_verb(flags, space, command, mirror)


def regress(flags: cli.Regress, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from bench.regress.verb import regress_verb

    return regress_verb(flags, space, command, mirror)


def run(flags: cli.Run, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from bench.pipeline import run_pipeline

    return run_pipeline(flags, space, command, mirror)


def failures_of(rows: list) -> list[str]:
    """What of these rows was not scored as it should, for the terminal."""
    problems = [
        f"{row.result.name}: {p.clip_id}: {p.reason}: {p.detail}"
        for row in rows
        for p in row.result.problems
        if p.status in ("static", "excluded")
    ]
    return listed("failed, and counted as said in the table", problems)


def listed(title: str, lines: list[str]) -> list[str]:
    """A short list for the terminal, with how many more there are."""
    if not lines:
        return []
    more = [f"  ... and {len(lines) - 10} more, all in the report"] if len(lines) > 10 else []
    return [f"{title}:", *(f"  {line}" for line in lines[:10]), *more]


def published(flags: cli.Published, space: Workspace, command: str) -> Outcome:
    from bench.published_verb import published as published_claims

    return published_claims(flags, space, command)


def methods(flags: cli.Methods, space: Workspace, command: str) -> Outcome:
    from bench import listings

    return listings.methods()


def metrics(flags: cli.Metrics, space: Workspace, command: str) -> Outcome:
    from bench import listings

    return listings.metrics()


def datasets(flags: cli.Datasets, space: Workspace, command: str) -> Outcome:
    from bench import listings

    return listings.datasets()


def weights(flags: cli.Weights, space: Workspace, command: str) -> Outcome:
    from bench import listings

    return listings.weights(flags)


def doctor(flags: cli.Doctor, space: Workspace, command: str) -> Outcome:
    from bench.doctor.examination import Question, examine

    names = ("dataset", "root", "manifest", "profile", "jobs", "limit", "measure")
    report = examine(Question(part=flags.split, **{name: getattr(flags, name) for name in names}), space)
    return Outcome(report.code, report.document(), report.text)


def submit(flags: cli.Submit, space: Workspace, command: str) -> Outcome:
    from bench.slurm import submit as queue

    return queue(flags, space)
