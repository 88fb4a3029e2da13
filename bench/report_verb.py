"""`emotalk report`: result folders -> the tables and the page, or the page of the spread between protocols."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench import cli
from bench.cli import Outcome
from bench.contract.errors import ExitCode, UsageError
from bench.tracking.mirror import SILENT, Mirror
from bench.workspace import Workspace

if TYPE_CHECKING:
    from reports.html import Summary


def report_verb(flags: cli.Report, space: Workspace, command: str, mirror: Mirror = SILENT) -> Outcome:
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
