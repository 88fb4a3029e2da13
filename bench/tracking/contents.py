"""What W&B is shown of each stage: config, summary, tables, pictures, a clip with sound, and artifacts with their lineage."""

from __future__ import annotations

import json
import math
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, wraps
from pathlib import Path
from typing import Any

from bench.atomic import read_json
from bench.contract.media_policy import shareable, strictest
from bench.contract.result import Result
from bench.tracking import artifacts, media

PAGE_LIMIT = 12 * 2**20


def _alone(step: Callable[..., None]) -> Callable[..., None]:
    """A step that fails leaves the others of its stage as they are; `Target.errors` keeps why."""

    @wraps(step)
    def call(self: Target, *arguments: Any, **named: Any) -> None:
        try:
            step(self, *arguments, **named)
        except Exception as error:
            traceback.print_exc()
            self.errors.append(error)

    return call


@dataclass
class Target:
    """Where a stage is written: the loaded wandb module, the open run, and a folder for files that W&B copies."""

    wandb: Any
    run: Any
    scratch: Path
    errors: list[Exception] = field(default_factory=list)

    @_alone
    def input(self, artifact: Any) -> None:
        """Declare an input. Artifacts go by content: the same files are the same version, wherever they were logged first.

        `use_artifact` refuses to work offline, and online waits to read back what is here. What it does before that is done
        in both cases: the record that `wandb sync` replays, and a server takes, as an artifact that this run uses.
        """
        self.run._log_artifact(artifact, aliases=[], is_user_created=True, use_after_commit=True)
        inputs = [*self.run.config.get("inputs", []), artifacts.named(artifact)]
        self.run.config.update({"inputs": inputs}, allow_val_change=True)

    @_alone
    def output(self, artifact: Any) -> None:
        """Log an artifact, under its content's name too."""
        self.run.log_artifact(artifact, aliases=[artifact.digest[:12]])
        self.run.config.update({"output": artifacts.named(artifact)}, allow_val_change=True)

    @_alone
    def config(self, **values: Any) -> None:
        self.run.config.update(values, allow_val_change=True)

    @_alone
    def summary(self, **values: Any) -> None:
        self.run.summary.update(values)

    @_alone
    def log(self, **values: Any) -> None:
        self.run.log(values)

    @_alone
    def table(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """A W&B table of equal dicts; missing stays missing."""
        if rows:
            columns = list(rows[0])
            data = [[_cell(row[column]) for column in columns] for row in rows]
            self.run.log({name: self.wandb.Table(columns=columns, data=data, allow_mixed_types=True)})

    @_alone
    def show(self, videos: Sequence[Path]) -> None:
        """A contact sheet of some videos and one of them to play, with its sound."""
        videos = [path for path in videos if path.is_file()]
        if not videos:
            return
        sheet = self.scratch / "frames.png"
        if media.contact_sheet(media.spread(videos), sheet):
            names = ", ".join(path.stem for path in media.spread(videos))
            self.run.log({"frames": self.wandb.Image(str(sheet), caption=names)})
        self.run.log({"clip": self.wandb.Video(str(videos[0]), caption=videos[0].stem, format="mp4")})


@cache
def surroundings() -> dict[str, Any]:
    """Versions, machine and commit: what a result says of them, for every stage."""
    from bench.environment import describe

    return {"environment": describe().model_dump(mode="json")}


def value(wandb: Any, given: Any) -> Any:
    """A logged value: a path to an mp4 is a video, to another file a picture; everything else is itself."""
    if isinstance(given, dict) and set(given) == {"path"}:
        path = Path(given["path"])
        return wandb.Video(str(path), format="mp4") if path.suffix == ".mp4" else wandb.Image(str(path))
    return given


def prepared(target: Target, selection: dict[str, str], facts: dict[str, Any]) -> None:
    """The clips, what was rejected and why, the reference images if they may be shown; the selection as artifact."""
    path = _path(selection)
    document = read_json(path)
    target.config(dataset=artifacts.dataset_facts(document))
    records = {row["clip_id"]: row for row in _parquet(path.parent.parent / "manifest.parquet")}
    columns = ("speaker", "emotion", "level", "sentence", "n_frames")
    rows = [
        {"clip_id": row["clip_id"], **{c: records.get(row["clip_id"], {}).get(c) for c in columns},
         "reference_clip": row["reference_clip"], "flags": " ".join(row["flags"])}
        for row in document["clips"]
    ]  # fmt: skip
    target.table("clips", rows)
    rejected = _parquet(path.with_suffix(".rejected.parquet"))
    target.table("rejected", [{k: row[k] for k in ("clip_id", "path", "reason", "detail")} for row in rejected])
    reasons = Counter(row["reason"] for row in rejected)
    target.summary(**facts, **{f"rejected/{reason}": count for reason, count in reasons.items()})
    if document["media_policy"] == "all":
        wanted = {
            (row["reference_clip"], row["reference_sha256"]) for row in document["clips"] if row["reference_clip"]
        }
        pictures = [path.parent.parent / "references" / f"{c}-{sha[:8]}.png" for c, sha in sorted(wanted) if sha]
        sheet = target.scratch / "references.png"
        if media.picture_sheet(media.spread(pictures, 24), sheet):
            target.log(references=target.wandb.Image(str(sheet)))
    target.output(artifacts.store_artifact(target.wandb, path))


def generated(target: Target, folder: dict, selection: dict, clips: list[str], facts: dict[str, Any]) -> None:
    """What became of each clip, some of the videos if they may be shown; the list with content hashes as artifact."""
    made, chosen = _path(folder), _path(selection)
    document, card = read_json(chosen), read_json(made / "generated.json")
    target.config(
        dataset=artifacts.dataset_facts(document),
        method={k: v for k, v in card.items() if k not in ("dataset", "profile", "part")},
    )
    items = artifacts.items_of(made, clips)
    target.table("items", items)
    target.summary(**facts, **{f"items/{s}": n for s, n in Counter(str(i["status"]) for i in items).items()})
    if shareable(document["media_policy"], card["kind"], card["method"]):
        target.show([made / i["file"] for i in items if i["status"] == "ok" and str(i["file"]).endswith(".mp4")])
    target.input(artifacts.store_artifact(target.wandb, chosen))
    target.output(artifacts.generated_artifact(target.wandb, made, clips, document, target.scratch))


def evaluated(target: Target, folder: dict, videos: dict, selection: dict, clips: list[str]) -> None:
    """The row: every metric with its intervals, the table by clip, kept samples if they may be shown; the result as artifact."""
    where = _path(folder)
    result = Result.load(where / "result.json")
    whole = result.model_dump(mode="json")
    kept = (
        "name",
        "method",
        "dataset",
        "protocol",
        "extractors",
        "environment",
        "seed",
        "notes",
        "created",
        "schema_version",
    )
    target.config(**{name: whole[name] for name in kept})
    target.log(**{f"metrics/{m.metric}": m.value for m in result.metrics if m.value is not None})
    target.summary(**_numbers(result))
    target.table("by_clip", by_clip(_parquet(where / "clips.parquet")))
    target.table("problems", [problem.model_dump() for problem in result.problems])
    if shareable(result.dataset.media_policy, result.method.kind, result.method.name, result.name):
        samples = {path.stem: path for path in sorted((where / "samples").glob("*.mp4"))}
        first = [samples.pop(clip_id) for clip_id in result.showcase if clip_id in samples]
        target.show([*first, *samples.values()])
    document = read_json(_path(selection))
    target.input(artifacts.store_artifact(target.wandb, _path(selection)))
    target.input(artifacts.generated_artifact(target.wandb, _path(videos), clips, document, target.scratch))
    target.output(artifacts.result_artifact(target.wandb, where, result))


def reported(target: Target, files: list[dict], folder: dict, results: list[dict]) -> None:
    """The page to look at; every file of the report as artifact, without pictures and sound where a dataset allows none."""
    out = _path(folder)
    policies = []
    for one in results:
        where = _path(one)
        result = Result.load(where / "result.json")
        policies.append(result.dataset.media_policy)
        target.input(artifacts.result_artifact(target.wandb, where, result))
    policy = strictest(policies)
    paths = [path for path in map(_path, files) if policy != "none" or path.suffix.lower() not in media.SUFFIXES]
    artifact = target.wandb.Artifact(
        artifacts.safe_name(f"report-{out.name}"), "report", metadata={"media_policy": policy}
    )
    for path in paths:
        artifact.add_file(str(path), path.relative_to(out).as_posix() if path.is_relative_to(out) else path.name,
                          skip_cache=True)  # fmt: skip
    target.summary(rows=len(results), files=len(paths))
    page = out / "report.html"
    if page in paths and page.stat().st_size <= PAGE_LIMIT:
        target.log(report=target.wandb.Html(str(page), inject=False))
    target.output(artifact)


def by_clip(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """clips.parquet, long, as one row per clip with a column per metric; a value that is missing is None."""
    rows = list(rows)
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    wide: dict[str, dict[str, Any]] = {}
    for row in rows:
        facts = {name: row[name] for name in ("clip_id", "speaker", "emotion", "level", "n_frames")}
        line = wide.setdefault(row["clip_id"], {**facts, "status": row["status"], **dict.fromkeys(metrics)})
        line[row["metric"]] = row["value"]
        if row["status"] != "ok":
            line["status"] = row["status"]
    return list(wide.values())


def _numbers(result: Result) -> dict[str, Any]:
    """Values, intervals and coverage under names that W&B shows as sections; what has no value is None with its reason."""
    found: dict[str, Any] = {}
    for m in result.metrics:
        found[f"metrics/{m.metric}"] = m.value
        if m.value is None:
            found[f"reasons/{m.metric}"] = m.reason
        for interval in m.intervals:
            for end in ("low", "high"):
                found[f"intervals/{m.metric}/{interval.target}/{end}"] = getattr(interval, end)
        found[f"coverage/{m.metric}"] = m.coverage
        found[f"substituted/{m.metric}"] = m.n_substituted
    found |= {f"items/{i.status}{f' ({i.reason})' if i.reason else ''}": i.count for i in result.items}
    return found | {"wall_seconds": result.wall_seconds}


def _parquet(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return pq.read_table(path).to_pylist() if path.is_file() else []


def _path(given: dict[str, str]) -> Path:
    return Path(given["path"])


def _cell(given: Any) -> Any:
    """A table's cell: a number, a word or None."""
    if isinstance(given, float) and not math.isfinite(given):
        return None
    return given if given is None or isinstance(given, str | int | float | bool) else json.dumps(given)
