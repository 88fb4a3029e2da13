"""All metrics of one clip from one decode of each side: values, reasons, and what metrics of the whole set collect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.contract.errors import Reason, Unscorable, WeightsError
from bench.contract.metric import CueMetric, FrameMetric, Metric, OwnMetric, PairMetric, Score, SetMetric
from bench.contract.seen import Pair
from bench.data.store import key_of
from bench.features import PASSING, Arrays, kept_arrays
from bench.plan import Plan, kind_of
from bench.progress import torch_on_one_core
from bench.sides import Failed, Side, Sides, blamed

BATCH = 16
"""Pairs of frames given to a frame metric at once; fixed, so that a value does not depend on the machine."""

Value = dict[str, Any]
"""{value or None, reason or None, detail or None, n_frames, and for a metric of one video truth}."""


@dataclass
class Measured:
    """What one clip gave: metric -> Value, and per collection of set metrics its arrays."""

    values: dict[str, Value] = field(default_factory=dict)
    collected: dict[str, Arrays] = field(default_factory=dict)


def measure(plan: Plan, sides: Sides, key: str, known: dict[str, Value], truths: dict[str, Value]) -> Measured:
    """Every metric of the plan on one pair of videos.

    `key` names the pair in caches. `known` (metric identity -> Value) holds what was measured of this pair before and
    is added to; `truths` likewise of the real video by itself. What merely failed is not added: it is tried again.
    """
    out = Measured()
    for metric in plan.metrics:
        if metric.name in plan.missing:
            reason, detail = plan.missing[metric.name]
            out.values[metric.name] = nothing(reason, detail)
        elif (frames := _n_paired(sides)) < plan.min_frames:
            detail = f"{frames} frames; this protocol takes clips of at least {plan.min_frames}"
            out.values[metric.name] = nothing(Reason.TOO_SHORT_FOR_PROTOCOL, detail)
        elif (reason := _not_applicable(plan, metric, sides)) is not None:
            out.values[metric.name] = nothing(reason)
        elif isinstance(metric, SetMetric):
            out.values[metric.name] = _collect(plan, metric, sides, key, out.collected)
        else:
            identity = plan.identity_of(metric)
            value = _once(known, identity, lambda metric=metric: _measured(plan, metric, sides))
            if isinstance(metric, OwnMetric):
                real = _once(truths, identity, lambda metric=metric: _own(plan, metric, sides, sides.reference))
                value = value | {"truth": real["value"]}
            out.values[metric.name] = value
    return out


def nothing(reason: object, detail: str | None = None, n_frames: int = 0) -> Value:
    """No value, and why."""
    return {"value": None, "reason": str(reason), "detail": detail, "n_frames": n_frames}


def _once(known: dict[str, Value], identity: str, measure_it: Callable[[], Value]) -> Value:
    if identity in known:
        return known[identity]
    value = measure_it()
    if value["reason"] not in PASSING:
        known[identity] = value
    return value


def _not_applicable(plan: Plan, metric: Metric, sides: Sides) -> Reason | None:
    """Why a metric has nothing to say of cues that were altered and not rendered."""
    if not sides.generated.in_cue_space:
        return None
    if kind_of(metric) == "frames" or not all(plan.extractors[name].pictureless for name in metric.extractors):
        return Reason.CUE_SPACE_ONLY
    # a cue that was left as it was compares with itself: a zero that would look like a perfect method
    reads = getattr(metric, "reads", ())
    unaltered = (_equal(getattr(sides.reference.cues, n), getattr(sides.generated.cues, n)) for n in reads)
    return Reason.CUE_UNALTERED if reads and all(unaltered) else None


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def _measured(plan: Plan, metric: Metric, sides: Sides) -> Value:
    if isinstance(metric, OwnMetric):
        return _own(plan, metric, sides, sides.generated)
    try:
        sides = sides.through(plan.view.of(metric))
    except Unscorable as reason:
        return nothing(reason.reason, reason.detail)
    if isinstance(metric, FrameMetric):
        return _frames(plan, metric, sides)
    if isinstance(metric, CueMetric):
        return _guarded(metric, lambda: _cue_score(metric, sides), *_valid(sides))
    assert isinstance(metric, PairMetric)
    return _guarded(metric, lambda: metric.pair(_pair(metric, sides)), *_valid(sides))


def _own(plan: Plan, metric: OwnMetric, sides: Sides, side: Side) -> Value:
    try:
        side = sides.one_through(plan.view.of(metric), side)
    except Unscorable as reason:
        return nothing(reason.reason, reason.detail)
    return _guarded(metric, lambda: metric.own(side.seen(metric.extractors)), bool(side.cues.valid.any()))


def _pair(metric: Metric, sides: Sides) -> Pair:
    """What the metric's own extractors saw, and no others: a value cannot depend on which columns were asked for."""
    names = metric.extractors
    return Pair(sides.reference.seen(names, sides.seen_portrait(names)), sides.generated.seen(names))


def _valid(sides: Sides) -> tuple[bool]:
    paired = _n_paired(sides)
    return (bool((sides.reference.cues.valid[:paired] & sides.generated.cues.valid[:paired]).any()),)


def _n_paired(sides: Sides) -> int:
    return min(len(sides.reference.cues), len(sides.generated.cues))


def _cue_score(metric: CueMetric, sides: Sides) -> Score:
    paired = _n_paired(sides)
    reference, generated = sides.reference.cues[:paired], sides.generated.cues[:paired]
    return Score(metric.clip(reference, generated), metric.n_frames(reference, generated))


def _frames(plan: Plan, metric: FrameMetric, sides: Sides) -> Value:
    """Mean over paired frames, in batches of one size."""
    paired = _n_paired(sides)
    real, made = sides.reference.frames[:paired], sides.generated.frames[:paired]

    def score() -> Score:
        loaded = _loaded(plan, metric)
        batches = range(0, paired, BATCH)
        values = np.concatenate([loaded.frames(real[i : i + BATCH], made[i : i + BATCH]) for i in batches])
        return Score(float(np.mean(values)), len(values))

    return _guarded(metric, score, True)


_ready: dict[str, FrameMetric] = {}


def _loaded(plan: Plan, metric: FrameMetric) -> FrameMetric:
    """The process's one object of a frame metric, with its network if it has one."""
    if metric.needs:
        torch_on_one_core(plan.device)
    identity = plan.identity_of(metric)
    if identity not in _ready:
        if metric.needs:
            metric.load({name: plan.weights[name] for name in metric.needs}, plan.device)
        _ready[identity] = metric
    return _ready[identity]


def _guarded(metric: Metric, score: Callable[[], Score], a_face: bool) -> Value:
    """The score as a Value: no number without its reason, and one metric's failure is no other's."""

    def scored() -> Value:
        with blamed(metric.name):
            value, n_frames = score()
        if not np.isfinite(value):
            return nothing(Reason.NOT_FINITE if a_face else Reason.NO_FACE, n_frames=int(n_frames))
        return {"value": float(value), "reason": None, "detail": None, "n_frames": int(n_frames)}

    return _or_why_not(scored)


def _or_why_not(make: Callable[[], Value]) -> Value:
    """What `make` gives, or nothing with the reason that it raised."""
    try:
        return make()
    except Unscorable as reason:
        return nothing(reason.reason, reason.detail)
    except Failed as failure:
        return nothing(failure.unscorable.reason, failure.unscorable.detail)
    except WeightsError as error:
        return nothing(Reason.WEIGHTS_MISSING, str(error))


def _collect(plan: Plan, metric: SetMetric, sides: Sides, key: str, collected: dict[str, Arrays]) -> Value:
    """The arrays of the metric's collection, collected by the first of its metrics."""

    def collect() -> Mapping[str, np.ndarray]:
        pair = _pair(metric, sides.through(plan.view.of(metric)))
        with blamed(metric.name):
            arrays = metric.collect(pair)
            if narrow := [name for name, array in arrays.items() if np.asarray(array).dtype == np.float16]:
                raise TypeError(f"{narrow[0]} is float16; give float32: what is kept is compared exactly")
            return arrays

    def given() -> Value:
        if metric.collection not in collected:
            entry = key_of(pair=key, collection=metric.collection, metric=plan.identity_of(metric))
            collected[metric.collection] = kept_arrays(sides.generated.tools.cache, "collected", entry, collect)
        return {"value": None, "reason": None, "detail": None, "n_frames": _n_paired(sides), "collected": True}

    return _or_why_not(given)
