"""What did not come through: rejected inputs, how the clips of each row ended, and the clips with a remark."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from reports.table import Table
from reports.words import STATUS, printable, reason_in_words

LONGEST_LIST = 300
PATH_PARTS = 6
CLIPS_NAMED = 12


def came_through(table: Table) -> list[dict]:
    """Per row: how many clips ended how."""
    lines = []
    for row in table.rows:
        items = [
            f"{i.count} {STATUS.get(i.status, i.status)}" + (f" ({reason_in_words(i.reason)})" if i.reason else "")
            for i in row.loaded.result.items
        ]
        notes = [printable(note) for note in row.loaded.result.notes]
        lines.append({"label": row.label, "outcome": printable("; ".join(items) or "not recorded"), "notes": notes})
    return lines


def rejected(table: Table) -> dict:
    """Rejected inputs of all results of the table, each once: counts by reason and the list."""
    lists = [row.loaded.rejected for row in table.rows if row.loaded.rejected is not None]
    each = list(dict.fromkeys(r for one in lists for r in one))
    counts = Counter(r.reason for r in each)
    declared = max(r.dataset.n_rejected for r in table.results)
    return {
        "declared": declared,
        "listed": bool(lists),
        "total": len(each),
        "counts": [(printable(reason_in_words(reason)), printable(reason), n) for reason, n in counts.most_common()],
        "known": sum(r.known for r in each),
        "list": [
            {
                "clip_id": printable(r.clip_id),
                "path": _short_path(r.path),
                "words": printable(reason_in_words(r.reason, r.detail)),
                "known": r.known,
            }
            for r in each[:LONGEST_LIST]
        ],
        "more": max(0, len(each) - LONGEST_LIST),
    }


def _short_path(path: str) -> str:
    """The last parts of a path: where it lies in the dataset, not whose disk it is on."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    shown = "/".join(part.strip("/") for part in parts[-PATH_PARTS:])
    return printable(f"…/{shown}" if len(parts) > PATH_PARTS or path.startswith("/") else shown)


def problems(table: Table) -> dict:
    """Clips with a remark, those of one row with the same outcome and reason on one line."""
    lines: dict[tuple[str, str, str], list[str]] = {}
    for row in table.rows:
        for p in row.loaded.result.problems:
            key = (row.label, STATUS.get(p.status, p.status), reason_in_words(p.reason, p.detail))
            lines.setdefault(key, []).append(p.clip_id)
    grouped = [
        {
            "label": label,
            "status": printable(status),
            "words": printable(words),
            "n": len(clips),
            "clips": printable(", ".join(clips[:CLIPS_NAMED])),
            "more": max(0, len(clips) - CLIPS_NAMED),
        }
        for (label, status, words), clips in lines.items()
    ]
    total = sum(map(len, lines.values()))
    return {"list": grouped[:LONGEST_LIST], "total": total, "more": max(0, len(grouped) - LONGEST_LIST)}
