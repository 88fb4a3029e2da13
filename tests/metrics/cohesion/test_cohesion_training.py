"""The matcher learns what streams share, and nothing where they share nothing."""

from dataclasses import dataclass

import numpy as np
import pytest
from moving_face import cues_of

from bench.train import Job, train
from bench.training.config import make_config
from metrics.cohesion.streams import STREAMS, WINDOW
from metrics.cohesion.training import Cohesion, CohesionConfig


@dataclass(frozen=True)
class FakeClip:
    clip_id: str
    speaker: str
    emotion: str | None
    frames: int = 60


class FakeReader:
    def __init__(self, coupled):
        self.coupled = coupled

    def cues(self, clip):
        return cues_of(np.random.default_rng(sum(clip.clip_id.encode())), clip.frames, self.coupled)

    def keep(self, name, clip, make):
        return make()

    def each(self, function, clips):
        return [function(clip, self) for clip in clips]


def clips(speakers, takes=3):
    return [FakeClip(f"{s}-{e}-{'x' * t}", s, e) for s in speakers for e in ("happy", "sad") for t in range(takes)]


@pytest.mark.parametrize(("coupled", "low", "high"), [(True, 0.85, 1.0), (False, 0.3, 0.7)])
def test_it_learns_what_is_shared_and_finds_nothing_where_nothing_is(tmp_path, coupled, low, high):
    settings = ["steps=50", "batch_size=12", "validate_every=50", "warmup_steps=5", "ema=0.9", "width=12"]
    config = make_config(CohesionConfig, None, settings)
    reader = FakeReader(coupled)
    done = train(Job(Cohesion(), config, 0, "cpu", tmp_path, clips("abcdefgh"), clips("mnop"), reader))
    assert low <= done.best_value <= high


def test_clips_that_nothing_can_be_swapped_with_are_left_out():
    lonely = FakeClip("z-fear", "z", "fear")
    short, unnamed = FakeClip("a-short", "a", "happy", 20), FakeClip("a-none", "a", None)
    data = Cohesion().data([*clips("ab"), lonely, short, unnamed], FakeReader(True), CohesionConfig())
    assert len(data) == 12 and set(data.emotions) == {"happy", "sad"}


def test_a_batch_depends_on_the_generator_alone_and_swaps_within_speaker_and_emotion():
    data = Cohesion().data(clips("abcd"), FakeReader(True), CohesionConfig())
    once, again = (data.batch(np.random.default_rng(5), 4) for _ in range(2))
    for name in STREAMS:
        assert np.array_equal(once[name], again[name])
        assert once[name].shape[:2] == (4, 4) and once[name].shape[3] == WINDOW
    for i, others in enumerate(data.others):
        assert others and {(data.speakers[j], data.emotions[j]) for j in others} == {
            (data.speakers[i], data.emotions[i])
        }
