"""What `emotalk methods`, `metrics`, `datasets` and `weights` print: everything of a kind, by name."""

from __future__ import annotations

from typing import Any

from bench import cli
from bench.cli import Outcome
from bench.contract.errors import ExitCode, UsageError


def methods() -> Outcome:
    from baselines.damages.registry import DAMAGES, find_damage
    from baselines.registry import GROUPS, METHODS, find_method

    rows = []
    for name in METHODS:
        method = find_method(name).load()
        about = (type(method).__doc__ or "").strip().splitlines()[0]
        rows.append({"name": name, "kind": getattr(method, "kind", "plug-in"), "version": method.version,
                     "consumes": sorted(i.value for i in method.consumes), "about": about})  # fmt: skip
    text = "\n".join(f"{r['name']:26} {r['kind']:18} given: {', '.join(r['consumes'])}\n    {r['about']}" for r in rows)
    text += "".join(f"\n{group:26} group              {', '.join(names)}" for group, names in GROUPS.items())
    damaged = [find_damage(name, 0).load() for name in DAMAGES]
    text += "".join(f"\n{d.name + '~DOSE':26} damage             {d.unit}, {d.least:g} to {d.most:g}" for d in damaged)
    text += "\npath/file.py:Class   plug-in  your own (docs/add-a-method.md)"
    text += "; NAME@other-audio, NAME@other-emotion, NAME@first-frame: one input altered"
    ranges = [{"name": d.name, "unit": d.unit, "least": d.least, "most": d.most} for d in damaged]
    groups = {k: list(v) for k, v in GROUPS.items()}
    return Outcome(document={"methods": rows, "groups": groups, "damages": ranges}, text=text)


def metrics() -> Outcome:
    from bench.plan import kind_of
    from bench.protocols import load_protocol
    from metrics.registry import get_metrics

    protocol = load_protocol()
    rows = [
        {"name": m.name, "kind": kind_of(m), "family": m.family.value, "direction": m.direction.value, "unit": m.unit,
         "primary": m.primary, "version": m.version, "definition": m.definition}
        for m in get_metrics(protocol.metrics, protocol.options)
    ]  # fmt: skip
    wide = {key: max(len(str(row[key])) for row in rows) for key in ("name", "kind", "direction", "unit")}
    text = "\n".join(
        " ".join(f"{r[key]:{width}}" for key, width in wide.items()) + f" {'primary ' * r['primary']}{r['definition']}"
        for r in rows
    )
    return Outcome(document={"protocol": protocol.name, "metrics": rows}, text=text)


def datasets() -> Outcome:
    from bench.data.datasets import all_datasets

    rows: list[dict[str, Any]] = []
    for dataset in all_datasets().values():
        rows.append({"name": dataset.name, "manifests": dataset.manifests, "default": dataset.default_manifest,
                     "media_policy": dataset.media_policy, "licence": dataset.licence, "layout": dataset.layout})  # fmt: skip
    text = "\n".join(
        f"{r['name']:14} manifests: {', '.join(r['manifests'])} (default {r['default']}); media: {r['media_policy']}\n"
        f"    {r['layout'].removeprefix('Expected ')}\n    {r['licence']}"
        for r in rows
    )
    return Outcome(document={"datasets": rows}, text=text)


def weights(flags: cli.Weights) -> Outcome:
    from bench import weights as files

    names = list(flags.names) or None
    if flags.action == "fetch":
        if names is None:
            raise UsageError(f"weights fetch: expected one or more names; known: {', '.join(files.registry())}")
        lines = files.fetch_all(names, official=flags.official)
    else:
        lines = files.status(names) if flags.action == "list" else files.verify_all(names)
    bad = [line for line in lines if line.state in ("wrong", *(["missing"] if flags.action == "fetch" else []))]
    code = ExitCode.DONE if not bad else ExitCode.SOME_FAILED if len(bad) < len(lines) else ExitCode.NOTHING_DONE
    text = "\n".join(f"{w.name:22} {w.state:13} {w.purpose}" + (f"\n    {w.detail}" if w.detail else "") for w in lines)
    rows = [{name: getattr(line, name) for name in line.__dataclass_fields__} for line in lines]
    return Outcome(
        code,
        {"weights": rows, "exit_code": int(code)},
        text or "no weight file is here yet: emotalk weights fetch NAME",
    )
