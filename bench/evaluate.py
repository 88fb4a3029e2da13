"""`emotalk evaluate`: a folder of mp4 files against a prepared selection -> clips.parquet and result.json."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.atomic import whole_folder, write_parquet
from bench.breakdown import breakdown, distributions, showcase
from bench.contract.errors import EmotalkError, ExitCode, NothingDoneError, Reason, UsageError
from bench.contract.metric import Metric
from bench.contract.result import (
    CLIP_COLUMNS,
    DatasetRecord,
    ExtractorRecord,
    ItemCount,
    MethodRecord,
    MetricValue,
    Problem,
    ProtocolRecord,
    Result,
)
from bench.data.store import Selected, Selection, digest_of
from bench.framing import Framing
from bench.generate import Card, item_key, read_card, read_item
from bench.progress import in_parallel
from bench.protocols import Protocol, load_protocol
from bench.samples import keep
from bench.scoring import Job, score_clip

MISSING_POLICIES = ("static", "exclude", "fail")


class MissingOutputs(EmotalkError):
    """`--missing fail` met outputs that are missing or cannot be scored; no result is written."""

    exit_code = ExitCode.SOME_FAILED


@dataclass
class Evaluated:
    """One evaluated row: where it was written, and what the exit code needs to know."""

    folder: Path
    result: Result
    failed: int
    reused: int = 0


def evaluate(
    selection: Selection,
    videos: Path,
    *,
    name: str | None = None,
    protocol_name: str = "emotalk",
    framing: str | None = None,
    missing: str = "static",
    out: Path,
    cache: Path,
    seed: int = 0,
    jobs: int = 2,
    limit: int | None = None,
    command: str = "",
) -> Evaluated:
    """Score every scored clip of the selection against `videos`/<clip_id>.mp4 under one protocol.

    Outputs that are missing, cannot be read, have another length or size are scored as the static image (`missing`
    "static"), left out ("exclude"), or end the evaluation ("fail"); they are counted and listed in every case.
    Raises UsageError for a folder that is not there, NothingDoneError if no clip has a value, MissingOutputs.
    """
    from metrics.registry import get_metrics

    started = time.monotonic()
    if not videos.is_dir():
        raise UsageError(f"--videos {videos}: expected a folder of <clip_id>.mp4 files, found no folder there")
    if missing not in MISSING_POLICIES:
        raise UsageError(f"--missing {missing}: expected one of {', '.join(MISSING_POLICIES)}")
    selection.refuse_frames_only()
    protocol = load_protocol(protocol_name)
    out = _own_folder(out, videos)
    card = read_card(videos)
    frame = Framing(framing or (card.framing if card else protocol.framing))
    rows = selection.limited(limit)
    label = name or row_name(videos)
    videos_note = _check_names(videos, rows, selection, card)
    items = _score_all(rows, selection, videos, cache, protocol, frame, missing, jobs, label, card)
    bad = [item for item in items if item["status"] == "failed"]
    if bad:
        shown = "; ".join(f"{item['clip_id']}: {item['reason']} ({item['detail']})" for item in bad[:5])
        raise MissingOutputs(f"--missing fail: {len(bad)} of {len(items)} outputs cannot be scored: {shown}")
    clips = _table(items, rows, selection, label, protocol)
    measured = get_metrics(protocol.metrics, protocol.options)
    metrics = _summaries(clips, items, measured, seed)
    if all(m.value is None for m in metrics):
        reasons = dict(Counter(f"{i['status']}: {i['reason']}" for i in items))
        if card is None or card.kind != "control":
            raise NothingDoneError(f"{label}: not one of {len(items)} clips could be scored: {reasons}")
    result = Result(
        name=label,
        method=_method_record(card, label),
        dataset=_dataset_record(selection, rows),
        protocol=ProtocolRecord(
            name=protocol.name,
            status=protocol.status,
            sha256=protocol.sha256,
            framing=frame.value,
            missing=missing,
            unknown=list(protocol.unknown),
            text=protocol.text,
        ),
        metrics=metrics,
        breakdown=breakdown(clips, measured),
        distributions=distributions(clips, measured),
        showcase=showcase([row.clip for row in rows]),
        items=[
            ItemCount(status=s, reason=r, count=n)
            for (s, r), n in sorted(Counter((i["status"], i["reason"]) for i in items).items(), key=str)
        ],
        problems=[
            Problem(clip_id=i["clip_id"], status=i["status"], reason=i["reason"] or "", detail=i["detail"] or "")
            for i in items
            if i["status"] not in ("ok",)
        ],
        notes=[*videos_note, *_notes(items)],
        extractors=_extractors(),
        environment=_environment(),
        seed=seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        wall_seconds=round(time.monotonic() - started, 3),
    )
    with whole_folder(out) as folder:
        write_parquet(folder / "clips.parquet", clips)
        write_parquet(folder / "items.parquet", _items_table(items))
        if selection.rejected.is_file():
            shutil.copyfile(selection.rejected, folder / "rejected.parquet")
        keep(items, rows, result, videos, cache, frame, folder)
        result.save(folder / "result.json")
    return Evaluated(out, result, failed=sum(i["status"] in ("static", "excluded") for i in items))


def row_name(videos: Path) -> str:
    """The name of a folder's row if none is given: the method that made it, else the folder's own name."""
    card = read_card(videos) if videos.is_dir() else None
    return card.method if card else videos.resolve().name


RESULT_FILES = {"result.json", "clips.parquet", "items.parquet", "rejected.parquet", "samples", "real", "traces"}


def _own_folder(out: Path, videos: Path) -> Path:
    """`out` resolved; UsageError unless it is new or holds an earlier result: it is replaced as a whole."""
    out, videos = out.expanduser().resolve(), videos.resolve()
    taken = out.exists() and not out.is_dir()
    if taken or out in (videos, *videos.parents) or (out.is_dir() and {p.name for p in out.iterdir()} - RESULT_FILES):
        raise UsageError(f"--out {out}: expected a new folder, or one that holds an earlier result and nothing else")
    return out


def _check_names(videos: Path, rows: list[Selected], selection: Selection, card: Card | None) -> list[str]:
    """A note on files that belong to no scored clip; NothingDoneError if none does and the folder is not ours."""
    known = {row["clip_id"] for row in selection.document["clips"]}
    files = sorted(p.name for p in videos.glob("*.mp4"))
    strangers = [
        name for name in files if (s := name.removesuffix(".mp4")) not in known and not (card and read_item(videos, s))
    ]
    wanted = {row.clip.clip_id for row in rows}
    document = selection.document
    if card and (card.dataset, card.profile) != (document["dataset"], document["profile"]):
        made = " ".join(filter(None, (card.dataset, card.profile)))
        raise UsageError(f"{videos} was made for {made}; give the same --dataset and --profile")
    if card and card.data_version != document["data_version"]:
        raise UsageError(
            f"{videos} was made for version {card.data_version or 'unknown'} of the embedded dataset, the store holds version "
            f"{document['data_version']}: results of the two cannot be compared; run `emotalk generate` again"
        )
    if card and not any(read_item(videos, clip_id) or f"{clip_id}.mp4" in files for clip_id in wanted):
        raise NothingDoneError(
            f"{videos}: nothing was generated for these clips; run `emotalk generate` with the same flags"
        )
    if card is None and not any(name.removesuffix(".mp4") in wanted for name in files):
        found = f"found {', '.join(files[:3])}{' ...' if len(files) > 3 else ''}" if files else "found no mp4 file"
        raise NothingDoneError(f"{videos}: expected files named <clip_id>.mp4, as {rows[0].clip.clip_id}.mp4; {found}")
    return [f"{_clips(len(strangers))} in the folder match no scored clip, as {strangers[0]}"] if strangers else []


def _score_all(
    rows: list[Selected],
    selection: Selection,
    videos: Path,
    cache: Path,
    protocol: Protocol,
    framing: Framing,
    missing: str,
    jobs: int,
    label: str,
    card: Card | None,
) -> list[dict[str, Any]]:
    work = [
        (Job(row, selection.store.folder, videos, cache, protocol.name, framing, missing, _verdict(videos, row, card)),)
        for row in rows
    ]
    items = list(in_parallel(score_clip, work, jobs, len(work), f"evaluate {label}"))
    return sorted(items, key=lambda item: item["clip_id"])


def _verdict(videos: Path, row: Selected, card: Card | None) -> tuple[str, str, str] | None:
    """What the record beside a generated video says of it, if it keeps the video from being scored."""
    item = read_item(videos, row.clip.clip_id) if card else None
    if item is None:
        return None
    if item["key"] != item_key(card, row):
        stale = "made for another seed, version, manifest or clip than this; run `emotalk generate` again"
        return "missing", str(Reason.MISSING_OUTPUT), stale
    if item["status"] == "n/a":
        return "n/a", item["reason"], item["detail"]
    if item["status"] == "failed":
        return "failed", item["reason"], item["detail"]
    return None


def _items_table(items: list[dict[str, Any]]) -> Any:
    """items.parquet: one row per clip with what was done to its video."""
    import pandas as pd

    columns = {"clip_id": "string", "status": "string", "reason": "string", "detail": "string", "length_delta": "Int64",
               "residual": "Float64"}  # fmt: skip
    table = pd.DataFrame([{name: item[name] for name in columns} for item in items]).astype(columns)
    return table.assign(flags=[" ".join(item["flags"]) for item in items])


def _table(items: list[dict], rows: list[Selected], selection: Selection, label: str, protocol: Protocol) -> Any:
    """clips.parquet: one row per clip and metric, those without a value included with their reason."""
    import pandas as pd

    clips = {row.clip.clip_id: row.clip for row in rows}
    lines = []
    for item in items:
        clip = clips[item["clip_id"]]
        for metric in protocol.metrics:
            value = item["values"].get(metric, {"value": None, "reason": item["reason"], "n_frames": 0})
            status = item["status"]
            if status in ("ok", "cues"):
                status = "ok" if value["value"] is not None else "null"
            lines.append(
                {
                    "dataset": clip.dataset,
                    "split": f"{selection.document['manifest']}/{selection.document['part']}",
                    "clip_id": clip.clip_id,
                    "speaker": clip.speaker,
                    "emotion": clip.emotion,
                    "level": clip.level,
                    "method": label,
                    "protocol": protocol.name,
                    "metric": metric,
                    "value": value["value"],
                    "status": status,
                    "reason": item["reason"] if item["status"] == "static" else value["reason"],
                    "n_frames": value["n_frames"],
                }
            )
    return pd.DataFrame(lines, columns=list(CLIP_COLUMNS)).astype(CLIP_COLUMNS)


def _summaries(clips: Any, items: list[dict], metrics: list[Metric], seed: int) -> list[MetricValue]:
    from metrics.statistics import summarise

    expected = sum(item["status"] != "n/a" for item in items)
    return [
        summarise(clips[clips["metric"] == metric.name], metric, n_expected=expected, seed=seed) for metric in metrics
    ]


def _method_record(card: Card | None, label: str) -> MethodRecord:
    if card is None:
        return MethodRecord(name=label, version="unknown", consumes=[], kind="folder")
    return MethodRecord(
        name=label,
        version=card.version,
        consumes=card.consumes,
        kind=card.kind,
        checkpoint_sha256=card.identity["checkpoint"],
        seed=card.seed,
        altered=card.altered,
    )


def _dataset_record(selection: Selection, rows: list[Selected]) -> DatasetRecord:
    document = selection.document
    return DatasetRecord(
        name=document["dataset"],
        profile=document["profile"],
        part=document["part"],
        manifest=document["manifest"],
        manifest_sha256=document["manifest_sha256"],
        data_version=document["data_version"],
        n_scored=len(rows),
        n_speakers=len({row.clip.speaker for row in rows}),
        n_rejected=document["n_rejected"],
        flags=sorted({flag for row in rows for flag in row.flags}),
        store_sha256=digest_of(rows),
        media_policy=document["media_policy"],
    )


def _notes(items: list[dict[str, Any]]) -> list[str]:
    """What a reader of the row must know, in words."""
    notes = []
    flags = Counter(flag for item in items for flag in item.get("flags", ()))
    in_cues = sum(item["status"] == "cues" for item in items)
    if in_cues:
        notes.append(f"{_clips(in_cues)} scored in cue space: cues altered, nothing rendered or encoded")
    deltas = [item["length_delta"] for item in items if item.get("length_delta")]
    if deltas:
        low, high = min(deltas), max(deltas)
        by = f"{low:+d}" if low == high else f"{low:+d} to {high:+d}"
        notes.append(
            f"{_clips(len(deltas))} of another length than the real clip, by {by} frames; scored on the common beginning"
        )
    residuals = sorted(item["residual"] for item in items if item.get("residual") is not None)
    if residuals:
        notes.append(
            f"aligned on each video's own face: RMS residual {residuals[len(residuals) // 2]:.1f} px (median), "
            f"{residuals[-1]:.1f} px (largest), {_clips(flags['large-alignment-residual'])} flagged"
        )
    if flags["generated-face-missing-in-some-frames"]:
        notes.append(f"{_clips(flags['generated-face-missing-in-some-frames'])} with frames in which no face was found")
    return notes


def _clips(count: int) -> str:
    return f"{count} clip" if count == 1 else f"{count} clips"


def _extractors() -> list[ExtractorRecord]:
    from bench.data.prepare_clip import face_identity

    identity = face_identity()
    return [ExtractorRecord(name="face", version=identity.pop("version"), weights=identity)]


def _environment():
    from bench.environment import describe

    return describe()
