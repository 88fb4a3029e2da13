"""The chain of programs that people run today, on the same clips: each in a process of its own, in the reference environment."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contract.clip import Clip
from bench.contract.errors import EmotalkError

PROGRAM = Path(__file__).resolve().parents[2] / "tests" / "reference" / "chain.py"
TOOLS = ("dump", "fid", "lpips", "ssim", "syncnet", "landmarks")
INCEPTION_PARTS = (
    "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 - Conv2d_3b_1x1 Conv2d_4a_3x3 - Mixed_5b Mixed_5c Mixed_5d "
    "Mixed_6a Mixed_6b Mixed_6c Mixed_6d Mixed_6e Mixed_7a Mixed_7b Mixed_7c"
).split()
"""torchvision's names of the parts that `inception_network` strings together; poolings have no numbers."""
ALEXNET_LAYERS = (0, 3, 6, 8, 10)
ALEXNET_HEAD = {"classifier.1": (4096, 9216), "classifier.4": (4096, 4096), "classifier.6": (1000, 4096)}


@dataclass(frozen=True)
class ToolTime:
    """One program: seconds of processor time in all, until its first frame, in forward passes, in a matrix root; wall seconds."""

    total: float
    startup: float
    network: float | None
    root: float
    wall: float
    values: tuple[float, ...]


def set_up(folder: Path, clips: Sequence[Clip], videos: Path, weights: Mapping[str, Path]) -> None:
    """What the programs read: the clips, and the weights under the names and in the places where the tools look for them."""
    import torch

    from metrics import lpips
    from metrics.extractors.inception import FEATURES, inception_network

    rows = [
        {
            "clip_id": clip.clip_id,
            "real": str(clip.video),
            "generated": str(videos / f"{clip.clip_id}.mp4"),
            "audio": str(clip.audio),
        }
        for clip in clips
    ]
    checkpoints = folder / "torch" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (folder / "clips.json").write_text(json.dumps(rows), encoding="utf-8")
    (folder / "face_landmarker.task").symlink_to(weights["face_landmarker"].resolve())
    parts = zip(INCEPTION_PARTS, inception_network(weights["fid_inception"]), strict=False)  # the last is a pooling
    state = {f"{name}.{key}": value for name, part in parts for key, value in part.state_dict().items()}
    state |= _nothing({"fc": (1008, FEATURES)})
    torch.save(state, checkpoints / "pt_inception-2015-12-05-6726825d.pth")
    trunk = lpips.network("alex", weights["lpips_alex"]).net
    layers = [layer for layer in trunk.modules() if isinstance(layer, torch.nn.Conv2d)]
    state = {
        f"features.{number}.{key}": value.contiguous()
        for number, layer in zip(ALEXNET_LAYERS, layers, strict=True)
        for key, value in layer.state_dict().items()
    }
    torch.save(state | _nothing(ALEXNET_HEAD), checkpoints / "alexnet-owt-7be5be79.pth")


def _nothing(shapes: Mapping[str, tuple[int, int]]) -> dict:
    """Layers that a tool loads and does not use: one zero each in the file."""
    import torch

    zero = torch.zeros(1)
    weights = {f"{name}.weight": zero.expand(shape) for name, shape in shapes.items()}
    return weights | {f"{name}.bias": zero.expand(shape[0]) for name, shape in shapes.items()}


def run(python: Path, tool: str, folder: Path) -> ToolTime:
    """One program on the clips of `folder`; EmotalkError with its last words if it fails."""
    start = time.monotonic()
    done = subprocess.run(
        [python, "-W", "ignore", PROGRAM, tool, folder],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        raise EmotalkError(f"{PROGRAM.name} {tool}: {done.stderr.strip()[-1000:]}; `make reference-venv`, and again")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    return ToolTime(wall=time.monotonic() - start, **(said | {"values": tuple(said["values"])}))
