"""Pretrained weights: which are here and right, and what stays empty without the others."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from bench.doctor.findings import Finding

GROUP = "Weights"
ESSENTIAL = "face_landmarker"


def examine() -> list[Finding]:
    """One finding per weight file of the registry; what is here is hashed. Only the face landmarker is a must."""
    from bench import weights

    users = _users()
    rows = []
    for line in weights.status():
        wanted = weights.entry(line.name)
        fetch = f"emotalk weights fetch {line.name}" + ("" if wanted.archive else " --official")
        state = line.state if line.state == "missing" else weights.verify(line.name).state
        used_by = users.get(line.name, [])
        without = f"without it empty: {', '.join(used_by)}" if used_by else "no column of this version uses it"
        if line.name == ESSENTIAL:
            without = f"without it prepare and evaluate do nothing ({', '.join(used_by)})"
        data = {"name": line.name, "state": state, "path": line.path, "used_by": used_by, "bytes": line.bytes}
        if state == "wrong":
            # a wrong file is refused at every use, so it is worse than none
            rows.append(Finding(GROUP, line.name, "LACK", weights.verify(line.name).detail, fetch, data))
        elif state == "missing":
            must = line.name == ESSENTIAL or bool(used_by)
            size = f", {line.bytes / 1e6:.0f} MB" if line.bytes else ""
            found = f"missing ({line.purpose}{size}); {without}"
            lack = "LACK" if line.name == ESSENTIAL else "note"
            rows.append(Finding(GROUP, line.name, lack, found, fetch if must else "", data))
        else:
            rows.append(Finding(GROUP, line.name, "ok", f"{state}: {line.purpose}", data=data))
    unused = [row for row in rows if row.state == "note" and not row.data["used_by"]]
    kept = [row for row in rows if row not in unused]
    if unused:
        found = f"{', '.join(row.what for row in unused)}: not here, and no column of this version uses them"
        kept.append(Finding(GROUP, "others", "ok", found, data={"weights": [dict(row.data) for row in unused]}))
    return kept


def _users() -> dict[str, list[str]]:
    """Weight file -> the columns and extractors that declare it in `needs`."""
    from metrics.extractors.registry import extractor_class
    from metrics.registry import METRICS

    users: dict[str, list[str]] = {}
    for name, metric in METRICS.items():
        needs = {*metric.needs, *((ESSENTIAL,) if hasattr(metric, "reads") else ())}  # it reads cues
        for extractor in metric.extractors:
            needs |= {weight for weight in extractor_class(extractor).needs if weight != ESSENTIAL}
        for weight in sorted(needs):
            users.setdefault(weight, []).append(name)
    columns = {weight: list(names) for weight, names in users.items()}
    for owner in _extractors():
        for weight in owner.needs:
            if weight != ESSENTIAL and weight not in columns:  # of a protocol that is not the default
                users.setdefault(weight, []).append(owner.name)
    return users


def _extractors() -> Iterator[type]:
    """Every class of metrics.extractors that declares weights."""
    import metrics.extractors as package

    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        for value in vars(loaded).values():
            if isinstance(value, type) and value.__module__ == loaded.__name__ and getattr(value, "needs", None):
                yield value
