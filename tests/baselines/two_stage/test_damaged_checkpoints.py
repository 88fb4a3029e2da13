"""A damaged checkpoint has the one fault that its card names, and is otherwise a checkpoint like any other."""

import hashlib

import numpy as np
import pytest
import torch
from posed_face import face_at
from safetensors.torch import load_file
from small_checkpoint import write_checkpoint

from baselines.two_stage import gaze_bins
from baselines.two_stage.damaged_checkpoints import (
    DAMAGES,
    DATA,
    GAZE_HEADS,
    without_fixed_point,
    write_damaged,
    write_fewer_steps,
)
from baselines.two_stage.methods import TwoStage
from baselines.two_stage.mfcc import COEFFICIENTS, PER_FRAME
from baselines.two_stage.sampling import DRAWS, sample
from baselines.two_stage.speech_to_cues import Said
from baselines.two_stage.stage1_training import build_speech_to_cues
from bench.contract.clip import AUDIO_RATE, EMOTIONS, FPS
from bench.contract.errors import UsageError
from bench.contract.expert_file import read_card, read_expert
from bench.contract.method import Input, Request

FRAMES = 12
DOSES = {"weight-noise": 0.5, "sound-late": 5, "emotion-shuffled": 1, "gaze-zeroed": 1}


@pytest.fixture
def intact(tmp_path):
    return write_checkpoint(tmp_path / "intact.safetensors")


@pytest.fixture
def damaged(intact, tmp_path):
    """damaged(name): the file with that damage at its dose of this test."""

    def write(name, seed=0, dose=None):
        path = tmp_path / f"{name}-{seed}-{dose}.safetensors"
        write_damaged(intact, path, name, DOSES[name] if dose is None else dose, seed)
        return path

    return write


def changed(one, other):
    """The names of tensors that differ, bit by bit."""
    a, b = load_file(one), load_file(other)
    assert a.keys() == b.keys() and all(a[n].dtype == b[n].dtype and a[n].shape == b[n].shape for n in a)
    return {n for n in a if not torch.equal(a[n], b[n])}


def audio(seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, FRAMES * AUDIO_RATE // FPS).astype(np.float32)


def cues(checkpoint, sound=None, emotion="happy", seed=3):
    given = {
        Input.AUDIO: audio() if sound is None else sound,
        Input.EMOTION: emotion,
        Input.LEVEL: 2,
        Input.REFERENCE_CUES: face_at([[2.0, 0.0, 0.0]]),
    }
    request = Request("c", FRAMES, seed, TwoStage.consumes, {n: lambda v=v: v for n, v in given.items()})
    return TwoStage(checkpoint).cues(request)


def same(one, other):
    names = ("landmarks", "transform", "gaze", "openness")
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


def test_every_damage_has_a_dose_here():
    assert DOSES.keys() == DAMAGES.keys()


@pytest.mark.parametrize("name", DOSES)
def test_it_changes_only_what_it_says_and_what_the_model_says(name, intact, damaged):
    path = damaged(name)
    everything = set(load_file(intact))
    may = {
        "weight-noise": everything - set(DATA),
        "sound-late": set(),
        "emotion-shuffled": {n for n in everything if n.endswith((".emotion.weight", ".mood.weight"))},
        "gaze-zeroed": {n for n in everything if n.startswith(GAZE_HEADS)},
    }[name]
    found = changed(intact, path)
    assert found <= may and bool(found) == bool(may)
    own, card = read_card(intact), read_card(path)
    configs = own["config"] | ({"sound_late": 5} if name == "sound-late" else {})
    assert card["config"] == configs
    assert not same(cues(intact), cues(path))


@pytest.mark.parametrize("name", DOSES)
def test_the_same_seed_gives_the_same_file(name, damaged, tmp_path, intact):
    again = tmp_path / "again" / "other.safetensors"
    write_damaged(intact, again, name, DOSES[name], 0)
    assert damaged(name).read_bytes() == again.read_bytes()


@pytest.mark.parametrize("name", ["weight-noise", "emotion-shuffled"])
def test_another_seed_gives_another_damage(name, damaged):
    assert changed(damaged(name, 0), damaged(name, 1))


@pytest.mark.parametrize("name", DOSES)
def test_its_card_names_the_damage_and_keeps_nothing_that_was_measured_on_the_intact_one(name, intact, damaged):
    path = damaged(name)
    card = read_card(path)
    damage = card["damage"]
    assert (damage["name"], damage["dose"], damage["unit"]) == (name, DOSES[name], DAMAGES[name].unit)
    assert damage["of"] == hashlib.sha256(intact.read_bytes()).hexdigest() and damage["what"]
    assert card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest() != damage["of"]
    assert "validation" in read_card(intact) and not {"validation", "chosen_by"} & card.keys()


def test_noise_has_the_stated_share_of_each_tensors_sd(intact, damaged):
    before, after = load_file(intact), load_file(damaged("weight-noise"))
    large = [n for n in before if before[n].numel() > 2000 and n not in DATA]
    assert large
    for name in large:
        added = float((after[name].float() - before[name].float()).std())
        assert added == pytest.approx(0.5 * float(before[name].float().std()), rel=0.08), name


def test_more_noise_goes_further_the_same_way(intact, damaged):
    before, some, more = (load_file(f) for f in (intact, damaged("weight-noise", dose=0.1), damaged("weight-noise")))
    name = "streams.0.body.layers.0.into.weight"
    one, other = ((t[name].float() - before[name].float()).flatten() for t in (some, more))
    assert torch.corrcoef(torch.stack([one, other]))[0, 1] > 0.99 and torch.allclose(5 * one, other, atol=5e-3)


def test_late_by_five_frames_is_the_intact_model_on_sound_that_begins_five_frames_later(intact, damaged):
    later = np.concatenate([np.zeros(5 * AUDIO_RATE // FPS, np.float32), audio()])
    assert same(cues(damaged("sound-late")), cues(intact, sound=later))
    assert not same(cues(damaged("sound-late", dose=4)), cues(intact, sound=later))


@pytest.mark.parametrize("dose", [0, 2.5, -5])
def test_a_sound_is_late_by_whole_frames(damaged, dose):
    with pytest.raises(UsageError, match="whole number of frames"):
        damaged("sound-late", dose=dose)


def test_every_emotion_is_said_as_another_one(intact, damaged):
    path = damaged("emotion-shuffled")
    before, after = (load_file(f)["streams.0.emotion.weight"] for f in (intact, path))
    order = [next(i for i, row in enumerate(before) if torch.equal(row, own)) for own in after]
    assert sorted(order) == list(range(len(EMOTIONS))) and all(i != other for i, other in enumerate(order))
    for emotion, other in zip(EMOTIONS, order, strict=True):
        assert same(cues(path, emotion=emotion), cues(intact, emotion=EMOTIONS[other]))
        assert f"{emotion} as {EMOTIONS[other]}" in read_card(path)["damage"]["what"]


def test_all_streams_of_separate_networks_take_the_same_order(tmp_path):
    intact = write_checkpoint(tmp_path / "apart.safetensors", joint=False)
    path = tmp_path / "damaged.safetensors"
    write_damaged(intact, path, "emotion-shuffled", 1)
    before, after = load_file(intact), load_file(path)
    orders = {
        tuple(int((before[n] == row).all(1).nonzero()) for row in after[n])
        for n in before
        if n.endswith(".emotion.weight")
    }
    assert len(orders) == 1 and changed(intact, path) == {
        f"streams.{i}.{name}.weight" for i in range(3) for name in ("emotion", "mood")
    }


def test_orders_never_keep_a_place_and_all_of_them_come():
    rng = np.random.default_rng(0)
    found = [tuple(without_fixed_point(4, rng)) for _ in range(300)]
    assert all(place != i for order in found for i, place in enumerate(order))
    assert len(set(found)) == 9  # of four there are nine
    with pytest.raises(ValueError, match="expected 2 or more"):
        without_fixed_point(1, rng)


def test_a_network_that_is_told_no_emotion_cannot_have_them_exchanged(tmp_path):
    intact = write_checkpoint(tmp_path / "untold.safetensors", emotion=False)
    with pytest.raises(UsageError, match="is told no emotion"):
        write_damaged(intact, tmp_path / "x.safetensors", "emotion-shuffled", 1)


def looks(checkpoint, frames=400):
    """(frames, 2) bins that the network draws for both eyes."""
    expert, rng = read_expert(checkpoint), torch.Generator().manual_seed(1)
    model = build_speech_to_cues(expert.config)
    model.load_state_dict(expert.state)
    sound = torch.randn(1, PER_FRAME * frames, COEFFICIENTS, generator=rng)
    said = Said(torch.tensor([4]), torch.tensor([2]), torch.randn(1, 3 * 478, generator=rng))
    return sample(model, sound, said, torch.rand(1, frames, DRAWS, generator=rng), 0.8).bins[0]


def test_zeroed_gaze_looks_everywhere_alike(intact, damaged):
    """Pearson's statistic of equal shares has as many degrees of freedom as directions, less one; here within 5 SD of it."""
    expected, spread = gaze_bins.COUNT - 1, (2 * (gaze_bins.COUNT - 1)) ** 0.5
    for path, uniform in ((damaged("gaze-zeroed"), True), (intact, False)):
        bins = looks(path)
        counts = torch.bincount(bins.flatten(), minlength=gaze_bins.COUNT).double()
        share = counts.sum() / gaze_bins.COUNT
        statistic = float(((counts - share) ** 2 / share).sum())
        assert (abs(statistic - expected) < 5 * spread) == uniform
        assert (abs(float((bins[:, 0] == bins[:, 1]).float().mean()) - 1 / gaze_bins.COUNT) < 0.03) or not uniform


def test_zeroed_gaze_that_is_not_discretised_stays_where_the_reference_looks(tmp_path):
    intact = write_checkpoint(tmp_path / "regressed.safetensors", discretised=False)
    path = tmp_path / "zeroed.safetensors"
    card = write_damaged(intact, path, "gaze-zeroed", 1)
    assert np.abs(cues(path).gaze - face_at([[2.0, 0.0, 0.0]]).gaze).max() == 0 < np.abs(cues(intact).gaze).max()
    assert "stays where the reference image looks" in card["damage"]["what"]


def test_an_unknown_damage_is_answered_with_those_there_are(intact, tmp_path):
    with pytest.raises(UsageError, match="expected one of weight-noise, sound-late"):
        write_damaged(intact, tmp_path / "x.safetensors", "noise", 1)


def shorter(tmp_path, steps=100, **changes):
    return write_checkpoint(tmp_path / "shorter" / "speech_to_cues.safetensors", steps=steps, **changes)


def test_a_training_with_fewer_steps_is_taken_as_it_is(intact, tmp_path):
    given, path = shorter(tmp_path), tmp_path / "fewer-steps.safetensors"
    card = write_fewer_steps(intact, given, path, 0.05)
    assert not changed(given, path) and card["damage"]["what"] == "trained for 100 steps and not 2000"
    assert read_card(path)["validation"] == read_card(given)["validation"]
    assert cues(path).valid.all()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"steps": 200}, "200 steps, expected at most 0.05 of the 2000"),
        ({"mouth": 1.0}, "it differs in mouth"),
        ({"card": {"fingerprint": "g"}}, "it differs in fingerprint"),
    ],
)
def test_another_training_and_a_longer_one_are_refused(intact, tmp_path, made, said):
    with pytest.raises(UsageError, match=said):
        write_fewer_steps(intact, shorter(tmp_path, **made), tmp_path / "x.safetensors", 0.05)
