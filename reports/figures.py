"""The pictures of metrics of the whole set: gaze maps, confusion of emotions, head pose; and the cards of the networks used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.contract.errors import UsageError
from reports.confusion import confusion_section, confusion_style
from reports.gazemap import gaze_section, gaze_style
from reports.posefigure import pose_section, pose_style
from reports.table import Table
from reports.words import number, plural, printable

SECTIONS = (
    ("gaze", "Where the eyes look", "Gaze-JS", gaze_section),
    ("emotion", "Which emotion is seen", "Emo-F1", confusion_section),
    ("pose", "Where the head points", "Pose-W1", pose_section),
)
"""End of the section's id, its title, the metric whose documents it shows, and what draws them."""


def figure_sections(table: Table) -> list[dict[str, Any]]:
    """{name, title, html} of every kind of figure that some row has; UsageError for a document that cannot be drawn."""
    found, opened = [], _opened(table)
    for name, title, metric, draw in SECTIONS:
        documents = [(row.label, row.loaded.figures[metric]) for row in table.rows if metric in row.loaded.figures]
        try:
            html = draw(documents, opened)
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"figures/{metric}.json of {table.heading}: {error}; evaluate again") from error
        if html:
            found.append({"name": name, "title": title, "html": html})
    return found


def _opened(table: Table) -> str:
    """The row that a reader wants to see first: a method, else what is not a copy of the real clips."""
    for wanted in ("method", "request-control", "floor"):
        for row in table.rows:
            if row.role == wanted:
                return row.label
    return table.rows[0].label


def figure_styles() -> str:
    """The rules of all sections, once per page."""
    return "\n".join((gaze_style(), confusion_style(), pose_style()))


def cards(table: Table) -> list[dict[str, str]]:
    """One line for each trained network that judged some row: what it is, on whom it was trained, what it reached."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in table.rows:
        for card in row.loaded.cards.values():
            found.setdefault(str(card.get("sha256")), card)
    return [_card(card) for _, card in sorted(found.items(), key=lambda item: (str(item[1].get("name")), item[0]))]


def _card(card: Mapping[str, Any]) -> dict[str, str]:
    chosen = card.get("chosen_by", {})
    speakers = len(card.get("train_speakers", ()))
    reached = {**card.get("validation", {})}
    return {
        "name": printable(str(card.get("name"))),
        "trained": f"{plural(card.get('train_clips', 0), 'clip')} of {plural(speakers, 'speaker')} "
        f"({printable(str((card.get('parts') or ['?'])[0]))}), seed {card.get('seed')}",
        "chosen": f"{printable(str(chosen.get('metric')).replace('_', ' '))} on "
        f"{plural(len(card.get('validation_speakers', ())), 'speaker')} of validation, step {card.get('best_step')}",
        "reached": printable("; ".join(f"{k.replace('_', ' ')} {number(v, 3)}" for k, v in reached.items() if isinstance(v, float))),
        "recipe": printable(str(card.get("recipe", ""))),
        "sha256": printable(str(card.get("sha256", ""))),
    }  # fmt: skip
