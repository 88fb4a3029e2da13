"""Recognised emotion: does a judge that was trained on real clips name the emotion that the real clip shows?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from bench.contract.clip import EMOTIONS
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected, Direction, Family, Score, SetEstimate
from bench.contract.seen import Labels, Pair, Seen
from metrics.emotion_classes import ALL, ClassSet, class_sets
from metrics.emotion_human import MODALITIES, SEEN_BY_A_JUDGE, agreed, human_accuracy
from metrics.options import choose

FRAMES, GEOMETRY = "emotion_judge", "geometry_judge"
JUDGES = {
    FRAMES: "frame judge: a small CNN on gray 80 px faces, attention over every second frame",
    GEOMETRY: "geometry judge: convolutions over time on blendshapes, landmarks in the head frame, gaze, lids and head pose",
}
TRAINED = "trained on real clips of judge-training speakers, mean over three seeds"


def classes_of(probabilities: np.ndarray) -> list[str]:
    """The emotions that every seed knows, of probabilities (S, 8) with NaN for unknown ones."""
    return [name for name, known in zip(EMOTIONS, np.isfinite(probabilities).all(0), strict=True) if known]


def said(probabilities: np.ndarray) -> np.ndarray:
    """(S,) int64 places in `EMOTIONS`: the most probable emotion of each seed, of (S, 8)."""
    return np.nanargmax(probabilities, 1)


def shown(labels: Labels, probabilities: np.ndarray, classes: ClassSet | None = None) -> int:
    """The place in `EMOTIONS` of the clip's emotion, as `classes` counts it; Unscorable: no-label, judge-classes-differ."""
    if labels.emotion is None:
        raise Unscorable(
            Reason.NO_LABEL, f"{labels.clip_id} has no emotion label, so no answer to it is right or wrong"
        )
    known = classes_of(probabilities)
    emotion = classes.label(labels.emotion) if classes else labels.emotion
    if classes and labels.emotion in classes.out:
        raise Unscorable(
            Reason.CLASSES_DIFFER, f"the clip shows {labels.emotion!r}; answers are read in {classes.title}"
        )
    if emotion not in known:
        raise Unscorable(
            Reason.CLASSES_DIFFER,
            f"the clip shows {emotion!r}, the judge knows {', '.join(known) or 'nothing'}; train a judge on clips of "
            f"all emotions of {labels.dataset}, or score clips of these emotions only",
        )
    return EMOTIONS.index(emotion)


class EmotionMetric:
    """What all of them share."""

    name: ClassVar[str]
    family: ClassVar[Family] = Family.EMOTION
    direction: ClassVar[Direction] = Direction.HIGHER
    unit: ClassVar[str] = "1"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]]
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()


class Accuracy(EmotionMetric):
    """Per clip the share of the judge's seeds that name the right emotion: 0, 1/3, 2/3 or 1.

    classes: a set of data_manifests/emotion_classes.toml, in which the answers are read.
    """

    protocol_keys = ("emotion.classes",)

    def __init__(self, classes: str = ALL):
        self.classes = class_sets()[choose("emotion.classes", classes, class_sets())]
        self.definition = (
            f"share of clips whose emotion is named by the {JUDGES[self.extractors[0]]}; {TRAINED}; the right answer is the "
            f"emotion of the real clip; beside it the judge's accuracy on the real clips{self.classes.words}"
        )

    def own(self, seen: Seen) -> Score:
        """Unscorable: no-label, judge-classes-differ."""
        arrays = seen.features[self.extractors[0]]
        probabilities = self.classes.read(arrays["probabilities"])
        right = said(probabilities) == shown(seen.labels, probabilities, self.classes)
        return Score(float(right.mean()), int(arrays["frames"][0]))


class EmotionAccuracy(Accuracy):
    """Emo-acc: the frame judge."""

    name = "Emo-acc"
    extractors = (FRAMES,)


class GeometryEmotionAccuracy(Accuracy):
    """GeoEmo-acc: the geometry judge, which also works in cue space."""

    name = "GeoEmo-acc"
    extractors = (GEOMETRY,)


class MacroF1(EmotionMetric):
    """F1 of each emotion that the real clips show, their plain mean, then the mean over the judge's seeds; 0 to 1."""

    collection: ClassVar[str]
    protocol_keys = ("emotion.classes",)

    def __init__(self, classes: str = ALL):
        self.classes = class_sets()[choose("emotion.classes", classes, class_sets())]
        self.definition = (
            f"macro-F1 over the emotions of the real clips, of the {JUDGES[self.extractors[0]]}; {TRAINED}; the judge's value on "
            f"the real clips is the ceiling{self.classes.words}"
        )

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """real and generated (S, 8) float32 probabilities in the metric's classes; Unscorable: no-label, judge-classes-differ."""
        sides = {"real": pair.reference, "generated": pair.generated}
        arrays = {
            name: self.classes.read(side.features[self.extractors[0]]["probabilities"]) for name, side in sides.items()
        }
        for probabilities in arrays.values():
            shown(pair.labels, probabilities, self.classes)
        return arrays

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """`seed` is not used: nothing is drawn. Unscorable without a clip."""
        from bench.contract.confusion import Confusion

        if not clips:
            raise Unscorable(Reason.TOO_FEW_CLIPS, "no clip has an answer of the judge")
        labels = [clip.labels for clip in clips]
        truth = np.array([EMOTIONS.index(self.classes.label(label.emotion)) for label in labels])
        answers = {
            side: np.stack([said(clip.arrays[side]) for clip in clips], 1) for side in ("real", "generated")
        }  # (S, N)
        known = classes_of(clips[0].arrays["real"])
        figure = Confusion(
            judge=JUDGES[self.extractors[0]],
            emotions=[EMOTIONS[place] for place in np.unique(truth)],
            answers=known,
            n_clips=[int((truth == place).sum()) for place in np.unique(truth)],
            **{side: confusion(truth, answers[side], known).tolist() for side in answers},
            macro_f1_by_seed=macro_f1(truth, answers["generated"]).tolist(),
        )
        return SetEstimate(
            statistic=lambda mask: float(np.mean(macro_f1(truth[mask], answers["generated"][:, mask]))),
            details=_details(labels, truth, answers, known),
            flags=("fewer-emotions-than-the-judge-knows",) if len(np.unique(truth)) < len(known) else (),
            figure=figure.model_dump(),
        )


class EmotionF1(MacroF1):
    """Emo-F1: the frame judge."""

    name = "Emo-F1"
    extractors = (FRAMES,)
    collection = "emotion"
    primary = True


class GeometryEmotionF1(MacroF1):
    """GeoEmo-F1: the geometry judge, which also works in cue space."""

    name = "GeoEmo-F1"
    extractors = (GEOMETRY,)
    collection = "emotion-geometry"


class JudgeAgreement(EmotionMetric):
    """Judge-agree: Cohen's kappa of the two judges' answers, seed by seed; 1 if they always agree, 0 as by chance.

    As on real clips is best: two judges that disagree on a row say that one of them is fooled, and more agreement than real faces
    give is no merit.
    """

    name = "Judge-agree"
    version = "2"
    direction = Direction.MATCH
    extractors = (FRAMES, GEOMETRY)
    collection = "emotion-both"
    definition = (
        "Cohen's kappa of the answers of the frame judge and the geometry judge to the same clips, seed k with seed k, mean over "
        "three seeds; beside it the kappa on the real clips"
    )

    def collect(self, pair: Pair) -> Mapping[str, np.ndarray]:
        """Probabilities (S, 8) float32 of both judges on both sides; Unscorable: no-label, judge-classes-differ."""
        arrays = {}
        for side, seen in (("real", pair.reference), ("generated", pair.generated)):
            for judge in self.extractors:
                arrays[f"{side}.{judge}"] = seen.features[judge]["probabilities"]
                shown(pair.labels, arrays[f"{side}.{judge}"])
        return arrays

    def estimate(self, clips: Sequence[Collected], seed: int) -> SetEstimate:
        """Unscorable without a clip, or where both judges give one and the same answer to all."""
        if not clips:
            raise Unscorable(Reason.TOO_FEW_CLIPS, "no clip has answers of both judges")
        answers = {name: np.stack([said(clip.arrays[name]) for clip in clips], 1) for name in clips[0].arrays}
        pairs = {side: [answers[f"{side}.{judge}"] for judge in self.extractors] for side in ("real", "generated")}
        if not np.isfinite(kappa(*pairs["generated"])):
            raise Unscorable(
                Reason.NO_VARIATION,
                f"both judges give one and the same answer to all {len(clips)} clips: kappa is undefined",
            )
        same = {side: float((one == other).mean()) for side, (one, other) in pairs.items()}
        details = {"kappa on real clips": kappa(*pairs["real"])} | {
            "same answer, share of clips": same["generated"],
            "same answer on real clips": same["real"],
        }

        def agreement(side: str, mask: np.ndarray) -> float:
            return kappa(*(rows[:, mask] for rows in pairs[side]))

        return SetEstimate(
            lambda mask: agreement("generated", mask), details, truth=lambda mask: agreement("real", mask)
        )


def macro_f1(truth: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """(S,) of truth (N,) and answers (S, N), both places in `EMOTIONS`; over the emotions in `truth`, NaN if N is 0."""
    from sklearn.metrics import f1_score

    if not len(truth):
        return np.full(len(answers), np.nan)
    present = np.unique(truth)
    return np.array([f1_score(truth, row, labels=present, average="macro", zero_division=0) for row in answers])


def kappa(one: np.ndarray, other: np.ndarray) -> float:
    """Cohen's kappa, mean over rows, of answers (S, N) twice; NaN if a row's answers are all one and the same, or N is 0."""
    from sklearn.metrics import cohen_kappa_score

    if not one.shape[1]:
        return float("nan")
    values = []
    for a, b in zip(one, other, strict=True):
        constant = len(np.union1d(a, b)) == 1  # sklearn warns and gives NaN there: say so without the warning
        values.append(np.nan if constant else cohen_kappa_score(a, b))
    return float(np.mean(values))


def confusion(truth: np.ndarray, answers: np.ndarray, known: Sequence[str]) -> np.ndarray:
    """(R, C) mean counts over seeds: rows the emotions in `truth` (N,), columns `known`, of answers (S, N)."""
    from sklearn.metrics import confusion_matrix

    every = np.mean([confusion_matrix(truth, row, labels=range(len(EMOTIONS))) for row in answers], 0)
    return every[np.ix_(np.unique(truth), [EMOTIONS.index(name) for name in known])]


def _details(
    labels: Sequence[Labels], truth: np.ndarray, answers: Mapping[str, np.ndarray], known: Sequence[str]
) -> dict[str, Any]:
    """The numbers that belong to a cell of macro-F1; accuracies are means over seeds."""
    right = {side: (rows == truth).mean(0) for side, rows in answers.items()}
    seeds = macro_f1(truth, answers["generated"])
    levels = np.array([label.level or 0 for label in labels])
    rated = agreed(labels)
    found: dict[str, Any] = {
        "ceiling": float(macro_f1(truth, answers["real"]).mean()),
        "ceiling, accuracy": _mean(right["real"]),
        "accuracy": _mean(right["generated"]),
        "chance, accuracy": 1 / len(known),
        "judge's classes": len(known),
        "clips": len(labels),
        "SD over seeds": float(seeds.std(ddof=1)) if len(seeds) > 1 else None,
    }
    found |= {f"seed {number}": float(value) for number, value in enumerate(seeds)}
    for level in sorted(set(levels.tolist()) - {0}):
        found[f"accuracy, level {level}"] = _mean(right["generated"][levels == level])
        found[f"ceiling, accuracy, level {level}"] = _mean(right["real"][levels == level])
    for place in np.unique(truth):
        hits = (answers["generated"] == place) & (truth == place)
        found[f"recall, {EMOTIONS[place]}"] = _mean(right["generated"][truth == place])
        given = int((answers["generated"] == place).sum())
        found[f"precision, {EMOTIONS[place]}"] = float(hits.sum() / given) if given else None
    human = human_accuracy(labels)
    found |= {f"people, accuracy, {modality.replace('_', '-')}": human[modality] for modality in MODALITIES if human}
    if human:
        subset = [label for label, agrees in zip(labels, rated, strict=True) if agrees]
        found["agreed clips"] = len(subset)
        found["agreed clips, accuracy"] = _mean(right["generated"][rated])
        found["agreed clips, ceiling, accuracy"] = _mean(right["real"][rated])
        found["agreed clips, people, accuracy, face"] = human_accuracy(subset).get(SEEN_BY_A_JUDGE)
    return found


def _mean(values: np.ndarray) -> float | None:
    """Mean of shares, the same bits for every order; None of nothing."""
    from math import fsum

    return fsum(values.tolist()) / len(values) if len(values) else None
