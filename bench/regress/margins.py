"""The margin of every metric of the gate: a share of the distance between the re-encoded real clips and the worst control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.compare import Row, load_row, set_metric
from bench.contract.commands import emotalk
from bench.contract.errors import EmotalkError, Reason, UsageError
from bench.contract.metric import SetMetric
from bench.contract.regression import Distance, Margin, Ungated
from bench.contract.result import MetricValue, Result
from bench.regress.column import estimate_of, of_row, shown_of_clips, shown_of_set
from bench.regress.declaration import Declaration
from reports.ruler import badness, clips_of_set

if TYPE_CHECKING:
    from reports.ruler import Ruler


def control_rows(result: Result, declaration: Declaration, results: Path) -> dict[str, Row]:
    """The declared controls in `results` that were measured as `result` was, by name, the newest of each.

    UsageError if one lacks, with the command that makes it.
    """
    from bench.regress.conditions import differences

    wanted = dict.fromkeys([declaration.base, *(c for controls in declaration.controls.values() for c in controls)])
    found: dict[str, tuple[str, Path]] = {}
    for path in sorted(results.glob("[!.]*/result.json")):
        try:
            one = Result.load(path)
        except ValueError:  # of an older version
            continue
        name = one.method.name
        if one.method.kind != "control" or name not in wanted or differences(result, one):
            continue
        if name not in found or found[name][0] < one.created:
            found[name] = (one.created, path.parent)
    if lacking := [name for name in wanted if name not in found]:
        d, p = result.dataset, result.protocol
        make = emotalk("run", d.name, profile=d.profile, split=d.part, methods=",".join(wanted), protocol=p.name)
        raise UsageError(
            f"margins: no result of {', '.join(lacking)} in {results} that was measured as {result.name} was; make them by `{make}`"
        )
    return {name: load_row(folder) for name, (_, folder) in found.items()}


def margins_of(
    controls: Mapping[str, Row], declaration: Declaration, seed: int, ruler: Ruler | str
) -> tuple[list[Margin], list[Ungated]]:
    """The margin of every declared metric of the controls and of every primary one, or why it has none."""
    margins, ungated = [], []
    for cell in controls[declaration.base].result.metrics:
        if not cell.primary and cell.metric not in declaration.controls:
            continue
        found = _margin(controls, cell, declaration, seed)
        if isinstance(found, Margin):
            margins.append(_in_doses(found, cell, ruler))
        else:
            ungated.append(Ungated(metric=cell.metric, reason=found))
    order = list(declaration.controls)
    return sorted(margins, key=lambda m: order.index(m.metric)), ungated


def within_reach(
    result: Result, margins: Sequence[Margin], ungated: Sequence[Ungated]
) -> tuple[list[Margin], list[Ungated]]:
    """The same without the metrics of pixels where `result` is of cues alone: its gate cannot look at them."""
    beyond = {cell.metric for cell in result.metrics if cell.value is None and cell.reason == Reason.CUE_SPACE_ONLY}
    left_out = [Ungated(metric=m.metric, reason=Reason.CUE_SPACE_ONLY) for m in margins if m.metric in beyond]
    return [m for m in margins if m.metric not in beyond], [*ungated, *left_out]


def _margin(controls: Mapping[str, Row], cell: MetricValue, declaration: Declaration, seed: int) -> Margin | str:
    names = declaration.controls.get(cell.metric)
    if names is None:
        return "no control is declared for it in data_manifests/regression.toml"
    base = controls[declaration.base]
    if cell.value is None:
        return cell.reason or f"no value of {declaration.base}"
    try:
        metric = set_metric(base.result, cell.metric) if cell.kind == "set" else None
    except ValueError as error:
        return str(error)
    considered = [_distance(controls[name], base, cell, metric, seed) for name in names]
    known = [one for one in considered if one.distance is not None]
    if not known:
        return f"no control has a value: {'; '.join(f'{one.control}: {one.reason}' for one in considered)}"
    worst = max(known, key=lambda one: one.distance)
    if worst.distance <= 0.0:
        return f"the worst control, {worst.control}, is no worse than {declaration.base}"
    return Margin(
        metric=cell.metric,
        role="guard" if cell.metric in declaration.guards else "primary",
        margin=declaration.share * worst.distance,
        share=declaration.share,
        control=worst.control,
        considered=considered,
    )


def _distance(control: Row, base: Row, cell: MetricValue, metric: SetMetric | None, seed: int) -> Distance:
    name = control.result.method.name
    own = control.result.metric(cell.metric)
    if own is None or own.value is None:
        return Distance(control=name, distance=None, reason=(own and own.reason) or "no value")
    try:
        sides = [of_row(row, one, metric) for row, one in ((control, own), (base, cell))]
        clips = sides[0].clips & sides[1].clips
        if not clips:
            return Distance(
                control=name, distance=None, reason=f"no clip with a value in both it and {base.result.name}"
            )
        (value, truth), (of_base, _) = (
            shown_of_clips(side, clips)
            if metric is None
            else shown_of_set(estimate_of(side, clips, metric, seed), cell.direction, len(clips))
            for side in sides
        )
    except (EmotalkError, ValueError) as error:
        return Distance(control=name, distance=None, reason=str(error))
    distance = badness(cell.direction, value, truth) - badness(cell.direction, of_base, truth)
    return Distance(control=name, distance=distance, value=value, base=of_base, truth=truth, n_clips=len(clips))


def _in_doses(margin: Margin, cell: MetricValue, ruler: Ruler | str) -> Margin:
    if isinstance(ruler, str):
        return margin
    clips = clips_of_set(cell)
    doses = ruler.read(margin.metric, cell.version, margin.margin, clips)
    return margin.model_copy(
        update={"doses": doses, "not_in_doses": ruler.other_size(margin.metric, cell.version, clips)}
    )
