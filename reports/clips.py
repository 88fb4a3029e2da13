"""Clips in the page: the real ones to begin with, then all rows of one clip side by side with their cue traces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from bench.contract.clip_table import ClipFacts
from reports.media import Film, MediaFolder, clip_ids, is_truth, may_show
from reports.table import Row, Table
from reports.tracepicture import Traces, traces
from reports.words import STATUS, is_not_applicable, number, printable, reason_in_words

REAL = "real clip"
FIRST = 6
"""Clips shown at once where no result names its showcase."""
POSTER, SMALL_POSTER = 256, 160


@dataclass(frozen=True)
class Card:
    """One film of a clip with its scores, or the sentence that says why there is none."""

    label: str
    role: str
    truth: bool
    film: Film | None
    why: str
    note: str
    scores: list[tuple[str, str, str, bool]]
    """(metric, value, unit, whether it stands under the film) of every metric with values of single clips."""


@dataclass(frozen=True)
class Clip:
    """One clip: id on the page, who and what, a card per row, its traces; `first` ones stand open."""

    clip_id: str
    anchor: str
    about: str
    first: bool
    cards: list[Card]
    traces: Traces | None

    @property
    def scores(self) -> list[tuple[str, list[str]]]:
        """(metric with its unit, a text per card that has scores): what does not all stand under the films."""
        cards = [card for card in self.cards if card.scores]
        if all(first for card in cards for *_, first in card.scores):
            return []
        return [
            (f"{name} ({unit})" if unit else name, [card.scores[k][1] for card in cards])
            for k, (name, _, unit, _) in enumerate(cards[0].scores)
        ]

    @property
    def columns(self) -> int:
        """Cards in a line on a wide screen: lines of about equal length, four to six."""
        lines = max(1, math.ceil(len(self.cards) / 6))
        return max(4, math.ceil(len(self.cards) / lines))

    @property
    def real(self) -> Card | None:
        """The card of the real video."""
        return next((card for card in self.cards if card.truth and card.film), None)


def anchor(n: int, clip_id: str) -> str:
    """Id of a clip's element on the page; `n` is the table's number."""
    return f"t{n}-clip-{clip_id}"


def clips_of(n: int, table: Table, policy: str, media: MediaFolder) -> tuple[list[Clip], list[str]]:
    """Every clip of which something may be shown, the showcase first; and the labels of rows that keep no film."""
    showing = [row for row in table.rows if may_show(row, policy) and row.loaded.samples]
    without = [row.label for row in table.rows if row not in showing] if showing else []
    showcase = next((r.showcase for r in table.results if r.showcase), [])
    with_films = clip_ids(table, policy)
    with_traces = {c for row in table.rows for c in row.loaded.traces}
    ids = sorted({*with_films, *with_traces})
    first = [c for c in showcase if c in ids] or ids[:FIRST]
    made = []
    for clip_id in [*first, *(c for c in ids if c not in first)]:
        size = POSTER if clip_id in first else SMALL_POSTER
        cards = _cards(n, table, showing, policy, clip_id, media, size) if clip_id in with_films else []
        name = anchor(n, clip_id)
        made.append(
            Clip(
                clip_id=clip_id,
                anchor=name,
                about=about(facts_of(table, clip_id)),
                first=clip_id in first,
                cards=cards,
                traces=_traces(table, clip_id, name),
            )
        )
    return made, without


def facts_of(table: Table, clip_id: str) -> ClipFacts | None:
    """Speaker, emotion and level of a clip, from the first row that lists it."""
    listed = (row.loaded.clips for row in table.rows if row.loaded.clips is not None)
    return next((facts for clips in listed if (facts := clips.facts(clip_id))), None)


def about(facts: ClipFacts | None) -> str:
    """ "speaker M101, angry, level 3"."""
    if facts is None:
        return ""
    parts = [f"speaker {facts.speaker}", facts.emotion, f"level {facts.level}" if facts.level else ""]
    return printable(", ".join(part for part in parts if part))


def _cards(
    n: int, table: Table, showing: list[Row], policy: str, clip_id: str, media: MediaFolder, poster: int
) -> list[Card]:
    cards = [_card(n, table, row, clip_id, media, poster) for row in showing]
    real = next((row.loaded.real[clip_id] for row in table.rows if clip_id in row.loaded.real), None)
    if policy == "all" and real is not None and not any(card.truth and card.film for card in cards):
        film = media.add(n, 0, REAL, clip_id, real, poster)
        cards.insert(0, Card(REAL, "ceiling", True, *_film(film), "", []))
    return cards


def _film(film: Film | str) -> tuple[Film | None, str]:
    return (film, "") if isinstance(film, Film) else (None, film)


def _card(n: int, table: Table, row: Row, clip_id: str, media: MediaFolder, poster: int) -> Card:
    problem = next((p for p in row.loaded.result.problems if p.clip_id == clip_id), None)
    film: Film | str = "No clip was kept here."
    source: Path | None = row.loaded.samples.get(clip_id)
    if source is not None:
        film = media.add(n, table.rows.index(row) + 1, row.label, clip_id, source, poster)
    note = ""
    if problem is not None:
        note = f"{STATUS.get(problem.status, problem.status)}: {reason_in_words(problem.reason, problem.detail)}"
    return Card(row.label, row.role, is_truth(row), *_film(film), printable(note), _scores(table, row, clip_id))


def _scores(table: Table, row: Row, clip_id: str) -> list[tuple[str, str, str, bool]]:
    """Metrics of single clips that some row has a value of; the first block's stand under the film."""
    if row.loaded.clips is None:
        return []
    line, first, scores = table.cells[table.rows.index(row)], table.blocks[0].columns, []
    of_clip = row.loaded.clips.of_clip(clip_id)
    for j, column in enumerate(table.columns):
        if column.kind == "set" or all(cells[j].value is None for cells in table.cells):
            continue
        found = of_clip.get(column.metric) if line[j].measured is not None else None
        text = number(found.value, column.decimals) if found and found.value is not None else _nothing(found)
        scores.append((column.label, text, column.shown_unit, j in first))
    return scores


def _nothing(found) -> str:
    undefined = found is not None and (found.status == "n/a" or is_not_applicable(found.reason))
    return "n/a" if undefined else "—"


def _traces(table: Table, clip_id: str, name: str) -> Traces | None:
    """Traces of all rows that keep them; the ground truth's own would lie on the real one."""
    kept = [(row, row.loaded.traces[clip_id]) for row in table.rows if clip_id in row.loaded.traces]
    compared = [one for one in kept if not is_truth(one[0])] or kept
    methods = [k for k, (row, _) in enumerate(compared) if row.role == "method"]
    others = [k for k, (row, _) in enumerate(compared) if row.loaded.result.method.name == "gt-mismatched"]
    return traces([(row.label, found) for row, found in compared], name, start=[*methods, *others, 0][0])


def clips_note(table: Table, policy: str, clips: list[Clip]) -> str:
    """Why there are no films, or not all of them; "" where nothing is held back."""
    name = table.results[0].dataset.name
    kept = any(row.loaded.samples for row in table.rows)
    if policy == "none":
        return f"No clips are shown: the media policy of {name} is “none”, so its footage must not leave the machine it is on."
    if not kept:
        return "No clips are shown: none were kept beside these results."
    if not any(clip.cards for clip in clips):
        return (
            f"No clips are shown: the media policy of {name} allows generated video only, and only controls kept clips."
        )
    if policy == "generated":
        return f"The media policy of {name} allows generated video only: ground truth and controls are not shown."
    return ""
