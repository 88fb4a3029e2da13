"""Run the ArcFace network under ONNX Runtime on face crops and write what it says: the yardstick of `metrics/extractors/identity.py`.

A program for the reference environment (`make reference-venv`):

    .venv-ref/bin/python tests/reference/arcface_crops.py arcface_mbf.onnx tests/golden/arcface.npz

The crops (2, 112, 112, 3) uint8 RGB, one face and its mirror image, come from scikit-image's astronaut photo and are stored.
Input as InsightFace's ArcFaceONNX makes it: RGB, (x - 127.5) / 127.5, NCHW. embeddings (2, 512) float32 as they leave the network.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from skimage import data
from skimage.transform import resize


def main(network: Path, out: Path) -> None:
    face = (
        resize(data.astronaut()[60:210, 150:300], (112, 112), anti_aliasing=True, preserve_range=True)
        .round()
        .astype(np.uint8)
    )
    crops = np.stack([face, face[:, ::-1]])
    session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    pixels = ((crops.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)
    embeddings = [session.run(None, {session.get_inputs()[0].name: p[None]})[0][0] for p in pixels]
    temporary = out.with_name(out.name + ".tmp")
    with temporary.open("wb") as file:
        np.savez_compressed(file, crops=crops, embeddings=np.stack(embeddings))
    temporary.replace(out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
