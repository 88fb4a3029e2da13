"""Clips put together from three people: who stands in for whom, and what ties their estimates."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from moving_face import cues_of

from bench.contract.geometry import euler_to_matrix, pose_of
from bench.decoupled import brow_slopes, decoupled, some_of, strangers
from metrics.extractors.face_network import BLENDSHAPES


def clip(speaker, emotion, take):
    return SimpleNamespace(clip_id=f"{speaker}_{emotion}_{take}", speaker=speaker, emotion=emotion)


CLIPS = [clip(s, e, t) for s in ("M1", "M2", "W1", "W2") for e in ("happy", "sad") for t in (1, 2, 3)]


def test_streams_come_from_three_speakers_who_act_the_same_emotion():
    for three in strangers(CLIPS):
        assert len({c.speaker for c in three}) == 3 and len({c.emotion for c in three}) == 1
    assert [three[0] for three in strangers(CLIPS)] == CLIPS


def test_a_part_of_the_clips_is_some_speakers_and_their_first_takes():
    part = some_of(CLIPS, every=2, takes=2)
    assert {c.speaker for c in part} == {"M1", "W1"} and len(part) == 8
    assert some_of(CLIPS, every=1, takes=None) == CLIPS


def test_slopes_are_what_brows_add_to_the_pitches():
    rng = np.random.default_rng(0)
    raised = [BLENDSHAPES.index(n) for n in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")]
    found = []
    for _ in range(12):
        cues = cues_of(rng, coupled=False)
        score = rng.uniform(0, 0.8, 60).astype(np.float32)
        scores, gaze, transform = cues.blendshapes.copy(), cues.gaze.copy(), cues.transform.copy()
        scores[:, raised] = score[:, None]
        gaze[..., 1] -= 20 * score[:, None]
        transform[:, :3, :3] = euler_to_matrix(pose_of(transform) + np.outer(score, [15, 0, 0]))
        found.append(replace(cues, blendshapes=scores, gaze=gaze, transform=transform))
    slopes = brow_slopes(found)
    assert abs(slopes["head pitch"][0] - 15) < 4 and abs(slopes["gaze pitch"][0] + 20) < 4


@pytest.mark.slow
def test_a_clip_of_three_has_the_pose_of_the_third(smoke_work):
    from bench.contract.cues import Cues
    from bench.data.puppet.rerender import TruthRenderer
    from bench.data.store import Store

    rows = Store(smoke_work / "store" / "puppet-smoke").selection("smoke", "test").scored
    first, second, third = (row.clip for row in rows[:3])
    cues = decoupled(smoke_work / "cache", first, second, third)
    truth = TruthRenderer(third.truth).truth["pose"][: len(cues)]
    own = Cues.load(first.cues)
    assert len(cues) <= min(len(own), third.n_frames)
    yaw = pose_of(cues.transform)[:, 1]
    assert np.nanstd(yaw - truth[:, 1]) < np.nanstd(pose_of(own.transform)[: len(cues), 1] - truth[:, 1])
