"""Stage 1: causality, cached decoding, seeds, length; and that one clip can be learnt by heart."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from baselines.two_stage.attention import Transformer
from baselines.two_stage.emotion_classifier import EmotionClassifier
from baselines.two_stage.face_code import principal
from baselines.two_stage.mfcc import COEFFICIENTS, PER_FRAME, mfcc
from baselines.two_stage.sampling import beginning, draw, noise, sample
from baselines.two_stage.sequences import Sequences, Spoken
from baselines.two_stage.sound_network import LOOK_AHEAD
from baselines.two_stage.speech_to_cues import Frames, Said, Shape, SpeechToCues
from baselines.two_stage.stage1_training import SpeechToCuesConfig, SpeechToCuesTraining, _spoken
from bench.contract.clip import Part
from bench.contract.train import Context, to_device
from bench.train import Job, train

SHAPE = Shape(width=16, layers=2, heads=2, window=6, codes=4, dropout=0.0)
SMALL = SpeechToCuesConfig(
    steps=4, batch_size=2, validate_every=2, warmup_steps=1, length=10, width=16, layers=1, heads=2, window=8, codes=4,
    dropout=0.0,
)  # fmt: skip


def network(**changes) -> SpeechToCues:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(468 * 3, SHAPE.codes)))[0].T.astype(np.float32)
    model = SpeechToCues(replace(SHAPE, **changes), torch.from_numpy(basis), torch.ones(SHAPE.codes))
    for parameter in model.parameters():  # a fresh network says nearly the same of everything
        torch.nn.init.normal_(parameter, std=0.3) if parameter.ndim > 1 else None
    return model.eval()


def said(batch: int) -> Said:
    face = torch.randn(batch, 3 * 478, generator=torch.Generator().manual_seed(2))
    return Said(torch.arange(batch) % 8, torch.ones(batch, dtype=torch.long), face)


def columns(batch: int, frames: int) -> torch.Tensor:
    return torch.randn(batch, PER_FRAME * frames, COEFFICIENTS, generator=torch.Generator().manual_seed(1))


def drawn(batch: int, frames: int) -> torch.Tensor:
    return torch.from_numpy(np.stack([noise(i, frames) for i in range(batch)]))


def same(one: Frames, other: Frames, tolerance: float = 1e-5) -> bool:
    return all(torch.allclose(a.float(), b.float(), atol=tolerance) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("switch", ["discretised", "joint", "emotion"])
@pytest.mark.parametrize("on", [True, False])
def test_every_kind_of_network_draws_cues_of_the_right_shape(switch, on):
    frames = sample(network(**{switch: on}), columns(2, 5), said(2), drawn(2, 5))
    assert [tuple(t.shape) for t in frames] == [(2, 5, 4), (2, 5), (2, 5, 2), (2, 5, 2, 2), (2, 5, 7)]
    assert all(torch.isfinite(t.float()).all() for t in frames)


def test_the_same_seed_gives_the_same_cues_and_another_seed_others():
    model, sound = network(), columns(1, 8)
    first, again = (sample(model, sound, said(1), drawn(1, 8)) for _ in range(2))
    other = sample(model, sound, said(1), torch.from_numpy(noise(7, 8))[None])
    assert same(first, again, 0) and not same(first, other)
    assert (noise(3, 4) == noise(3, 9)[:4]).all()


def test_a_clip_does_not_depend_on_the_clips_beside_it():
    model, sound, who, draws = network(), columns(3, 6), said(3), drawn(3, 6)
    together = sample(model, sound, who, draws)
    alone = [sample(model, sound[i : i + 1], Said(*(t[i : i + 1] for t in who)), draws[i : i + 1]) for i in range(3)]
    assert same(together, Frames(*(torch.cat(parts) for parts in zip(*alone, strict=True))))


@pytest.mark.parametrize("joint", [True, False])
def test_step_by_step_with_kept_keys_is_the_same_as_all_at_once(joint):
    model, frames = network(joint=joint), 15  # longer than the window
    heard, who = model.heard(columns(2, frames)), said(2)
    before = sample(model, columns(2, frames), who, drawn(2, frames))
    whole, _ = model.hidden(heard, who, before)
    kept, steps = None, []
    for t in range(frames):
        states, kept = model.hidden([h[:, t : t + 1] for h in heard], who, before.at(t, t + 1), kept, t)
        steps.append(states)
    for stream in range(len(whole)):
        assert torch.allclose(whole[stream], torch.cat([s[stream] for s in steps], 1), atol=1e-5)
    assert kept[0][0][0].shape[2] == SHAPE.window - 1, "memory grows with the clip"


def test_cues_do_not_depend_on_sound_later_than_the_look_ahead():
    model, frames, t = network(), 20, 8
    audio = np.random.default_rng(0).normal(0, 0.1, frames * 640).astype(np.float32)
    changed = audio.copy()
    changed[int((t + 1) * 640 + LOOK_AHEAD * 16000) :] = 0.5
    one, other = (
        sample(model, torch.from_numpy(mfcc(a, frames))[None], said(1), drawn(1, frames)) for a in (audio, changed)
    )
    assert same(one.at(0, t + 1), other.at(0, t + 1), 0) and not same(one, other)
    assert LOOK_AHEAD <= 0.2


def test_a_longer_clip_begins_like_its_shorter_self():
    model, sound = network(), columns(1, 30)
    short, long = (sample(model, sound[:, : 4 * n], said(1), drawn(1, n)) for n in (20, 30))
    assert same(short.at(0, 16), long.at(0, 16))


def test_attention_depends_on_distances_in_time_alone():
    torch.manual_seed(0)
    body = Transformer(16, 2, 2, 5).eval()
    x = torch.randn(1, 12, 16)
    with torch.no_grad():
        assert torch.allclose(body(x)[0], body(x, start=1000)[0], atol=1e-4)


def test_what_is_spoken_for_training_is_what_is_spoken_in_use():
    model, sound, who = network(), columns(3, 7), said(3)
    made = sample(model, sound, who, drawn(3, 7))
    start = beginning(3, SHAPE.codes, sound)
    before = Frames(*(torch.cat([first, part[:, :-1]], 1) for first, part in zip(start, made, strict=True)))
    wrong = before._replace(
        code=before.code + before.code.abs().sum((1, 2), keepdim=True) * (torch.arange(7) > 0)[None, :, None]
    )
    own = torch.tensor([True, False, True])
    found = _spoken(model, model.heard(sound), who, wrong, made, own)
    assert torch.allclose(found.code[own], before.code[own], atol=1e-5)  # which began with the reference's face
    assert torch.equal(found.code[~own], wrong.code[~own]) and torch.equal(found.pose, before.pose)


def test_a_pose_is_the_mean_of_its_likeliest_kind_without_temperature():
    model, sound, who = network(), columns(1, 3), said(1)
    before = beginning(1, SHAPE.codes, sound)
    states = [h[:, :1] for h in model.hidden([h[:, :1] for h in model.heard(sound)], who, before)[0]]
    sure = draw(model, states, before, drawn(1, 1), 0.0)
    guess = model.guess(states, sure, before)
    assert torch.allclose(sure.pose[0, 0], guess.pose[0, 0, guess.kind[0, 0].argmax()])


def test_separate_generation_keeps_cues_from_each_other():
    model, who, heard = network(joint=False), said(1), None
    heard = model.heard(columns(1, 4))
    before = Frames(*(t.repeat(1, 4, *[1] * (t.ndim - 2)) for t in beginning(1, 4, heard[0])))
    moved = before._replace(pose=before.pose + 1)
    (face, gaze, pose), _ = model.hidden(heard, who, before)
    (face2, gaze2, pose2), _ = model.hidden(heard, who, moved)
    assert torch.equal(face, face2) and torch.equal(gaze, gaze2) and not torch.allclose(pose, pose2)
    one, other = (model.guess([face, gaze, pose], now, before).code for now in (before, moved))
    assert torch.equal(one, other)


def test_without_the_label_the_emotion_changes_nothing():
    model, sound = network(emotion=False), columns(1, 5)
    who = said(1)
    other = who._replace(emotion=who.emotion + 3)
    assert same(*(sample(model, sound, w, drawn(1, 5)) for w in (who, other)), 0)
    told = network()
    assert not same(*(sample(told, sound, w, drawn(1, 5)) for w in (who, other)), 0)


def test_the_classifiers_gradient_reaches_every_cue():
    model, who = network(), said(2)
    classifier = EmotionClassifier(SHAPE).eval()
    heard = model.heard(columns(2, 12))
    now = sample(model, columns(2, 12), who, drawn(2, 12))
    before = Frames(*(t.clone() for t in now))
    guess = model.guess(model.hidden(heard, who, before)[0], before, before)
    classifier(classifier.of_guess(guess, True)).square().sum().backward()
    for head in (model.lids, model.left, model.right, model.pose, model.face[-1]):
        assert head.weight.grad.abs().sum() > 0


def test_codes_and_movements_are_each_others_inverse_within_the_basis():
    rng = np.random.default_rng(0)
    moves = [rng.normal(size=(20, 3)) @ rng.normal(size=(3, 468 * 3)) for _ in range(3)]
    basis, spread = principal([m.reshape(-1, 468, 3) for m in moves], 9)
    model = SpeechToCues(replace(SHAPE, codes=9), torch.from_numpy(basis), torch.from_numpy(spread))
    movement = torch.from_numpy(moves[1].reshape(-1, 468, 3)).float()
    assert torch.allclose(model.decoded(model.coded(movement)), movement, atol=1e-3)
    with pytest.raises(ValueError, match="at least 99 frames"):
        principal([m.reshape(-1, 468, 3) for m in moves], 99)


def test_mfcc_is_silent_alike_moves_with_sound_and_has_four_columns_a_frame():
    tone = np.sin(np.arange(16000) / 16000 * 2 * np.pi * 440).astype(np.float32) * 0.3
    found = mfcc(tone, 25)
    assert found.shape == (100, COEFFICIENTS) and found.dtype == np.float32
    later = mfcc(np.concatenate([np.zeros(640, np.float32), tone]), 26)
    assert np.allclose(found[2:96], later[6:100], atol=1e-4)
    assert np.ptp(mfcc(np.zeros(0, np.float32), 3), axis=0).max() == 0
    with pytest.raises(ValueError, match="expected sound"):
        mfcc(np.zeros((2, 3)), 1)


def spoken(number: int, frames: int = 14) -> Spoken:
    rng = np.random.default_rng(number)
    wave = np.sin(np.arange(frames) * 0.7 + number)[:, None, None]
    return Spoken(
        SimpleNamespace(
            speaker=f"M{number}", emotion="happy" if number % 2 else "sad", level=2, part=Part.METHOD_TRAIN
        ),
        columns=np.repeat(wave[:, :, 0], PER_FRAME, 0).repeat(COEFFICIENTS, 1).astype(np.float32),
        expression=(0.1 * wave * rng.normal(size=(1, 468, 3))).astype(np.float16),
        pose=(0.3 * wave[:, 0] * np.ones(7)).astype(np.float32),
        gaze=np.zeros((frames, 2, 2), np.float32),
        bins=np.stack([np.arange(frames) // 3 % 9] * 2, -1),
        lids=np.arange(frames) // 2 % 6,
        face=rng.normal(size=(478, 3)).astype(np.float32),
    )


class Training(SpeechToCuesTraining):
    """Reads made-up clips."""

    def data(self, clips, reader, config):
        made = [spoken(n) for n in range(4)]
        self._code = principal([one.expression for one in made], config.codes)
        return Sequences(made, config.length)


def run(folder, **changes):
    config = replace(SMALL, **changes)
    return train(Job(Training(), config, 0, "cpu", folder, [object()], [object()], None))


@pytest.mark.parametrize("switch", ["classifier", "discretised", "joint", "scheduled", "emotion"])
def test_every_ablation_trains(tmp_path, switch):
    done = run(tmp_path, **{switch: False})
    assert np.isfinite(done.best_value)
    assert ("classifier.loss" in done.curve.lines[0].values) == (switch != "classifier")


def test_losses_fall_when_four_clips_are_learnt_by_heart(tmp_path):
    done = run(tmp_path, steps=250, validate_every=250, learning_rate=1e-2, scheduled=False, batch_size=4, length=14)
    rows = [line.values for line in done.curve.lines if line.split == "train"]
    for name in ("points", "lids", "gaze"):
        assert rows[-1][f"cues.{name}"] < 0.5 * rows[0][f"cues.{name}"], name


def test_a_crop_begins_with_the_frame_before_it_and_the_first_with_the_reference():
    data, one = Sequences([spoken(0)], 6), spoken(0)
    first, later, last = (data.row(one, start) for start in (0, 3, 10))
    assert first["first"] and not later["first"]
    assert (first["pose"][0] == 0).all() and np.allclose(later["pose"][0], one.pose[2])
    assert np.allclose(later["pose"][1:], one.pose[3:9])
    assert last["weight"].tolist() == [1, 1, 1, 1, 0, 0] and last["columns"].shape == (24, COEFFICIENTS)


def test_crops_depend_on_the_generator_alone():
    data = Sequences([spoken(n) for n in range(4)], 6)
    one, again = (data.batch(np.random.default_rng(3), 5) for _ in range(2))
    assert all(np.array_equal(one[name], again[name]) for name in one)


def test_undiscretised_gaze_has_no_loss_of_bins():
    trainable = Training()
    config = replace(SMALL, discretised=False)
    data = trainable.data([], None, config)
    model = trainable.build(config)
    batch = to_device(data.batch(np.random.default_rng(0), 2), "cpu")
    losses = trainable.loss(model, batch, Context(0, 4, 0, "cpu", np.random.default_rng(0), "cues"))
    losses["gaze"].backward()
    assert model["cues"].gaze.weight.grad is not None and model["cues"].left.weight.grad is None


def test_voice_and_face_of_a_crop_are_hidden_and_nothing_else():
    clips = Training().data([], None, SMALL).sequences
    plain, hidden = Sequences(clips, 10), Sequences(clips, 10, voice=0.5, strangers=1.0)
    row = plain.batch(np.random.default_rng(0), 1)
    found = hidden.batch(np.random.default_rng(0), 1)
    shift = found["columns"] - row["columns"]
    assert np.ptp(shift, 1).max() < 1e-5 and np.abs(shift).max() > 0
    assert all(np.array_equal(row[name], found[name]) for name in row if name not in ("columns", "face"))
