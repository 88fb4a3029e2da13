"""The configuration of a training: a frozen dataclass, filled from a TOML file and KEY=VALUE settings, types checked."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bench.contract.errors import UsageError

AT_LEAST = {
    "steps": 1,
    "batch_size": 1,
    "validate_every": 1,
    "warmup_steps": 0,
    "learning_rate": 0.0,
    "weight_decay": 0.0,
}
"""The fields of every Config, and the least value that makes sense."""


def make_config(kind: type, file: Path | None = None, settings: Iterable[str] = ()) -> Any:
    """A `kind` with its defaults, then what `file` (TOML, flat) says, then each "key=value" of `settings`.

    UsageError for an unknown key (with the nearest one), a value of another type or below its least, or an unreadable file.
    """
    hints, values = get_type_hints(kind), {}
    for key, value in (_read(file) if file else {}).items():
        key = _known(key, kind, str(file))
        values[key] = typed(value, hints[key], f"{file}: {key}")
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting}: expected KEY=VALUE, for example --set steps=2000")
        key = _known(key, kind, "--set")
        values[key] = _parsed(text, hints[key], f"--set {key}")
    for key, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"{key} = {value}: expected a finite number")
    config = kind(**values)
    for key, least in AT_LEAST.items():
        if not hasattr(config, key):
            raise UsageError(f"{kind.__name__} has no field {key!r}: every Config has {', '.join(AT_LEAST)}")
        if not getattr(config, key) >= least:
            raise UsageError(f"{key} = {getattr(config, key)}: expected at least {least}")
    return config


def as_document(config: Any) -> dict[str, Any]:
    """The configuration as JSON has it: tuples as lists."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(config).items()}


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"--config {file}: cannot be read as TOML: {error}") from error


def _known(key: str, kind: type, where: str) -> str:
    names = [field.name for field in fields(kind)]
    if key in names:
        return key
    close = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise UsageError(f"{where}: unknown key {key!r}; {hint}there are: {', '.join(names)}")


def _parsed(text: str, kind: Any, where: str) -> Any:
    """A value typed on the command line; a list is separated by commas."""
    origin = get_origin(kind)
    if origin in (Union, UnionType) and NoneType in get_args(kind):
        inner = next(k for k in get_args(kind) if k is not NoneType)
        return None if text.lower() in ("none", "") else _parsed(text, inner, where)
    if origin is tuple:
        parts = [part for part in text.strip("()[]").split(",") if part.strip()]
        return tuple(_parsed(part.strip(), get_args(kind)[0], where) for part in parts)
    if kind is bool and text.lower() in ("true", "false", "1", "0", "yes", "no"):
        return text.lower() in ("true", "1", "yes")
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError as error:
            raise UsageError(f"{where} = {text!r}: expected {_name(kind)}") from error
    return typed(text, kind, where)


def typed(value: Any, kind: Any, where: str) -> Any:
    """`value` as `kind`, without any conversion but int -> float and list -> tuple; UsageError, led by `where`, if it is none."""
    origin = get_origin(kind)
    if origin is Literal and value in get_args(kind):
        return value
    if origin in (Union, UnionType):
        inner = [k for k in get_args(kind) if k is not NoneType]
        return None if value is None and len(inner) < len(get_args(kind)) else typed(value, inner[0], where)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(typed(one, get_args(kind)[0], where) for one in value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise UsageError(f"{where} = {value!r}: expected {_name(kind)}")


def _name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(repr, get_args(kind)))
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    return words.get(kind, str(kind))
