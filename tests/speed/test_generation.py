"""How fast the two-stage rows are made, and that a longer clip takes no more memory (pytest -s -m slow tests/speed)."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from baselines.registry import find_method
from bench.data.store import Store
from bench.generate import generate

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
LEAST = 25.0
"""Frames per second: what a video plays at."""
PROGRAM = """
import sys
import numpy as np, torch
torch.set_num_threads(1)  # two threads of a busy machine wait for each other
from baselines.two_stage.methods import TwoStage
from bench.contract.cues import Cues
from bench.contract.method import Input, Request
frames = int(sys.argv[1])
cues = Cues.load(sys.argv[2])
given = {
    Input.AUDIO: np.random.default_rng(0).normal(0, 0.05, frames * 640).astype(np.float32),
    Input.EMOTION: "happy", Input.LEVEL: 2, Input.REFERENCE_IMAGE: np.full((256, 256, 3), 90, np.uint8),
    Input.REFERENCE_CUES: cues[:1],
}
request = Request("clip", frames, 0, TwoStage.consumes, {n: lambda v=v: v for n, v in given.items()})
made = sum(1 for frame in TwoStage().generate(request))
lines = open("/proc/self/status").read().splitlines()
print(made, int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024)
"""


@pytest.mark.parametrize("name", ["generator-self", "oracle-cues", "two_stage"])
def test_two_processes_make_frames_faster_than_they_play(name, smoke_work, tmp_path):
    selection = Store(smoke_work / "store" / "puppet-smoke").selection("smoke", "test")
    generate(find_method(name), selection, tmp_path / "warm", seed=0, jobs=2, limit=2)
    start = time.perf_counter()
    made = generate(find_method(name), selection, tmp_path / "timed", seed=0, jobs=2)
    seconds = time.perf_counter() - start
    frames = sum(row.clip.n_frames for row in selection.scored)
    print(
        f"\n{name}: {frames} frames, {seconds:.1f} s with two processes, their start and encoding: {frames / seconds:.0f} frames/s"
    )
    assert set(made.counts) == {"ok"}
    assert frames / seconds >= LEAST


def test_a_clip_six_times_as_long_takes_hardly_more_memory(smoke_work):
    cues = next((smoke_work / "store/puppet-smoke/clips").glob("*neutral*")) / "cues.safetensors"
    found = {}
    for frames in (125, 750):
        command = [sys.executable, "-c", PROGRAM, str(frames), str(cues)]
        made, peak = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
        assert int(made) == frames
        found[frames] = float(peak)
    print("\npeak memory of two_stage, MiB: " + ", ".join(f"{n / 25:.0f} s {peak:.0f}" for n, peak in found.items()))
    assert found[750] - found[125] < 60, "cues are 6 kB a frame; frames must not be held"
