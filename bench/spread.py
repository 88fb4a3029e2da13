"""How far the same videos move between protocols: range over protocols against range over rows, and whether the order survives."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from bench.compare import Row, load_row
from bench.contract.errors import UsageError
from bench.contract.metric import Direction
from bench.contract.result import MetricValue, Result
from bench.contract.spread import (
    CellAt,
    ColumnAt,
    MetricSpread,
    PairAt,
    ProtocolAt,
    RowAt,
    SpreadRecord,
    SpreadSection,
)
from bench.spread_cells import cell_of, column_of, give_ranks, ranges, same_numbers
from bench.spread_order import badness, resampled_order
from reports.words import join, plural

OF_A_PROTOCOL = ("protocol", "status", "protocol hash")
"""What rows of one section may differ in (reports.groups.conditions)."""
ENOUGH_METHODS = 3


@dataclass(frozen=True)
class Spread:
    """What was built: the record and the files that hold it."""

    record: SpreadRecord
    files: tuple[Path, ...]


@dataclass(frozen=True)
class _Table:
    """Rows of one section: [label][protocol] -> result folder."""

    labels: list[str]
    roles: list[str]
    protocols: list[str]
    rows: dict[tuple[str, str], Row]
    ranked: list[str]


def build_spread(results: Sequence[Path], out: Path, seed: int = 0) -> Spread:
    """Write out/spread.{json,md,csv,html} from results of the same rows under two or more protocols.

    `results` as for a report (files, folders, folders of folders). UsageError where no two results share their rows' clips
    and differ in protocol, or where rows of one protocol may not stand in one table.
    """
    from bench.contract.files import whole_file
    from reports.spread import csv_table, markdown
    from reports.spreadpage import page

    record = spread_record(results, seed)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    record.save(out / "spread.json")
    texts = {"spread.md": markdown(record), "spread.csv": csv_table(record), "spread.html": page(record)}
    for name, text in texts.items():
        with whole_file(out / name) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")
    return Spread(record, tuple(out / name for name in ("spread.json", *texts)))


def spread_record(results: Sequence[Path], seed: int = 0) -> SpreadRecord:
    """The record alone; errors as `build_spread`."""
    from metrics.rank_survival import REPLICATES
    from reports.groups import conditions
    from reports.load import find

    rows = [load_row(path.parent) for path in find(results)]
    same_clips: dict[tuple, list[Row]] = {}
    for row in rows:
        known = conditions(row.result)
        same_clips.setdefault(tuple(v for k, v in known.items() if k not in OF_A_PROTOCOL), []).append(row)
    several = [members for members in same_clips.values() if len({r.result.protocol.name for r in members}) > 1]
    if not several:
        names = sorted({row.result.protocol.name for row in rows})
        raise UsageError(
            f"expected results of the same clips under two or more protocols, got protocol {', '.join(names)} in "
            f"{plural(len(same_clips), 'set')} of clips; evaluate with --protocol A,B first"
        )
    alone = [members for members in same_clips.values() if len({r.result.protocol.name for r in members}) == 1]
    return SpreadRecord(
        seed=seed,
        replicates=REPLICATES,
        sections=[_section(members, seed) for members in several],
        left_out=[_alone(members, [ones[0].result for ones in several]) for members in alone],
    )


def _alone(members: Sequence[Row], shown: Sequence[Result]) -> str:
    """Rows of one set of clips under one protocol only: which, and how they differ from what is shown."""
    from reports.groups import conditions

    first = members[0].result
    place = " · ".join(filter(None, (first.dataset.name, first.dataset.profile, first.dataset.part)))
    own = conditions(first)
    others = [{k: v for k, v in conditions(result).items() if k not in OF_A_PROTOCOL} for result in shown]
    unlike = min(([k for k, v in other.items() if own[k] != v] for other in others), key=len)
    names = join([row.result.name for row in members])
    return (
        f"{place}, protocol {first.protocol.name}, {plural(len(members), 'row')}: {names}: under one protocol only, and not to be "
        f"compared with the rows above (other {join(unlike)})"
    )


def _section(members: list[Row], seed: int) -> SpreadSection:
    table = _lined_up(members)
    names: dict[str, None] = {}
    for row in members:
        names |= {m.metric: None for m in row.result.metrics}
    having = {
        name: [p for p in table.protocols if any(_measured(table, lab, p, name) for lab in table.labels)]
        for name in names
    }
    first = members[0].result
    return SpreadSection(
        dataset=first.dataset.name,
        profile=first.dataset.profile,
        part=first.dataset.part,
        missing=first.protocol.missing,
        n_clips=first.dataset.n_scored,
        n_speakers=first.dataset.n_speakers,
        protocols=[_protocol(table, name) for name in table.protocols],
        rows=[
            RowAt(label=label, role=role, ranked=label in table.ranked)
            for label, role in zip(table.labels, table.roles, strict=True)
        ],
        ranked_are=_ranked_in_words(table),
        metrics=[_metric(table, name, seed) for name, where in having.items() if len(where) > 1],
        alone={p: [n for n, where in having.items() if where == [p]] for p in table.protocols},
    )  # fmt: skip


def _lined_up(members: list[Row]) -> _Table:
    """Rows by label and protocol, in the order of a report's table; UsageError where one protocol's rows make two tables."""
    from reports.groups import group, labels, role
    from reports.load import Loaded

    by_protocol: dict[str, list[Row]] = {}
    for row in members:
        by_protocol.setdefault(row.result.protocol.name, []).append(row)
    rows, order = {}, {}
    for protocol, own in by_protocol.items():
        parts = group([Loaded(row.result, row.folder) for row in own])
        if len(parts) > 1:
            raise UsageError(
                f"rows of protocol {protocol} may not stand in one table: {'; '.join(heading for heading, _ in parts)}; "
                "give the results of one of them"
            )
        ordered = parts[0][1]
        tables = {row.folder: row for row in own}
        for label, loaded in zip(labels(ordered), ordered, strict=True):
            rows[label, protocol] = tables[loaded.folder]
            order.setdefault(label, role(loaded.result))
    _refuse_other_models(rows)
    scale = {"ceiling": 0, "floor": 1}
    everyone = sorted(order, key=lambda label: scale.get(order[label], 2))
    methods = [label for label in everyone if order[label] == "method"]
    ranked = methods if len(methods) >= ENOUGH_METHODS else [n for n in everyone if order[n] in ("method", "floor")]
    ours = [name for name, own in by_protocol.items() if own[0].result.protocol.status == "ours"]
    protocols = [*ours, *(name for name in by_protocol if name not in ours)]
    return _Table(everyone, [order[n] for n in everyone], protocols, rows, ranked)


def _refuse_other_models(rows: dict[tuple[str, str], Row]) -> None:
    """UsageError where a row is another model under one protocol than under another: it would not be the same videos."""
    seen: dict[str, tuple[str, tuple]] = {}
    for (label, protocol), row in rows.items():
        m = row.result.method
        made = (m.version, m.checkpoint_sha256, m.seed, m.altered)
        first, known = seen.setdefault(label, (protocol, made))
        if made != known:
            raise UsageError(
                f"row {label} is not the same under {first} and under {protocol}: version, checkpoint, seed and alteration are "
                f"{known} and {made}; give results of the same videos"
            )


def _ranked_in_words(table: _Table) -> str:
    n = sum(role == "method" for role in table.roles)
    if n >= ENOUGH_METHODS:
        return f"the {n} methods"
    have = "no method" if n == 0 else "one method" if n == 1 else f"{n} methods"
    return f"methods and floors together ({len(table.ranked)} rows), as there {'are' if n > 1 else 'is'} {have}"


def _protocol(table: _Table, name: str) -> ProtocolAt:
    record = next(row.result.protocol for (_, protocol), row in table.rows.items() if protocol == name)
    title = tomllib.loads(record.text).get("title") if record.text else None
    return ProtocolAt(name=name, title=title, status=record.status, unknown=record.unknown, sha256=record.sha256)


def _measured(table: _Table, label: str, protocol: str, metric: str) -> MetricValue | None:
    row = table.rows.get((label, protocol))
    return row.result.metric(metric) if row else None


def _metric(table: _Table, name: str, seed: int) -> MetricSpread:
    measured = [[_measured(table, label, p, name) for p in table.protocols] for label in table.labels]
    columns = [column_of(p, [line[j] for line in measured]) for j, p in enumerate(table.protocols)]
    cells = [
        [cell_of(m, (label, p) in table.rows) for m, p in zip(line, table.protocols, strict=True)]
        for label, line in zip(table.labels, measured, strict=True)
    ]
    one = next(m for row in table.rows.values() if (m := row.result.metric(name)))
    ranked = [cells[table.labels.index(label)] for label in table.ranked]
    give_ranks(ranked, columns)
    over_protocols, over_rows, reason = ranges(ranked, columns)
    return MetricSpread(
        metric=name,
        family=one.family,
        primary=one.primary,
        kind=one.kind,
        columns=columns,
        cells=cells,
        same_numbers=same_numbers(ranked),
        over_protocols=over_protocols,
        over_rows=over_rows,
        ratio=over_protocols / over_rows if reason is None else None,
        ratio_reason=reason,
        pairs=[
            _pair(table, name, columns, cells, i, j, seed)
            for i, j in combinations(range(len(columns)), 2)
            if columns[i] and columns[j]
        ],
    )


def _pair(
    table: _Table, name: str, columns: list[ColumnAt | None], cells: list[list[CellAt]], i: int, j: int, seed: int
) -> PairAt:
    from metrics.rank_survival import agreement

    lines = {label: cells[table.labels.index(label)] for label in table.ranked}
    both = [label for label, line in lines.items() if line[i].shown is not None and line[j].shown is not None]
    directions = (columns[i].direction, columns[j].direction)
    sides = [
        np.array([badness(lines[label][k].shown, direction) for label in both], np.float64)
        for k, direction in zip((i, j), directions, strict=True)
    ]
    found = agreement(*sides)
    winners = tuple([both[k] for k in np.flatnonzero(side == side.min())] if both else [] for side in sides)
    return PairAt(
        first=table.protocols[i],
        second=table.protocols[j],
        rows=found.rows,
        tau=found.tau,
        p=found.p,
        least_p=found.least_p,
        winners=winners,
        **_again(table, name, both, (table.protocols[i], table.protocols[j]), directions, seed),
    )


def _again(
    table: _Table,
    name: str,
    both: list[str],
    protocols: tuple[str, str],
    directions: tuple[Direction, Direction],
    seed: int,
) -> dict:
    """What resampled clips say of the two orders, or why they say nothing."""
    if len(both) < 2:
        return {"reason": "fewer than two ranked rows have a value under both"}
    if _measured(table, both[0], protocols[0], name).kind == "set":
        return {"reason": "a metric of the whole set, whose clips cannot be resampled"}
    sides = tuple([table.rows[label, protocol].clips.of_metric(name) for label in both] for protocol in protocols)
    return resampled_order(sides, name, directions, seed)
