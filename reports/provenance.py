"""Where the numbers come from: versions, checkpoints, seeds, code, commands, machine, hashes, the protocol file."""

from __future__ import annotations

from reports.columns import interval
from reports.notes import commit
from reports.table import Table
from reports.words import NEW, THESE, join, printable


def provenance(table: Table) -> dict:
    """Everything of the section, rows that share something named together."""
    results = table.results
    d, p = results[0].dataset, results[0].protocol
    rows = []
    for row in table.rows:
        r = row.loaded.result
        rows.append(
            {
                "label": row.label,
                "result": printable(r.name),
                "version": printable(r.method.version),
                "checkpoint": r.method.checkpoint_sha256 or "none",
                "weights": sorted(r.method.weights.items()),
                "seeds": f"{r.method.seed} / {r.seed}",
                "created": r.created.replace("T", " ").replace("+00:00", " UTC"),
                "seconds": f"{r.wall_seconds:.1f}",
                "commit": commit(r),
                "command": printable(r.command),
            }
        )
    return {
        "hashes": [
            (f"Manifest {printable(d.manifest)}", d.manifest_sha256),
            ("Clips scored (ids and videos)", d.store_sha256),
            (f"Protocol {printable(p.name)}", p.sha256),
        ],
        "extractors": _alike(table, lambda r: sorted((e.name, e.version, tuple(sorted(e.weights.items()))) for e in r.extractors)),
        "environments": _alike(table, lambda r: [(r.environment.python, r.environment.platform, r.environment.emotalk)]),
        "machines": _alike(table, lambda r: [_machine(r)]),
        "commits": _alike(table, lambda r: [r.environment.git_commit or "unknown"]),
        "packages": _alike(table, lambda r: sorted(r.environment.packages.items())),
        "metrics": [(c.label, c.version, c.definition, _interval_methods(table, j)) for j, c in enumerate(table.columns)],
        "protocol": (printable(p.name), next((r.protocol.text for r in results if r.protocol.text), "")),
        "rows": rows,
    }  # fmt: skip


def _machine(result) -> str:
    m = result.environment.machine
    if m is None:
        return "not recorded"
    parts = [m.processor, f"{m.cores} cores" if m.cores != 1 else "1 core"]
    parts += [f"{m.memory_gib:g} GiB memory"] if m.memory_gib else []
    return printable(", ".join([*parts, m.accelerator or "no accelerator"]))


def _alike(table: Table, read) -> list[tuple[object, str]]:
    """Each item that any result has, with the rows that have it: "all rows" or their labels."""
    owners: dict[object, list[str]] = {}
    for row in table.rows:
        for item in read(row.loaded.result):
            owners.setdefault(item, []).append(row.label)
    return [(item, "all rows" if len(who) == len(table.rows) else join(who)) for item, who in owners.items()]


def _interval_methods(table: Table, j: int) -> str:
    found = dict.fromkeys(
        f"{target.replace('-', ' ')}: {i.method}"
        for target in (NEW, THESE)
        for line in table.cells
        if line[j].measured is not None and (i := interval(line[j].measured, target)) is not None
    )
    return printable("; ".join(found)) or "none"
