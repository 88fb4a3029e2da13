"""The notes under a table: clips, protocol, flags, what the intervals mean, how to read it, when and with which code."""

from __future__ import annotations

import re

from bench.contract.metric import Direction
from bench.contract.result import Result
from reports.pretraining import pretraining_notes
from reports.table import Table
from reports.words import FLAG, FRAMING, NEW, TARGET, THESE, join, plural, printable

FACE_MISSING = re.compile(r"face-missing-in-(\d+)-frames")


def general_notes(table: Table) -> list[str]:
    """What must be known to read the table: clips, protocol, flags, intervals, directions, when and with which code."""
    results = table.results
    d, p = results[0].dataset, results[0].protocol
    profile = f", profile {d.profile}" if d.profile else ""
    version = f", data version {d.data_version}" if d.data_version else ""
    rejected = max(r.dataset.n_rejected for r in results)
    out = [
        f"Dataset {d.name}{profile}, part {d.part}: {plural(d.n_scored, 'clip')} of {plural(d.n_speakers, 'speaker')} "
        f"scored, {plural(rejected, 'input')} rejected{version}. Manifest {d.manifest}, SHA-256 {d.manifest_sha256[:16]}; "
        f"clips {d.store_sha256[:16]}.",
        f"Protocol {p.name}, status {p.status}, SHA-256 {p.sha256[:16]}; missing outputs: {p.missing}"
        + (f"; not known of the published protocol, or done otherwise: {'; '.join(p.unknown)}." if p.unknown else "."),
    ]
    out += _framings(table)
    if any("MediaPipe-68" in column.definition for column in table.columns):
        out.append("Landmark columns are made with the MediaPipe-68 points and compare with no published LMD.")
    for words, owners in flags(table).items():
        out.append(words + ("." if len(owners) == len(table.rows) else f" ({join(owners)})."))
    out += pretraining_notes(table)
    out += [f"{row.label}: {note}." for row in table.rows for note in row.loaded.result.notes]
    out += _interval_notes(table)
    out.append(_how_to_read(table))
    dates = sorted({r.created[:10] for r in results})
    commits = sorted({commit(r) for r in results})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    out.append(f"Evaluated {when} with code {join(commits)}.")
    return [printable(note) for note in out]


def _framings(table: Table) -> list[str]:
    """How the rows' videos were brought into the crop: one sentence if all alike, else one per kind."""
    owners: dict[str, list[str]] = {}
    for row in table.rows:
        owners.setdefault(row.loaded.result.protocol.framing, []).append(row.label)
    return [
        f"Framing {framing}: {FRAMING.get(framing, framing)}" + ("." if len(owners) == 1 else f" ({join(labels)}).")
        for framing, labels in owners.items()
    ]


def _interval_notes(table: Table) -> list[str]:
    if not any(cell.value is not None for line in table.cells for cell in line):
        return []
    missing = [
        f"No interval for {name} in this table: {printable(table.no_interval[target])}."
        for name, target in (("NEW speakers", NEW), ("THESE speakers", THESE))
        if target in table.no_interval
    ]
    there = []
    if NEW not in table.no_interval:
        there.append(f"± or [low, high] is the interval for {TARGET[NEW]}.")
    if THESE not in table.no_interval:
        there.append(f"A report's table.csv and report.html also give the interval for {TARGET[THESE]}.")
    return there + missing


def flags(table: Table) -> dict[str, list[str]]:
    """What a flag says in words -> labels of the rows that carry it; counts of frames are brought to the largest."""
    owners: dict[str, list[str]] = {}
    for row in table.rows:
        carried = row.loaded.result.dataset.flags
        missing = [int(found[1]) for flag in carried if (found := FACE_MISSING.fullmatch(flag))]
        words = [FLAG.get(flag, f"Flag {flag}") for flag in carried if not FACE_MISSING.fullmatch(flag)]
        if missing:
            words.append(
                f"Flag face-missing: some real clips have frames without a face, at most {max(missing)} in one clip"
            )
        for text in words:
            owners.setdefault(text, []).append(row.label)
    return owners


def _how_to_read(table: Table) -> str:
    used = {c.direction for c in table.columns}
    words = {
        Direction.HIGHER: "↑ higher is better",
        Direction.LOWER: "↓ lower is better",
        Direction.ZERO: "→0 zero is best",
        Direction.MATCH: "→gt signed difference to the ground truth, the value in brackets",
    }
    text = ", ".join(words[d] for d in Direction if d in used)
    if any(cell.best for line in table.cells for cell in line):
        text += (
            "; best method marked (controls, and rows that were given the true video or its cues, left out), "
            "nothing counts as better than the ground truth"
        )
    return f"{text}. n/a: does not exist by definition; —: no value." if text else "No metric was evaluated."


def commit(result: Result) -> str:
    """Short commit with its state: "1a2b3c4d5e6f, with uncommitted changes"."""
    e = result.environment
    if e.git_commit is None:
        return f"emotalk-bench {e.emotalk}, commit unknown"
    return e.git_commit[:12] + (" with uncommitted changes" if e.git_dirty else "")
