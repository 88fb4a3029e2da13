"""docs/judges.md: the cards of the judges, and what they reach on speakers that they have never met."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

TITLES = {"frames": "Frame judge", "geometry": "Geometry judge"}
EXPERTS = {"frames": "judge", "geometry": "judge-geometry"}


def page(document: Mapping[str, Any]) -> str:
    """The page of what `bench.judge_card.measure` found."""
    parts = [_head(document), _reached(document), _by_emotion(document), _probes(document)]
    parts += [_confusion(document, judge) for judge in TITLES]
    return "\n\n".join([*parts, _cards(document)]) + "\n"


def _head(d: Mapping[str, Any]) -> str:
    now = datetime.datetime.now(datetime.UTC)
    agreement = d["agreement"]
    chance = 1 / len(d["judges"]["frames"]["as it is"]["classes"])
    who = "whom no judge has met" if d["part"] == "test" else "who chose the checkpoints"
    return f"""# The judges of emotion

Written by `{d["command"]} --write docs/judges.md`
on {now:%Y-%m-%d}, {platform.system()} {platform.machine()} with {os.cpu_count()} cores, Python {platform.python_version()};
{d["dataset"]}, version {d["data_version"]}. Not edited by hand. What the judges are: [metrics-emotion.md](metrics-emotion.md).

{d["n_clips"]} real clips of the {d["part"]} part, {d["speakers"]} speakers {who}. Figures are means over three seeds;
intervals are 95 %, Student t over speakers. Accuracy on real clips is the ceiling of Emo-acc. Chance is {_percent(chance)} %.

The two judges give the same answer to {_percent(agreement["same_answer"])} % of the clips (seed k with seed k); Cohen's kappa is
{agreement["kappa"]:.2f}."""


def _reached(d: Mapping[str, Any]) -> str:
    head = ("judge", "accuracy, %", "by seed", "macro-F1, %", "level 1", "level 2", "level 3", "neutral")
    rows = []
    for judge, title in TITLES.items():
        f = d["judges"][judge]["as it is"]
        low, high = f["accuracy_interval"]
        interval = f" ({_percent(low)}-{_percent(high)})" if low is not None else ""
        rows.append(
            (
                title,
                _percent(f["accuracy"]) + interval,
                ", ".join(map(_percent, f["accuracy_by_seed"])),
                _percent(f["macro_f1"]),
                *(_percent(f["accuracy_by_level"][level]) for level in ("1", "2", "3")),
                _percent(f["accuracy_by_emotion"].get("neutral")),
            )
        )
    return "## What they reach\n\nLevels without neutral, which has one level.\n\n" + _table(head, rows)


def _by_emotion(d: Mapping[str, Any]) -> str:
    emotions = d["judges"]["frames"]["as it is"]["emotions"]
    rows = [
        (title, *(_percent(d["judges"][judge]["as it is"]["accuracy_by_emotion"].get(e)) for e in emotions))
        for judge, title in TITLES.items()
    ]
    return "## Accuracy by emotion, %\n\n" + _table(("judge", *emotions), rows)


def _probes(d: Mapping[str, Any]) -> str:
    rows = []
    for judge, title in TITLES.items():
        for probe, f in d["judges"][judge].items():
            levels = [_percent(f["accuracy_by_level"][level]) for level in ("1", "2", "3")]
            rows.append((title, probe, str(f["n_clips"]), _percent(f["accuracy"]), _percent(f["macro_f1"]), *levels))
    head = ("judge", "what it is shown", "clips", "accuracy, %", "macro-F1, %", "level 1", "level 2", "level 3")
    words = (
        "Pictures of real clips with something taken out; with --rerender also frozen-pose and frozen-gaze, rendered again "
        "from the truth."
    )
    return f"## Probes\n\n{words}\n\n" + _table(head, rows)


def _confusion(d: Mapping[str, Any], judge: str) -> str:
    f = d["judges"][judge]["as it is"]
    rows = [
        (f"**{name}**", *("" if share < 0.5 else f"{share:.0f}" for share in row))
        for name, row in zip(f["emotions"], f["confusion"], strict=True)
    ]
    words = "Rows are the emotion shown, columns what the judge said, % of the row."
    return f"## {TITLES[judge]}: what is taken for what\n\n{words}\n\n" + _table(("", *f["classes"]), rows)


def _cards(d: Mapping[str, Any]) -> str:
    rows = []
    for name, card in d["cards"].items():
        measured = card.get("measured", {})
        levels = measured.get("accuracy_by_level", {})
        rows.append(
            (
                name,
                str(measured.get("weights", "")),
                str(card.get("best_step", card.get("steps", ""))),
                _percent(measured.get("accuracy")),
                _percent(measured.get("macro_f1")),
                *(_percent(levels.get(level)) for level in ("1", "2", "3")),
                str(card.get("sha256", ""))[:12],
            )
        )
    head = ("file", "weights", "step", "accuracy, %", "macro-F1, %", "level 1", "level 2", "level 3", "SHA-256")
    recipes = "\n".join(
        f"    {recipe}" for recipe in dict.fromkeys(c["recipe"] for c in d["cards"].values() if "recipe" in c)
    )
    probes = "\n\n".join(_card_probes(d, judge) for judge in TITLES)
    return (
        "## Their cards\n\nMeasured on validation speakers, who chose the checkpoint, so a little flattering. Trained by\n\n"
        f"{recipes}\n\n" + _table(head, rows) + "\n\nAccuracy of the cards with something taken out, %:\n\n" + probes
    )


def _card_probes(d: Mapping[str, Any], judge: str) -> str:
    cards = {name: c["measured"] for name, c in d["cards"].items() if name.rpartition("-")[0] == EXPERTS[judge]}
    probes = list(dict.fromkeys(probe for measured in cards.values() for probe in measured.get("probes", {})))
    rows = [(name, *(_percent(m["probes"].get(p)) for p in probes)) for name, m in cards.items()]
    return _table(("file", *probes), rows)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
