"""Freezes a calibration: `python -m bench.calibration.freeze RESULT` -> reports/reference/ and docs/calibration.md.

RESULT is a folder that `emotalk calibrate` wrote. Only a whole one is taken: every declared damage, no limit.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.atomic import whole_file
from bench.calibration.declaration import Declaration, load_declaration
from bench.calibration.table import markdown_deviations, summary, took
from bench.checksums import write_sums
from bench.contract.calibration import Calibration
from bench.contract.clip import Part
from bench.contract.commands import emotalk
from bench.contract.errors import UsageError
from bench.data.datasets import get_dataset
from bench.protocols import load_protocol
from bench.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
OF_ONE_MACHINE = ("--work", "--root", "--out", "--jobs", "--wandb")
"""Flags with a value that say where and how something ran, not what."""


def freeze(result: Path, tree: Path = ROOT) -> list[Path]:
    """Write the record, its hash and the page's block of it into a source tree; returns what was written.

    UsageError if the record is of another declaration or protocol, of a part of it, of other clips than the test part of
    the dataset's own manifest, of another seed than 0, or if something in it failed.
    """
    record = Calibration.load(result / "calibration.json")
    declared = load_declaration()
    _refuse_another_measurement(result, record, declared)
    lacking = [d.name for d in declared.damages if d.name not in {curve.damage for curve in record.damages}]
    if lacking or "--limit" in record.command:
        raise UsageError(f"{result}: only a whole calibration is frozen; run it without --damages and --limit")
    if record.failed:
        raise UsageError(f"{result}: {record.failed} clips or values failed that should not have; calibrate again")
    record = record.model_copy(update={"command": _anywhere(record.command)})
    label = Workspace.label(record.dataset.name, record.dataset.profile)
    folder = tree / "reports" / "reference"
    folder.mkdir(exist_ok=True)
    frozen, page = folder / f"calibration-{label}.json", tree / "docs" / "calibration.md"
    record.save(frozen)
    sums = write_sums(folder)
    text = with_block(page.read_text(encoding="utf-8"), label, block(record))
    with whole_file(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return [frozen, sums, page]


def _refuse_another_measurement(result: Path, record: Calibration, declared: Declaration) -> None:
    """What is frozen, every user's ruler is: it was measured as the files that lie here say, on the clips that all share."""
    d = record.dataset
    again = f"run `{emotalk('calibrate', d.name, profile=d.profile)}` again"
    if record.declaration_sha256 != declared.sha256:
        raise UsageError(f"{result}: measured under another declaration; {again}")
    protocol = load_protocol(declared.protocol)
    if (record.protocol, record.protocol_sha256) != (protocol.name, protocol.sha256):
        raise UsageError(
            f"{result}: measured under the protocol {record.protocol} of SHA-256 {record.protocol_sha256[:12]}, expected "
            f"{protocol.name} as it is now, {protocol.sha256[:12]}; {again}"
        )
    own = d.profile or get_dataset(d.name).default_manifest
    if (d.part, d.manifest) != (Part.TEST, own):
        raise UsageError(
            f"{result}: measured on the part {d.part} of the manifest {d.manifest}, expected the part test of {own}: "
            "run it without --split and --manifest"
        )
    if record.seed != 0:
        raise UsageError(f"{result}: measured with seed {record.seed}, expected 0: run it without --seed")


def block(record: Calibration) -> str:
    """What the page says of a calibration: counts, and every cell that did not come out as declared."""
    machine = record.environment.machine
    where = (
        f"{machine.cores} cores, {'no GPU' if machine.accelerator is None else machine.accelerator}" if machine else ""
    )
    head = f"`{record.command}`, {record.created[:10]}, {where}; {took(record)}."
    return "\n".join([head, "", *summary(record), "", *markdown_deviations(record)])


def with_block(page: str, label: str, text: str) -> str:
    """`page` with what stands between the marks of `label` replaced; UsageError if it has no such marks."""
    begin, end = f"<!-- {label}: begin -->", f"<!-- {label}: end -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise UsageError(f"the page: expected the lines {begin} and {end}")
    return f"{before}{begin}\n{text}\n{end}{after}"


def _anywhere(command: str) -> str:
    """The command without flags that name folders, processes or accounts of one machine."""
    words, kept = command.split(" "), []
    while words:
        word = words.pop(0)
        if word in OF_ONE_MACHINE:
            words = words[1:]
        elif word.partition("=")[0] not in OF_ONE_MACHINE:
            kept.append(word)
    return " ".join(kept)


def main() -> None:
    """Entry point."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        for path in freeze(Path(sys.argv[1])):
            print(path)
    except UsageError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
