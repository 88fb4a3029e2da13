"""Reads result folders: result.json, clips.parquet, rejected.parquet, kept clips and traces; and contact sheets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
from pydantic import ValidationError

from bench.contract.clip import valid_clip_id
from bench.contract.clip_table import ClipTable
from bench.contract.errors import UsageError
from bench.contract.result import SCHEMA_VERSION, Result
from bench.contract.sheet import Sheet
from bench.contract.traces import ClipTraces

SHOWN_COLUMNS = ("clip_id", "speaker", "emotion", "level", "protocol", "metric", "value", "status", "reason")
"""Of clips.parquet: what a page shows."""
REJECTED_COLUMNS = ("clip_id", "path", "reason", "detail", "known")


@dataclass(frozen=True)
class Rejected:
    """One line of rejected.parquet."""

    clip_id: str
    path: str
    reason: str
    detail: str
    known: bool


@dataclass(frozen=True)
class Loaded:
    """One result with what lies beside it. `clips`, `rejected` are None where there is no such file."""

    result: Result
    folder: Path
    clips: ClipTable | None = None
    rejected: list[Rejected] | None = None
    samples: dict[str, Path] = field(default_factory=dict)
    """Kept videos of this row, by clip."""
    real: dict[str, Path] = field(default_factory=dict)
    """The real videos of some of these clips."""
    traces: dict[str, ClipTraces] = field(default_factory=dict)
    figures: dict[str, dict] = field(default_factory=dict)
    """Documents for pictures of metrics of the whole set, by metric."""
    cards: dict[str, dict] = field(default_factory=dict)
    """What is known of the trained networks that judged, by name."""


def find(paths: Sequence[Path]) -> list[Path]:
    """The result.json files meant by `paths`: files, result folders, or folders of result folders; each once, in order.

    Raises UsageError for a path that is not there or holds no result, and where `paths` is empty.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_file():
            here = [path]
        elif (path / "result.json").is_file():
            here = [path / "result.json"]
        elif path.is_dir():
            here = sorted(path.glob("[!.]*/result.json"))
        else:
            raise UsageError(f"{path}: no such file or folder; give a result folder or its result.json")
        if not here:
            raise UsageError(
                f"{path}: there is no result.json in this folder or one level below; run `emotalk evaluate` first"
            )
        found |= {p.resolve(): None for p in here}
    if not found:
        raise UsageError("no result was given; name at least one result folder or result.json")
    return list(found)


def load(paths: Sequence[Path]) -> list[Loaded]:
    """Every result meant by `paths` (see `find`). UsageError names the file that is not what it should be."""
    return [_load_one(path) for path in find(paths)]


def _load_one(path: Path) -> Loaded:
    folder, result = path.parent, _read_result(path)
    return Loaded(
        result=result,
        folder=folder,
        clips=_read_clips(folder / "clips.parquet", result),
        rejected=_read_rejected(folder / "rejected.parquet"),
        samples=_films(folder / "samples"),
        real=_films(folder / "real"),
        traces=_read_traces(folder / "traces"),
        figures=_read_documents(folder / "figures"),
        cards=_read_documents(folder / "cards"),
    )


def _read_documents(folder: Path) -> dict[str, dict]:
    found = {}
    for path in sorted(folder.glob("[!.]*.json")):
        try:
            found[path.stem] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: not a JSON document ({error}); evaluate again") from error
    return found


def load_sheets(folders: Sequence[Path]) -> list[tuple[Sheet, Path]]:
    """Contact sheets with the folders of their pictures; UsageError for one that cannot be read or lacks a picture."""
    found = []
    for folder in folders:
        path = Path(folder) / "sheet.json"
        try:
            sheet = Sheet.load(path)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: not a contact sheet of this program ({error}); make it again") from error
        absent = [tile.file for tile in sheet.tiles if not (path.parent / tile.file).is_file()]
        if absent:
            raise UsageError(f"{path}: its picture {absent[0]} is not there; make it again")
        found.append((sheet, path.parent))
    return found


def _read_result(path: Path) -> Result:
    try:
        return Result.load(path)
    except ValidationError as error:
        raise UsageError(f"{path}: {_what_is_wrong(path, error)}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from error


def _what_is_wrong(path: Path, error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    if problems[0]["type"] == "json_invalid":
        return f"not a JSON document ({problems[0]['ctx']['error']}); evaluate again"
    document = json.loads(path.read_text(encoding="utf-8"))
    version = document.get("schema_version", SCHEMA_VERSION) if isinstance(document, dict) else SCHEMA_VERSION
    if version != SCHEMA_VERSION:
        return f"schema version {version!r}, this program reads {SCHEMA_VERSION}; evaluate again with this version"
    lines = []
    for problem in problems[:5]:
        where = ".".join(map(str, problem["loc"])) or "document"
        known = "unknown key" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"{where}: {known}")
    if len(problems) > 5:
        lines.append(f"and {len(problems) - 5} more")
    return "not a result of this program: " + "; ".join(lines)


def _read_table(path: Path, needed: Sequence[str]) -> list[dict]:
    try:
        table = pq.read_table(path)
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise UsageError(f"{path}: not a readable Parquet file ({error}); evaluate again") from error
    absent = [name for name in needed if name not in table.column_names]
    if absent:
        raise UsageError(f"{path}: column {', '.join(absent)} is missing; expected {', '.join(needed)}")
    return table.select(list(needed)).to_pylist()


def _read_clips(path: Path, result: Result) -> ClipTable | None:
    if not path.is_file():
        return None
    try:
        return ClipTable.read(path, SHOWN_COLUMNS, result.protocol.name)
    except ValueError as error:
        raise UsageError(f"{path}: {error}; evaluate again") from error


def _read_rejected(path: Path) -> list[Rejected] | None:
    if not path.is_file():
        return None
    rows = _read_table(path, REJECTED_COLUMNS)
    return [
        Rejected(str(r["clip_id"]), str(r["path"] or ""), str(r["reason"]), str(r["detail"] or ""), bool(r["known"]))
        for r in rows
    ]


def _read_traces(folder: Path) -> dict[str, ClipTraces]:
    found = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        if not valid_clip_id(path.stem):
            continue
        try:
            found[path.stem] = ClipTraces.load(path)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: not a trace file of this program ({error}); evaluate again") from error
    return found


def _films(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    return {
        p.stem: p for p in sorted(folder.glob("*.mp4")) if valid_clip_id(p.stem) and p.is_file() and p.stat().st_size
    }
