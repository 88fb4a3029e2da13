"""`emotalk compare`: finds the rows, compares, writes compare.json, compare.md and compare.html, prints the words."""

from __future__ import annotations

from bench import cli
from bench.cli import Outcome
from bench.contract.errors import ExitCode, UsageError
from bench.workspace import Workspace


def compare_verb(flags: cli.Compare, space: Workspace, command: str) -> Outcome:
    from bench.atomic import own_folder, whole_folder
    from bench.compare import compare_rows, find_row, load_row
    from reports.comparison import html, markdown, terminal
    from reports.ruler import find_ruler

    if len(flags.rows) < 2:
        raise UsageError("expected two or more rows: emotalk compare ROW OTHER [OTHER ...]")
    out = own_folder(flags.out, ("compare.json", "compare.md", "compare.html"), "comparison") if flags.out else None
    rows = [load_row(find_row(name, space.root / "results")) for name in flags.rows]
    ruler = find_ruler(rows[0].result, [space.root / "results" / "calibration"])
    record = compare_rows(rows, seed=flags.seed, ruler=ruler)
    against = "+".join(pair.other for pair in record.pairs)
    name = "".join(c if c.isalnum() or c in "-_@.+~" else "-" for c in f"{record.row}--against--{against}")[:120]
    out = out or space.root / "comparisons" / name
    with whole_folder(out) as folder:
        record.save(folder / "compare.json")
        (folder / "compare.md").write_text(markdown(record), encoding="utf-8")
        (folder / "compare.html").write_text(html(record), encoding="utf-8")
    document = {"folder": str(out), **record.model_dump(mode="json"), "exit_code": 0}
    return Outcome(ExitCode.DONE, document, f"{terminal(record)}\n{out / 'compare.md'}")
