"""SyncNet's visual branch over a clip against window by window: CPU time and peak memory (pytest -s -m slow tests/speed)."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 104
PROGRAM = """
import sys, time
import numpy as np, torch
from metrics.syncnet.model import SyncNet, embed_pictures
def peak():  # MiB; ru_maxrss would hold that of the process this one was forked from
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
torch.manual_seed(0)
torch.set_num_threads(1)
net = SyncNet().eval()
pictures = np.random.default_rng(0).integers(0, 256, ({frames}, 224, 224, 3), np.uint8)
embed_pictures(net, pictures[:6])
before, start = peak(), time.process_time()
if sys.argv[1] == "clip":
    embed_pictures(net, pictures)
else:  # as the reference: the whole clip as float32, twenty windows of five pictures at once
    clip = torch.from_numpy(pictures).permute(3, 0, 1, 2)[None].float()
    with torch.inference_mode():
        for first in range(0, {frames} - 4, 20):
            net.see(torch.cat([clip[:, :, n : n + 5] for n in range(first, min(first + 20, {frames} - 4))]))
took = time.process_time() - start
print(took, peak() - before)
"""


@pytest.mark.slow
def test_a_clip_at_once_is_no_slower_than_windows_and_takes_less_memory():
    found = {}
    for way in ("clip", "windows"):
        command = [sys.executable, "-c", PROGRAM.format(frames=FRAMES), way]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        found[way] = tuple(map(float, done.stdout.split()))
    (clip_s, clip_mb), (windows_s, windows_mb) = found["clip"], found["windows"]
    print(
        f"\nvisual branch, {FRAMES} frames, one core: {1e3 * clip_s / FRAMES:.0f} ms of CPU per frame, "
        f"{clip_s / windows_s:.2f} of window by window; memory above the network's own {clip_mb:.0f} MB against "
        f"{windows_mb:.0f} MB; pictures that enter the network {FRAMES + 4 * 6} against {5 * (FRAMES - 4)}"
    )
    assert clip_s < 1.1 * windows_s and clip_mb < windows_mb
