"""Training the sync expert: batches depend on the generator alone, the loss knows the true lag, pictures stay pictures."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.contract.clip import Clip, Part
from bench.contract.cues import Cues
from bench.contract.train import Context, Trainable, to_device
from metrics.sync_expert.data import SyncClips, altered_crops, altered_mel
from metrics.sync_expert.offsets import SHIFTS, accuracy, find, shifted
from metrics.sync_expert.training import SyncExpertConfig, SyncExpertTraining
from metrics.sync_expert.validation import offset_report
from metrics.trainables import trainable_class

torch = pytest.importorskip("torch")

FRAMES = 44
D = 16


def a_clip(name: str, frames: int) -> Clip:
    return Clip(
        name, "puppet", "M301", "happy", 1, "001", Part.JUDGE_TRAIN, True, Path(name), frames, "", (), (256, 256)
    )


class Reader:
    """A ClipReader of random pictures and sound."""

    def frames(self, clip):
        return np.random.default_rng(0).integers(0, 255, (clip.n_frames, 256, 256, 3)).astype(np.uint8)

    def audio(self, clip):
        return np.random.default_rng(1).normal(0, 0.1, clip.n_frames * 640).astype(np.float32)

    def cues(self, clip):
        points = np.random.default_rng(2).uniform(90, 160, (1, 478, 3)).repeat(clip.n_frames, 0).astype(np.float32)
        empty = Cues.empty(clip.n_frames)
        return Cues(
            points, empty.transform, empty.gaze, empty.openness, empty.blendshapes, np.ones(clip.n_frames, bool)
        )

    def keep(self, name, clip, make):
        return make()

    def each(self, function, clips):
        return [function(clip, self) for clip in clips]


@pytest.fixture(scope="module")
def data() -> SyncClips:
    clips = [a_clip(f"c{i}", FRAMES + i) for i in range(3)]
    return SyncExpertTraining().data([a_clip("short", FRAMES - 1), *clips], Reader(), SyncExpertConfig())


class Ideal(torch.nn.Module):
    """A network whose two streams know the moment: row t of both is the same random vector, row `late` later in sound."""

    def __init__(self, late: int = 0):
        super().__init__()
        self.late = late
        self.clip_scale, self.window_scale = (torch.nn.Parameter(torch.tensor(3.0)) for _ in range(2))

    def rows(self, batch: int, windows: int, first: int) -> torch.Tensor:
        moments = np.random.default_rng(0).normal(size=(batch, 200, D)).astype(np.float32)
        return torch.nn.functional.normalize(torch.from_numpy(moments[:, first : first + windows]), dim=-1)

    def visual(self, crops):
        return self.rows(len(crops), crops.shape[1] - 4, 50)

    def audio(self, mel):
        return self.rows(len(mel), (mel.shape[1] - 18) // 4 + 1, 50 - self.late)


def context(seed: int = 0) -> Context:
    return Context(0, 10, seed, "cpu", np.random.default_rng(seed))


def test_it_is_a_trainable_that_the_registry_knows():
    assert trainable_class("sync-expert") is SyncExpertTraining
    assert isinstance(SyncExpertTraining(), Trainable)


def test_clips_shorter_than_a_batch_are_left_out(data):
    assert len(data) == 3


def test_a_batch_depends_on_the_generator_alone(data):
    first, again, other = (data.batch(np.random.default_rng(seed), 4) for seed in (5, 5, 6))
    assert first["crops"].shape == (4, FRAMES, 48, 48) and first["mel"].shape == (4, 4 * FRAMES - 2, 40)
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    assert not np.array_equal(first["crops"], other["crops"])


def loss(late: int, data: SyncClips) -> dict[str, float]:
    training = SyncExpertTraining()
    training.build(SyncExpertConfig())
    batch = to_device(data.batch(np.random.default_rng(0), 6), "cpu")
    values = [training.loss(Ideal(late), batch, context(seed)) for seed in range(4)]
    return {name: float(np.mean([value[name].item() for value in values])) for name in values[0]}


def test_the_loss_knows_the_true_lag(data):
    right, late = loss(0, data), loss(2, data)
    assert right["exact"] == 1 and late["exact"] == 0
    for name in ("clip", "window", "others"):
        assert right[name] < 0.5 * late[name]


def test_one_step_moves_every_weight(data):
    training, config = SyncExpertTraining(), SyncExpertConfig(dimension=8)
    torch.manual_seed(0)
    model = training.build(config).train()
    values = training.loss(model, to_device(data.batch(np.random.default_rng(0), 2), "cpu"), context())
    values["loss"].backward()
    assert all(p.grad is not None and bool((p.grad != 0).any()) for p in model.parameters())


def test_alterations_keep_the_kind_and_the_time(data):
    one = data.examples[0]
    for seed in range(8):
        rng = np.random.default_rng(seed)
        crops, mel = altered_crops(one.crops, rng), altered_mel(one.mel, rng)
        assert crops.shape == (len(one.crops), 48, 48) and crops.dtype == np.uint8
        assert mel.shape == one.mel.shape and mel.dtype == np.float32 and np.isfinite(mel).all()


@pytest.mark.parametrize("shift", [-9, 0, 6])
def test_a_shift_cuts_both_sides_and_repeats_nothing(shift):
    frames = np.arange(FRAMES)
    steps = np.arange(4 * FRAMES - 2)
    picture, seen, sound = shifted(frames, frames >= 0, steps, shift)
    assert len(picture) == len(seen) == FRAMES - abs(shift) and len(sound) == 4 * len(picture) - 2
    assert sound[0] / 4 - picture[0] == shift  # later sound in the same place: it is early
    assert np.array_equal(np.diff(picture), np.ones(len(picture) - 1))


@pytest.mark.parametrize("late", [-7, 0, 10])
def test_the_offset_of_a_perfect_network_is_found(data, late):
    found = find(Ideal(late), data.examples[0], "cpu")
    assert found.offset == -late and found.distance == 0 and found.confidence > 0.5
    assert found.windows == 1 if late == 0 else found.windows < 0.2
    assert accuracy([found], abs(late)) == 1 and (late == 0 or accuracy([found], abs(late) - 1) == 0)


def test_the_report_of_a_network_that_sees_no_shift_is_right_at_none_and_wrong_at_all_others(data):
    report = offset_report(Ideal(), data.examples, "cpu")
    assert json.loads(json.dumps(report)) == report
    assert {shift: row["exact"] for shift, row in report["by_shift"].items()} == {
        str(shift): float(shift == 0) for shift in SHIFTS
    }
    assert report["offset_accuracy"]["exact"] == pytest.approx(1 / len(SHIFTS), abs=1e-4)
    assert report["offset_accuracy"]["within 3"] == pytest.approx(3 / len(SHIFTS), abs=1e-4)
    assert report["scores"]["real"]["SX-D"] == 0
    assert "other sentence" not in report["scores"]  # there is but one sentence
