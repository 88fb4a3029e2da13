"""What each verb of the command line does: calls the parts in order and says what came out."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING, Any

from bench import cli
from bench.cli import Outcome
from bench.contract.errors import ExitCode, Reason, UsageError
from bench.tracking.mirror import SILENT, Mirror
from bench.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from bench.data.manifests import Manifest
    from bench.data.store import Selection
    from bench.generate import Generated
    from reports.html import Summary


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


def _selection(flags: cli.OnDataset, space: Workspace):
    """The selection that `prepare` made under the same flags; UsageError if there is none or the manifest changed since."""
    from bench.data.store import Store
    from bench.prepare import selection_name

    manifest = manifest_of(flags)
    selection = Store(space.store(flags.label)).selection(selection_name(manifest), flags.split, flags.limit)
    if selection.document["manifest_sha256"] != manifest.sha256:
        raise UsageError(f"manifest {manifest.name} changed since the store was prepared; run `emotalk prepare` again")
    return selection


def train(flags: cli.Train, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from bench.train_verb import train_verb

    return train_verb(flags, space, command, mirror)


def generate(flags: cli.Generate, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from baselines.registry import find_method
    from bench.generate import generate as generate_videos

    spec = find_method(flags.method, flags.checkpoint)
    selection = _selection(flags, space)
    out = flags.out or space.generated(spec.label, flags.label)
    mirror.begin("generate", f"generate {spec.label} {flags.label}")
    made = generate_videos(spec, selection, out, seed=flags.seed, jobs=flags.jobs, limit=flags.limit)
    tell_generated(mirror, made, selection)
    lines = [f"{made.method}: {', '.join(f'{n} {s}' for s, n in sorted(made.counts.items()))} "
             f"({made.made} made, {made.reused} from before, {made.seconds:.1f} s) in {out}"]  # fmt: skip
    lines += [
        f"  {i['clip_id']}: {i['status']}: {i['reason']}: {i['detail']}" for i in made.items if i["status"] == "failed"
    ][:10]
    code = ExitCode.SOME_FAILED if made.failed else ExitCode.DONE
    if made.failed and len(made.failed) == len(made.items):
        code = ExitCode.NOTHING_DONE
    document = {
        "method": made.method,
        "folder": str(out),
        "counts": made.counts,
        "items": made.items,
        "exit_code": int(code),
    }
    return Outcome(code, document, "\n".join(lines))


def tell_generated(mirror: Mirror, made: Generated, selection: Selection) -> None:
    """Mirror what was generated."""
    mirror.generated(
        made.folder,
        selection.path,
        [item["clip_id"] for item in made.items],
        made=made.made,
        reused=made.reused,
        frames=made.frames,
        seconds=made.seconds,
    )


def evaluate(flags: cli.Evaluate, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from bench.evaluate import evaluate_under, row_name
    from bench.generate import read_card
    from bench.protocols import load_protocols
    from reports.terminal import terminal

    selection = _selection(flags, space)
    protocols = load_protocols(flags.protocol)
    card = read_card(flags.videos) if flags.videos.is_dir() else None
    label = flags.name or (card.label if card else row_name(flags.videos))
    mirror.begin("evaluate", f"evaluate {label} {flags.label}")

    def place(protocol: str) -> Path:
        if flags.out:
            return flags.out / protocol if len(protocols) > 1 else flags.out
        return space.results(result_name(flags, label, protocol, selection))

    if flags.out and flags.out.expanduser().resolve() == flags.videos.resolve():
        raise UsageError(f"--out {flags.out}: is the folder of the videos; results need one of their own")
    folders, empty = evaluate_under(
        {place(protocol.name): protocol for protocol in protocols},
        selection,
        flags.videos,
        name=flags.name,
        framing=flags.framing,
        missing=flags.missing,
        cache=space.cache,
        seed=flags.seed,
        jobs=flags.jobs,
        limit=flags.limit,
        device=flags.device,
        command=command,
    )
    clip_ids = [row.clip.clip_id for row in selection.limited(flags.limit)]
    for number, done in enumerate(folders):
        if number:
            mirror.begin("evaluate", f"evaluate {label} {flags.label}")
        mirror.evaluated(done.folder, flags.videos, selection.path, clip_ids)
    for error in empty:
        mirror.begin("evaluate", f"evaluate {label} {flags.label}")
        mirror.failed(str(error))
    code = ExitCode.SOME_FAILED if empty or any(done.failed for done in folders) else ExitCode.DONE
    text = "\n".join([terminal([d.folder for d in folders]), *failures_of(folders)])
    text += "".join(f"\n{line}" for line in listed("not evaluated", [str(error) for error in empty]))
    text += "".join(f"\n{d.folder / 'result.json'}" for d in folders)
    document = {
        "results": [{"folder": str(d.folder), **d.result.model_dump(mode="json")} for d in folders],
        "failures": [str(error) for error in empty],
        "exit_code": int(code),
    }
    return Outcome(code, document, text)


def result_name(
    flags: cli.Evaluate | cli.Run | cli.Calibrate, label: str | None, protocol: str, selection: Selection
) -> str:
    """Folder name of a result: the dataset, the row, and every flag that changes numbers where it is not the default."""
    parts = [flags.label, selection.document["manifest"] if flags.manifest else None]
    parts += [flags.split if flags.split != "test" else None, label, protocol if protocol != "emotalk" else None]
    missing = getattr(flags, "missing", "static")
    parts += [getattr(flags, "framing", None), missing if missing != "static" else None]
    parts += [f"seed{flags.seed}" if flags.seed else None, f"first{flags.limit}" if flags.limit else None]
    name = "--".join("".join(c if c.isalnum() or c in "-_@.+~" else "-" for c in p) for p in parts if p)
    return name if len(name) <= 120 else f"{name[:110]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def report(flags: cli.Report, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
    from bench.sheet import sheets_of
    from reports.html import build
    from reports.load import find
    from reports.terminal import terminal

    if not flags.results:
        raise UsageError("expected result folders: emotalk report RESULT [RESULT ...] --out DIR")
    out = flags.out or space.report
    mirror.begin("report", f"report {out.name}")
    found = find(flags.results)
    if flags.spread:
        return _spread(flags, out, [path.parent for path in found], mirror)
    done = build(flags.results, out, sheets_of(found, space, flags.jobs) if flags.sheet else ())
    mirror.reported(done.files, out, [path.parent for path in found])
    document = {"files": [str(path) for path in done.files], "page_bytes": done.page_bytes, "exit_code": 0}
    return Outcome(ExitCode.DONE, document, "\n".join([terminal(flags.results), *written_files(done)]))


def _spread(flags: cli.Report, out: Path, folders: list[Path], mirror: Mirror) -> Outcome:
    from bench.spread import build_spread
    from reports.spread import terminal

    done = build_spread(flags.results, out, flags.seed)
    mirror.reported(done.files, out, folders)
    document = {
        "files": [str(path) for path in done.files],
        "spread": done.record.model_dump(mode="json"),
        "exit_code": 0,
    }
    return Outcome(ExitCode.DONE, document, "\n".join([terminal(done.record), *map(str, done.files)]))


def written_files(done: Summary) -> list[str]:
    """Where a report lies, and how large its page is."""
    tables = ", ".join(str(done.out / f"table.{kind}") for kind in ("md", "csv", "tex"))
    size = f"{done.page_bytes / 1e6:.1f} MB without the {done.n_films} clips beside it"
    return [f"report: {done.out / 'report.html'} ({size})", f"tables: {tables}"]


def compare(flags: cli.Compare, space: Workspace, command: str) -> Outcome:
    from bench.atomic import own_folder, whole_folder
    from bench.compare import compare_rows, find_row, load_row
    from reports.comparison import html, markdown, terminal
    from reports.ruler import find_ruler

    if len(flags.rows) < 2:
        raise UsageError("expected two or more rows: emotalk compare ROW OTHER [OTHER ...]")
    if flags.out:
        own_folder(flags.out, ("compare.json", "compare.md", "compare.html"), "comparison")
    rows = [load_row(find_row(name, space.root / "results")) for name in flags.rows]
    ruler = find_ruler(rows[0].result, [space.root / "results" / "calibration"])
    record = compare_rows(rows, seed=flags.seed, ruler=ruler)
    against = "+".join(pair.other for pair in record.pairs)
    name = "".join(c if c.isalnum() or c in "-_@.+~" else "-" for c in f"{record.row}--against--{against}")[:120]
    out = flags.out or space.root / "comparisons" / name
    with whole_folder(out) as folder:
        record.save(folder / "compare.json")
        (folder / "compare.md").write_text(markdown(record), encoding="utf-8")
        (folder / "compare.html").write_text(html(record), encoding="utf-8")
    document = {"folder": str(out), **record.model_dump(mode="json"), "exit_code": 0}
    return Outcome(ExitCode.DONE, document, f"{terminal(record)}\n{out / 'compare.md'}")


def power(flags: cli.Power, space: Workspace, command: str) -> Outcome:
    from bench.power_verb import power_verb

    return power_verb(flags, space, command)


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
    from baselines.damages.registry import DAMAGES, find_damage
    from baselines.registry import GROUPS, METHODS, find_method

    rows = []
    for name in METHODS:
        method = find_method(name).load()
        about = (type(method).__doc__ or "").strip().splitlines()[0]
        rows.append({"name": name, "kind": getattr(method, "kind", "plug-in"), "version": method.version,
                     "consumes": sorted(i.value for i in method.consumes), "about": about})  # fmt: skip
    text = "\n".join(f"{r['name']:20} {r['kind']:8} given: {', '.join(r['consumes'])}\n    {r['about']}" for r in rows)
    text += "".join(f"\n{group:20} group    {', '.join(names)}" for group, names in GROUPS.items())
    damaged = [find_damage(name, 0).load() for name in DAMAGES]
    text += "".join(f"\n{d.name + '~DOSE':25} damage, {d.unit}, {d.least:g} to {d.most:g}" for d in damaged)
    text += "\npath/file.py:Class   plug-in  your own (docs/add-a-method.md); NAME@other-audio, NAME@other-emotion, NAME@first-frame: one input altered"
    ranges = [{"name": d.name, "unit": d.unit, "least": d.least, "most": d.most} for d in damaged]
    groups = {k: list(v) for k, v in GROUPS.items()}
    return Outcome(document={"methods": rows, "groups": groups, "damages": ranges}, text=text)


def metrics(flags: cli.Metrics, space: Workspace, command: str) -> Outcome:
    from bench.plan import kind_of
    from bench.protocols import load_protocol
    from metrics.registry import get_metrics

    protocol = load_protocol()
    rows = [
        {"name": m.name, "kind": kind_of(m), "family": m.family.value, "direction": m.direction.value, "unit": m.unit,
         "primary": m.primary, "version": m.version, "definition": m.definition}
        for m in get_metrics(protocol.metrics, protocol.options)
    ]  # fmt: skip
    wide = {key: max(len(str(row[key])) for row in rows) for key in ("name", "kind", "direction", "unit")}
    text = "\n".join(
        " ".join(f"{r[key]:{width}}" for key, width in wide.items()) + f" {'primary ' * r['primary']}{r['definition']}"
        for r in rows
    )
    return Outcome(document={"protocol": protocol.name, "metrics": rows}, text=text)


def datasets(flags: cli.Datasets, space: Workspace, command: str) -> Outcome:
    from bench.data.datasets import all_datasets

    rows: list[dict[str, Any]] = []
    for dataset in all_datasets().values():
        rows.append({"name": dataset.name, "manifests": dataset.manifests, "default": dataset.default_manifest,
                     "media_policy": dataset.media_policy, "licence": dataset.licence, "layout": dataset.layout})  # fmt: skip
    text = "\n".join(
        f"{r['name']:14} manifests: {', '.join(r['manifests'])} (default {r['default']}); media: {r['media_policy']}\n"
        f"    {r['layout'].removeprefix('Expected ')}\n    {r['licence']}"
        for r in rows
    )
    return Outcome(document={"datasets": rows}, text=text)


def weights(flags: cli.Weights, space: Workspace, command: str) -> Outcome:
    from bench import weights as files

    names = list(flags.names) or None
    if flags.action == "fetch":
        if names is None:
            raise UsageError(f"weights fetch: expected one or more names; known: {', '.join(files.registry())}")
        lines = files.fetch_all(names, official=flags.official)
    else:
        lines = files.status(names) if flags.action == "list" else files.verify_all(names)
    bad = [line for line in lines if line.state in ("wrong", *(["missing"] if flags.action == "fetch" else []))]
    code = ExitCode.DONE if not bad else ExitCode.SOME_FAILED if len(bad) < len(lines) else ExitCode.NOTHING_DONE
    text = "\n".join(f"{w.name:22} {w.state:13} {w.purpose}" + (f"\n    {w.detail}" if w.detail else "") for w in lines)
    rows = [{name: getattr(line, name) for name in line.__dataclass_fields__} for line in lines]
    return Outcome(
        code,
        {"weights": rows, "exit_code": int(code)},
        text or "no weight file is here yet: emotalk weights fetch NAME",
    )


def doctor(flags: cli.Doctor, space: Workspace, command: str) -> Outcome:
    from bench.doctor.examination import Question, examine

    names = ("dataset", "root", "manifest", "profile", "jobs", "limit", "measure")
    report = examine(Question(part=flags.split, **{name: getattr(flags, name) for name in names}), space)
    return Outcome(report.code, report.document(), report.text)


def submit(flags: cli.Submit, space: Workspace, command: str) -> Outcome:
    from bench.slurm import submit as queue

    return queue(flags, space)
