"""Random SyncNet weights and a real clip of any length: what this project and the reference program are both given.

As a program it writes the input of `tests/reference/syncnet_reference.py`:

    .venv/bin/python tests/support/syncnet_case.py 1001_DFA_ANG_XX.flv FOLDER --seconds 1
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

SEED = 7
FIRST_GAIN = {"netcnnlip.0.weight": 1 / 128, "netcnnaud.0.weight": 1 / 24}
"""Brings gray levels and cepstra to about 1."""
POST_WINDOWS = (1, 2, 6, 15, 16, 20, 31, 45, 120, 295)
"""Numbers of windows at which made-up embeddings go through the reference's post-processing."""


def random_state(seed: int = SEED) -> dict:
    """Weights in the names and shapes of syncnet_v2.model that keep activations near 1: random weights, for tests alone."""
    import torch

    from metrics.syncnet.model import SyncNet

    rng = np.random.default_rng(seed)
    state = {}
    with torch.device("meta"):
        shapes = SyncNet().state_dict()
    for name, value in shapes.items():
        if name.endswith("num_batches_tracked"):
            continue  # as in files of old torch versions
        shape, noise = tuple(value.shape), rng.normal(size=tuple(value.shape))
        if name.endswith("running_var"):
            array = np.exp(0.3 * noise)
        elif len(shape) > 1:
            if name == "netcnnlip.0.weight":  # answers to edges and motion, not to brightness
                noise -= noise.mean((2, 3, 4), keepdims=True)
            array = noise * FIRST_GAIN.get(name, 1) * np.sqrt(2 / np.prod(shape[1:]))
        else:
            array = 0.1 * noise + (name.endswith("weight"))
        state[name] = torch.from_numpy(array.astype(np.float32))
    return state


def random_detector(seed: int = SEED) -> dict:
    """Random weights in the names and shapes of sfd_face.pth that are sure of a face in some places."""
    import torch

    from metrics.syncnet.s3fd import S3FD

    rng = np.random.default_rng(seed)
    with torch.device("meta"):
        shapes = {name: tuple(value.shape) for name, value in S3FD().state_dict().items()}
    state = {}
    for name, shape in shapes.items():
        noise = rng.standard_normal(shape, np.float32)
        if len(shape) > 1:
            noise *= np.float32(np.sqrt(2 / np.prod(shape[1:])))
        elif "L2Norm" in name:
            noise = 10 + noise
        state[name] = torch.from_numpy(noise)
    return state


def clip(path: Path, seconds: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(T, 224, 224, 3) uint8 BGR, whole frames squeezed, and (N,) int16: the clip, repeated and cut to `seconds`."""
    from bench.data.audio_read import read_audio
    from bench.data.video_read import read_frames
    from metrics.syncnet.crop import whole
    from metrics.syncnet.sound import sixteen_bit

    pictures = np.stack([whole(frame[..., ::-1]) for frame in read_frames(path, 25)])
    samples = sixteen_bit(read_audio(path))
    if seconds is None:
        return pictures, samples
    return looped(pictures, 25 * seconds), looped(samples, 16_000 * seconds)


def looped(array: np.ndarray, length: int) -> np.ndarray:
    """The array, repeated and cut to `length` rows."""
    return array[np.arange(length) % len(array)]


def made_up(windows: int) -> tuple[np.ndarray, np.ndarray]:
    """(windows, 1024) float32 twice: embeddings that share something at lag +2."""
    rng = np.random.default_rng(windows)
    visual = rng.normal(size=(windows, 1024)).astype(np.float32)
    noise = rng.normal(size=(windows, 1024)).astype(np.float32)
    return visual, (0.5 * np.roll(visual, 2, 0) + noise).astype(np.float32)


def detections(frames: int = 160, faces: int = 2, seed: int = 3) -> list[np.ndarray]:
    """Boxes (n, 5) per frame of faces that drift and are missed now and then, in one order in every frame."""
    rng = np.random.default_rng(seed)
    place = np.array([[60.0, 50.0, 190.0, 200.0], [400.0, 80.0, 520.0, 210.0]])[:faces]
    found = []
    for frame in range(frames):
        place = place + rng.normal(size=place.shape) * 2
        seen = rng.random(len(place)) > (0.3 if 40 < frame < 60 else 0.02)
        found.append(np.concatenate([place, np.full((len(place), 1), 0.95)], 1)[seen])
    return found


def write(path: Path, folder: Path, seconds: int) -> Path:
    """weights.model and case.npz in `folder`, for the reference program."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    torch.save(random_state(), folder / "weights.model")
    torch.save(random_detector(), folder / "detector.pth")
    pictures, samples = clip(path, seconds)
    post = {
        f"{side}/{n}": rows for n in POST_WINDOWS for side, rows in zip(("visual", "audio"), made_up(n), strict=True)
    }
    boxes = {f"boxes/{number}": found for number, found in enumerate(detections())}
    np.savez(folder / "case.npz", pictures=pictures, samples=samples, whole_samples=clip(path)[1], **post, **boxes)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, default=1)
    arguments = parser.parse_args()
    write(arguments.clip, arguments.folder, arguments.seconds)


if __name__ == "__main__":
    main()
