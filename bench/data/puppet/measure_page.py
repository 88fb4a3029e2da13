"""The figures of rendered heads against what is wanted of them, and the tables of docs/puppet-faces.md."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.contract.errors import UsageError
from bench.contract.files import whole_file
from bench.data.puppet.actions import ACTION_UNITS
from bench.data.puppet.measure import ANSWERS, LIPS, rises, slope

if TYPE_CHECKING:
    from bench.data.puppet.measure import Seen

SWING = 0.15
"""Rise of the median score from 0 to 1 that counts as a clear answer."""
# What no blendshape answers, and what is measured instead.
UNANSWERED = {
    "lips_part": "no blendshape of its own: read from the lip gap, below",
    "lip_close": "no blendshape of its own: read from the lip gap, below",
    "tongue": "the network knows no tongue",
}


@dataclass(frozen=True)
class Figure:
    """One row: what, its value as text, what is wanted (empty: nothing), and whether it is met (None: nothing wanted)."""

    name: str
    value: str
    wanted: str = ""
    met: bool | None = None


def figures(seen: Seen, likeness: dict[str, float] | None) -> list[Figure]:
    """All figures of what was seen, in the order of the page; `likeness` as `same_and_different` gives it."""
    found = float(np.concatenate(seen.valid).mean())
    marks = np.concatenate(seen.marks)
    rows = [
        Figure(
            "faces found, poses to +-20 degrees on each axis, to 14 on two at once",
            f"{100 * found:.2f} %",
            ">= 99 %",
            found >= 0.99,
        ),
        Figure("landmarks against truth (468), mean", f"{np.nanmean(marks[:, :468]):.2f} px"),
        Figure("iris points against truth (10), mean", f"{np.nanmean(marks[:, 468:]):.2f} px"),
    ]
    true, read = np.concatenate(seen.pose, axis=1)
    for i, axis in enumerate(("pitch", "yaw", "roll")):
        gain, offset, r = slope(true[:, i], read[:, i])
        rows.append(
            Figure(
                f"{axis}: slope, offset, r",
                f"{gain:.3f}, {offset:.2f} degrees, {r:.3f}",
                "0.9-1.1, under 2",
                0.9 <= gain <= 1.1 and abs(offset) < 2,
            )
        )
    own = [float(np.nanmean(read[:, 0] - true[:, 0])) for true, read in seen.pose]
    rows.append(
        Figure("pitch: standard deviation over speakers of a speaker's own offset", f"{np.std(own):.1f} degrees")
    )
    for i, (axis, wanted) in enumerate((("yaw", 0.9), ("pitch", 0.85))):
        pairs = [(t[..., i].ravel(), s[..., i].ravel()) for t, s in seen.gaze]
        gain, _, r = slope(*(np.concatenate(part) for part in zip(*pairs, strict=True)))
        within = float(np.median([slope(*pair)[2] for pair in pairs]))
        span = "+-24" if axis == "yaw" else "+-16"
        rows.append(
            Figure(
                f"gaze {axis} {span} degrees: r over all speakers (within a speaker), slope",
                f"{r:.3f} ({within:.3f}), {gain:.2f}",
                f"r >= {wanted}",
                r >= wanted,
            )
        )
    clear = [
        name for name in ANSWERS if rises(np.array(seen.answer[name])).mean() >= 0.9 and _swing(seen, name) >= SWING
    ]
    rows.append(
        Figure(
            f"actions whose blendshape rises for 9 speakers in 10, by {SWING} or more in the median",
            f"{len(clear)} of {len(ANSWERS)}",
            "all",
            len(clear) == len(ANSWERS),
        )
    )
    if likeness:
        rows += [
            Figure(
                "ArcFace cosine, one speaker / two speakers, medians",
                f"{likeness['median_same']:.3f} / {likeness['median_different']:.3f}",
            ),
            Figure(
                "ArcFace AUC, all pairs (pairs of one sex)",
                f"{likeness['auc']:.4f} ({likeness['auc_within_one_sex']:.4f})",
                ">= 0.98",
                likeness["auc"] >= 0.98,
            ),
        ]
    else:
        rows.append(Figure("ArcFace AUC", "not measured: `emotalk weights fetch arcface_mbf`", ">= 0.98", False))
    true_gap, seen_gap = np.nanmean(seen.gap, axis=0)
    for k, actions in enumerate(LIPS):
        closed = ("jaw_open" not in actions and "lips_part" not in actions) or "lip_close" in actions
        wanted = "true: under 1.5 px" if closed else "true: over 6 px" if actions.get("jaw_open", 0) >= 0.7 else ""
        met = None if not wanted else true_gap[k] < 1.5 if closed else true_gap[k] > 6
        name = ", ".join(f"{a} {v:g}" for a, v in actions.items()) or "at rest"
        rows.append(
            Figure(f"lip gap, {name}", f"true {true_gap[k]:.1f}, seen {seen_gap[k]:.1f} px", wanted, met and bool(met))
        )
    milliseconds = 1000 * float(np.median(seen.frame_seconds))
    rows += [
        Figure("CPU per frame, median over speakers", f"{milliseconds:.1f} ms", "under 20 ms", milliseconds < 20),
        Figure("CPU to set up a speaker, with its first frame", f"{np.median(seen.setup_seconds):.2f} s"),
        Figure("CPU of a process's first frame", f"{seen.first_frame_seconds:.1f} s"),
    ]
    return rows


def _swing(seen: Seen, name: str) -> float:
    middle = np.nanmedian(np.array(seen.answer[name]), axis=0)
    return float(middle[-1] - middle[0])


def actions_table(seen: Seen) -> str:
    """Markdown: every action, how far it moves a landmark, and what its blendshape says at 0, 0.25, 0.5, 0.75 and 1."""
    lines = [
        "| action | what it is | moves | blendshape | 0 | 0.25 | 0.5 | 0.75 | 1 | rises for |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for action, meaning in ACTION_UNITS.items():
        name = re.sub("_(left|right)$", "", action)
        if name not in ANSWERS:
            lines.append(f"| `{action}` | {meaning} | | {UNANSWERED[name]} | | | | | | |")
            continue
        scores = np.array(seen.answer[name])
        middle = " | ".join(f"{v:.2f}" for v in np.nanmedian(scores, axis=0))
        shapes = ", ".join(dict.fromkeys(re.sub("(Left|Right)$", "", s) for s in ANSWERS[name]))
        rising = rises(scores)
        reach = f"{np.median(seen.reach[name]):.1f} px"
        lines.append(f"| `{action}` | {meaning} | {reach} | {shapes} | {middle} | {rising.sum()}/{len(rising)} |")
    return "\n".join(lines)


def figures_table(rows: list[Figure], seen: Seen, identities: int, first_seed: int) -> str:
    """Markdown: when, where and with what it was measured, and one line per figure."""
    from bench.environment import machine

    where = machine()
    frames = sum(len(v) for v in seen.valid)
    lines = [
        f"{datetime.date.today().isoformat()}, {where.processor}, {where.cores} cores: {identities} speakers (seeds "
        f"{first_seed}-{first_seed + identities - 1}, men and women in turn), {frames} pictures, each read alone by the "
        "extractor of `metrics/extractors/face.py`.",
        "",
        f"    python -m bench.data.puppet.measure --identities {identities} --seed {first_seed} --write docs/puppet-faces.md",
        "",
        "| figure | value | wanted | met |",
        "|---|---|---|---|",
    ]
    said = {None: "", True: "yes", False: "**no**"}
    lines += [f"| {row.name} | {row.value} | {row.wanted} | {said[row.met]} |" for row in rows]
    return "\n".join(lines)


def fill(page: Path, blocks: dict[str, str]) -> None:
    """Put each block between `<!-- measured: NAME -->` and `<!-- end -->` of the page; UsageError if a pair is missing."""
    text = page.read_text(encoding="utf-8")
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- measured: {name} -->\n).*?(<!-- end -->)", re.S)
        if not pattern.search(text):
            raise UsageError(
                f"{page}: expected a line <!-- measured: {name} --> and an <!-- end --> after it, found none"
            )
        text = pattern.sub(lambda match, block=block: f"{match[1]}\n{block}\n\n{match[2]}", text)
    with whole_file(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
