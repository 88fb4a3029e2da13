"""Published claims in words and pictures: for the terminal, as Markdown, and as a part of the page.

No measured value of this project stands in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import resources

from markupsafe import Markup

from bench.contract.published import PerClipRecord, ScoredQuantity
from reports.published import (
    NOT_KNOWN,
    TRUST,
    Claim,
    Column,
    Disagreement,
    PublishedTable,
    Source,
    claims,
    disagreements,
)
from reports.render import render, template
from reports.textblock import Block
from reports.words import MINUS, NEW, THESE, join, number, plural

WIDTH, LABEL, RIGHT, ROW, TOP, BOTTOM = 720, 218, 30, 24, 8, 30
MOST_SPEAKERS_WORDS = "over 10,000"
SHORT = {"Sync confidence": "Sync", "Emotion accuracy": "Emo. acc."}
"""Names that would not fit beside the figure on a phone."""
UNFOLDED = ("between", "scores", "four")
"""The blocks that stand open on the claims' own page; in a report of measurements all are folded."""


def frozen_scores() -> PerClipRecord:
    """EAT's per-clip scores under our statistics, as `python -m bench.published` froze them."""
    text = resources.files("reports").joinpath("reference", "eat100-scores.json").read_text(encoding="utf-8")
    return PerClipRecord.loads(text)


def blocks(sources: Sequence[Source], scores: PerClipRecord) -> list[Block]:
    """What there is to say, in the order in which it is read."""
    return [
        between(disagreements(sources)),
        per_clip(scores),
        four_speakers(scores),
        differences(scores),
        *by_source(sources),
    ]


def between(found: Sequence[Disagreement]) -> Block:
    """The same method, dataset and quantity in two or more sources."""
    rows = tuple(
        (
            d.method,
            d.dataset,
            d.quantity,
            " · ".join(f"{c.text} ({c.source.source})" for c in d.claims),
            "—" if d.ratio is None else f"{d.ratio:.2f}",
        )
        for d in found
    )
    lead = (
        "The same method on the same dataset, as several sources print it; ratio = largest / smallest. Protocols, clips, "
        "judges and landmark units differ, mostly without a word: none of these values is wrong for that, and none may be "
        "set beside another.",
    )
    head = ("method", "dataset", "quantity", "claimed (source)", "ratio")
    return Block("between", "The same method differs this much between papers", lead, head, rows, (), ratios(found), 4)


def per_clip(scores: PerClipRecord) -> Block:
    """Printed means beside the means and both intervals that this project's statistics give for the same scores."""
    rows = tuple(
        (
            f"{q.quantity} ({q.unit})" if q.unit != "1" else q.quantity,
            "—" if q.printed is None else number(q.printed, q.decimals),
            number(q.mean, q.decimals),
            {True: "yes", False: "NO", None: "nothing printed"}[q.agrees],
            _ends(q, THESE),
            _ends(q, NEW),
        )
        for q in scores.quantities
    )
    speakers = join([f"{name} {count}" for name, count in scores.clips_by_speaker.items()])
    lead = (
        f"{scores.n_clips} clips of {len(scores.clips_by_speaker)} speakers (clips of each: {speakers}), as {scores.method}'s own "
        "evaluator scored them. Both intervals are of 95 %: THESE speakers resamples clips inside speaker x emotion; NEW speakers "
        f"is Student t on the speakers' means, df {len(scores.clips_by_speaker) - 1}, around the mean over speakers.",
    )
    notes = tuple(
        f"{q.quantity}: the printed {number(q.printed, q.decimals)} is a mean {q.averaged}, {number(q.mean, q.decimals)} the mean "
        f"over clips{_inside(q)}. The per-clip file does not say how many frames a clip has, so the printed one cannot be formed again."
        for q in scores.quantities
        if q.agrees is False
    )
    head = ("quantity", "printed", "mean over clips", "equal", "THESE speakers", "NEW speakers")
    return Block("scores", f"{scores.method}'s published per-clip scores under our statistics", lead, head, rows, notes)


def four_speakers(scores: PerClipRecord) -> Block:
    """Spread between the speakers, and the smallest difference that a paired test on them can show."""
    moving = [q for q in scores.quantities if q.smallest]
    rows = tuple(
        (
            q.quantity,
            *(number(value, q.decimals) for value in q.speaker_means.values()),
            f"{q.spread:.2g} [{q.spread_low:.2g}, {q.spread_high:.2g}]",
            *(f"{s.difference:.2g}" + (f" ({s.pairs_below}/{s.pairs})" if s.pairs else "") for s in q.smallest),
        )
        for q in moving
    )
    n = len(scores.clips_by_speaker)
    correlations = [s.correlation for s in moving[0].smallest] if moving else []
    lead = (
        f"A paired test of two methods on the same {n} speakers has df {n - 1}. The smallest mean difference that it shows with "
        f"power {scores.power:g} depends on how the two methods' speaker means correlate, r; in brackets, how many pairs of methods "
        "of one published table on MEAD differ by less.",
    )
    notes = (
        f"A test on signs or ranks of {n} speakers never goes below p = {scores.least_sign_p:g}, whatever the numbers: at "
        f"{scores.alpha:g} it can show nothing at all. Student t can, on trust that speakers' differences are normal, which "
        f"{n} values cannot contradict.",
        f"A standard deviation from {n} speakers is itself known to a factor of 0.57 to 3.7 (in brackets). The published tables were "
        "made under other protocols; where a unit differs (M-LMD, F-LMD), the count in brackets is a rough guide at best.",
        "What the four speakers can show: differences between clips of these same people (THESE speakers), and differences of "
        "the size that parts methods with another mechanism. What they cannot: the second decimal of SSIM, half a dB, a few "
        "tenths of confidence, in which neighbouring rows of published tables differ.",
    )
    head = ("quantity", *moving[0].speaker_means, "SD of speakers", *(f"smallest, r = {r:g}" for r in correlations))
    return Block("four", "What four speakers can show", lead, head, rows, notes)


def differences(scores: PerClipRecord) -> Block:
    """Claimed differences to other methods and what it would take to show them."""
    rows = tuple(
        (
            d.quantity,
            f"{d.first} {MINUS} {d.second}",
            d.where,
            number(d.difference, 3, signed=True).rstrip("0").rstrip("."),
            _correlation(d.correlation_needed),
            MOST_SPEAKERS_WORDS if d.speakers_needed is None else str(d.speakers_needed),
        )
        for d in scores.differences
    )
    shown = sum(d.correlation_needed <= scores.correlation for d in scores.differences)
    lead = (
        f"Claimed differences between {scores.method} and others: the correlation of speaker means from which four speakers show "
        f"them with power {scores.power:g}, and the number of speakers that show them at r = {scores.correlation:g}, both from the "
        f"spread of {scores.method}'s own scores. At r = {scores.correlation:g} four speakers show {shown} of {len(rows)}.",
    )
    head = ("quantity", "pair", "where", "claimed difference", "r needed", f"speakers at r = {scores.correlation:g}")
    return Block("differences", "Claimed differences, and what it takes to show them", lead, head, rows, (), None, 3)


def _correlation(needed: float) -> str:
    if needed <= -1:
        return "any"
    return "over 0.99" if needed > 0.99 else number(needed, 2)


def by_source(sources: Sequence[Source]) -> list[Block]:
    """One block for each published table, with its protocol and what is not known of it."""
    made = []
    for source in sources:
        for k, table in enumerate(source.tables):
            inside = {(c.line.method, c.column.quantity): c for c in claims([source]) if c.table is table}
            head = ("method", *(_header(c) for c in table.metrics))
            rows = tuple(
                (line.method, *(_shown(inside.get((line.method, c.quantity))) for c in table.metrics))
                for line in table.rows
            )
            year = f", {source.year}" if source.year else ""
            lead = [
                f"{source.title}{year} ({source.link}), {table.place}. {TRUST[table.trust].capitalize()} [{table.trust}].",
                f"Dataset {table.dataset}; split: {table.split}. Protocol: {table.protocol}."
                + (
                    f" This project's protocol {table.follows} follows it as far as it is known."
                    if table.follows
                    else ""
                ),
                f"Not known: {'; '.join(table.unknown)}.",
            ]
            notes = [f"{c.quantity}: {about}." for c in table.metrics if (about := _not_known(c))]
            name = source.source if len(source.tables) == 1 else f"{source.source}-{k + 1}"
            made.append(Block(name, _title(source, table), tuple(lead), head, rows, tuple(notes)))
    return made


def _title(source: Source, table: PublishedTable) -> str:
    short = source.title.partition(":")[0]
    return f"{short} · {table.dataset} · {plural(len(table.rows), 'method')}"


def _not_known(column: Column) -> str:
    parts = [f"not known: {', '.join(column.unknown)}"] if column.unknown else []
    return "; ".join([*parts, *([column.note] if column.note else [])])


def _header(column: Column) -> str:
    written = f", as {column.as_written}" if column.as_written.lower() != column.quantity.lower() else ""
    unit = "" if column.unit == "1" else "unit not known" if column.unit == NOT_KNOWN else column.unit
    about = ", ".join(part for part in (unit, written.removeprefix(", ")) if part)
    return f"{column.quantity} ({about})" if about else column.quantity


def _shown(claim: Claim | None) -> str:
    return claim.text if claim else "—"


def _inside(q: ScoredQuantity) -> str:
    found = next(i for i in q.intervals if i.target == THESE)
    if found.low is None or found.high is None or not found.low <= q.printed <= found.high:
        return ""
    return "; the first lies inside the interval for THESE speakers around the second"


def _ends(q: ScoredQuantity, target: str) -> str:
    found = next(i for i in q.intervals if i.target == target)
    if found.low is None or found.high is None:
        return f"none: {found.reason}"
    return f"[{number(found.low, q.decimals)}, {number(found.high, q.decimals)}]"


def ratios(found: Sequence[Disagreement]) -> Markup:
    """Each disagreement as a line of dots on a logarithmic scale: value / smallest value of the same method and quantity."""
    shown = [d for d in found if d.ratio is not None]
    if not shown:
        return Markup("")
    top = math.log(max(d.ratio for d in shown)) * 1.04
    bottom = TOP + ROW * len(shown)

    def x(ratio: float) -> float:
        return round(LABEL + math.log(ratio) / top * (WIDTH - LABEL - RIGHT), 1)

    parts = []
    for tick in (1, 1.5, 2, 3, 4):
        if math.log(tick) <= top:
            parts.append(
                Markup(
                    '<line class="ceiling" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
                    '<text class="tick" x="{0}" y="{3}">{4}×</text>'
                ).format(x(tick), TOP, bottom, bottom + 18, f"{tick:g}")
            )
    for i, d in enumerate(shown):
        y = TOP + ROW * (i + 0.5)
        least = d.claims[-1].value
        name = f"{d.method} · {SHORT.get(d.quantity, d.quantity)}"
        body = [
            Markup('<text class="label method" x="{}" y="{}">{}</text>').format(LABEL - 14, y + 4, name),
            Markup('<line class="between" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(x(1), x(d.ratio), y, y),
        ]  # fmt: skip
        for c in d.claims:
            body.append(
                Markup('<circle class="{}" cx="{}" cy="{}" r="4.5"><title>{}</title></circle>').format(
                    c.table.trust, x(c.value / least), y, f"{c.text}: {c.source.source}"
                )
            )
        parts.append(Markup("<g>{}</g>").format(Markup("").join(body)))
    words = f"{plural(len(shown), 'method and quantity pair')}: how far the claims lie apart, as a ratio; the numbers are in the table"
    return Markup('<svg class="wide" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, bottom + BOTTOM, words, Markup("").join(parts)
    )


def page(made: Sequence[Block]) -> str:
    """The claims as a page of its own, in one file."""
    style = Markup(template("report.css") + "\n" + published_style())
    return render("published-page.html.j2", published=made, unfolded=UNFOLDED, style=style)


def published_style() -> str:
    """The style sheet of the claims, for the page that includes them."""
    return template("published.css")
