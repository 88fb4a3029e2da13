"""The same engine on a CUDA GPU: the same numbers to 1e-3, and frames per second of everything that reads pictures or sound.

pytest -m slow -s tests/speed/test_cuda.py
"""

import time
from contextlib import suppress

import numpy as np
import pytest

from bench.contract.clip import AUDIO_RATE, FPS
from bench.contract.errors import Unscorable
from bench.contract.seen import Video
from bench.data import media
from bench.data.store import Store
from bench.evaluate import evaluate
from bench.plan import make_plan
from bench.protocols import load_protocol
from bench.sides import built
from bench.videos import reference_cues

pytestmark = pytest.mark.slow
ALLOWED = 1e-3
"""CPU against CUDA without TF32: relative, and absolute for values under 1 (docs/tolerances.md)."""


@pytest.fixture(scope="session")  # asked before anything is rendered
def device() -> str:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA GPU here: nothing of this file was run")
    return "cuda"


@pytest.fixture(scope="module")
def selection(smoke_work):
    return Store(smoke_work / "store" / "puppet-smoke").selection("smoke", "test")


def test_every_column_is_the_same_on_both_devices(device, selection, tmp_path):
    from baselines.registry import find_method
    from bench.generate import generate

    videos = tmp_path / "videos"
    generate(find_method("gt-reencoded"), selection, videos, seed=0, jobs=1)
    values, seconds = {}, {}
    for where in ("cpu", device):
        for turn in ("warm", "timed"):  # networks are loaded and kernels chosen in the first
            folder, start = tmp_path / where / turn, time.perf_counter()
            done = evaluate(selection, videos, out=folder / "out", cache=folder / "cache", jobs=1, device=where)
            seconds[where] = time.perf_counter() - start
        values[where] = {metric.metric: metric.value for metric in done.result.metrics}
    frames = sum(row.clip.n_frames for row in selection.scored)
    print(f"\nthe whole row, {frames} frames, one worker: " + ", ".join(f"{w} {s:.1f} s" for w, s in seconds.items()))
    ours, theirs = values["cpu"], values[device]
    assert {name for name, value in ours.items() if value is None} == {n for n, v in theirs.items() if v is None}
    apart = {name: abs(value - theirs[name]) / max(1, abs(value)) for name, value in ours.items() if value is not None}
    print("\nlargest differences:", sorted(((f"{gap:.1e}", name) for name, gap in apart.items()), reverse=True)[:5])
    assert len(apart) > 30 and {name: gap for name, gap in apart.items() if gap > ALLOWED} == {}


def test_frames_per_second_of_every_extractor(device, selection):
    clips = [row.clip for row in selection.scored]
    document, speakers = selection.document, [clip.speaker for clip in clips]
    videos = [
        Video(
            reference_cues(clip),
            np.stack(list(media.read_frames(clip.video, fps=FPS))),
            media.read_audio(clip.audio, AUDIO_RATE),
        )
        for clip in clips
    ]
    frames, rates = sum(len(video.cues) for video in videos), {}
    for where in ("cpu", device):
        plan = make_plan(load_protocol(), document["dataset"], document["data_version"], speakers, where)
        for name, extractor in sorted(plan.extractors.items()):
            work = built(extractor, where)
            work_through(work, videos)  # networks are loaded, kernels chosen
            start = time.perf_counter()
            work_through(work, videos)  # ends on the CPU: every extractor gives numpy arrays
            rates.setdefault(name, []).append(frames / (time.perf_counter() - start))
        for metric in (m for m in plan.measurable if m.needs):
            metric.load({name: plan.weights[name] for name in metric.needs}, where)
            pair = videos[0].frames, videos[0].frames[:, ::-1]
            metric.frames(*pair)
            start = time.perf_counter()
            metric.frames(*pair)
            rates.setdefault(metric.name, []).append(len(pair[0]) / (time.perf_counter() - start))
    print("\n| extractor | CPU, frames/s | GPU, frames/s | ratio |\n|---|---|---|---|")
    for name, (slow, fast) in sorted(rates.items(), key=lambda item: item[1][1]):
        print(f"| {name} | {slow:.0f} | {fast:.0f} | {fast / slow:.1f} |")
    assert rates["inception"][1] > rates["inception"][0]


def work_through(extractor, videos) -> None:
    for video in videos:
        with suppress(Unscorable):
            extractor(video)
