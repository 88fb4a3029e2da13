"""Sets of classes: the judge's answers are never changed, only read; what is left out has no value, what is merged counts as one."""

import pickle
import tomllib
from importlib.resources import files

import numpy as np
import pytest

from bench.contract.clip import EMOTIONS
from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable, UsageError
from bench.contract.metric import Collected
from bench.contract.seen import Labels, Pair, Seen
from metrics.emotion import EmotionAccuracy, EmotionF1, GeometryEmotionAccuracy, GeometryEmotionF1
from metrics.emotion_classes import ALL, _set, class_sets

SETS = class_sets()
SIX = [name for name in EMOTIONS if name not in ("contempt", "surprised")]


def seen(emotion, probabilities):
    features = {
        name: {"probabilities": probabilities, "frames": np.array([5])} for name in ("emotion_judge", "geometry_judge")
    }
    return Seen(Labels(f"{emotion}-clip", "made-up", "s", emotion, 1), Cues.empty(1), features)


def answers(seed=0, clips=400):
    """Emotions (N,) and probabilities (N, 3, 8) of a judge that is often wrong."""
    rng = np.random.default_rng(seed)
    table = rng.dirichlet(np.ones(8), (clips, 3)).astype(np.float32)
    emotions = [EMOTIONS[n % 8] for n in range(clips)]
    for n, rows in enumerate(table):
        rows[:, n % 8] += 0.1
    return emotions, table


def accuracy(emotion, probabilities, name):
    return EmotionAccuracy(name).own(seen(emotion, probabilities)).value


def test_the_sets_are_the_eight_the_seven_and_the_six_of_the_datasets():
    assert list(SETS) == ["8", "7", "7-merged", "6"] and ALL == "8"
    assert (
        SETS["8"].words == ""
        and SETS["7"].out == ("contempt",)
        and SETS["7-merged"].merged == {"contempt": "disgusted"}
    )
    crema_d = tomllib.loads((files("data_manifests") / "cremad" / "names.toml").read_text(encoding="utf-8"))
    assert sorted(set(EMOTIONS) - set(SETS["6"].out)) == sorted(crema_d["emotions"].values())


def test_all_eight_leave_the_answers_as_they_are():
    table = answers()[1][0]
    assert SETS["8"].read(table) is table


@pytest.mark.parametrize("name", ["7", "6"])
def test_with_fewer_classes_a_right_answer_stays_right_and_wrong_ones_may_become_right(name):
    emotions, table = answers()
    kept = [n for n, emotion in enumerate(emotions) if emotion not in SETS[name].out]
    before, after = (np.array([accuracy(emotions[n], table[n], s) for n in kept]) for s in ("8", name))
    assert (after >= before).all() and after.mean() > before.mean() + 0.01


@pytest.mark.parametrize("name", SETS)
def test_perfect_answers_are_perfect_in_every_set(name):
    for emotion in set(EMOTIONS) - set(SETS[name].out):
        table = np.full((3, 8), 0.01, np.float32)
        table[:, EMOTIONS.index(emotion)] = 0.93
        assert accuracy(emotion, table, name) == 1


@pytest.mark.parametrize("metric", [EmotionAccuracy, GeometryEmotionAccuracy])
def test_a_clip_of_an_emotion_that_is_left_out_has_no_value_and_says_so(metric):
    with pytest.raises(Unscorable, match="contempt") as caught:
        metric("7").own(seen("contempt", answers()[1][0]))
    assert caught.value.reason is Reason.CLASSES_DIFFER


def test_merged_classes_add_up_in_answers_and_count_as_one_in_labels():
    table = np.float32([[0.2, 0.25, 0.2, 0, 0.35, 0, 0, 0]])
    read = SETS["7-merged"].read(table)
    assert read[0, 2] == pytest.approx(0.45) and np.isnan(read[0, 1]) and table[0, 1] == 0.25
    assert accuracy("contempt", table, "7-merged") == accuracy("disgusted", table, "7-merged") == 1
    assert accuracy("contempt", table, "8") == 0


def test_a_judge_of_six_classes_reads_the_same_in_every_set():
    table = answers()[1][0].copy()
    table[:, [EMOTIONS.index("contempt"), EMOTIONS.index("surprised")]] = np.nan
    for name in SETS:
        read = SETS[name].read(table)
        np.testing.assert_array_equal(read, table)
        assert accuracy("sad", table, name) == accuracy("sad", table, "8")


@pytest.mark.parametrize("metric", [EmotionF1, GeometryEmotionF1])
def test_the_set_s_value_has_the_chance_and_the_confusion_of_its_classes(metric):
    emotions, table = answers(clips=48)
    cells = {}
    for name in SETS:
        one = metric(name)
        pairs = [
            Pair(seen(e, rows), seen(e, rows))
            for e, rows in zip(emotions, table, strict=True)
            if e not in one.classes.out
        ]
        cells[name] = one.estimate([Collected(pair.labels, one.collect(pair)) for pair in pairs], 0)
    assert {name: cell.details["judge's classes"] for name, cell in cells.items()} == {
        "8": 8,
        "7": 7,
        "7-merged": 7,
        "6": 6,
    }
    assert cells["6"].details["chance, accuracy"] == 1 / 6 and cells["6"].figure["answers"] == SIX
    assert cells["7-merged"].details["clips"] == 48 and cells["7"].details["clips"] == 42
    assert "contempt" not in cells["7-merged"].figure["emotions"] and not cells["6"].flags


def test_an_unknown_set_names_the_choices_and_the_metric_stays_small():
    with pytest.raises(UsageError, match=r"emotion\.classes: unknown '5'.*choose from: 8, 7, 7-merged, 6"):
        EmotionAccuracy("5")
    assert pickle.loads(pickle.dumps(EmotionF1("6"))).classes == SETS["6"]


@pytest.mark.parametrize(
    "table",
    [
        {"title": "t", "out": ["anger"], "merged": {}},
        {"title": "t", "out": ["sad"], "merged": {"fear": "sad"}},
        {"title": "t", "out": [], "merged": {"fear": "sad", "sad": "happy"}},
    ],
    ids=["unknown", "into-one-that-is-out", "twice"],
)
def test_a_table_that_makes_no_sense_is_refused(table):
    with pytest.raises(ValueError, match="expected names of"):
        _set("x", table)
