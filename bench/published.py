"""EAT's published per-clip scores through this project's statistics, and what its four speakers can and cannot show.

`python -m bench.published FILE` writes the record to FILE: reports/reference/eat100-scores.json is the one that reports show.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import tomllib
from collections import Counter
from importlib import resources
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from bench.contract.errors import UsageError
from bench.contract.published import ClaimedDifference, PerClipRecord, ScoredQuantity, Smallest

if TYPE_CHECKING:
    from reports.published import Claim, Source

METHOD = "EAT"
RELEASED = "eat-released-outputs"
"""The source that prints the means of the same scores."""
QUANTITIES = {
    "psnr_db": ("PSNR", "dB", 2),
    "ssim": ("SSIM", "1", 4),
    "m_lmd_px": ("M-LMD", "px", 3),
    "f_lmd_px": ("F-LMD", "px", 3),
    "sync_confidence": ("Sync confidence", "1", 3),
    "av_offset_frames": ("AV offset", "frames", 0),
    "sync_min_distance": ("Sync distance", "1", 3),
    "m_lvd_px": ("M-LVD", "px", 3),
}
"""Column of the table -> quantity, unit, decimals. The published F-LVD is left out: it accumulates the mouth's value."""
CORRELATIONS = (0.0, 0.5, 0.9)
"""Of two methods' speaker means: unrelated; half of the spread shared; the same faces hard for both almost alike."""
MIDDLE = 0.5
ACROSS = (("eat", "EAT"), ("eamm", "EAMM"))
"""Two papers whose values are often set side by side."""


def per_clip_record(sources: list[Source], seed: int = 0) -> PerClipRecord:
    """Everything that `emotalk published` says of EAT's scores; UsageError if the table is not the one of its card."""
    from metrics.few_speakers import least_sign_p
    from metrics.power import ALPHA, POWER
    from reports.published import claims

    text, card = _table()
    rows = list(csv.DictReader(io.StringIO(text)))
    every = claims(sources)
    printed = {c.column.quantity: c for c in every if c.source.source == RELEASED and c.line.method == METHOD}
    quantities = [_quantity(column, rows, printed, every, seed) for column in QUANTITIES]
    spread = {q.quantity: q for q in quantities if q.spread > 0}
    counts = Counter(row["speaker"] for row in rows)
    return PerClipRecord(
        method=METHOD,
        title=card["title"],
        data_sha256=card["sha256"],
        n_clips=len(rows),
        clips_by_speaker=dict(sorted(counts.items())),
        alpha=ALPHA,
        power=POWER,
        correlation=MIDDLE,
        least_sign_p=least_sign_p(len(counts)),
        seed=seed,
        quantities=quantities,
        differences=_differences(every, spread),
    )


def _table() -> tuple[str, dict]:
    folder = resources.files("data_manifests") / "mead"
    text = (folder / "eat100_scores.csv").read_text(encoding="utf-8")
    card = tomllib.loads((folder / "eat100_scores-card.toml").read_text(encoding="utf-8"))
    found = hashlib.sha256(text.encode()).hexdigest()
    if found != card["sha256"]:
        raise UsageError(
            f"data_manifests/mead/eat100_scores.csv is not the file its card describes: expected SHA-256 {card['sha256']}, "
            f"got {found}; restore it"
        )
    return text, card


def _quantity(
    column: str, rows: list[dict], printed: dict[str, Claim], every: list[Claim], seed: int
) -> ScoredQuantity:
    import numpy as np

    from metrics.power import sd_known_within
    from metrics.statistics import mean, new_speakers, these_speakers

    name, unit, decimals = QUANTITIES[column]
    values = np.array([float(row[column]) for row in rows])
    speakers, emotions = (np.array([row[key] for row in rows]) for key in ("speaker", "emotion"))
    means = {s: mean(values[speakers == s]) for s in sorted(set(speakers.tolist()))}
    spread, (low, high) = float(np.std(list(means.values()), ddof=1)), sd_known_within(len(means))
    claim = printed.get(name)
    return ScoredQuantity(
        quantity=name,
        column=column,
        unit=unit,
        decimals=decimals,
        printed=claim.value if claim else None,
        averaged=claim.column.averaged if claim else None,
        mean=mean(values),
        agrees=f"{mean(values):.{decimals}f}" == f"{claim.value:.{decimals}f}" if claim else None,
        intervals=[these_speakers(values, speakers, emotions, seed), new_speakers(values, speakers)],
        speaker_means=means,
        spread=spread,
        spread_low=spread * low,
        spread_high=spread * high,
        smallest=[_smallest(spread, len(means), r, name, every) for r in CORRELATIONS] if spread > 0 else [],
    )


def _smallest(spread: float, speakers: int, correlation: float, quantity: str, every: list[Claim]) -> Smallest:
    from metrics.few_speakers import spread_of_differences
    from metrics.power import smallest_difference

    difference = smallest_difference(spread_of_differences(spread, correlation), speakers)
    gaps = [abs(a.value - b.value) for a, b in _pairs(every) if a.column.quantity == quantity]
    return Smallest(
        correlation=correlation, difference=difference, pairs_below=sum(g < difference for g in gaps), pairs=len(gaps)
    )


def _pairs(every: list[Claim]) -> list[tuple[Claim, Claim]]:
    """Two methods in one column of one published table on MEAD; real video is no method."""
    columns: dict[tuple, list[Claim]] = {}
    for claim in every:
        if claim.table.dataset == "MEAD" and not claim.line.real:
            columns.setdefault((claim.source.source, claim.table.place, claim.column.quantity), []).append(claim)
    return [pair for members in columns.values() for pair in combinations(members, 2)]


def _differences(every: list[Claim], spread: dict[str, ScoredQuantity]) -> list[ClaimedDifference]:
    """The method against every other of the tables it stands in, and against EAMM's own paper; the smallest in spreads first."""
    pairs = [(a, b) if a.line.method == METHOD else (b, a) for a, b in _pairs(every)]
    pairs = [(a, b, True) for a, b in pairs if a.line.method == METHOD]
    sides = [[c for c in every if (c.source.source, c.line.method) == side] for side in ACROSS]
    pairs += [(a, b, False) for a in sides[0] for b in sides[1] if a.column.quantity == b.column.quantity]
    made = [_difference(a, b, one, spread[a.column.quantity]) for a, b, one in pairs if a.column.quantity in spread]
    order = list(spread)
    return sorted(made, key=lambda d: (order.index(d.quantity), abs(d.difference)))


def _difference(a: Claim, b: Claim, one_table: bool, known: ScoredQuantity) -> ClaimedDifference:
    from metrics.few_speakers import correlation_needed, speakers_needed, spread_of_differences

    gap = round(a.value - b.value, 6)
    where = f"{a.source.source}, {a.table.place}" if one_table else f"{a.source.source} against {b.source.source}"
    return ClaimedDifference(
        quantity=known.quantity,
        unit=known.unit,
        first=a.line.method,
        second=b.line.method,
        where=where,
        one_table=one_table,
        difference=gap,
        correlation_needed=correlation_needed(gap, known.spread, len(known.speaker_means)),
        speakers_needed=speakers_needed(gap, spread_of_differences(known.spread, MIDDLE)),
    )


def main() -> None:
    from reports.published import load_published

    parser = argparse.ArgumentParser(description="Freeze EAT's per-clip scores under this project's statistics.")
    parser.add_argument("file", type=Path)
    per_clip_record(load_published()).save(parser.parse_args().file)


if __name__ == "__main__":
    main()
