"""Evaluation protocols: named definitions kept as data, so that a number always says under which rules it was made."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from bench.contract.errors import UsageError
from bench.contract.metric import Family, Metric
from bench.view import ALIGNMENTS, RULES, SIZES, SOUNDS, View
from metrics.options import choose
from metrics.registry import METRICS, get_metrics

DEFAULT = "emotalk"
FRAMINGS = ("canonical", "source", "own")
DIFFERENCES = range(1001)
STATUS = re.compile(r"ours|unverified|verified-on\(.+\)")


@dataclass(frozen=True)
class Protocol:
    """One protocol file, every key of it.

    `status`: "ours", or for a published protocol "unverified" or "verified-on(...)"; `unknown` lists what its paper
    does not say; `framing` is the default of folders whose framing is not declared; `view` holds crop, pairing rule and
    origin of the sound, for the metrics concerned (`View.of`); `max_length_difference` in frames; clips of fewer
    than `min_frames` on either side have no value; `options` maps every "<group>.<option>" that the named metrics read to
    its value; `sha256` is of the file's bytes, `text` what they say.
    """

    name: str
    title: str
    status: str
    unknown: tuple[str, ...]
    framing: str
    view: View
    max_length_difference: int
    min_frames: int
    metrics: tuple[str, ...]
    options: Mapping[str, str]
    sha256: str
    text: str

    def metrics_built(self) -> list[Metric]:
        """Its metrics with their options, each with what its group sees in its definition where that is not the canonical clip."""
        return [seen_in(metric, self.view.of(metric)) for metric in get_metrics(self.metrics, self.options)]

    def only(self, names: Collection[str]) -> Protocol:
        """The same rules for some of its columns, in the protocol's order; UsageError for a column it does not have."""
        for name in names:
            choose(f"protocol {self.name}: column", name, self.metrics)
        return replace(self, metrics=tuple(name for name in self.metrics if name in names))


def seen_in(metric: Metric, view: View) -> Metric:
    """The metric, saying in its definition through which view it looks: numbers of two views are two columns."""
    if view.words:
        metric = copy(metric)
        metric.definition = f"{metric.definition}; {view.words}"
    return metric


def protocol_names() -> list[str]:
    """The names of all protocols that come with the project, sorted."""
    folder = files("data_manifests") / "protocols"
    return sorted(entry.name[: -len(".toml")] for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_protocol(name: str = DEFAULT) -> Protocol:
    """The protocol `name`; UsageError with the nearest name for an unknown one, or if its file is not sound."""
    choose("protocol", name, protocol_names())
    content = (files("data_manifests") / "protocols" / f"{name}.toml").read_bytes()
    protocol = parse_protocol(content, f"protocol {name}")
    if protocol.name != name:
        raise UsageError(f"protocol {name}: the file calls itself {protocol.name!r}; name and file name must agree")
    return protocol


def load_protocols(names: str) -> list[Protocol]:
    """The protocols of a list with commas, each once, in its order; UsageError for an empty list or an unknown name."""
    wanted = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not wanted:
        raise UsageError("--protocol is empty: expected one or more names, separated by commas")
    return [load_protocol(name) for name in wanted]


def parse_protocol(content: bytes, source: str) -> Protocol:
    """Read a protocol file; `source` names it in errors.

    UsageError for broken TOML, a missing key, a key nobody reads, a wrong type, and a value the harness cannot honour.
    """
    try:
        root = _Table(tomllib.loads(content.decode("utf-8")), source, "")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{source}: not a TOML document: {error}") from None
    pairing, length, metrics = (root.table(key) for key in ("pairing", "length", "metrics"))
    names = metrics.strings("names")
    options, families = _metric_options(names, metrics)
    protocol = Protocol(
        name=root.take("name", str),
        title=root.take("title", str),
        status=root.take("status", str),
        unknown=root.strings("unknown"),
        framing=choose(f"{source}: framing", root.take("framing", str), FRAMINGS),
        view=_view(root, pairing, families),
        max_length_difference=pairing.take("max_length_difference", int),
        min_frames=length.take("min_frames", int),
        metrics=names,
        options=options,
        sha256=hashlib.sha256(content).hexdigest(),
        text=content.decode("utf-8"),
    )
    for table in (root, pairing, length, metrics):
        table.finish()
    if not STATUS.fullmatch(protocol.status):
        raise UsageError(f"{source}: status: expected ours, unverified or verified-on(...), got {protocol.status!r}")
    if protocol.max_length_difference not in DIFFERENCES:
        raise UsageError(f"{source}: pairing.max_length_difference: expected 0 to {DIFFERENCES[-1]} frames")
    if protocol.min_frames < 0:
        raise UsageError(f"{source}: length.min_frames: expected frames >= 0")
    return protocol


def _view(root: _Table, pairing: _Table, families: Collection[Family]) -> View:
    """Crop, pairing and sound; a table is there if, and only if, a named metric belongs to the family that it speaks of."""
    source = root.source
    view = View(rule=choose(f"{source}: pairing.rule", pairing.take("rule", str), RULES))
    if Family.IMAGE in families:
        crop = root.table("crop")
        alignment = choose(f"{source}: crop.alignment", crop.take("alignment", str), ALIGNMENTS)
        if (size := crop.take("size", int)) not in SIZES:
            raise UsageError(f"{source}: crop.size: expected {SIZES[0]} to {SIZES[-1]} px, got {size}")
        crop.finish()
        view = replace(view, alignment=alignment, size=size)
    if Family.SYNC in families:
        audio = root.table("audio")
        view = replace(view, sound=choose(f"{source}: audio.origin", audio.take("origin", str), SOUNDS))
        audio.finish()
    return view


def _metric_options(names: tuple[str, ...], metrics: _Table) -> tuple[dict[str, str], set[Family]]:
    """Exactly the options that the named metrics read, each spelled out, so that the file is the whole definition.

    Also the families that these metrics belong to.
    """
    for name in names:
        choose(f"{metrics.source}: metrics.names", name, METRICS)
    if len(set(names)) != len(names) or not names:
        raise UsageError(f"{metrics.source}: metrics.names: expected each metric once, at least one, got {list(names)}")
    options: dict[str, str] = {}
    groups: dict[str, _Table] = {}
    for key in sorted({key for name in names for key in METRICS[name].protocol_keys}):
        group, option = key.split(".", 1)
        if group not in groups:
            groups[group] = metrics.table(group)
        options[key] = groups[group].take(option, str)
    for group in groups.values():
        group.finish()
    try:
        built = get_metrics(names, options)
    except UsageError as error:
        raise UsageError(f"{metrics.source}: {error}") from None
    return options, {metric.family for metric in built}


class _Table:
    """A TOML table that knows which of its keys were read."""

    def __init__(self, values: dict[str, Any], source: str, path: str):
        self.values, self.source, self.path = values, source, path
        self.read: set[str] = set()

    def take(self, key: str, kind: type) -> Any:
        """The value of `key`, of exactly type `kind`; UsageError if it is missing or of another type."""
        self.read.add(key)
        if key not in self.values:
            raise UsageError(f"{self.source}: {self.path}{key} is missing; expected a {kind.__name__}")
        value = self.values[key]
        if type(value) is not kind:  # a bool is an int to isinstance
            raise UsageError(f"{self.source}: {self.path}{key}: expected a {kind.__name__}, got {value!r}")
        return value

    def table(self, key: str) -> _Table:
        return _Table(self.take(key, dict), self.source, f"{self.path}{key}.")

    def strings(self, key: str) -> tuple[str, ...]:
        values = self.take(key, list)
        if not all(isinstance(value, str) for value in values):
            raise UsageError(f"{self.source}: {self.path}{key}: expected a list of strings, got {values!r}")
        return tuple(values)

    def finish(self) -> None:
        """UsageError if a key of this table was not read by anyone."""
        for key in self.values:
            if key not in self.read:
                choose(f"{self.source}: key {self.path}{key} is read by nobody", key, sorted(self.read))
