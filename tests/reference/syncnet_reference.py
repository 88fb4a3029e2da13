"""Run the package syncnet-python on a case and write what it says: the yardstick of `metrics/syncnet`.

A program for the reference environment (`make reference-venv`):

    .venv-ref/bin/python tests/reference/syncnet_reference.py FOLDER tests/golden/syncnet.npz --seconds 1

FOLDER holds weights.model, detector.pth and case.npz as `tests/support/syncnet_case.py` writes them: random weights, a real clip as
pictures and samples, made-up embeddings, made-up face boxes. The .npz gets, of the package's own code:

mfcc (M, 13) of the whole clip (python_speech_features);
per length S: S/visual, S/audio (T, 1024 / --every) embeddings, S/scores (offset, confidence, distance) of `evaluate`;
per number of windows N: post/N (offset, confidence, distance) of `evaluate` given those embeddings;
faces/K (n, 5) boxes and confidence of S3FD in picture K, widened to 640x360, names (n,) "name shape" of its parameters;
tracks/K/frames, tracks/K/boxes of `_track`, tracks/K/crops (n, 28, 28, 3) of `_crop`: every 8th pixel of one frame in 40.

The package reads pictures from *.jpg files: PNG data is put under that name, so that nothing is lost. Its calls of ffmpeg
and its video writer are replaced by nothing; they only move what it made.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import python_speech_features
import torch
from scipy.io import wavfile
from syncnet_python import syncnet_pipeline
from syncnet_python.detectors.s3fd import S3FD
from syncnet_python.detectors.s3fd.nets import S3FDNet
from syncnet_python.syncnet_pipeline import PipelineConfig, SyncNetPipeline
from syncnet_python.SyncNetInstance import SyncNetInstance
from syncnet_python.SyncNetModel import S

MAX_LAG = 15
BATCH = 20
CROP_EVERY = 40
GRID = 8
WIDE = 640, 360
DETECTED = slice(0, 21, 10)


class Recorder(torch.nn.Module):
    """The package's network, remembering what it returned; or, given embeddings, returning those."""

    def __init__(self, net: S | None = None, embeddings: tuple[np.ndarray, np.ndarray] | None = None):
        super().__init__()
        self.net, self.given, self.seen, self.heard = net, embeddings, [], []

    def forward_lip(self, windows: torch.Tensor) -> torch.Tensor:
        return self._next(self.seen, 0, windows, "forward_lip")

    def forward_aud(self, windows: torch.Tensor) -> torch.Tensor:
        return self._next(self.heard, 1, windows, "forward_aud")

    def _next(self, rows: list, side: int, windows: torch.Tensor, method: str) -> torch.Tensor:
        if self.given is None:
            rows.append(getattr(self.net, method)(windows).detach())
        else:
            first = sum(len(part) for part in rows)
            rows.append(torch.from_numpy(self.given[side][first : first + len(windows)]))
        return rows[-1]


def evaluate(recorder: Recorder, pictures: np.ndarray, samples: np.ndarray) -> tuple[int, float, float]:
    """`SyncNetInstance.evaluate` of the package: offset, confidence, smallest distance."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        for number, picture in enumerate(pictures):
            (Path(folder) / f"{number:06d}.jpg").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        wavfile.write(Path(folder) / "audio.wav", 16_000, samples)
        options = SimpleNamespace(tmp_dir=folder, batch_size=BATCH, vshift=MAX_LAG)
        return SyncNetInstance(recorder, device="cpu").evaluate(options)


def tracks(boxes: list[np.ndarray], pictures: np.ndarray) -> dict[str, np.ndarray]:
    """`_track` with 100 detections as in Wav2Lip's script, and some of the pictures of `_crop` of each track."""
    written: list[np.ndarray] = []

    class Writer:
        def __init__(self, path, *_):
            Path(path).touch()

        def write(self, picture):
            written.append(picture)

        def release(self):
            pass

    stand_in = SimpleNamespace(cfg=PipelineConfig(min_track=100), _iou=SyncNetPipeline._iou)
    found = SyncNetPipeline._track(
        stand_in, [[{"frame": n, "bbox": box[:4].tolist()} for box in frame] for n, frame in enumerate(boxes)]
    )
    arrays: dict[str, np.ndarray] = {}
    kept = cv2.VideoWriter, subprocess.run
    cv2.VideoWriter, syncnet_pipeline.subprocess.run = Writer, lambda *_, **__: None
    try:
        with tempfile.TemporaryDirectory() as folder:
            names = []
            for number in range(len(boxes)):
                wide = cv2.resize(pictures[number % len(pictures)], WIDE)
                names.append(str(Path(folder) / f"{number:06d}.jpg"))
                Path(names[-1]).write_bytes(cv2.imencode(".png", wide)[1].tobytes())
            for number, track in enumerate(found):
                written.clear()
                SyncNetPipeline._crop(stand_in, track, names, "none.wav", Path(folder) / "cropped" / str(number))
                arrays |= {f"tracks/{number}/frames": track["frame"], f"tracks/{number}/boxes": track["bbox"]}
                arrays[f"tracks/{number}/crops"] = np.stack(written)[::CROP_EVERY, ::GRID, ::GRID]
    finally:
        cv2.VideoWriter, syncnet_pipeline.subprocess.run = kept
    return arrays


def faces(weights: Path, pictures: np.ndarray) -> dict[str, np.ndarray]:
    """`S3FD.detect_faces` as the pipeline calls it, on RGB."""
    net = S3FDNet(device="cpu")
    net.load_state_dict(torch.load(weights, weights_only=True))
    detector = S3FD(net, device="cpu")
    wide = [cv2.cvtColor(cv2.resize(picture, WIDE), cv2.COLOR_BGR2RGB) for picture in pictures]
    found = [detector.detect_faces(picture, conf_th=0.9, scales=[0.25]) for picture in wide]
    names = [f"{name} {tuple(value.shape)}" for name, value in net.state_dict().items()]
    return {f"faces/{number}": boxes for number, boxes in enumerate(found)} | {"names": np.array(names)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=lambda text: [int(part) for part in text.split(",")], default=[1])
    parser.add_argument("--every", type=int, default=8, help="of the 1024 numbers of an embedding, keep one in so many")
    arguments = parser.parse_args()
    with np.load(arguments.folder / "case.npz") as file:
        case = {name: file[name] for name in file.files}
    net = S()
    net.load_state_dict(torch.load(arguments.folder / "weights.model", weights_only=True), strict=False)
    net.eval()

    arrays = {"mfcc": python_speech_features.mfcc(case["whole_samples"], 16_000)}
    for seconds in arguments.seconds:
        recorder = Recorder(net)
        pictures, samples = case["pictures"][: 25 * seconds], case["samples"][: 16_000 * seconds]
        arrays[f"{seconds}/scores"] = np.array(evaluate(recorder, pictures, samples))
        for side, rows in (("visual", recorder.seen), ("audio", recorder.heard)):
            arrays[f"{seconds}/{side}"] = torch.cat(rows).numpy()[:, :: arguments.every]
    for name in case:
        if name.startswith("visual/"):
            windows = int(name.partition("/")[2])
            given = case[name], case[f"audio/{windows}"]
            pictures, samples = np.zeros((windows + 5, 8, 8, 3), np.uint8), np.zeros((windows + 5) * 640, np.int16)
            arrays[f"post/{windows}"] = np.array(evaluate(Recorder(None, given), pictures, samples))
    boxes = [case[f"boxes/{number}"] for number in range(sum(name.startswith("boxes/") for name in case))]
    arrays |= tracks(boxes, case["pictures"][:25])
    arrays |= faces(arguments.folder / "detector.pth", case["pictures"][DETECTED])
    temporary = arguments.out.with_name(arguments.out.name + ".tmp")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    temporary.replace(arguments.out)


if __name__ == "__main__":
    main()
