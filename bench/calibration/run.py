"""Measures every declared damage at every dose, and judges each declared column: `calibration.json`."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from baselines.damages.registry import DAMAGES, find_damage
from baselines.registry import MethodSpec, find_method
from bench.calibration.declaration import DamageDeclaration, Declaration, some_clips
from bench.calibration.responses import Rows, base_of, in_cue_space, on_the_same_clips, points
from bench.calibration.verdicts import verdict_of
from bench.contract.calibration import Calibration, DamageCurve, Point, ResponseCell
from bench.contract.errors import NothingDoneError, UsageError
from bench.contract.metric import Metric
from bench.contract.result import ExtractorRecord
from bench.data.store import Selection
from bench.environment import describe
from bench.evaluate import Evaluated, evaluate
from bench.generate import generate
from bench.progress import in_parallel
from bench.protocols import load_protocol
from bench.row_record import dataset_record
from bench.workspace import Workspace
from metrics.extractors.registry import extractor_class
from metrics.options import choose
from metrics.registry import get_metrics

UNDAMAGED = "gt-reencoded"
"""What every damage is compared with: the real video through the codec that every damaged one goes through."""


HEARING = frozenset({"Mouth-sound", "Mouth-sound-lag", "Beat"})
"""Columns that take in the sound themselves; others do through an extractor, and say so there."""


@dataclass
class Calibrated:
    """What one run of calibrate did; `failed` counts items and values that should not have failed."""

    calibration: Calibration
    failed: int = 0


@dataclass(frozen=True)
class Setting:
    """Where and how everything of one calibration is made; `label` is the dataset's name in the work folder."""

    selection: Selection
    space: Workspace
    label: str
    seed: int = 0
    jobs: int = 2
    limit: int | None = None
    device: str = "cpu"
    command: str = ""


@dataclass(frozen=True)
class Made:
    """One generated row and its result, None where it is in cue space; how many of its videos were made, and how many lay there."""

    row: Evaluated | None
    made: int
    reused: int

    @property
    def fresh(self) -> bool:
        """True if all of it was made just now."""
        return self.reused == 0 and (self.row is None or not self.row.reused)


@dataclass(frozen=True)
class Task:
    """One damage at all its doses, on its clips; `base` is the result of the same clips undamaged."""

    damage: DamageDeclaration
    protocol: str
    part: Selection
    base: Evaluated
    setting: Setting


@dataclass(frozen=True)
class Measured:
    """What one task measured: for each dose, column -> (its point, the undamaged value)."""

    damage: str
    doses: Sequence[Mapping[str, tuple[Point, float | None]]]
    failed: int
    seconds: float
    fresh: bool


def calibrate(declaration: Declaration, setting: Setting, say: Callable[[str], None] = lambda text: None) -> Calibrated:
    """Generate and score every declared damage at every dose on its declared columns alone; then the verdicts.

    Resumable at every clip: what is there already is not made again. Raises NothingDoneError if no row has a value,
    UsageError for a damage that no code makes or whose unit or kind is not the declared one.
    """
    started = time.monotonic()
    for damage in declaration.damages:
        refuse_unlike(damage)
    protocol = load_protocol(declaration.protocol)
    whole = _limited(setting.selection, setting.limit)
    parts = [some_clips(whole, damage.clips) for damage in declaration.damages]
    together: dict[tuple[str, ...], set[str]] = defaultdict(set)  # clips -> all columns that are looked at on them
    for damage, part in zip(declaration.damages, parts, strict=True):
        together[_ids(part)] |= {e.metric for e in damage.expects}
    bases: dict[tuple[str, ...], Made] = {}
    for part in parts:
        if (ids := _ids(part)) not in bases:
            name, spec = f"{UNDAMAGED}-{len(ids)}", find_method(UNDAMAGED)
            bases[ids] = _row(setting, part, spec, declaration.protocol, together[ids], name, setting.jobs)
    tasks = [
        Task(damage, declaration.protocol, part, bases[_ids(part)].row, setting)
        for damage, part in zip(declaration.damages, parts, strict=True)
    ]
    tasks.sort(key=lambda task: -len(task.part.document["clips"]))  # the longest first: no worker waits at the end
    failed, measured = sum(base.row.failed for base in bases.values()), {}
    # rows of other clips share the undamaged videos: what lies there may have been made a moment ago
    fresh = sum(base.made for base in bases.values()) == len(set().union(*bases))
    fresh &= not any(base.row.reused for base in bases.values())
    for one in in_parallel(_measure, [(t,) for t in tasks], setting.jobs, len(tasks), "calibrate", unit="damage"):
        measured[one.damage] = one.doses
        failed, fresh = failed + one.failed, fresh and one.fresh
        say(f"{one.damage}: {one.seconds:.1f} s")
    metrics = {m.name: m for m in get_metrics(protocol.metrics, protocol.options)}
    curves = [_curve(damage, measured[damage.name], metrics) for damage in declaration.damages]
    if not any(p.value is not None for curve in curves for cell in curve.cells for p in cell.points):
        raise NothingDoneError("no damaged row has a value in any declared column")
    rows = whole.scored
    return Calibrated(
        Calibration(
            dataset=dataset_record(whole, rows),
            protocol=declaration.protocol,
            protocol_sha256=protocol.sha256,
            declaration_sha256=declaration.sha256,
            environment=describe(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            seed=setting.seed,
            n_clips=len(rows),
            n_speakers=len({row.clip.speaker for row in rows}),
            command=setting.command,
            wall_seconds=round(time.monotonic() - started, 1),
            fresh=fresh,
            failed=failed,
            extractors=_extractors(bases.values()),
            damages=curves,
        ),
        failed,
    )


def _measure(task: Task) -> Measured:
    """One damage in this process: several at a time use the cores better than several clips of one."""
    started, setting, failed, fresh, doses = time.monotonic(), task.setting, 0, True, []
    columns = [e.metric for e in task.damage.expects]
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):  # bars of two processes in one terminal
        for dose in task.damage.doses:
            spec = find_damage(task.damage.name, dose)
            made = _row(setting, task.part, spec, task.protocol, columns, spec.label, jobs=1)
            fresh &= made.fresh
            if made.row is None:
                doses.append(in_cue_space(dose, columns))
                continue
            failed += made.row.failed
            found = points(Rows(dose, made.row.folder, task.base.folder, setting.space.cache, setting.seed))
            if task.damage.kind == "sound" and same_pictures(task.part, spec, setting):
                deaf = set(columns) - hearing(columns, task.protocol)
                found = {n: (_unaltered(p) if n in deaf else p, base) for n, (p, base) in found.items()}
            doses.append(found)
    return Measured(task.damage.name, doses, failed, time.monotonic() - started, fresh)


def same_pictures(part: Selection, spec: MethodSpec, setting: Setting) -> bool:
    """True if every video stream of a row is byte for byte that of the undamaged row."""
    from bench.data.media import stream_sha256

    damaged, base = (setting.space.generated(one.label, setting.label) for one in (spec, find_method(UNDAMAGED)))
    pairs = [(damaged / f"{name}.mp4", base / f"{name}.mp4") for name in _ids(part)]
    pairs = [pair for pair in pairs if pair[0].is_file()]  # a clip without a partner is n/a
    return bool(pairs) and all(stream_sha256(one) == stream_sha256(other) for one, other in pairs)


def hearing(columns: Iterable[str], protocol: str) -> set[str]:
    """Those of the columns that take in the sound."""
    metrics = get_metrics(list(columns), load_protocol(protocol).options)
    return {
        m.name for m in metrics if m.name in HEARING or any("audio" in extractor_class(e).takes for e in m.extractors)
    }


def _unaltered(point: Point) -> Point:
    return point.model_copy(update={"unaltered": point.value is not None})


def _extractors(bases: Iterable[Made]) -> list[ExtractorRecord]:
    """Of the undamaged rows: between them they have every column that is looked at."""
    found = {record.name: record for base in bases for record in base.row.result.extractors}
    return [found[name] for name in sorted(found)]


def _ids(part: Selection) -> tuple[str, ...]:
    return tuple(entry["clip_id"] for entry in part.document["clips"])


def _limited(selection: Selection, limit: int | None) -> Selection:
    selection.limited(limit)  # tells if there is nothing
    if limit is None or limit >= len(selection.document["clips"]):
        return selection
    kept = selection.document["clips"][:limit]
    return Selection(selection.store, {**selection.document, "clips": kept}, selection.path)


def refuse_unlike(damage: DamageDeclaration) -> None:
    """The declaration and the code must mean the same damage."""
    choose("calibration.toml: damages", damage.name, DAMAGES)
    for dose in damage.doses:
        made = find_damage(damage.name, dose).load()
        if (made.unit, made.family) != (damage.unit, damage.kind):
            raise UsageError(
                f"{damage.name}: declared as {damage.kind} in {damage.unit}, made as {made.family} in {made.unit}"
            )


def _row(
    setting: Setting, part: Selection, spec: MethodSpec, protocol: str, columns: Iterable[str], name: str, jobs: int
) -> Made:
    videos = setting.space.generated(spec.label, setting.label)
    made = generate(spec, part, videos, seed=setting.seed, jobs=jobs)
    if "cues" in made.counts:  # without a picture it went through no codec, as the clips it is compared with did
        return Made(None, made.made, made.reused)
    done = evaluate(
        part,
        videos,
        name=spec.name,
        protocol_name=protocol,
        out=setting.space.root / "calibration" / setting.label / name,
        cache=setting.space.cache,
        missing="exclude",  # a static image in place of a failed output would be a damage of its own
        seed=setting.seed,
        jobs=jobs,
        device=setting.device,
        command=setting.command,
        only=columns,
    )
    return Made(done, made.made, made.reused)


def _curve(
    damage: DamageDeclaration,
    measured: Sequence[Mapping[str, tuple[Point, float | None]]],
    metrics: Mapping[str, Metric],
) -> DamageCurve:
    cells = []
    for expected in damage.expects:
        found = [of_dose[expected.metric] for of_dose in measured]
        curve = on_the_same_clips([point for point, _ in found])
        judged = verdict_of(expected.says, expected.effect, curve)
        metric = metrics[expected.metric]
        cells.append(
            ResponseCell(
                metric=metric.name,
                version=metric.version,
                unit=metric.unit,
                direction=metric.direction,
                says=expected.says,
                least=expected.effect if expected.says != "flat" else None,
                margin=expected.effect if expected.says == "flat" else None,
                why=expected.why,
                base=base_of([value for _, value in found]),
                points=curve,
                verdict=judged.verdict,
                reason=judged.reason,
                monotone=judged.monotone,
            )
        )
    return DamageCurve(damage=damage.name, unit=damage.unit, kind=damage.kind, doses=list(damage.doses), cells=cells)
