"""SyncNet as a trainable: pairs of one clip, the paper's loss, weights that the loader takes."""

from types import SimpleNamespace

import numpy as np
import pytest

from bench.contract.clip import Part
from bench.contract.cues import Cues
from bench.contract.train import Context, Trainable
from metrics.syncnet import model
from metrics.syncnet.clips import WindowPairs, example
from metrics.syncnet.training import SyncNetConfig, SyncNetTraining, embeddings, nearer
from metrics.trainables import trainable_class

TINY = SyncNetConfig(
    steps=2, batch_size=4, validate_every=1, warmup_steps=0, width=0.1, validation_clips=2, validation_frames=30
)


class Reader:
    """Clips on the fly: a dark patch opens in the face as loudly as the sound of that moment."""

    def __init__(self, frames=45, unseen=()):
        self.n, self.unseen, self.made = frames, list(unseen), 0

    def envelope(self, clip):
        rng = np.random.default_rng(clip.seed)
        return np.clip(np.convolve(rng.normal(size=self.n + 4), np.ones(3) / 2, "same")[2:-2], 0.1, 1.5) / 1.5

    def frames(self, clip):
        self.made += 1
        pictures = np.full((self.n, 256, 256, 3), 150, np.uint8)
        for picture, loud in zip(pictures, self.envelope(clip), strict=True):
            picture[140 : 142 + int(40 * loud), 100:156] = 20
        return pictures

    def audio(self, clip):
        rng = np.random.default_rng(clip.seed + 1)
        return (
            (0.3 * np.repeat(self.envelope(clip), 640) * rng.normal(size=640 * self.n)).clip(-1, 1).astype(np.float32)
        )

    def cues(self, clip):
        corners = np.resize([[68, 68, 0], [188, 188, 0]], (478, 3)).astype(np.float32)
        valid = np.ones(self.n, bool)
        valid[self.unseen] = False
        landmarks = np.where(valid[:, None, None], corners, np.nan).astype(np.float32)
        return Cues(**{**vars(Cues.empty(self.n)), "landmarks": landmarks, "valid": valid})

    def keep(self, name, clip, make):
        return make()

    def each(self, function, clips):
        return [function(clip, self) for clip in clips]


def clip(seed):
    return SimpleNamespace(clip_id=f"clip{seed:02d}", seed=seed)


@pytest.fixture(scope="module")
def pairs():
    return SyncNetTraining().data([clip(n) for n in range(3)], Reader(), TINY)


def context(step=0):
    return Context(step, 2, 0, "cpu", np.random.default_rng(step))


def test_it_is_registered_and_learns_from_judge_training_speakers():
    assert isinstance(SyncNetTraining(), Trainable)
    assert trainable_class("syncnet") is SyncNetTraining
    assert SyncNetTraining.speakers == (Part.JUDGE_TRAIN, Part.VALIDATION)


def test_crops_are_jpeg_of_the_pictures_and_cepstra_those_of_the_sound(pairs):
    from metrics.syncnet import crop, sound

    reader, one = Reader(), pairs.examples[0]
    expected = crop.cut(reader.frames(clip(0))[7][..., ::-1], np.array([128.0, 128.0, 60.0]))
    assert np.abs(one.pictures(7, 1)[0].astype(int) - expected).mean() < 1
    np.testing.assert_allclose(one.cepstra, sound.mfcc(sound.sixteen_bit(reader.audio(clip(0)))), rtol=1e-6)
    np.testing.assert_array_equal(one.heard(3)[0], one.cepstra[12:32].T)


def test_a_batch_has_true_sound_and_sound_of_the_same_clip_at_another_time(pairs):
    batch = pairs.batch(np.random.default_rng(0), 16)
    assert batch["pictures"].shape == (16, 3, 5, 224, 224) and batch["pictures"].dtype == np.uint8
    windows = [{one.heard(w).tobytes(): w for w in one.windows} for one in pairs.examples]
    for true, false in zip(batch["true"], batch["false"], strict=True):
        (known,) = [table for table in windows if true.tobytes() in table]
        assert 2 <= abs(known[true.tobytes()] - known[false.tobytes()]) <= 15


def test_the_same_generator_gives_the_same_batch(pairs):
    one, other = (pairs.batch(np.random.default_rng(5), 3) for _ in range(2))
    assert all((one[name] == other[name]).all() for name in one)


def test_windows_without_a_face_and_clips_without_a_pair_do_not_enter():
    (hidden,) = SyncNetTraining().data([clip(0)], Reader(unseen=range(10, 45)), TINY).examples
    assert hidden.windows.tolist() == list(range(6))
    assert len(SyncNetTraining().data([clip(0)], Reader(unseen=range(6, 45)), TINY)) == 0
    assert len(WindowPairs([example(clip(0), Reader(frames=4))])) == 0


def test_the_loss_is_the_contrastive_one_of_the_paper(pairs):
    import torch

    class Fixed:
        def see(self, pictures):
            return torch.zeros(len(pictures), 1, 2)

        def hear(self, cepstra):
            return torch.tensor([[3.0, 0.0], [0.0, 3.0], [5.0, 0.0], [30.0, 0.0]])

    training = SyncNetTraining()
    training.build(TINY)
    batch = {"pictures": torch.zeros(2, 3, 5, 1, 1), "true": torch.zeros(2, 1), "false": torch.zeros(2, 1)}
    found = training.loss(Fixed(), batch, context())
    # true pairs at 3, false ones at 5 and beyond the margin of 20: mean over 4 pairs of half of 9, 9, 15^2 and 0
    assert found["loss"].item() == pytest.approx((9 + 9 + 15**2) / 8, rel=1e-4)
    assert found["nearer"] == 1


def test_share_of_nearer_pairs_is_one_for_equal_streams_and_half_for_noise():
    rng = np.random.default_rng(0)
    visual, noise = rng.normal(size=(2, 400, 8))
    assert nearer(visual, visual) == 1
    assert nearer(visual, noise) == pytest.approx(0.5, abs=0.03)


def test_validation_and_card_stand_on_all_clips_and_every_shift(pairs):
    import torch

    torch.manual_seed(0)
    training = SyncNetTraining()
    net = training.build(TINY).eval()
    found = training.validate(net, pairs, context())
    assert set(found) == {"nearer", "exact", "within_1"} and 0 <= found["exact"] <= found["within_1"] <= 1
    card = training.card(net, pairs, context())
    assert card["clips"] == 2 and len(card["offset_within_1_by_sound_late"]) == 7


def test_the_card_counts_a_moved_offset_as_found_where_the_streams_agree(monkeypatch, pairs):
    same = np.random.default_rng(1).normal(size=(60, 8))
    training = SyncNetTraining()
    training.build(TINY)
    monkeypatch.setattr(training, "_embeddings", lambda *_: [(same, same)])
    assert set(training.card(None, pairs, context())["offset_within_1_by_sound_late"].values()) == {1.0}


@pytest.mark.slow
def test_the_one_trainer_learns_and_exports_weights_with_the_official_names(tmp_path):
    from safetensors.torch import load_file

    from bench.train import Job, train

    config = SyncNetConfig(
        steps=120, batch_size=12, validate_every=60, warmup_steps=5, learning_rate=2e-3, width=0.1, margin=10.0,
        validation_clips=6, validation_frames=40,
    )  # fmt: skip
    done = train(
        Job(SyncNetTraining(), config, 0, "cpu", tmp_path, [clip(n) for n in range(24)],
            [clip(n) for n in range(100, 106)], Reader(), ())
    )  # fmt: skip
    state = load_file(done.best)
    assert set(state) == set(model.SyncNet().state_dict())
    held_out = [embeddings(done.model.eval(), example(clip(n), Reader()), 40) for n in range(200, 206)]
    assert np.mean([nearer(*sides) for sides in held_out]) > 0.65


@pytest.mark.slow
def test_at_full_width_the_exported_file_is_one_that_the_loader_takes(tmp_path):
    from safetensors.torch import save_file

    net = SyncNetTraining().build(SyncNetConfig())
    half = {name: value.half() if value.is_floating_point() else value for name, value in net.state_dict().items()}
    save_file(half, tmp_path / "x.safetensors")
    assert (tmp_path / "x.safetensors").stat().st_size < SyncNetTraining.largest_file
    assert model.load(tmp_path / "x.safetensors").netfclip[3].out_features == 1024
