"""`emotalk evaluate`: a folder of mp4 files against a prepared selection -> clips.parquet and result.json."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.atomic import whole_folder, write_parquet
from bench.breakdown import breakdown, distributions, showcase
from bench.contract.errors import EmotalkError, ExitCode, NothingDoneError, Reason, UsageError
from bench.contract.metric import SetMetric
from bench.contract.result import MethodRecord, Result
from bench.data.store import Selected, Selection
from bench.earlier_result import inputs_of, result_folder, standing_result
from bench.environment import describe
from bench.experts import write_cards
from bench.framing import Framing
from bench.generate import read_card
from bench.plan import make_plan
from bench.progress import in_parallel
from bench.protocols import Protocol, load_protocol
from bench.row_record import (
    dataset_record,
    item_counts,
    method_record,
    notes,
    people,
    problems,
    protocol_record,
)
from bench.row_tables import cells, clips_table, items_table, write_clips
from bench.samples import keep
from bench.scoring import Job, score_under
from bench.set_scores import estimates, write_sets
from bench.video_folder import check_names, row_name, verdict_on
from bench.videos import labels_of

MISSING_POLICIES = ("static", "exclude", "fail")


class MissingOutputs(EmotalkError):
    """`--missing fail` met outputs that are missing or cannot be scored; no result is written."""

    exit_code = ExitCode.SOME_FAILED


@dataclass
class Evaluated:
    """One evaluated row: where it was written, and what the exit code needs to know.

    `failed` counts clips without a score of their own and values that could not be made of sound clips; `reused` is True
    if the result of an earlier run with the same inputs stands untouched.
    """

    folder: Path
    result: Result
    failed: int
    reused: bool = False


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
    device: str = "cpu",
    command: str = "",
    only: Collection[str] | None = None,
) -> Evaluated:
    """Score every scored clip of the selection against `videos`/<clip_id>.mp4 under one protocol, or `only` some columns of it.

    Outputs that are missing, cannot be read, have another length or size are scored as the static image (`missing`
    "static"), left out ("exclude"), or end the evaluation ("fail"); they are counted and listed in every case. Where
    `out` holds the result of the same inputs, nothing is done.
    Raises UsageError for a folder that is not there, NothingDoneError if no clip has a value, MissingOutputs.
    """
    protocol = load_protocol(protocol_name) if only is None else load_protocol(protocol_name).only(only)
    (done,), _ = evaluate_under(
        {out: protocol},
        selection,
        videos,
        name=name,
        framing=framing,
        missing=missing,
        cache=cache,
        seed=seed,
        jobs=jobs,
        limit=limit,
        device=device,
        command=command,
    )
    return done


def evaluate_under(
    protocols: Mapping[Path, Protocol],
    selection: Selection,
    videos: Path,
    *,
    name: str | None = None,
    framing: str | None = None,
    missing: str = "static",
    cache: Path,
    seed: int = 0,
    jobs: int = 2,
    limit: int | None = None,
    device: str = "cpu",
    command: str = "",
) -> tuple[list[Evaluated], list[NothingDoneError]]:
    """`evaluate` under several protocols, result folder -> protocol, from one decode of every video: an ordinary result each.

    The numbers are those of one evaluation after the other. Results that stand already are not made again. A protocol
    under which nothing has a value does not keep the others from theirs: its error is returned beside them, and raised
    only if there are no others.
    """
    started = time.monotonic()
    if not videos.is_dir():
        raise UsageError(f"--videos {videos}: expected a folder of <clip_id>.mp4 files, found no folder there")
    if missing not in MISSING_POLICIES:
        raise UsageError(f"--missing {missing}: expected one of {', '.join(MISSING_POLICIES)}")
    selection.refuse_frames_only()
    rows = [
        _Row(out, protocol, selection, videos, name, framing, missing, cache, seed, limit, device)
        for out, protocol in protocols.items()
    ]
    todo = [row for row in rows if row.earlier is None]
    if todo:
        under = zip(*(row.jobs for row in todo), strict=True)
        scored = list(
            in_parallel(
                score_under,
                [(list(of_clip),) for of_clip in under],
                jobs,
                len(todo[0].jobs),
                f"evaluate {todo[0].label}",
            )
        )
    done, empty = [], []
    for row in rows:
        if row.earlier is not None:
            done.append(Evaluated(row.out, row.earlier, _failures(row.earlier), reused=True))
            continue
        items = sorted((items[todo.index(row)] for items in scored), key=lambda item: item["clip_id"])
        try:
            done.append(row.written(items, jobs, command, started))
        except NothingDoneError as error:
            empty.append(error)
    if not done:
        raise empty[0] if len(empty) == 1 else NothingDoneError("; ".join(map(str, empty)))
    return done, empty


class _Row:
    """One row under one protocol: planned before anything is decoded, written when its clips are scored."""

    def __init__(
        self,
        out: Path,
        protocol: Protocol,
        selection: Selection,
        videos: Path,
        name: str | None,
        framing: str | None,
        missing: str,
        cache: Path,
        seed: int,
        limit: int | None,
        device: str,
    ):
        self.out, self.protocol, self.selection, self.videos = result_folder(out, videos), protocol, selection, videos
        self.missing, self.cache, self.seed = missing, cache, seed
        card = read_card(videos)
        self.framing = Framing(framing or (card.framing if card else protocol.framing))
        self.rows = selection.limited(limit)
        self.label = name or row_name(videos)
        self.remarks = check_names(videos, self.rows, selection, card)
        document, speakers = selection.document, [row.clip.speaker for row in self.rows]
        self.plan = make_plan(protocol, document["dataset"], document["data_version"], speakers, device)
        self.jobs = [
            Job(
                row,
                selection.store.folder,
                videos,
                cache,
                self.plan,
                self.framing,
                missing,
                verdict_on(videos, row, card),
            )
            for row in self.rows
        ]
        self.method, self.dataset = method_record(card, self.label), dataset_record(selection, self.rows)
        self.inputs = inputs_of(
            self.jobs, protocol, self.method, self.dataset, selection, self.label, seed, self.remarks
        )
        self.earlier = standing_result(self.out, self.inputs, self.plan)

    def written(self, items: list[dict[str, Any]], jobs: int, command: str, started: float) -> Evaluated:
        """The result of these items, in its folder; MissingOutputs and NothingDoneError as `evaluate` says."""
        plan, rows, selection, protocol = self.plan, self.rows, self.selection, self.protocol
        _refuse_failed(items)
        clips = clips_table(items, rows, selection, self.label, plan, protocol.name)
        sets = estimates(plan, items, rows, self.cache, self.seed, jobs, self.label)
        of_clips = [metric for metric in plan.metrics if not isinstance(metric, SetMetric)]
        result = Result(
            name=self.label,
            method=self.method,
            dataset=self.dataset,
            protocol=protocol_record(protocol, self.framing.value, self.missing),
            metrics=cells(clips, items, plan, sets, self.seed),
            breakdown=breakdown(clips, of_clips),
            distributions=distributions(clips, of_clips),
            showcase=showcase([row.clip for row in rows]),
            items=item_counts(items),
            problems=problems(items),
            notes=[*self.remarks, *notes(items), *_human_ceiling(self.method, rows)],
            extractors=plan.records(),
            device=plan.device,
            inputs_sha256=self.inputs,
            environment=describe(),
            seed=self.seed,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            command=command,
            wall_seconds=round(time.monotonic() - started, 3),
        )
        _refuse_empty(result, items)
        with whole_folder(self.out) as folder:
            write_clips(folder / "clips.parquet", clips)
            write_parquet(folder / "items.parquet", items_table(items))
            if selection.rejected.is_file():
                shutil.copyfile(selection.rejected, folder / "rejected.parquet")
            write_sets(folder, items, sets)
            write_cards(folder / "cards", plan.experts)
            keep(items, rows, result, self.videos, self.cache, plan, self.framing, folder)
            result.save(folder / "result.json")
        return Evaluated(self.out, result, _failures(result))


ANSWERS = frozenset({Reason.TOO_SHORT_FOR_PROTOCOL, Reason.WEIGHTS_MISSING, Reason.EXPERT_MISSING})
"""Reasons for which a row without any value is written all the same: the protocol takes none of these clips, or what it
needs is not here."""


def _human_ceiling(method: MethodRecord, rows: Sequence[Selected]) -> list[str]:
    """Said once in a table, at the real clips: how well people tell their emotion."""
    return people([labels_of(row.clip) for row in rows]) if method.kind == "control" and method.name == "gt" else []


def _refuse_failed(items: Sequence[dict[str, Any]]) -> None:
    bad = [item for item in items if item["status"] == "failed"]
    if bad:
        shown = "; ".join(f"{item['clip_id']}: {item['reason']} ({item['detail']})" for item in bad[:5])
        raise MissingOutputs(f"--missing fail: {len(bad)} of {len(items)} outputs cannot be scored: {shown}")


def _refuse_empty(result: Result, items: Sequence[dict[str, Any]]) -> None:
    if result.method.kind == "control" or any(m.value is not None for m in result.metrics):
        return
    reasons = Counter(u.reason for m in result.metrics for u in m.unscored)
    reasons += Counter(m.reason for m in result.metrics if m.reason and not m.unscored)
    if ANSWERS & reasons.keys():
        return
    kept = Counter(f"{i['status']} ({i['reason']})" for i in items if i["status"] != "ok")
    said = [f"{'clips' if counts is kept else 'columns'}: {_counted(counts)}" for counts in (kept, reasons) if counts]
    raise NothingDoneError(
        f"{result.name}, protocol {result.protocol.name}: no column has a value on any of {len(items)} clips; "
        f"{'; '.join(said)}"
    )


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(f"{reason} x {count}" for reason, count in reasons.most_common())


def _failures(result: Result) -> int:
    clips = sum(i.count for i in result.items if i.status in ("static", "excluded"))
    broken = sum(u.n_clips for m in result.metrics for u in m.unscored if u.reason == Reason.METRIC_FAILED)
    return clips + broken + sum(m.reason == Reason.METRIC_FAILED for m in result.metrics)
