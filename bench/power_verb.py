"""`emotalk power`: finds the rows of a part, estimates, writes power.json and power.md, prints the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import cli
from bench.cli import Outcome
from bench.contract.commands import emotalk
from bench.contract.errors import ExitCode, NothingDoneError, UsageError

if TYPE_CHECKING:
    from bench.compare import Row
    from bench.workspace import Workspace


def power_verb(flags: cli.Power, space: Workspace, command: str) -> Outcome:
    """NothingDoneError, with the command that makes them, where the part has fewer than two rendered rows; UsageError for
    an unknown protocol, a list of them, and flags that choose clips, as the rows have theirs."""
    from bench.atomic import own_folder, whole_folder
    from bench.data.datasets import is_embedded
    from bench.power import LEAST_ROWS, comparable, power_of_rows
    from bench.protocols import load_protocol
    from reports.power import markdown, terminal
    from reports.ruler import find_ruler

    if any(n < 1 for n in flags.speakers) or (flags.comparisons is not None and flags.comparisons < 1):
        raise UsageError("--speakers and --comparisons: expected numbers of at least 1")
    if flags.manifest is not None or flags.limit is not None:
        raise UsageError(
            "--manifest, --limit: power takes the rows that are there, on the clips that they were evaluated on; "
            "evaluate with these flags in a work folder of its own (--work), then ask for power there without them"
        )
    if "," in flags.protocol:
        raise UsageError(f"--protocol {flags.protocol}: expected one protocol; ask for each by itself")
    load_protocol(flags.protocol)
    profile = flags.profile if is_embedded(flags.dataset) else None
    out = flags.out or space.root / "power" / f"{space.label(flags.dataset, profile)}--{flags.split}--{flags.protocol}"
    out = own_folder(out, ("power.json", "power.md"), "answer")
    rows, left_out = comparable(_rows(flags, profile, space))
    if len(rows) < LEAST_ROWS:
        raise NothingDoneError(
            f"{space.label(flags.dataset, profile)}/{flags.split}, protocol {flags.protocol}: {len(rows)} rendered rows in "
            f"{space.root / 'results'}, {LEAST_ROWS} are needed; the controls are made by `{_making_rows(flags, profile)}`"
        )
    record = power_of_rows(
        rows,
        left_out,
        speakers=flags.speakers,
        comparisons=flags.comparisons,
        seed=flags.seed,
        jobs=flags.jobs,
        ruler=find_ruler(rows[0].result, [space.root / "results" / "calibration"]),
    )
    with whole_folder(out) as folder:
        record.save(folder / "power.json")
        (folder / "power.md").write_text(markdown(record), encoding="utf-8")
    known = any(m.smallest and m.smallest[0].middle is not None for m in record.metrics)
    code = ExitCode.DONE if known else ExitCode.COULD_NOT_TELL
    document = {"folder": str(out), **record.model_dump(mode="json"), "exit_code": int(code)}
    return Outcome(code, document, f"{terminal(record)}\n{out / 'power.md'}")


def _making_rows(flags: cli.Power, profile: str | None) -> str:
    """The command that makes the controls of this part under this protocol."""
    from bench.protocols import DEFAULT

    protocol = flags.protocol if flags.protocol != DEFAULT else None
    about = {"profile": profile, "split": flags.split, "protocol": protocol}
    return emotalk("run", flags.dataset, **about, methods="controls", work=flags.work)


def _rows(flags: cli.Power, profile: str | None, space: Workspace) -> list[Row]:
    """Every whole result of this dataset, part and protocol."""
    from bench.compare import load_row
    from bench.part_results import results_of_part

    found = results_of_part(space.root / "results", flags.dataset, profile, flags.split, flags.protocol)
    return [load_row(folder) for folder in found]
