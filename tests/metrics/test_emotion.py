"""Emotion metrics on answers made by hand: perfect, permuted, unknown, in any order."""

import numpy as np
import pytest

from bench.contract.clip import EMOTIONS
from bench.contract.confusion import Confusion
from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected, Direction, OwnMetric, SetMetric
from bench.contract.seen import Labels, Pair, Seen
from metrics.emotion import (
    EmotionAccuracy,
    EmotionF1,
    GeometryEmotionAccuracy,
    GeometryEmotionF1,
    JudgeAgreement,
    classes_of,
    macro_f1,
)

SIX = tuple(e for e in EMOTIONS if e not in ("contempt", "surprised"))
METRICS = (EmotionAccuracy, GeometryEmotionAccuracy, EmotionF1, GeometryEmotionF1, JudgeAgreement)


def answer(*emotions, classes=EMOTIONS):
    """Probabilities (S, 8) of a judge whose seeds say `emotions` and that knows `classes`."""
    table = np.full((len(emotions), len(EMOTIONS)), np.nan, np.float32)
    table[:, [EMOTIONS.index(c) for c in classes]] = 0.3 / len(classes)
    for row, emotion in zip(table, emotions, strict=True):
        row[EMOTIONS.index(emotion)] += 0.7
    return table


def labels(number, emotion, level=2, dataset="puppet", clip_id=None):
    return Labels(clip_id or f"c{number}", dataset, f"s{number % 4}", emotion, level)


def seen(label, said, extractors=("emotion_judge", "geometry_judge")):
    features = {name: {"probabilities": said, "frames": np.array([20])} for name in extractors}
    return Seen(label, Cues.empty(1), features)


def collected(emotion, generated, real=None, number=0, **more):
    label = labels(number, emotion, **more)
    real = answer(emotion, emotion, emotion) if real is None else real
    return Collected(label, {"real": real, "generated": generated})


def perfect(count=24):
    emotions = [EMOTIONS[n % 8] for n in range(count)]
    return [collected(e, answer(e, e, e), number=n) for n, e in enumerate(emotions)]


def every(clips):
    return np.ones(len(clips), bool)


@pytest.mark.parametrize("cls", METRICS)
def test_each_is_a_metric_with_a_definition(cls):
    metric = cls()
    assert isinstance(metric, OwnMetric | SetMetric)
    assert metric.definition and metric.extractors
    assert metric.direction == (Direction.MATCH if cls is JudgeAgreement else Direction.HIGHER)


def test_accuracy_is_the_share_of_seeds_that_are_right():
    for said, value in ((("sad", "sad", "sad"), 1.0), (("sad", "fear", "sad"), 2 / 3), (("fear",) * 3, 0.0)):
        score = EmotionAccuracy().own(seen(labels(0, "sad"), answer(*said)))
        assert score == (pytest.approx(value), 20)


def test_perfect_answers_give_1():
    clips = perfect()
    estimate = EmotionF1().estimate(clips, 0)
    assert estimate.statistic(every(clips)) == 1.0
    assert estimate.details["ceiling"] == 1.0 and estimate.details["SD over seeds"] == 0.0
    assert estimate.details["accuracy"] == estimate.details["recall, sad"] == estimate.details["precision, sad"] == 1.0


def test_permuted_labels_fall_to_chance():
    rng = np.random.default_rng(0)
    given = [EMOTIONS[n % 8] for n in range(800)]
    clips = [
        collected(e, answer(g, g, g), number=n)
        for n, (e, g) in enumerate(zip(rng.permutation(given), given, strict=True))
    ]
    estimate = EmotionF1().estimate(clips, 0)
    assert abs(estimate.statistic(every(clips)) - 1 / 8) < 0.04
    assert estimate.details["chance, accuracy"] == 1 / 8


def test_one_answer_to_everything_has_the_accuracy_of_chance_and_a_lower_f1():
    clips = [collected(EMOTIONS[n % 8], answer("neutral", "neutral", "neutral"), number=n) for n in range(16)]
    estimate = EmotionF1().estimate(clips, 0)
    assert estimate.details["accuracy"] == 1 / 8
    assert estimate.statistic(every(clips)) == pytest.approx((2 / 9) / 8)
    assert estimate.details["precision, sad"] is None and estimate.details["recall, neutral"] == 1.0


def test_the_order_of_clips_changes_nothing():
    rng = np.random.default_rng(1)
    clips = [collected(EMOTIONS[n % 8], answer(*rng.choice(EMOTIONS, 3)), number=n, level=1 + n % 3) for n in range(40)]
    other = [clips[i] for i in rng.permutation(len(clips))]
    one, two = (EmotionF1().estimate(c, 0) for c in (clips, other))
    assert one.statistic(every(clips)) == two.statistic(every(clips))
    assert one.details == two.details and one.figure == two.figure


def test_macro_f1_in_parity_with_its_formula(tolerance):
    rng = np.random.default_rng(2)
    truth, given = rng.integers(0, 5, 60), rng.integers(0, 8, (1, 60))
    by_hand = []
    for place in np.unique(truth):
        hits = ((given[0] == place) & (truth == place)).sum()
        by_hand.append(2 * hits / ((given[0] == place).sum() + (truth == place).sum()))
    tolerance(
        "Emo-F1", "2 TP / (2 TP + FP + FN) by hand", "value", abs(macro_f1(truth, given)[0] - np.mean(by_hand)), 1e-12
    )


def test_an_emotion_that_no_real_clip_shows_is_not_averaged_in():
    clips = [collected(e, answer(e, e, "fear"), number=n) for n, e in enumerate(("sad", "sad", "happy", "happy"))]
    estimate = EmotionF1().estimate(clips, 0)
    assert estimate.statistic(every(clips)) == pytest.approx((1 + 1 + 0) / 3)
    assert estimate.flags == ("fewer-emotions-than-the-judge-knows",)


def test_seeds_that_differ_show_in_the_sd():
    clips = [collected(e, answer(e, e, "fear"), number=n) for n, e in enumerate(("sad", "happy"))]
    details = EmotionF1().estimate(clips, 0).details
    assert (details["seed 0"], details["seed 2"]) == (1.0, 0.0) and details["SD over seeds"] > 0.5


def test_levels_stand_apart():
    sad = answer("sad", "sad", "sad")
    clips = [collected("sad", sad, number=0, level=3), collected("fear", sad, number=1, level=1)]
    details = EmotionF1().estimate(clips, 0).details
    assert (details["accuracy, level 1"], details["accuracy, level 3"]) == (0.0, 1.0)
    assert details["ceiling, accuracy, level 1"] == 1.0


def test_the_figure_counts_every_clip_once_on_both_sides():
    clips = [*perfect(8), collected("sad", answer("fear", "fear", "sad"), number=9)]
    figure = Confusion.model_validate(EmotionF1().estimate(clips, 0).figure)
    assert [sum(row) for row in figure.generated] == pytest.approx(figure.n_clips)
    assert [sum(row) for row in figure.real] == pytest.approx(figure.n_clips)
    sad = figure.emotions.index("sad")
    assert figure.generated[sad][figure.answers.index("fear")] == pytest.approx(2 / 3)
    assert figure.real[sad][figure.answers.index("sad")] == 2


def test_a_judge_of_six_classes_has_no_answer_to_the_other_two():
    said = answer("sad", "sad", "sad", classes=SIX)
    assert classes_of(said) == list(SIX)
    assert EmotionAccuracy().own(seen(labels(0, "sad"), said)).value == 1.0
    other = seen(labels(0, "contempt"), said)
    asks = (
        lambda: EmotionAccuracy().own(other),
        lambda: EmotionF1().collect(Pair(other, other)),
        lambda: JudgeAgreement().collect(Pair(other, other)),
    )
    for ask in asks:
        with pytest.raises(Unscorable, match=r"contempt.*the judge knows angry, disgusted") as error:
            ask()
        assert error.value.reason == Reason.CLASSES_DIFFER


def test_a_clip_without_a_label_has_no_value():
    with pytest.raises(Unscorable) as error:
        EmotionAccuracy().own(seen(labels(0, None), answer("sad")))
    assert error.value.reason == Reason.NO_LABEL


def test_no_clip_is_no_value():
    for metric in (EmotionF1(), JudgeAgreement()):
        with pytest.raises(Unscorable) as error:
            metric.estimate([], 0)
        assert error.value.reason == Reason.TOO_FEW_CLIPS


def both(number, emotion, frames, geometry):
    said = {"emotion_judge": answer(*[frames] * 3), "geometry_judge": answer(*[geometry] * 3)}
    real = {"emotion_judge": answer(*[emotion] * 3), "geometry_judge": answer(*[emotion] * 3)}
    arrays = {f"{side}.{judge}": p for side, part in (("real", real), ("generated", said)) for judge, p in part.items()}
    return Collected(labels(number, emotion), arrays)


def test_judges_that_agree_have_kappa_1_and_strangers_about_0():
    rng = np.random.default_rng(3)
    same = [both(n, e, e, e) for n, e in enumerate(EMOTIONS * 3)]
    assert JudgeAgreement().estimate(same, 0).statistic(every(same)) == 1.0
    strangers = [both(n, EMOTIONS[n % 8], *rng.choice(EMOTIONS, 2)) for n in range(400)]
    estimate = JudgeAgreement().estimate(strangers, 0)
    assert abs(estimate.statistic(every(strangers))) < 0.1
    assert estimate.details["kappa on real clips"] == 1.0
    assert estimate.truth(every(strangers)) == 1.0  # a column that is to match the real clips knows their value


def test_two_judges_that_always_say_one_thing_are_not_compared():
    clips = [both(n, e, "neutral", "neutral") for n, e in enumerate(EMOTIONS)]
    with pytest.raises(Unscorable) as error:
        JudgeAgreement().estimate(clips, 0)
    assert error.value.reason == Reason.NO_VARIATION


def test_people_stand_beside_the_judge_where_people_were_asked():
    clips = [collected("angry", answer("angry", "angry", "angry"), dataset="cremad", clip_id="1001_DFA_ANG_XX")]
    details = EmotionF1().estimate(clips, 0).details
    assert details["people, accuracy, face"] == pytest.approx(5 / 10)
    assert details["agreed clips"] == 1 and details["agreed clips, accuracy"] == 1.0
    assert not [name for name in EmotionF1().estimate(perfect(), 0).details if name.startswith("people")]
