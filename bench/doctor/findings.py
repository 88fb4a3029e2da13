"""What the doctor has to say: findings in groups, as lines of at most 80 columns, and the exit code they add up to."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bench.contract.errors import ExitCode

State = Literal["ok", "LACK", "note", "unsure"]
COLUMNS = 80
_NAME = 22
_INDENT = " " * 7


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `state`: ok | LACK (must be mended) | note (worth knowing) | unsure (could not be told).

    `found` says what is there, `do` the command or act that mends it, `data` the same for programs.
    """

    group: str
    what: str
    state: State
    found: str
    do: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The finding as it stands in the --json document; `ok` is False for LACK and unsure."""
        return {**asdict(self), "ok": self.state in ("ok", "note")}


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """4 if something lacks, 5 if nothing lacks but something could not be told, else 0."""
    states = {finding.state for finding in findings}
    if "LACK" in states:
        return ExitCode.SOME_FAILED
    return ExitCode.COULD_NOT_TELL if "unsure" in states else ExitCode.DONE


def in_words(findings: Iterable[Finding], folded: Collection[str] = ()) -> str:
    """The findings as text, group by group, at most 80 columns wide but for words and commands that are longer.

    Of the `folded` groups what is ok is counted in one line.
    """
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.group, []).append(finding)
    blocks = []
    for group, rows in groups.items():
        lines = [group]
        hidden = [row.what for row in rows if row.state == "ok"] if group in folded else []
        if hidden:
            lines += _line(Finding(group, f"{len(hidden)} looked at", "ok", ", ".join(hidden)))
        for row in rows:
            if row.what not in hidden:
                lines += _line(row)
        blocks.append("\n".join(lines))
    return "\n\n".join([*blocks, _summary(groups)])


def _line(row: Finding) -> list[str]:
    head = f"  {row.state:<4} {row.what:<{_NAME}} " if row.state != "unsure" else f"  ?    {row.what:<{_NAME}} "
    hanging = " " * (7 + _NAME + 1)
    body = row.found.split("\n")
    if len(row.what) > _NAME:  # a long name gets a line of its own
        lines = [head.rstrip(), *_wrapped(body[0], hanging, hanging)]
    else:
        lines = _wrapped(body[0], head, hanging)
    for more in body[1:]:
        lines += _wrapped(more, hanging, hanging + "  ")
    if row.do:
        lines += _wrapped(row.do, _INDENT + "-> ", _INDENT + "   ")
    return lines


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    lines = textwrap.wrap(
        text, COLUMNS, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return lines or [first.rstrip()]


def _summary(groups: Mapping[str, list[Finding]]) -> str:
    rows = [row for group in groups.values() for row in group]
    lack, unsure = (sum(row.state == state for row in rows) for state in ("LACK", "unsure"))
    if not lack and not unsure:
        return "nothing lacks"
    parts = [f"{lack} lacking" if lack else "", f"{unsure} that could not be told" if unsure else ""]
    return " and ".join(part for part in parts if part) + ", see the lines with -> above"
