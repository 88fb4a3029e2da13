"""Speed of rendering the embedded dataset on two processes, as `prepare` does it; wall clock, one run."""

import sys
import time

import pytest
from cloudpickle import register_pickle_by_value
from joblib import Parallel, delayed

from bench.data.puppet.dataset import plan, write_tree
from bench.data.puppet.performance import Speaker, perform
from bench.data.puppet.render import Performance, renderer_of
from bench.data.puppet.splits import find_profile
from bench.data.puppet.truth import RENDERER_SEX

pytestmark = pytest.mark.slow
# another package may have brought a top-level `tests`: workers then cannot import this file by its name
register_pickle_by_value(sys.modules[__name__])


def render(speaker_name: str, emotion: str) -> tuple[int, float]:
    """Frames and seconds of one clip, without building the head."""
    settings, speaker = find_profile("quick"), Speaker.of(speaker_name)
    take = perform(speaker, emotion, 1, 1, settings.frames, settings.short)
    renderer = renderer_of(speaker.seed, RENDERER_SEX[speaker.sex])
    performance = Performance(take.actions, take.gaze, take.pose, take.position)
    next(renderer.frames(performance))  # scene and kernels
    start = time.perf_counter()
    frames = sum(1 for _ in renderer.frames(performance))
    return frames, time.perf_counter() - start


def test_two_processes_render_and_write_at_a_useful_rate(face_weights, tmp_path):
    speakers = sorted({clip.speaker for clip in plan("quick")})
    done = Parallel(n_jobs=2)(delayed(render)(name, "neutral") for name in speakers)
    rates = sorted(frames / seconds for frames, seconds in done)
    together = 2 * sum(frames for frames, _ in done) / sum(seconds for _, seconds in done)
    start = time.perf_counter()
    clips = write_tree(tmp_path / "tree", "quick", jobs=2)
    wall = time.perf_counter() - start
    frames = sum(clip.frames for clip in plan("quick"))
    print(f"\nrendering, both processes busy: {together:.0f} frames/s together; per process slowest speaker {rates[0]:.0f}, "
          f"median {rates[len(rates) // 2]:.0f}; with speech, encoding, heads and files ({len(clips)} clips): "
          f"{frames / wall:.0f} frames/s")  # fmt: skip
    assert together > 50
