"""The generated page docs/puppet-difficulty.md, and its short form for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bench.contract.clip import EMOTIONS
from bench.data.puppet.difficulty.clips import FIRST
from bench.data.puppet.difficulty.judge import FOLDS, PERMUTATIONS
from bench.data.puppet.difficulty.lips import AJAR
from bench.data.puppet.difficulty.sound import SOUND_NUMBERS

if TYPE_CHECKING:
    from bench.data.puppet.difficulty.measure import Figures

LEVELS = ("1", "2", "3", "neutral", "all")


def summary(figures: Figures) -> str:
    """Targets and judges as plain text."""
    lines = [f"{figures.clips} clips of {figures.speakers} judge-training speakers; chance is 12.5 %", ""]
    for name, low, high, value, met in figures.targets():
        lines.append(
            f"{'met   ' if met else 'NOT MET'} {name}: {_value(name, value)} (wanted {_range(name, low, high)})"
        )
    lines.append("")
    for name, row in figures.judges.items():
        lines.append(f"{name:32s} " + " ".join(f"{100 * row.accuracy[n][0]:5.1f}" for n in LEVELS))
    lines.append(" " * 33 + " ".join(f"{n[:5]:>5s}" for n in LEVELS))
    return "\n".join(lines)


def page(figures: Figures) -> str:
    """The whole page in Markdown."""
    parts = [_head(figures), _targets(figures), _judges(figures), _confusions(figures), _nuisances(figures)]
    parts += [_cohesion(figures), _codec(figures), _voices(figures), _modes(figures), _blinks(figures), _lips(figures)]
    return "\n\n".join(parts) + "\n"


def _head(f: Figures) -> str:
    import datetime
    import os
    import platform

    from bench.data.puppet.splits import PUPPET_VERSION

    now = datetime.datetime.now(datetime.UTC)
    command = (
        f"python -m bench.data.puppet.difficulty --speakers {f.speakers} --first {f.first} --clips {f.per_cell} "
        f"--file-speakers {f.file_speakers} --seed {f.seed} --write docs/puppet-difficulty.md"
    )
    return f"""# How hard the embedded dataset is

Written by `{command}`
on {now:%Y-%m-%d}, {platform.system()} {platform.machine()} with {os.cpu_count()} cores, Python {platform.python_version()};
version {PUPPET_VERSION} of the dataset. Not edited by hand.

Only judge-training speakers (3xx) are looked at, here and while the dataset was tuned; test and validation speakers (1xx, 2xx) are
in none of these figures. {_tuned(f)}
{f.clips} clips of {f.speakers} speakers: eight emotions, three levels, {f.per_cell} of the three common sentences each
(neutral: level 1 only, all three). The sound is read from the written .m4a, the pictures from every fifth rendered frame
({f.frames} frames, a face found in {100 * f.found:.2f} %) by the extractor that `prepare` and `evaluate` use.

A judge is a linear discriminant (covariance shrunk after Ledoit and Wolf) on standardised statistics of a clip: mean and 85th
percentile of the blendshape scores (mean of the two sides, and their difference); mean, absolute mean, spread, 10th and 90th
percentile and step of gaze and pose angles; four numbers of the lids; {SOUND_NUMBERS} of the sound (mel cepstra, pitch, loudness, pace). It
is tested on speakers that it has not seen ({min(FOLDS, max(2, f.speakers // 2))} folds).
Intervals are 95 %, Student t over speakers, of whom judges of different folds share most of their training. Chance is 12.5 %."""


def _targets(f: Figures) -> str:
    rows = [
        (name, _range(name, low, high), _value(name, value), "met" if met else "**not met**")
        for name, low, high, value, met in f.targets()
    ]
    return "## Targets\n\n" + _table(("what", "wanted", "measured", ""), rows)


def _judges(f: Figures) -> str:
    rows = [
        (name, *(_share(row.accuracy[n]) for n in LEVELS), f"{100 * row.macro_f1:.0f}")
        for name, row in f.judges.items()
    ]
    head = ("judge sees", "level 1", "level 2", "level 3", "neutral", "all clips", "macro-F1")
    return "## Accuracy on unseen speakers, %\n\n" + _table(head, rows)


def _confusions(f: Figures) -> str:
    parts = [
        "## What is taken for what\n\nRows are the emotion shown, columns what the judge of all visual cues said, % of the row."
    ]
    for name, counts in f.confusions.items():
        rows = [
            (f"**{e}**", *(f"{100 * n / max(1, sum(row)):.0f}" if n else "" for n in row))
            for e, row in zip(EMOTIONS, counts, strict=True)
        ]
        parts.append(f"{name[:1].upper()}{name[1:]}:\n\n" + _table(("", *EMOTIONS), rows))
    return "\n\n".join(parts)


def _nuisances(f: Figures) -> str:
    rows = [
        (
            name,
            f"{100 * c.accuracy:.1f}",
            f"{100 * c.null:.1f}",
            f"{100 * c.null_95:.1f}",
            f"{c.p:.3f}",
            f"{c.p_means:.3f}",
            f"{100 * c.seen:.1f}" if c.seen > 1e-6 else "constant",
        )
        for name, c in f.nuisances.items()
    ]
    text = f"""## What must not tell the emotion

The same judge is given a nuisance alone, as it is and relative to the speaker's mean; accuracy is the mean over emotions; chance is
what it reaches with the emotions permuted within each speaker ({PERMUTATIONS} times). "p of the means" is that of the largest one-way F
between emotions, permuted likewise: it sees smaller leaks than a judge does. A leak that lifts the judge by the points in the last column
would give p < 0.05 four times in five; a smaller one may be there unseen. Sentences are those of the judge-training clips of `bench`
with common sentences; length, voice, light and recorder are numbers, of 40 speakers with all three sentences; the size of the video
file is that of the {f.codec.clips} clips written in full. "constant": background, light and voice belong to a person, and every person
shows every emotion equally often, so nothing can be read from them.

"""
    c = f.equal_quality
    after = f"""

At one quality strong expressions cost more bytes, so the recorder's quality is random. With its part taken off (known rate factor, one
line through all files) a judge of the bytes per second reaches {100 * c.accuracy:.1f} % against {100 * c.null:.1f} % (p {c.p:.3f}, of the
means {c.p_means:.3f}): what of it is there is drowned by the random quality, not taken away."""
    head = (
        "what the judge sees",
        "accuracy, %",
        "permuted: mean",
        "95 % point",
        "p",
        "p of the means",
        "leak seen, points",
    )
    return text + _table(head, rows) + after


def _cohesion(f: Figures) -> str:
    rows = [(name, f"{m.auc:.2f} ({m.low:.2f} to {m.high:.2f})", m.clips) for name, m in f.cohesion.items()]
    text = """## Cohesion

A matcher (the same discriminant, on correlations of the cues' movements at lags of up to four frames, extracted from the decoded
files at 25 fps) tells real clips from ones whose named cues come from other clips of the same speaker and emotion, of any level. 0.5
is chance; speakers are unseen. Eyes turn back against the head (vestibulo-ocular reflex): that alone ties gaze to pose closely. In the
last row the "real" clips too are put together, from three people: what cutting clips to the shortest gives away.

"""
    return text + _table(("swapped", "AUC (95 % interval over speakers)", "clips"), rows)


def _codec(f: Figures) -> str:
    c = f.codec
    return f"""## Files against rendered frames

{c.clips} clips of {f.file_speakers} speakers were also written as H.264 with the recorder's quality of each clip, decoded, and read at
every frame. At the frames that both have, head angles differ by {c.pose:.2f} degrees, gaze by {c.gaze:.2f} degrees and blendshape
scores by {c.blendshapes:.3f} on average; the judge of all visual cues is right on {100 * c.rendered:.1f} % of these clips from
rendered frames and on {100 * c.decoded:.1f} % from the files, and says the same on {100 * c.agreement:.1f} %."""


def _voices(f: Figures) -> str:
    v = f.voices
    return f"""## Voices

Pairs of clips with different sentences, by how far the mel cepstra's mean and spread and the median pitch lie apart (whitened by
other speakers' scatter): one speaker against two, AUC {v.every:.3f} over {v.pairs} pairs; within one sex
{v.same_sex:.3f}; within one sex and in two different emotions {v.same_sex_other_emotion:.3f}."""


def _modes(f: Figures) -> str:
    rows = [
        (emotion, len(own), "; ".join(f"{yaw:+.0f}, {pitch:+.0f} ({100 * share:.0f} %)" for yaw, pitch, share in own))
        for emotion, own in f.modes.items()
    ]
    text = """## Where the eyes go

Modes of the true line of sight over all clips: yaw and pitch in degrees from the camera, and the share of the time spent nearest
to each.

"""
    return text + _table(("emotion", "modes", "places"), rows)


def _blinks(f: Figures) -> str:
    rows = [
        (emotion, f"{r.per_minute:.0f} ({r.low:.0f}-{r.high:.0f})", r.blinks, f"{r.asked:g}")
        for emotion, r in f.blinks.items()
    ]
    text = """## Blinks

Counted on the truth over all levels. The prototype's rate is a parameter that scales blinks on gaze shifts, at the end of the phrase and in
between, not their sum: more comes out where the eyes move much.

"""
    return text + _table(("emotion", "blinks per minute (95 % over speakers)", "blinks", "prototype's parameter"), rows)


def _tuned(f: Figures) -> str:
    if f.first == FIRST:
        return "Strengths and mixtures were tuned until these very speakers met the targets."
    return f"Tuning looked at speakers from {FIRST} on, the {f.speakers} measured here begin at {f.first}."


def _lips(f: Figures) -> str:
    rows = [
        (e, x.closures, f"{x.widest_closure:.2f}", f"{100 * x.ajar:.0f}", x.openings, f"{x.narrowest_opening:.1f}",
         f"{x.median_opening:.1f}", f"{x.lag:+d}", f"{x.correlation:.2f}", f"{100 * x.within_one:.0f}")
        for e, x in f.lips.items()
    ]  # fmt: skip
    head = ("emotion", "p, b, m", "widest gap, px", f"frames over {AJAR:g} px, %", "stressed open vowels", "narrowest, px", "median, px",
            "lag, frames", "correlation", "clips within 1 frame, %")  # fmt: skip
    text = """## Lips and sound

True gap between the lips at 256 px, four speakers, three clips each. Of a p, b or m the frame counts in which the lips are nearest, of a
vowel the one in which they are farthest; the widest and the narrowest of all sounds are shown. "frames over" is of all frames
inside a p, b or m: those with open lips lie at the burst,
in the last hundredth of a second. The lag is that of the mouth behind the loudness of the sound.

"""
    return text + _table(head, rows)


def _share(value: Sequence[float]) -> str:
    accuracy, low, high = (100 * v for v in value)
    return f"{accuracy:.0f} ({max(low, 0):.0f}-{min(high, 100):.0f})"


def _value(name: str, value: float) -> str:
    return f"{value:.2f}" if "AUC" in name or name.startswith("smallest p") else f"{100 * value:.1f} %"


def _range(name: str, low: float, high: float) -> str:
    if name.startswith(("cohesion", "smallest p")):
        return f"over {low:g}"
    return f"{100 * low:.0f}-{100 * high:.0f} %"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)])
