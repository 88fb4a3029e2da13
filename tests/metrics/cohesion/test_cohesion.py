"""Cohesion: own streams against swapped ones; what has nothing in common stands at one half, however it is made."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from moving_face import cues_of

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.geometry import euler_to_matrix, pose_of
from bench.contract.metric import Collected, SetMetric
from bench.contract.seen import Labels, Pair, Seen, Video, VideoExtractor
from metrics.cohesion.crosstalk import mixed
from metrics.cohesion.features import (
    BROWS,
    EXPRESSION,
    GAZE_PITCH_FROM_BROWS,
    PITCH_FROM_BROWS,
    SIZES,
    streams_of,
    windows_of,
)
from metrics.cohesion.metric import ACROSS, Cohesion
from metrics.cohesion.streams import STARTS, STREAMS, WINDOW
from metrics.cohesion.swaps import win_rates
from metrics.extractors.cohesion import CohesionFeatures
from metrics.extractors.face_network import BLENDSHAPES

DIMENSION = 24


def outputs(rng, coupled: bool, windows=3) -> dict[str, np.ndarray]:
    """What a perfect matcher would give: equal vectors for streams of one window, or unrelated ones."""
    found = {STARTS: np.arange(windows, dtype=np.int32) * 8}
    shared = rng.normal(size=(windows, 1, DIMENSION))
    for name in STREAMS:
        own = shared if coupled else rng.normal(size=(windows, 1, DIMENSION))
        found[name] = np.repeat(own, 2, axis=1).astype(np.float32)
    return found


def collected(rng, coupled: bool, speakers=4, emotions=("happy", "sad"), takes=2) -> list[Collected]:
    found = []
    for speaker in range(speakers):
        for emotion in emotions:
            for take in range(takes):
                labels = Labels(f"M{speaker}_{emotion}_{take}", "puppet", f"M{speaker}", emotion, 1)
                real, made = outputs(rng, True), outputs(rng, coupled)
                arrays = {f"real_{n}": a for n, a in real.items()} | {f"made_{n}": a for n, a in made.items()}
                found.append(Collected(labels, arrays))
    return found


def everything(clips):
    return np.ones(len(clips), bool)


def test_it_is_a_set_metric_and_its_extractor_reads_cues_alone():
    assert isinstance(Cohesion(), SetMetric)
    extractor = CohesionFeatures({"cohesion": "weights.safetensors"})
    assert isinstance(extractor, VideoExtractor) and extractor.takes == {"cues"}


def test_streams_that_belong_together_reach_one_and_unrelated_ones_one_half():
    rng = np.random.default_rng(0)
    for coupled, low, high in ((True, 1.0, 1.0), (False, 0.42, 0.58)):
        clips = collected(rng, coupled, speakers=12)
        estimate = Cohesion().estimate(clips, 0)
        assert low <= estimate.statistic(everything(clips)) <= high
        assert estimate.details["auc_real"] == 1.0
        assert 0.42 <= estimate.details["auc_swapped"] <= 0.58


def test_one_stream_that_belongs_to_nobody_is_the_one_that_is_named():
    rng = np.random.default_rng(1)
    clips = collected(rng, True, speakers=12)
    for clip in clips:
        clip.arrays["made_gaze"][:] = rng.normal(size=clip.arrays["made_gaze"].shape)
    details = Cohesion().estimate(clips, 0).details
    assert abs(details["auc_gaze"] - 0.5) < 0.1
    assert min(details["auc_expression"], details["auc_pose"]) > 0.8


def test_equal_clips_tie_and_a_tie_counts_one_half():
    same = outputs(np.random.default_rng(2), True, windows=1)
    assert set(win_rates(same, same).values()) == {0.5}
    still = {name: np.repeat(array, 3, axis=0) for name, array in same.items()} | {STARTS: np.array([0, 8, 16])}
    assert set(win_rates(still, still).values()) == {0.5}


def test_a_stream_is_swapped_with_the_same_time_of_the_other_clip_or_not_at_all():
    rng = np.random.default_rng(13)
    clip, other = outputs(rng, True, windows=3), outputs(rng, True, windows=2)
    late = {**other, STARTS: np.array([8, 16], np.int32)}
    shifted = {name: array[1:] for name, array in clip.items()}
    assert win_rates(clip, late) == win_rates(shifted, late)
    assert win_rates(clip, {**other, STARTS: np.array([4, 12], np.int32)}) is None


def test_the_order_of_the_clips_changes_no_bit():
    rng = np.random.default_rng(3)
    clips = collected(rng, False)
    there = Cohesion().estimate(clips, 0)
    order = rng.permutation(len(clips))
    back = Cohesion().estimate([clips[i] for i in order], 0)
    mask = rng.random(len(clips)) < 0.7
    assert there.details == back.details
    assert there.statistic(mask) == back.statistic(mask[order])


def test_a_part_of_the_clips_is_the_set_of_these_clips_alone():
    clips = collected(np.random.default_rng(4), False)
    mask = np.array([clip.labels.speaker != "M2" for clip in clips])
    alone = [clip for clip, inside in zip(clips, mask, strict=True) if inside]
    assert Cohesion().estimate(clips, 0).statistic(mask) == Cohesion().estimate(alone, 0).statistic(everything(alone))


def test_one_clip_per_emotion_has_no_value():
    clips = collected(np.random.default_rng(5), True, speakers=1, takes=1)
    with pytest.raises(Unscorable) as caught:
        Cohesion().estimate(clips, 0)
    assert caught.value.reason == Reason.TOO_FEW_CLIPS


def test_swapping_with_other_people_is_flagged():
    clips = collected(np.random.default_rng(6), True, takes=1)
    estimate = Cohesion().estimate(clips, 0)
    assert estimate.flags == (ACROSS,) and estimate.details["n_clips_swapped_across_speakers"] == len(clips)
    assert Cohesion().estimate(collected(np.random.default_rng(6), True), 0).flags == ()


def test_a_clip_without_an_emotion_or_with_nan_gives_nothing():
    rng = np.random.default_rng(7)
    cues = cues_of(rng)

    def pair(emotion, features):
        seen = Seen(Labels("M1", "d", "M1", emotion, None), cues, {"cohesion": features})
        return Pair(seen, seen)

    good = outputs(rng, True)
    assert set(Cohesion().collect(pair("happy", good))) == {
        f"{s}_{n}" for s in ("real", "made") for n in (*STREAMS, STARTS)
    }
    with pytest.raises(Unscorable, match=Reason.NO_LABEL):
        Cohesion().collect(pair(None, good))
    with pytest.raises(Unscorable, match=Reason.NOT_FINITE):
        Cohesion().collect(pair("happy", good | {"gaze": good["gaze"] * np.nan}))


def test_expression_holds_no_score_of_the_eyes():
    names = [BLENDSHAPES[i] for i in EXPRESSION]
    assert not any("eye" in name.lower() for name in names) and len(names) == SIZES["expression"] == 27


def test_whose_face_it_is_and_where_the_eyes_rest_changes_nothing():
    cues = cues_of(np.random.default_rng(8))
    other = replace(cues, gaze=cues.gaze + 7, blendshapes=cues.blendshapes + np.float32(0.1))
    for name, track in streams_of(cues).items():
        assert np.allclose(track, streams_of(other)[name], atol=1e-4)


def test_what_raised_brows_add_to_the_estimated_pitches_is_taken_off():
    cues = cues_of(np.random.default_rng(12))
    brows = [BLENDSHAPES.index(name) for name in BROWS["raised"]]
    raised = np.linspace(0, 0.5, 60, dtype=np.float32)
    scores, gaze, transform = cues.blendshapes.copy(), cues.gaze.copy(), cues.transform.copy()
    scores[:, brows] += raised[:, None]
    gaze[:, :, 1] += GAZE_PITCH_FROM_BROWS["raised"] * raised[:, None]
    angles = pose_of(transform) + np.stack([PITCH_FROM_BROWS["raised"] * raised, 0 * raised, 0 * raised], 1)
    transform[:, :3, :3] = euler_to_matrix(angles)
    before, after = streams_of(cues), streams_of(replace(cues, blendshapes=scores, gaze=gaze, transform=transform))
    for name in ("gaze", "pose"):
        assert np.allclose(before[name], after[name], atol=1e-3)


def test_gaps_are_bridged_if_they_are_short_and_windows_with_long_ones_left_out():
    cues = cues_of(np.random.default_rng(9), frames=72)
    windows = windows_of(cues)
    assert {name: windows[name].shape for name in STREAMS} == {n: (6, SIZES[n], WINDOW) for n in STREAMS}
    assert windows[STARTS].tolist() == [0, 8, 16, 24, 32, 40]
    gap = np.arange(72) >= 60
    hidden = {name: np.where(gap.reshape(-1, *[1] * (a.ndim - 1)), np.nan, a).astype(a.dtype)
              for name, a in vars(cues).items() if name != "valid"}  # fmt: skip
    windows = windows_of(Cues(**hidden, valid=~gap))
    assert len(windows["pose"]) == 5 and all(np.isfinite(w).all() for w in windows.values())


def test_videos_that_are_too_short_faceless_or_asleep_have_a_reason():
    cues = cues_of(np.random.default_rng(10))
    asleep = replace(cues, openness=np.full((60, 2), 0.05, np.float32))
    for bad, reason in (
        (cues[:31], Reason.WINDOW_TOO_SHORT),
        (Cues.empty(60), Reason.TOO_FEW_FRAMES),
        (asleep, Reason.TOO_FEW_FRAMES),
    ):
        with pytest.raises(Unscorable) as caught:
            windows_of(bad)
        assert caught.value.reason == reason


def test_mixing_is_the_same_for_equal_states_none_at_zero_and_changes_no_own_part():
    import torch

    windows = {name: torch.zeros(5, SIZES[name], WINDOW) for name in STREAMS}
    windows["expression"][:] = 1.0
    assert all(torch.equal(a, windows[n]) for n, a in mixed(windows, 0.0).items())
    torch.manual_seed(0)
    once = mixed(windows, 1.0)
    torch.manual_seed(0)
    assert all(torch.equal(a, once[n]) for n, a in mixed(windows, 1.0).items())
    assert torch.equal(once["expression"], windows["expression"])  # pose and gaze stand still, so they add nothing
    assert once["gaze"].abs().sum() > 0 and once["gaze"][0].std(-1).max() < 1e-5


def shipped():
    from bench.data.puppet.version import PUPPET_VERSION
    from bench.experts import resolve

    return resolve("cohesion", dataset="puppet", data_version=str(PUPPET_VERSION))


def test_the_shipped_matcher_was_trained_and_chosen_apart_from_test_and_fits_its_card(monkeypatch, tmp_path):
    from bench.data.manifests import load_manifest
    from bench.experts import describe

    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path))
    card = describe(shipped())
    manifest = load_manifest("puppet", "bench")
    parts = {entry.name.split("_")[0]: entry.part for entry in manifest.entries}
    assert {parts[s] for s in card["train_speakers"]} == {"judge-train"}
    assert {parts[s] for s in card["validation_speakers"]} == {"validation"}
    assert card["manifest_sha256"] == manifest.sha256 and card["bytes"] < 4_000_000
    assert card["recipe"].startswith("emotalk train --metric cohesion")


def test_the_extractor_pickles_small_and_gives_each_video_the_same_whatever_came_before(monkeypatch, tmp_path):
    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path))
    rng = np.random.default_rng(11)
    first, second = cues_of(rng), cues_of(rng, frames=90)
    extractor = CohesionFeatures({"cohesion": shipped()})
    alone = extractor(Video(first))
    extractor(Video(second))
    again = extractor(Video(first))
    copy = pickle.loads(pickle.dumps(extractor))
    assert len(pickle.dumps(extractor)) < 1000
    for name in STREAMS:
        assert np.array_equal(alone[name], again[name]) and np.array_equal(alone[name], copy(Video(first))[name])
        assert alone[name].shape[:2] == (4, 2)
