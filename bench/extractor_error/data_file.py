"""The figures as a TOML file that the metrics can read: data_manifests/puppet/extractor_error.toml."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from bench.data.puppet.version import PUPPET_VERSION
from bench.extractor_error.figures import Figure
from bench.extractor_error.floors import least_difference
from bench.extractor_error.report import Report


def content(report: Report, command: str, date: str) -> dict[str, Any]:
    """What stands in the file: figures as [value, low, high] in the units of the page, [value] alone without an interval.

    A figure without a value has no key. `gaze_bins` holds the recommended edges in degrees, `least_difference` the floors' farther ends.
    """
    from metrics.extractors.face import FaceExtractor

    conditions = {
        name: {
            "found": report.found[name],
            "gaze_used": report.used[name],
            "landmarks": report.landmarks[name],
            "pose": report.pose[name],
            "gaze": report.gaze[name],
            "openness": report.openness[name],
            "lip_gap": report.lip_gap[name],
            "blinks": report.blinks[name],
            "blinks_relative": report.blinks_relative[name],
            "least_bin_width": report.widths[name],
        }
        for name in report.conditions
    }
    return {
        "command": command,
        "date": date,
        "puppet_version": PUPPET_VERSION,
        "extractor_version": FaceExtractor.VERSION,
        **report.counts,
        "gaze_bins": {"condition": report.bin_condition, **report.edges},
        "stills": {
            "found": report.found_stills,
            "pose": report.pose_lines,
            "gaze": report.gaze_lines,
            "gaze_per_head_turn": report.turns,
            "expression_shift": report.expression,
        },
        "floors": report.floors,
        "least_difference": {
            name: {column: round(least_difference(figure), 4) for column, figure in row.items()}
            for name, row in report.floors.items()
        },
        "conditions": conditions,
    }


def toml(document: Mapping[str, Any]) -> str:
    """A document of nested tables, figures, numbers, text and lists of numbers, as TOML."""
    lines = ["# figures are [value, lower, upper end of the 95 % interval]; docs/extractor-errors.md explains them"]
    _table(document, (), lines)
    return "\n".join(lines) + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    plain = {k: v for k, v in table.items() if not isinstance(v, Mapping)}
    if path and plain:
        lines += ["", "[" + ".".join(_key(part) for part in path) + "]"]
    for key, value in plain.items():
        if isinstance(value, Figure) and not isfinite(value.value):
            continue
        lines.append(f"{_key(key)} = {_value(value)}")
    for key, value in table.items():
        if isinstance(value, Mapping):
            _table(value, (*path, key), lines)


def _key(name: str) -> str:
    return name if all(c.isalnum() or c in "_-" for c in name) else f'"{name}"'


def _value(value: Any) -> str:
    if isinstance(value, Figure):
        return _value([bound for bound in (value.value, value.low, value.high) if bound is not None])
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, float):
        text = f"{value:.4g}"
        return text if "." in text or "e" in text else f"{text}.0"
    if isinstance(value, int):
        return str(value)
    return "[" + ", ".join(_value(float(v)) for v in value) + "]"
