"""A saved take acted again with less of its emotion."""

import itertools

import numpy as np
import pytest

from bench.data.puppet import retake
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.performance import perform
from bench.data.puppet.speaker import Speaker
from bench.data.puppet.speech import Phoneme
from bench.data.puppet.truth import Truth, of_take

BROWS = [ACTIONS.index(name) for name in ("brow_inner_raise", "brow_lower", "lid_raise")]
CLIP = ("W301", "fear", 3, 2)


@pytest.fixture(scope="module")
def truth() -> Truth:
    name, emotion, level, number = CLIP
    take = perform(Speaker.of(name), emotion, level, number, (48, 52))
    what = of_take(take, emotion, level, number)
    return Truth({"actions": take.actions}, tuple(Phoneme(*row) for row in what["phonemes"]), {"speaker": name, **what})


def test_nothing_taken_off_is_the_take_itself(truth):
    assert np.array_equal(retake.weakened(truth, 0), truth.arrays["actions"])


def test_the_face_is_put_together_again_as_it_was_saved(truth, monkeypatch):
    faces, one_face = [], retake.one_face
    monkeypatch.setattr(retake, "one_face", lambda *parts: faces.append(one_face(*parts)) or faces[-1])
    retake.weakened(truth, 0.5)
    assert np.abs(faces[-1] - truth.arrays["actions"]).max() < 5e-4, "phonemes are saved to 10 microseconds"


def test_the_more_is_taken_off_the_less_is_on_the_face(truth):
    shown = [retake.weakened(truth, share)[:, BROWS].mean() for share in (0, 0.25, 0.5, 0.75, 1)]
    assert all(less < more for more, less in itertools.pairwise(shown))
    assert shown[-1] < 0.25 * shown[0]


def test_lips_close_and_lids_blink_as_before(truth):
    columns = [ACTIONS.index(name) for name in ("lip_close", "blink")]
    kept = retake.weakened(truth, 1)[:, columns]
    assert np.array_equal(kept, truth.arrays["actions"][:, columns])
    assert kept[:, 0].max() == 1
