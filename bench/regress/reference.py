"""Frozen references: one row, clip by clip, in regression-<name>.json with its arrays beside it and its hash in SHA256SUMS."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from bench.checksums import NAME as SUMS
from bench.checksums import listed_sum, write_sums
from bench.compare import Row, set_metric
from bench.contract.errors import UsageError
from bench.contract.files import whole_file
from bench.contract.metric import Collected, Direction
from bench.contract.regression import ArraysFile, Margin, Reference, ReferenceClip, ReferenceColumn, Ungated
from bench.contract.result import MetricValue
from bench.contract.seen import Labels
from bench.regress.column import Column, of_row

if TYPE_CHECKING:
    import numpy as np

PREFIX = "regression-"
NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+~-]{0,99}")


@dataclass(frozen=True)
class Frozen:
    """A reference as it was read: the record, its hash, and its columns by metric."""

    record: Reference
    sha256: str
    columns: Mapping[str, Column]


def places(work: Path, given: Path | None = None) -> list[Path]:
    """Where references are looked for: the folder given alone, else the work folder's own, then those of the suite."""
    return [given] if given else [work / "references", Path(str(files("reports") / "reference"))]


def freeze(
    row: Row,
    name: str,
    margins: Sequence[Margin],
    ungated: Sequence[Ungated],
    folder: Path,
    about: Mapping[str, str | None],
) -> Path:
    """Write the row as the reference `name` into `folder`; returns the record's path.

    `about`: declaration_sha256 and ruler. UsageError for a name that is none, a row with outputs that failed or lack, and one without
    a value in a metric that has a margin.
    """
    if not NAMES.fullmatch(name):
        raise UsageError(
            f"--reference {name}: expected letters, digits and _ . @ + ~ - for a reference that is to be written"
        )
    if bad := [p for p in row.result.problems if p.status in ("static", "excluded", "failed")]:
        raise UsageError(
            f"{row.result.name}: {len(bad)} outputs lack or failed, as {bad[0].clip_id} ({bad[0].reason}): only a whole row is frozen"
        )
    gated, clips = {margin.metric for margin in margins}, clips_of(row)
    columns, arrays = [], {}
    for cell in row.result.metrics:
        if cell.value is None:
            if cell.metric in gated:
                raise UsageError(
                    f"{row.result.name}: no value of {cell.metric} ({cell.reason}), which the gate looks at"
                )
        elif cell.kind == "clip":
            columns.append(_of_clips(row, cell, clips))
        elif cell.metric in gated:  # the arrays of other sets are large, and nothing is decided by them
            columns.append(_of_set(row, cell, arrays))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{PREFIX}{name}.json"
    r = row.result
    Reference(
        name=name,
        row=r.name,
        method=r.method,
        dataset=r.dataset,
        protocol=r.protocol.model_copy(update={"text": None}),
        extractors=r.extractors,
        device=r.device,
        environment=r.environment,
        seed=r.seed,
        evaluated=r.created,
        clips=clips,
        columns=columns,
        arrays=_write_arrays(path.with_suffix(".safetensors"), arrays),
        margins=list(margins),
        ungated=list(ungated),
        **about,
    ).save(path)
    write_sums(folder)
    return path


def load_reference(name: str, folders: Sequence[Path]) -> Frozen:
    """The reference `name` in the first of these folders that has it, or at the path `name`; UsageError if it is none, or not as frozen."""
    paths = [Path(name)] if name.endswith(".json") else [folder / f"{PREFIX}{name}.json" for folder in folders]
    path = next((p for p in paths if p.is_file()), None)
    if path is None:
        raise UsageError(_unknown(name, folders))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if listed_sum(path.parent, path.name) != digest:
        raise UsageError(
            f"{path}: is not as it was frozen: {SUMS} beside it has another hash, or none; freeze it again"
        )
    try:
        record = Reference.load(path)
    except (OSError, ValidationError) as error:
        raise UsageError(f"{path}: not a reference of this version ({str(error)[:200]}); freeze it again") from None
    return Frozen(record, digest, _columns(record, path.parent))


def _unknown(name: str, folders: Sequence[Path]) -> str:
    known = sorted({p.stem.removeprefix(PREFIX) for folder in folders for p in folder.glob(f"{PREFIX}*.json")})
    near = get_close_matches(name, known, n=1)
    suggestion = f" did you mean {near[0]}?" if near else ""
    listed = (
        f" references there: {', '.join(known)}" if known else " there are none: emotalk regress --freeze makes one"
    )
    return f"--reference {name}: not found in {', '.join(map(str, folders))};{suggestion}{listed}"


def clips_of(row: Row) -> list[ReferenceClip]:
    """Every clip of the row, by id."""
    import pandas as pd

    found = {}
    for cell in row.result.metrics:
        for line in row.clips.of_metric(cell.metric).itertuples():
            found[line.clip_id] = ReferenceClip(
                clip_id=line.clip_id,
                speaker=line.speaker,
                emotion=None if pd.isna(line.emotion) else str(line.emotion),
                level=None if pd.isna(line.level) else int(line.level),
            )
    return [found[clip] for clip in sorted(found)]


def _of_clips(row: Row, cell: MetricValue, clips: Sequence[ReferenceClip]) -> ReferenceColumn:
    column = of_row(row, cell, None)
    match = cell.direction == Direction.MATCH
    return _about(
        cell,
        values=[column.values.get(clip.clip_id) for clip in clips],
        truths=[column.truths.get(clip.clip_id) for clip in clips] if match else None,
    )


def _of_set(row: Row, cell: MetricValue, arrays: dict[str, np.ndarray]) -> ReferenceColumn:
    metric = set_metric(row.result, cell.metric)
    for clip, gave in of_row(row, cell, metric).collected.items():
        for name, array in gave.arrays.items():
            arrays[f"{metric.collection}/{clip}/{name}"] = array
    return _about(cell, collection=metric.collection)


def _about(cell: MetricValue, **data: object) -> ReferenceColumn:
    same = ("metric", "version", "definition", "kind", "family", "primary", "direction", "unit", "value")
    return ReferenceColumn(**{name: getattr(cell, name) for name in same}, **data)


def _write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> ArraysFile | None:
    from safetensors.numpy import save

    if not arrays:
        return None
    with whole_file(path) as temporary:
        temporary.write_bytes(save(dict(arrays)))
    return ArraysFile(file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def _columns(record: Reference, folder: Path) -> dict[str, Column]:
    """UsageError if the arrays are not those that were frozen."""
    collected = _collected(record, folder)
    found = {}
    for column in record.columns:
        if column.kind == "set":
            found[column.metric] = Column(column.direction, collected=collected.get(column.collection, {}))
            continue
        sides = [
            {clip.clip_id: v for clip, v in zip(record.clips, values or (), strict=bool(values)) if v is not None}
            for values in (column.values, column.truths)
        ]
        found[column.metric] = Column(column.direction, *sides)
    return found


def _collected(record: Reference, folder: Path) -> dict[str, dict[str, Collected]]:
    """collection -> clip -> what it gave."""
    from safetensors.numpy import load

    if record.arrays is None:
        return {}
    path = folder / record.arrays.file
    if path.parent != folder or not path.is_file():
        raise UsageError(f"reference {record.name}: {record.arrays.file} is not in {folder}; freeze it again")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != record.arrays.sha256:
        raise UsageError(f"{path}: is not as it was frozen (another hash than the record has); freeze it again")
    about = {clip.clip_id: clip for clip in record.clips}
    arrays: dict[str, dict[str, dict[str, np.ndarray]]] = {}
    for key, array in load(content).items():
        collection, clip, name = key.split("/", 2)
        arrays.setdefault(collection, {}).setdefault(clip, {})[name] = array
    return {
        collection: {
            clip: Collected(
                Labels(clip, record.dataset.name, about[clip].speaker, about[clip].emotion, about[clip].level), gave
            )
            for clip, gave in clips.items()
        }
        for collection, clips in arrays.items()
    }
