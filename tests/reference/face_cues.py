"""Write what the face extractor says now, beside its VERSION: the file that tells when outputs change and VERSION did not.

    .venv/bin/python tests/reference/face_cues.py face_landmarker.task tests/golden/face_cues.npz

Run it after raising `FaceExtractor.VERSION`. The pictures are those of tests/golden/mediapipe_faces.npz, as one video each.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from bench.contract.cues import FIELDS
from metrics.extractors.face import FaceExtractor

PICTURES = Path(__file__).resolve().parents[1] / "golden" / "mediapipe_faces.npz"


def outputs(task: Path) -> dict[str, np.ndarray]:
    """VERSION and NAME/FIELD for every stored picture and field of Cues."""
    extract = FaceExtractor({"face_landmarker": task})
    arrays = {"version": np.array(FaceExtractor.VERSION)}
    with np.load(PICTURES) as file:
        for key in file.files:
            name, _, what = key.partition("/")
            if what == "image":
                cues = extract([file[key]])
                arrays |= {f"{name}/{field}": getattr(cues, field)[0] for field in FIELDS}
    return arrays


if __name__ == "__main__":
    task, out = map(Path, sys.argv[1:])
    temporary = out.with_name(out.name + ".tmp")
    with temporary.open("wb") as stream:
        np.savez_compressed(stream, **outputs(task))
    temporary.replace(out)
