"""What a row and a frozen reference must share, and what is said where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.contract.errors import EmotalkError, ExitCode, Reason, UsageError
from bench.contract.regression import Ungated
from bench.contract.result import DatasetRecord, ExtractorRecord, MetricValue, ProtocolRecord


class Measured(Protocol):
    """A result, a frozen reference, or what an evaluation is about to do."""

    dataset: DatasetRecord
    protocol: ProtocolRecord
    extractors: Sequence[ExtractorRecord]


@dataclass(frozen=True)
class About:
    """What an evaluation is about to measure, and how."""

    dataset: DatasetRecord
    protocol: ProtocolRecord
    extractors: Sequence[ExtractorRecord]


class MissingValues(EmotalkError):
    """The row lacks clips that the reference has: nothing is said of the rest, which would flatter it."""

    exit_code = ExitCode.SOME_FAILED


def differences(reference: Measured, row: Measured) -> list[str]:
    """Each condition in which the row was measured otherwise than the reference, in words; empty if none."""
    a, b = reference.dataset, row.dataset
    pairs = [
        ("dataset", a.name, b.name),
        ("profile", a.profile, b.profile),
        ("part", a.part, b.part),
        ("version of the embedded dataset", a.data_version, b.data_version),
        ("manifest", a.manifest, b.manifest),
        ("protocol", reference.protocol.name, row.protocol.name),
    ]
    found = [f"{name}: {x or 'none'} in the reference, {y or 'none'} here" for name, x, y in pairs if x != y]
    hashes = [
        ("manifest", a.manifest_sha256, b.manifest_sha256),
        ("protocol", reference.protocol.sha256, row.protocol.sha256),
        ("clips with their reference images", a.store_sha256, b.store_sha256),
    ]
    found += [f"hash of the {name}: {x[:12]} in the reference, {y[:12]} here" for name, x, y in hashes if x != y]
    if a.n_scored != b.n_scored:
        found.append(f"number of clips: {a.n_scored} in the reference, {b.n_scored} here")
    return found + _networks(reference.extractors, row.extractors)


def _networks(reference: Sequence[ExtractorRecord], row: Sequence[ExtractorRecord]) -> list[str]:
    """One that only the row has is no difference: it reads columns that the reference lacks."""
    own, found = {e.name: e for e in row}, []
    for one in reference:
        other = own.get(one.name)
        if other is None:
            found.append(f"network {one.name}: not used here")
        elif other.version != one.version:
            found.append(f"network {one.name}: version {one.version} in the reference, {other.version} here")
        elif other.weights != one.weights:
            names = sorted(
                n for n in one.weights.keys() | other.weights.keys() if one.weights.get(n) != other.weights.get(n)
            )
            found.append(f"network {one.name}: other weights of {', '.join(names)}")
    return found


def of_cues(cells: Sequence[MetricValue | Ungated]) -> bool:
    """Whether the row with these cells, or the reference without these metrics, is of cues alone: nothing was rendered."""
    return any(cell.reason == Reason.CUE_SPACE_ONLY for cell in cells)


def refuse_other_space(name: str, reference_of_cues: bool, row_of_cues: bool, what: str) -> None:
    """UsageError if one of them is of cues alone and the other of videos: cues that a method says are not those read from pictures."""
    if reference_of_cues != row_of_cues:
        made = {True: "of cues alone", False: "of videos"}
        raise UsageError(
            f"{what} cannot be held against the reference {name}: it is {made[row_of_cues]}, the reference {made[reference_of_cues]}; "
            f"{'give the method with' if reference_of_cues else 'give the method without'} @cues, or another reference"
        )


def refuse_unlike(name: str, reference: Measured, row: Measured, what: str) -> None:
    """UsageError if `what` (the row) cannot be held against the reference `name`, with all that differs and what to do."""
    if found := differences(reference, row):
        d = reference.dataset
        flags = [f"--dataset {d.name}", f"--profile {d.profile}" if d.profile else None, f"--split {d.part}"]
        raise UsageError(
            f"{what} cannot be held against the reference {name}: {'; '.join(found)}. It needs {' '.join(filter(None, flags))}; "
            "where data, protocol or networks changed on purpose, freeze the reference again (emotalk regress --freeze)"
        )
