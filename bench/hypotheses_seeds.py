"""How far the results of one method lie apart between training seeds (checkpoints) and between sampling seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from math import fsum
from pathlib import Path
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING

from bench.contract.commands import emotalk
from bench.contract.errors import UsageError
from bench.contract.hypotheses import SeedRow, SeedSpread, SeedsRecord
from bench.contract.metric import Direction
from bench.contract.result import MetricValue, Result
from bench.part_results import results_of_part

if TYPE_CHECKING:
    from reports.hypotheses import Hypotheses


def seed_spread(method: str, document: Hypotheses, sha256: str, results: Path) -> SeedsRecord:
    """All results called `method` on the clips that the hypotheses are about, by checkpoint and sampling seed.

    UsageError where two results have the same checkpoint and sampling seed, or where they were made by other networks.
    """
    found = results_of_part(results, document.dataset, document.profile, document.part, document.protocol)
    called = {folder: result for folder, result in found.items() if result.name == method}
    kept, left_out = _comparable(called)
    order = sorted(kept, key=lambda folder: (*_seeds(kept[folder]), folder.name))
    for seeds, alike in groupby(order, key=lambda folder: _seeds(kept[folder])):
        if len(same := list(alike)) > 1:
            listed = ", ".join(folder.name for folder in same)
            raise UsageError(
                f"{method}: several results of one checkpoint and sampling seed {seeds[1]}: {listed}; keep one"
            )
    used = [kept[folder] for folder in order]
    lacking, commands = _lacking(method, document, used)
    return SeedsRecord(
        method=method,
        file_sha256=sha256,
        dataset=document.dataset,
        profile=document.profile,
        part=document.part,
        protocol=document.protocol,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        n_clips=used[0].dataset.n_scored if used else 0,
        n_speakers=used[0].dataset.n_speakers if used else 0,
        training_seeds=document.training_seeds,
        sampling_seeds=document.sampling_seeds,
        rows=[_row(folder, kept[folder]) for folder in order],
        left_out=left_out,
        lacking=lacking,
        commands=commands,
        metrics=_metrics(used),
    )


def _comparable(called: Mapping[Path, Result]) -> tuple[dict[Path, Result], list[str]]:
    """The largest set of results on the same clips, under the same protocol and with the same networks; what is left out."""
    from reports.groups import conditions

    groups: dict[str, list[Path]] = {}
    for folder, result in called.items():
        networks = sorted((e.name, e.version, sorted(e.weights.items())) for e in result.extractors)
        groups.setdefault(repr((sorted(conditions(result).items()), networks)), []).append(folder)
    if not groups:
        return {}, []
    most = max(groups.values(), key=lambda group: (len(group), max(called[folder].created for folder in group)))
    rest = [folder.name for group in groups.values() if group is not most for folder in group]
    return {folder: called[folder] for folder in most}, [f"{name}: other clips, rules or networks" for name in rest]


def _seeds(result: Result) -> tuple[str, int]:
    """Checkpoint ("" where none was given) and sampling seed."""
    return result.method.checkpoint_sha256 or "", result.method.seed


def _row(folder: Path, result: Result) -> SeedRow:
    method = result.method
    return SeedRow(
        folder=folder.name,
        checkpoint_sha256=method.checkpoint_sha256,
        sampling_seed=method.seed,
        created=result.created,
    )


def _lacking(method: str, document: Hypotheses, used: Sequence[Result]) -> tuple[list[str], list[str]]:
    """What is not there of the seeds that the hypotheses name, and the commands that make one more."""
    checkpoints = dict.fromkeys(_seeds(result)[0] for result in used)
    there = {_seeds(result) for result in used}
    said = []
    if len(checkpoints) < len(document.training_seeds):
        said.append(f"{len(checkpoints)} of {len(document.training_seeds)} checkpoints are there")
    for checkpoint in checkpoints:
        absent = [str(seed) for seed in document.sampling_seeds if (checkpoint, seed) not in there]
        if absent:
            of = f"checkpoint {checkpoint[:12]}" if checkpoint else "the weights that come with the method"
            said.append(f"no sampling seed {' and '.join(absent)} of {of}")
    if not said:
        return [], []
    about = {"profile": document.profile, "split": document.part if document.part != "test" else None}
    made = emotalk("generate", document.dataset, **about, method=method, checkpoint="FILE", seed="N", out="FOLDER")
    return said, [made, emotalk("evaluate", document.dataset, **about, videos="FOLDER")]


def _metrics(used: Sequence[Result]) -> list[SeedSpread]:
    cells = {cell.metric: cell for result in reversed(used) for cell in result.metrics}
    return [_spread(cell, used) for cell in cells.values()]


def _spread(cell: MetricValue, used: Sequence[Result]) -> SeedSpread:
    """One metric in all results; without a value in one of them, why."""
    line = SeedSpread(metric=cell.metric, direction=cell.direction, unit=cell.unit, primary=cell.primary)
    by_checkpoint: dict[str, list[float]] = {}
    halves = []
    for result in used:
        own = result.metric(cell.metric)
        value = None if own is None else _shown(own)
        if own is None or value is None:
            return line.model_copy(update={"reason": own.reason if own else "not a column of every result"})
        by_checkpoint.setdefault(_seeds(result)[0], []).append(value)
        halves += [half] if (half := _half_interval(own)) is not None else []
    groups = list(by_checkpoint.values())
    values = [value for group in groups for value in group]
    free = len(values) - len(groups)
    within = fsum((value - fmean(group)) ** 2 for group in groups for value in group)
    return line.model_copy(
        update={
            "mean": fmean(values),
            "low": min(values),
            "high": max(values),
            "training_sd": stdev(map(fmean, groups)) if len(groups) > 1 else None,
            "sampling_sd": (within / free) ** 0.5 if free else None,
            "half_interval": median(halves) if halves else None,
        }
    )


def _shown(cell: MetricValue) -> float | None:
    """What the table shows: under match the difference to the ground truth."""
    return cell.difference if cell.direction == Direction.MATCH else cell.value


def _half_interval(cell: MetricValue) -> float | None:
    from reports.columns import interval_shown
    from reports.words import NEW

    found = interval_shown(cell, NEW)
    return None if found is None else (found.high - found.low) / 2
