"""What the gate said of damaged checkpoints, and how often it cries at the intact one, as the section of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bench.contract.regression import Reference, RegressionRecord
from bench.regress.conditions import of_cues
from bench.regress.rates import Rates
from metrics.noninferiority import ALPHA


@dataclass(frozen=True)
class Check:
    """One checkpoint: the intact one has no dose, and no columns `declared` that must see it.

    `told`: columns outside the gate that see it too; `problem`: why there is no verdict.
    """

    name: str
    dose: float | None
    declared: tuple[str, ...]
    told: tuple[str, ...]
    record: RegressionRecord | None
    problem: str | None = None

    @property
    def worse(self) -> tuple[str, ...]:
        """The columns of the gate that raised the alarm."""
        return () if self.record is None else tuple(ln.metric for ln in self.record.lines if ln.verdict == "worse")

    @property
    def caught(self) -> bool:
        """Whether one of them is a column that must see it."""
        return bool(set(self.worse) & set(self.declared))

    @property
    def largest(self) -> float | None:
        """The largest difference to the reference, in margins, of any column of the gate."""
        return None if self.record is None else max(abs(ln.difference) / ln.margin.margin for ln in self.record.lines)


def markdown(reference: Reference, sha256: str, found: Sequence[Check], alarms: Rates, draws: int) -> str:
    """The whole section; `sha256` of the intact checkpoint."""
    return "\n".join([_head(reference, sha256), "", *_table(found), "", *_sentences(found), "", _drawn(alarms, draws)])


def _head(reference: Reference, sha256: str) -> str:
    from bench.environment import machine

    d, here = reference.dataset, machine()
    made = "cues alone" if of_cues(reference.ungated) else "videos"
    return (
        f"Reference `{reference.name}` ({reference.row}, {made}), {', '.join(filter(None, (d.name, d.profile, d.part)))}: "
        f"{d.n_scored} clips of {d.n_speakers} speakers; checkpoint {sha256[:12]}; "
        f"{date.today().isoformat()}, {here.cores} cores, {here.accelerator or 'no GPU'}."
    )


def _table(found: Sequence[Check]) -> list[str]:
    lines = [
        "| checkpoint | dose | must be seen by | worse in | caught | of the columns outside the gate |",
        "|" + " --- |" * 6,
    ]
    for one in found:
        dose = "—" if one.dose is None else f"{one.dose:g}"
        if one.record is None:
            lines.append(f"| {one.name} | {dose} | {_listed(one.declared)} | no verdict | no | — |")
            continue
        told = [f"{m.metric} {m.verdict}" for m in one.record.moved if m.metric in one.told]
        caught = "—" if one.dose is None else "yes" if one.caught else "**no**"
        lines.append(
            f"| {one.name} | {dose} | {_listed(one.declared)} | {_listed(one.worse)} | {caught} | {_listed(told)} |"
        )
    return lines


def _sentences(found: Sequence[Check]) -> list[str]:
    """Which are caught, and what of the intact one is not as it must be."""
    damaged = [one for one in found if one.dose is not None]
    said = [
        f"{sum(one.caught for one in damaged)} of {len(damaged)} damaged checkpoints are caught by a column that must see them."
    ]
    for one in found:
        if one.record is None:
            said.append(f"{one.name}: {one.problem}.")
        elif one.dose is None and one.largest:
            said.append(f"{one.name} differs from its own frozen row by up to {one.largest:.3g} margins.")
        elif one.dose is None:
            said.append(f"{one.name} differs from its own frozen row by exactly 0 in every column of the gate.")
    return [" ".join(said)]


def _drawn(alarms: Rates, draws: int) -> str:
    """The intact checkpoint against itself with clips drawn anew on both sides, against the stated rate."""
    from scipy.stats import binomtest

    number = round(alarms.regressed * draws)
    low, high = binomtest(number, draws).proportion_ci(0.95)
    by = {metric: shares.get("worse", 0.0) for metric, shares in alarms.verdicts.items()}
    named = ", ".join(f"{metric} {round(share * draws)}" for metric, share in by.items() if share)
    beyond = (
        f"more than the stated {100 * ALPHA:g} %"
        if low > ALPHA
        else f"no more than the stated {100 * ALPHA:g} % is shown"
    )
    return (
        f"The intact checkpoint against itself, its clips drawn anew on both sides: an alarm in {number} of {draws} draws"
        f"{f' ({named})' if named else ''}, {100 * alarms.regressed:.1f} % [{100 * low:.1f}, {100 * high:.1f}]: {beyond}."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "—"
