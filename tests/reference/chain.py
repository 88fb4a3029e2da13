"""One tool of the chain that people run today to score generated clips: each call is one program, timed from its start.

A program for the reference environment (`make reference-venv`), run by `python -m bench.speed`:

    .venv-ref/bin/python tests/reference/chain.py TOOL FOLDER

FOLDER holds clips.json, a list of {clip_id, real, generated, audio} with the paths of mp4 and wav files, and what the tools
need: face_landmarker.task, and torch/ (a TORCH_HOME with the published weights under their published names). Tools:

dump       every frame of both sides as PNG into FOLDER/real and FOLDER/generated
fid        `python -m pytorch_fid FOLDER/real FOLDER/generated`, the package's own main; no value where it finds none
lpips      the loop of the package's own script: two PNG files, one pair per forward pass, alex
ssim       skimage.metrics.structural_similarity with the paper's settings, pair by pair
syncnet    syncnet-python's `evaluate` on every generated clip, whole frames at 224 px (Wav2Lip's LRS script), no face
           detector; RANDOM WEIGHTS: the official ones are not here, and time does not depend on them
landmarks  mediapipe's FaceLandmarker on every generated frame, image mode

The last line on stdout is a JSON object in seconds of processor time: total, from the start of the program; startup, until
its first frame; network, inside forward passes (null where a program cannot be looked into); root, inside the square root
of a matrix (fid); and values, what the tool says.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # for the shim alone, which imports torch and nothing else


class Clock:
    """Processor time of this process since it began, and of the calls that were handed to `around`."""

    def __init__(self):
        self.first: float | None = None
        self.inside: dict[str, float] = {"network": 0.0, "root": 0.0}

    def begin(self) -> None:
        """The first frame is about to be worked on."""
        if self.first is None:
            self.first = time.process_time()

    def around(self, call: Callable, kind: str = "network") -> Callable:
        def timed(*args, **kwargs):
            self.begin()
            start = time.process_time()
            try:
                return call(*args, **kwargs)
            finally:
                self.inside[kind] += time.process_time() - start

        return timed


def frames_of(folder: Path, side: str) -> list[Path]:
    return sorted((folder / side).glob("*.png"))


def dump(folder: Path, clips: list[dict], clock: Clock) -> list:
    import cv2

    clock.begin()
    for side in ("real", "generated"):
        (folder / side).mkdir(exist_ok=True)
        for clip in clips:
            video, number = cv2.VideoCapture(clip[side]), 0
            while (read := video.read())[0]:
                cv2.imwrite(str(folder / side / f"{clip['clip_id']}-{number:06d}.png"), read[1])
                number += 1
            video.release()
    counts = [len(frames_of(folder, side)) for side in ("real", "generated")]
    return counts


def fid(folder: Path, clips: list[dict], clock: Clock) -> list:
    from bench.contract import torchvision_shim

    torchvision_shim.ensure()
    import pytorch_fid.fid_score as score
    from pytorch_fid.inception import InceptionV3

    InceptionV3.forward = clock.around(InceptionV3.forward)
    score.linalg = SimpleNamespace(sqrtm=clock.around(score.linalg.sqrtm, "root"))
    sys.argv = ["pytorch_fid", str(folder / "real"), str(folder / "generated"), "--device", "cpu", "--num-workers", "0"]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            score.main()
    except (
        ValueError
    ):  # of fewer frames than dimensions the root can be complex, and the package gives up; the time is spent
        return []
    return [float(said.getvalue().split()[-1])]


def lpips(folder: Path, clips: list[dict], clock: Clock) -> list:
    from bench.contract import torchvision_shim

    torchvision_shim.ensure()
    import lpips as package
    import torch

    network = package.LPIPS(net="alex", verbose=False)
    network.forward = clock.around(network.forward)
    values = []
    for real, generated in zip(frames_of(folder, "real"), frames_of(folder, "generated"), strict=True):
        clock.begin()
        pair = [package.im2tensor(package.load_image(str(path))) for path in (real, generated)]
        with torch.no_grad():
            values.append(float(network.forward(*pair)))
    return [sum(values) / len(values)]


def ssim(folder: Path, clips: list[dict], clock: Clock) -> list:
    from skimage.io import imread
    from skimage.metrics import structural_similarity

    clock.begin()
    values = [
        structural_similarity(
            imread(real),
            imread(generated),
            channel_axis=-1,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for real, generated in zip(frames_of(folder, "real"), frames_of(folder, "generated"), strict=True)
    ]
    return [sum(values) / len(values)]


def syncnet(folder: Path, clips: list[dict], clock: Clock) -> list:
    import cv2
    import torch
    from scipy.io import wavfile
    from syncnet_python.SyncNetInstance import SyncNetInstance
    from syncnet_python.SyncNetModel import S

    torch.manual_seed(0)
    net = S().eval()
    net.forward_lip, net.forward_aud = clock.around(net.forward_lip), clock.around(net.forward_aud)
    instance = SyncNetInstance(net, device="cpu")
    said = io.StringIO()
    for clip in clips:
        clock.begin()
        with tempfile.TemporaryDirectory() as scratch:
            for number, path in enumerate(sorted((folder / "generated").glob(f"{clip['clip_id']}-*.png"))):
                picture = cv2.resize(cv2.imread(str(path)), (224, 224))
                cv2.imwrite(str(Path(scratch) / f"{number:06d}.jpg"), picture)
            rate, samples = wavfile.read(clip["audio"])
            wavfile.write(Path(scratch) / "audio.wav", rate, samples)
            options = SimpleNamespace(tmp_dir=scratch, batch_size=20, vshift=15)
            with torch.no_grad(), contextlib.redirect_stdout(said):
                instance.evaluate(options)
    return [said.getvalue().count("AV offset")]


def landmarks(folder: Path, clips: list[dict], clock: Clock) -> list:
    import mediapipe
    import numpy as np
    from mediapipe.tasks.python import BaseOptions, vision
    from PIL import Image

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(folder / "face_landmarker.task")),
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
    )
    found = 0
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        for path in frames_of(folder, "generated"):
            clock.begin()
            picture = np.array(Image.open(path).convert("RGB"))
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture)
            found += len(landmarker.detect(image).face_landmarks)
    return [found]


TOOLS = {tool.__name__: tool for tool in (dump, fid, lpips, ssim, syncnet, landmarks)}
BLIND = ("dump", "ssim", "landmarks")
"""Tools whose forward passes are none, or cannot be timed from outside."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", choices=TOOLS)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    os.environ["TORCH_HOME"] = str(arguments.folder / "torch")
    clips = json.loads((arguments.folder / "clips.json").read_text(encoding="utf-8"))
    clock = Clock()
    values = TOOLS[arguments.tool](arguments.folder, clips, clock)
    print(
        json.dumps(
            {
                "total": time.process_time(),
                "startup": clock.first,
                "network": None if arguments.tool in BLIND else clock.inside["network"],
                "root": clock.inside["root"],
                "values": values,
            }
        )
    )


if __name__ == "__main__":
    main()
