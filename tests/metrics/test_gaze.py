"""Gaze-JS: zero for equal maps, about zero for two samples of one distribution, growing with damage, honest about its data."""

from dataclasses import replace

import numpy as np
import pytest
from gaze_sets import (
    clip,
    collected,
    cues_of,
    exchanged,
    frozen,
    independent,
    labels,
    shuffled,
    stretched,
    turned,
    unaltered,
    value,
)

from bench.contract.errors import Reason, Unscorable, UsageError
from bench.contract.gaze_figure import GazeFigure
from bench.contract.metric import Collected, SetMetric
from bench.contract.seen import Pair, Seen
from metrics.gaze import SPARSE, GazeJS
from metrics.gaze_divergence import jensen_shannon
from metrics.gaze_tracks import collect_gaze


def test_the_divergence_is_zero_for_equal_maps_one_bit_for_disjoint_ones_and_symmetric():
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(15), (2, 7))
    assert jensen_shannon(p, p) == pytest.approx(np.zeros(7), abs=1e-12)
    assert jensen_shannon(np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.2, 0.8])) == pytest.approx(1.0)
    assert jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p))
    assert (jensen_shannon(p, q) > 0).all()


def test_the_divergence_agrees_with_the_reference_of_scipy(tolerance):
    from scipy.spatial.distance import jensenshannon

    p, q = np.random.default_rng(1).dirichlet(np.full(15, 0.3), (2, 200))
    theirs = jensenshannon(p, q, base=2, axis=1) ** 2
    tolerance(
        "Gaze-JS",
        "scipy jensenshannon",
        "divergence of 200 maps",
        abs(jensen_shannon(p, q) - theirs).max(),
        1e-12,
        "bits",
    )


def test_two_samples_of_one_distribution_are_zero_in_expectation_at_every_number_of_clips():
    for per_cell in (1, 3):  # 4 and 12 clips an emotion
        found = [GazeJS().estimate(collected(independent, seed, per_cell=per_cell), 0) for seed in range(10)]
        values = np.array([one.statistic(np.ones(12 * per_cell, bool)) for one in found])
        error = values.std(ddof=1) / np.sqrt(len(values))
        bias = np.mean([one.details["null"] for one in found])
        assert abs(values.mean()) < 3 * error, "the null is all that is left"
        assert bias > 4 * error, "without it the divergence of equals would be far from zero"


def test_a_difference_is_found_and_grows_with_its_size():
    values = [value(GazeJS(), collected(stretched(f))) for f in (1.0, 1.3, 1.6, 2.2)]
    assert values[0] == 0.0
    assert np.diff(values).min() > 0.005
    assert GazeJS().estimate(collected(stretched(1.6)), 0).details["p"] < 0.01
    # the difference is not eaten by its own null where an emotion has few clips
    assert value(GazeJS(), collected(stretched(2.2), per_cell=1)) > 0.5 * values[-1]


def test_frozen_eyes_are_seen_and_the_order_of_frames_is_not():
    assert value(GazeJS(), collected(frozen)) > 0.1
    assert value(GazeJS(), collected(shuffled)) == 0.0


def test_the_sides_can_be_swapped():
    clips = collected(frozen)
    assert value(GazeJS(), exchanged(clips)) == pytest.approx(value(GazeJS(), clips), abs=1e-12)


def test_the_eyes_are_never_exchanged():
    crossed = collected(lambda cues, rng: replace(cues, gaze=cues.gaze[:, ::-1]))
    assert value(GazeJS(centre="raw"), crossed) == pytest.approx(0, abs=0.01)  # 2 degrees apart: invisible in wide bins
    one_eye = collected(lambda cues, rng: replace(cues, gaze=np.stack([cues.gaze[:, 0] * 3, cues.gaze[:, 1]], 1)))
    document = GazeFigure.model_validate(GazeJS().estimate(one_eye, 0).figure)
    for emotion in document.emotions:
        by_eye = {eye.eye: eye for eye in emotion.eyes}
        assert by_eye["left"].js > 0.05, "the subject's left eye was altered"
        assert by_eye["right"].js == 0.0


def test_centring_takes_a_constant_of_a_person_out_and_says_what_it_took():
    aside = collected(turned((6, -2)))
    found = GazeJS(centre="own").estimate(aside, 0)
    assert found.statistic(np.ones(len(aside), bool)) == pytest.approx(0, abs=1e-3)
    assert (found.details["shift yaw"], found.details["shift pitch"]) == pytest.approx((6, -2), abs=1e-3)
    assert value(GazeJS(centre="real"), aside) > 0.05
    assert value(GazeJS(centre="raw"), aside) > 0.02
    assert len({GazeJS(centre=c).definition for c in ("own", "real", "raw")}) == 3


def test_relative_to_the_camera_the_head_counts():
    def turned_away(cues, rng):
        return replace(cues, transform=cues_of(cues.gaze, np.full(len(cues), rng.choice([-15, 15]))).transform)

    clips = collected(turned_away)
    assert value(GazeJS(), clips) == 0.0
    assert value(GazeJS(frame="camera"), clips) > 0.05
    assert "transform" in GazeJS(frame="camera").reads  # cues with only the head altered have a value
    assert GazeJS().reads == ("gaze",)


def test_bits_do_not_depend_on_the_order_of_the_clips():
    clips = collected(stretched(1.4))
    metric = GazeJS()
    one, other = metric.estimate(clips, 3), metric.estimate(clips[::-1], 3)
    mask = np.arange(len(clips)) % 4 != 0
    assert one.statistic(mask) == other.statistic(mask[::-1])
    assert one.details == other.details and one.figure == other.figure
    assert one.details["p"] == metric.estimate(clips, 3).details["p"]


def test_a_part_is_the_estimate_on_that_part_up_to_centring():
    clips = collected(stretched(1.4))
    mask = np.array([c.labels.emotion == "sad" for c in clips])
    part = GazeJS(centre="raw").estimate(clips, 0).statistic(mask)
    alone = value(GazeJS(centre="raw"), [c for c, kept in zip(clips, mask, strict=True) if kept])
    assert part == pytest.approx(alone, abs=0.01)  # the same clips, other exchanges
    assert np.isnan(GazeJS().estimate(clips, 0).statistic(np.zeros(len(clips), bool)))


def test_closed_eyes_are_left_out_on_both_sides_and_counted():
    def blinking(cues, rng):
        openness, gaze = cues.openness.copy(), cues.gaze.copy()
        openness[10:15] = 0.05
        gaze[8:17] = 30  # what the estimator says under the lid means nothing
        return replace(cues, openness=openness, gaze=gaze)

    found = GazeJS().estimate(collected(blinking), 0)
    assert found.statistic(np.ones(36, bool)) < 0.01
    assert found.details["eyes closed generated"] == pytest.approx(9 / 50)
    assert found.details["eyes closed real"] == 0.0


def pair(real, made) -> Pair:
    who = labels("S0", "sad", 0)
    return Pair(Seen(who, real), Seen(who, made))


def test_eyes_closed_throughout_and_no_face_have_reasons():
    rng = np.random.default_rng(0)
    shut = cues_of(np.zeros((50, 2, 2)), openness=np.full(50, 0.1))
    gone = replace(clip(rng), valid=np.zeros(50, bool))
    for made, reason in ((shut, Reason.EYES_CLOSED), (gone, Reason.NO_FACE)):
        with pytest.raises(Unscorable) as refused:
            collect_gaze(pair(clip(rng), made))
        assert refused.value.reason == reason
        assert "generated" in refused.value.detail
    with pytest.raises(Unscorable, match="real"):
        collect_gaze(pair(shut, clip(rng)))


def test_frames_that_are_not_a_number_enter_nothing():
    def holes(cues, rng):
        gaze, valid = cues.gaze.copy(), cues.valid.copy()
        gaze[5:9], valid[5:7] = np.nan, False
        return replace(cues, gaze=gaze, valid=valid)

    found = GazeJS().estimate(collected(holes), 0)
    assert np.isfinite(found.statistic(np.ones(36, bool)))
    assert found.details["frames generated"] == 36 * 46 and found.details["frames real"] == 36 * 50


def test_one_clip_is_refused_and_few_clips_are_flagged():
    clips = collected(stretched(1.4), speakers=2, per_cell=1)
    with pytest.raises(Unscorable, match="1 clips, 2 are needed"):
        GazeJS().estimate(clips[:1], 0)
    found = GazeJS().estimate(clips, 0)
    assert SPARSE in found.flags
    assert found.details["fewest clips of an emotion"] == 2 < found.details["bins"]
    assert found.details["effective frames real"] > 0
    lonely = [c for c in clips if c.labels.speaker == "S0"]  # one clip per emotion: they make one cell together
    assert "emotions-pooled" in GazeJS().estimate(lonely, 0).flags


def test_identical_clips_are_zero_and_never_below_because_their_null_is_zero_too():
    found = GazeJS().estimate(collected(unaltered), 0)
    assert found.statistic(np.ones(36, bool)) == 0.0
    assert (found.details["uncorrected"], found.details["null"], found.details["p"]) == (0.0, 0.0, 1.0)


def test_effective_frames_lie_between_clips_and_frames():
    found = GazeJS().estimate(collected(unaltered), 0)
    assert 12 < found.details["effective frames real"] < 12 * 50
    assert found.details["floor across speakers"] > 0 and found.details["floor within speakers"] > 0


def test_the_figure_holds_both_sides_of_every_emotion():
    document = GazeFigure.model_validate(GazeJS().estimate(collected(frozen), 0).figure)
    assert [e.emotion for e in document.emotions] == ["angry", "happy", "sad"]
    for emotion in document.emotions:
        assert emotion.n_clips == 12 and emotion.frames_real == 600
        for eye in emotion.eyes:
            assert np.sum(eye.real) == pytest.approx(1, abs=1e-3) and np.sum(eye.generated) == pytest.approx(
                1, abs=1e-3
            )
            assert eye.js > eye.null
    with pytest.raises(ValueError, match="expected 3 rows of 5"):
        wrong = document.model_dump()
        wrong["emotions"][0]["eyes"][0]["real"].pop()
        GazeFigure.model_validate(wrong)


def test_an_unknown_option_names_the_choices_and_the_kind_is_that_of_a_set():
    with pytest.raises(UsageError, match="did you mean 'head'"):
        GazeJS(frame="heads")
    with pytest.raises(UsageError, match=r"gaze\.centre"):
        GazeJS(centre="median")
    assert isinstance(GazeJS(), SetMetric) and GazeJS.primary
    assert isinstance(collected(unaltered)[0], Collected)


def test_clips_of_a_speaker_that_stand_in_for_one_another_are_the_same_set():
    """The control gt-mismatched: each clip's partner is the speaker's next clip of the emotion."""
    clips = collected(unaltered, per_cell=2)
    partner = {i: i ^ 1 for i in range(len(clips))}  # cells of two lie side by side
    swapped = [
        Collected(
            one.labels, {k: (clips[partner[i]].arrays[k] if k.startswith("made") else a) for k, a in one.arrays.items()}
        )
        for i, one in enumerate(clips)
    ]
    found = GazeJS().estimate(swapped, 0)
    assert found.statistic(np.ones(len(clips), bool)) == pytest.approx(0, abs=1e-6)
    assert found.details["null"] == pytest.approx(0, abs=1e-6)
