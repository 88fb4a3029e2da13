"""All the difficulty figures of one run, and the targets they are held against."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.contract.clip import EMOTIONS
from bench.contract.errors import UsageError
from bench.data.puppet.difficulty import blinking, clips, cohesion, cues, lips, modes, nuisance, voices
from bench.data.puppet.difficulty.judge import Chance, Verdict, judged

SWAPS: dict[str, tuple[str, ...]] = {
    "gaze and pose": ("gaze", "pose"),
    "gaze": ("gaze",),
    "pose": ("pose",),
    "expression": ("expression",),
}
STRANGERS = "gaze and pose, of clips that share nothing"
SINGLE = (0.25, 0.60)
BANDS: tuple[tuple[str, str, str, float, float], ...] = (
    ("all cues, level 3", cues.ALL_CUES, "3", 0.85, 0.97),
    ("all cues, level 1", cues.ALL_CUES, "1", 0.45, 0.75),
    ("gaze alone, all levels", "gaze", "all", *SINGLE),
    ("pose alone, all levels", "pose", "all", *SINGLE),
    ("sound alone, all levels", "sound", "all", 0.45, 0.65),
)
"""What is asked of the dataset: name, what the judge sees, level, lowest and highest accuracy on unseen speakers."""


@dataclass(frozen=True)
class Row:
    """One judge: (accuracy, low, high) by "1", "2", "3" (without neutral), "neutral" and "all"; macro-F1 of all clips."""

    accuracy: dict[str, tuple[float, float, float]]
    macro_f1: float


@dataclass(frozen=True)
class Codec:
    """The same clips read from rendered frames and from the written and decoded file.

    Mean absolute difference of pose and gaze (degrees) and blendshape scores frame by frame; accuracy of the all-cues judge
    from either, and the share of clips on which it says the same.
    """

    clips: int
    pose: float
    gaze: float
    blendshapes: float
    rendered: float
    decoded: float
    agreement: float


@dataclass(frozen=True)
class Figures:
    """Everything that the page shows."""

    speakers: int
    first: int
    clips: int
    frames: int
    found: float
    file_speakers: int
    per_cell: int
    seed: int
    judges: dict[str, Row]
    confusions: dict[str, list[list[int]]]
    nuisances: dict[str, Chance]
    equal_quality: Chance
    cohesion: dict[str, cohesion.Match]
    codec: Codec
    voices: voices.Verification
    modes: dict[str, list[tuple[float, float, float]]]
    blinks: dict[str, blinking.Rate]
    lips: dict[str, lips.Lips]

    def targets(self) -> list[tuple[str, float, float, float, bool]]:
        """(what, lowest, highest, measured, met) of each target."""
        rows = [(name, low, high, self.judges[seen].accuracy[level][0]) for name, seen, level, low, high in BANDS]
        rows.append(("cohesion, AUC of gaze and pose swapped", 0.6, 1.0, self.cohesion["gaze and pose"].auc))
        tests = [p for c in self.nuisances.values() for p in (c.p, c.p_means)]
        rows.append(
            ("smallest p of the nuisance probes, times their number", 0.05, 1.0, min(1.0, min(tests) * len(tests)))
        )
        return [(name, low, high, value, low <= value <= high) for name, low, high, value in rows]


def measure(
    count: int, per_cell: int, file_speakers: int, seed: int, jobs: int, cache: Path, first: int = clips.FIRST
) -> Figures:
    """Render or read from `cache`, and judge: `count` judge-training speakers from number `first` on, and their files of the
    first `file_speakers` too.

    UsageError for numbers of speakers or clips that cannot be.
    """
    if not 4 <= file_speakers <= count:
        raise UsageError(f"file speakers: expected 4 (two pairs, to hold one out) to {count}, got {file_speakers}")
    wanted = clips.spots(count, per_cell, first)
    filed = [s for s in wanted if s.speaker in clips.speakers(file_speakers, first)]
    seen = clips.look_at_all(wanted, cache, jobs, title="rendered frames")
    files = clips.look_at_all(filed, cache, jobs, files=True, title="written files")
    rows = [cues.statistics_of(s) for s in seen]
    emotion, level, speaker = nuisance.numbered(wanted)
    verdicts = {name: judged(cues.table(rows, kinds), emotion, level, speaker) for name, kinds in cues.SETS.items()}
    everything = verdicts[cues.ALL_CUES]
    neutral = emotion == EMOTIONS.index("neutral")
    return Figures(
        speakers=count,
        first=first,
        clips=len(wanted),
        frames=sum(len(s.valid) for s in seen),
        found=float(np.concatenate([s.valid for s in seen]).mean()),
        file_speakers=file_speakers,
        per_cell=per_cell,
        seed=seed,
        judges={name: _row(verdict, neutral) for name, verdict in verdicts.items()},
        confusions={
            "level 3, and neutral": everything.confusion((level == 3) | neutral).tolist(),
            "level 1, and neutral": everything.confusion((level == 1) | neutral).tolist(),
            "all levels": everything.confusion().tolist(),
            "sound alone, all levels": verdicts["sound"].confusion().tolist(),
        },
        nuisances=nuisance.of_parameters(seed=seed)
        | nuisance.of_clips(wanted, seen, seed)
        | {k: v for k, v in nuisance.of_clips(filed, files, seed).items() if k.startswith("size of the video")},
        equal_quality=nuisance.size_at_equal_quality(filed, files, seed),
        cohesion={name: cohesion.matched(filed, files, swap, seed) for name, swap in SWAPS.items()}
        | {STRANGERS: cohesion.matched(filed, files, SWAPS["gaze and pose"], seed, strangers=True)},
        codec=_codec(wanted, seen, filed, files, rows),
        voices=voices.verified(wanted, seen),
        modes=modes.by_emotion([(spot.emotion, s.sight) for spot, s in zip(wanted, seen, strict=True)]),
        blinks=blinking.by_emotion(wanted),
        lips=lips.mouths(),
    )


def _row(verdict: Verdict, neutral: np.ndarray) -> Row:
    accuracy = {str(n): verdict.accuracy((verdict.level == n) & ~neutral) for n in (1, 2, 3)}
    return Row(accuracy | {"neutral": verdict.accuracy(neutral), "all": verdict.accuracy()}, verdict.macro_f1())


def _codec(
    wanted: list[clips.Spot],
    seen: list[clips.Seen],
    filed: list[clips.Spot],
    files: list[clips.Seen],
    rows: list[dict[str, np.ndarray]],
) -> Codec:
    """Rendered against decoded: same frames of the same clips, and the verdicts on both by the same judges."""
    emotion, level, speaker = nuisance.numbered(wanted)
    at = [wanted.index(s) for s in filed]
    thin = [_every(f, clips.STEP) for f in files]
    pairs = [(seen[i], f) for i, f in zip(at, thin, strict=True)]
    other = list(rows)
    for i, f in zip(at, thin, strict=True):
        other[i] = cues.statistics_of(f)
    kinds = cues.SETS[cues.ALL_CUES]
    first = judged(cues.table(rows, kinds), emotion, level, speaker)
    # only the clips of the files are exchanged, and each is judged by judges that trained on other speakers
    second = judged(cues.table(other, kinds), emotion, level, speaker)
    mask = np.zeros(len(wanted), bool)
    mask[at] = True

    def apart(name: str) -> float:
        return float(
            np.nanmean(np.concatenate([np.abs(getattr(a, name) - getattr(b, name)).ravel() for a, b in pairs]))
        )

    return Codec(
        clips=len(filed),
        pose=apart("pose"),
        gaze=apart("gaze"),
        blendshapes=apart("blendshapes"),
        rendered=first.accuracy(mask)[0],
        decoded=second.accuracy(mask)[0],
        agreement=float((first.said == second.said)[mask].mean()),
    )


def _every(seen: clips.Seen, step: int) -> clips.Seen:
    """A clip that was seen at every frame, at every `step`-th frame only."""
    from dataclasses import replace

    names = ("blendshapes", "pose", "gaze", "openness", "valid")
    return replace(seen, **{n: getattr(seen, n)[1::step] for n in names})
