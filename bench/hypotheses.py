"""`emotalk hypotheses`: claims written before measuring, each tested on the rows that it names, as `emotalk compare` tests them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from bench.compare import NEW, THESE, Row, compare_metric, load_row
from bench.contract.commands import emotalk
from bench.contract.comparison import ALPHA, Target
from bench.contract.errors import UsageError
from bench.contract.hypotheses import HypothesesRecord, RowMissing, RowUsed, Tested, Verdict
from bench.contract.result import Result
from bench.part_results import results_of_part

if TYPE_CHECKING:
    from reports.hypotheses import Hypotheses, Hypothesis

SAID: Mapping[str, Verdict] = {
    "better": "supported",
    "worse": "refuted",
    "no difference shown": "not shown",
    "no interval": "not tested",
}
"""What a comparison shows of row `better` -> what becomes of the hypothesis."""


def refuse_unknown(document: Hypotheses) -> None:
    """UsageError, with the nearest name, for a dataset, profile, part, protocol or metric that there is not."""
    from bench.data.datasets import is_embedded
    from bench.flags.inherited import Dataset, Part, Profile
    from bench.protocols import load_protocol
    from metrics.options import choose
    from metrics.registry import METRICS

    choose("dataset", document.dataset, get_args(Dataset))
    choose("part", document.part, get_args(Part))
    load_protocol(document.protocol)
    if is_embedded(document.dataset):
        choose("profile", document.profile, get_args(Profile))
    elif document.profile is not None:
        raise UsageError(f"profile {document.profile}: {document.dataset} has none; leave it out")
    for h in document.hypothesis:
        choose(f"{h.id}: metric", h.metric, METRICS)


def judge(document: Hypotheses, sha256: str, file: str, results: Path, seed: int = 0) -> HypothesesRecord:
    """Every hypothesis with its verdict, or what is missing for one, from the result folders in `results`.

    UsageError for a result that cannot be read. Nothing is computed anew: the differences are those of `compare_metric`.
    """
    from metrics.power import POWER
    from reports.ruler import find_ruler

    found = results_of_part(results, document.dataset, document.profile, document.part, document.protocol)
    wanted = dict.fromkeys(name for h in document.hypothesis for name in (h.better, h.than))
    rows: dict[str, Row] = {}
    missing: dict[str, RowMissing] = {}
    for name in wanted:
        chosen = _chosen(name, found, document)
        if isinstance(chosen, RowMissing):
            missing[name] = chosen
        else:
            rows[name] = load_row(chosen)
    ruler = find_ruler(next(iter(rows.values())).result, [results / "calibration"]) if rows else None
    tested = [_compared(h, rows, missing, seed, ruler) for h in document.hypothesis]
    _adjust(tested)
    return HypothesesRecord(
        file=file,
        file_sha256=sha256,
        dataset=document.dataset,
        profile=document.profile,
        part=document.part,
        protocol=document.protocol,
        seed=seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        alpha=ALPHA,
        power=POWER,
        ruler=ruler if ruler is None or isinstance(ruler, str) else ruler.made_of,
        rows=[_used(name, row) for name, row in rows.items()],
        missing=list(missing.values()),
        hypotheses=[_with_verdict(one, tested) for one in tested],
    )


def _chosen(name: str, found: Mapping[Path, Result], document: Hypotheses) -> Path | RowMissing:
    """The folder of the row called `name`: the one of most clips, as the method comes (no checkpoint given, seeds 0)."""
    called = {folder: result for folder, result in found.items() if result.name == name}
    if not called:
        command, own = _making(name, document)
        reason = "not evaluated yet" if own else "no method of this name comes with the suite"
        return RowMissing(name=name, reason=reason, command=command)
    most = max(result.dataset.n_scored for result in called.values())
    whole = [folder for folder, result in called.items() if result.dataset.n_scored == most]
    plain = [folder for folder in whole if _is_plain(called[folder])]
    alike = plain or whole
    if len(alike) > 1:
        listed = ", ".join(folder.name for folder in alike)
        return RowMissing(name=name, reason=f"several results are called so: {listed}; keep one", command=None)
    return alike[0]


def _is_plain(result: Result) -> bool:
    as_it_comes = result.method.checkpoint_sha256 is None and result.method.seed == result.seed == 0
    return as_it_comes and result.protocol.missing == "static"


def _making(name: str, document: Hypotheses) -> tuple[str, bool]:
    """The command that makes a row, and whether the suite knows its method."""
    from baselines.registry import find_method
    from bench.protocols import DEFAULT

    about = {
        "profile": document.profile,
        "split": document.part if document.part != "test" else None,
        "protocol": document.protocol if document.protocol != DEFAULT else None,
    }
    try:
        find_method(name)
    except UsageError:
        return emotalk("evaluate", document.dataset, **about, videos="FOLDER", name=name), False
    return emotalk("run", document.dataset, **about, methods=name), True


def _compared(
    h: Hypothesis, rows: Mapping[str, Row], missing: Mapping[str, RowMissing], seed: int, ruler: object
) -> Tested:
    tested = Tested(**h.model_dump(), verdict="not tested", these="not tested")
    lacking = [name for name in (h.better, h.than) if name in missing]
    if lacking:
        reason = "; ".join(f"{name}: {missing[name].reason}" for name in lacking)
        return tested.model_copy(update={"missing": lacking, "reason": reason})
    try:
        line = compare_metric(rows[h.better], rows[h.than], h.metric, seed, ruler)
    except UsageError as error:
        return tested.model_copy(update={"reason": str(error)})
    interval = line.targets[NEW].interval if NEW in line.targets else None
    return tested.model_copy(update={"comparison": line, "reason": line.reason or (interval and interval.reason)})


def _adjust(tested: Sequence[Tested]) -> None:
    """Holm over the hypotheses of one metric, for each target; one that is not tested counts as p = 1.

    So the correction is that of all that was claimed, and no verdict becomes weaker when further rows come.
    """
    from metrics.statistics import holm

    for metric in dict.fromkeys(one.metric for one in tested):
        for name in (NEW, THESE):
            cells = [_target(one, name) for one in tested if one.metric == metric]
            adjusted = holm([1.0 if cell is None or cell.p is None else cell.p for cell in cells])
            for cell, p in zip(cells, adjusted, strict=True):
                if cell is not None and cell.p is not None:
                    cell.p_holm = p


def _target(one: Tested, name: str) -> Target | None:
    return one.comparison.targets.get(name) if one.comparison else None


def _with_verdict(one: Tested, everyone: Sequence[Tested]) -> Tested:
    """The verdicts, and what 80 % power could have shown."""
    from metrics.power import sd_behind, smallest_difference

    new, these = _target(one, NEW), _target(one, THESE)
    update: dict = {name: SAID[cell.shown] for name, cell in (("verdict", new), ("these", these)) if cell is not None}
    if new is not None and new.interval.low is not None and new.interval.high is not None:
        speakers = one.comparison.n_speakers
        sd = sd_behind(new.interval.low, new.interval.high, speakers)
        claims = sum(other.metric == one.metric for other in everyone)
        update["detectable"] = smallest_difference(sd, speakers)
        update["detectable_holm"] = smallest_difference(sd, speakers, claims)
    return one.model_copy(update=update)


def _used(name: str, row: Row) -> RowUsed:
    method = row.result.method
    return RowUsed(
        name=name,
        folder=row.folder.name,
        version=method.version,
        checkpoint_sha256=method.checkpoint_sha256,
        weights=method.weights,
        method_seed=method.seed,
        created=row.result.created,
    )
