"""Run MediaPipe's own face landmarker on images and write what it says: the yardstick of `metrics/extractors/face.py`.

A program for the reference environment (`make reference-venv`), which has mediapipe and cannot share this project's:

    .venv-ref/bin/python tests/reference/mediapipe_faces.py face_landmarker.task tests/golden/mediapipe_faces.npz \
        astronaut=astronaut.png head1=head1.png ...

For each NAME=IMAGE the .npz gets NAME/landmarks (478, 3) px, z as MediaPipe has it times the width; NAME/transform (4, 4);
NAME/blendshapes (52,); NAME/faces (n, 17): the detector's score, box left top right bottom, six key points, px. With
--images also NAME/image (H, W, 3) uint8, for pictures that cannot be had elsewhere. One image at a time, no video mode:
that one smooths landmarks over time, which a measurement must not do.
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from pathlib import Path

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from PIL import Image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("images", nargs="+", metavar="NAME=IMAGE")
    parser.add_argument("--images", dest="keep", nargs="*", default=[], metavar="NAME", help="store these pictures too")
    arguments = parser.parse_args()
    arrays: dict[str, np.ndarray] = {"mediapipe": np.array(mediapipe.__version__)}
    with tempfile.TemporaryDirectory() as folder:
        detector_file = Path(folder) / "face_detector.tflite"
        detector_file.write_bytes(zipfile.ZipFile(arguments.task).read("face_detector.tflite"))
        landmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(arguments.task)),
                output_face_blendshapes=True,
                output_facial_transformation_matrixes=True,
            )
        )
        detector = vision.FaceDetector.create_from_options(
            vision.FaceDetectorOptions(base_options=BaseOptions(model_asset_path=str(detector_file)))
        )
        for item in arguments.images:
            name, _, file = item.partition("=")
            picture = np.array(Image.open(file).convert("RGB"))
            arrays |= {f"{name}/{key}": value for key, value in measure(landmarker, detector, picture).items()}
            if name in arguments.keep:
                arrays[f"{name}/image"] = picture
        landmarker.close()
        detector.close()
    temporary = arguments.out.with_name(arguments.out.name + ".tmp")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    temporary.replace(arguments.out)


def measure(landmarker, detector, picture: np.ndarray) -> dict[str, np.ndarray]:
    height, width = picture.shape[:2]
    image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture)
    found = landmarker.detect(image)
    landmarks = np.array([[p.x, p.y, p.z] for p in found.face_landmarks[0]]) * (width, height, width)
    faces = []
    for detection in detector.detect(image).detections:
        box = detection.bounding_box
        points = [value for p in detection.keypoints for value in (p.x * width, p.y * height)]
        corners = [box.origin_x, box.origin_y, box.origin_x + box.width, box.origin_y + box.height]
        faces.append([detection.categories[0].score, *corners, *points])
    return {
        "landmarks": landmarks.astype(np.float32),
        "transform": np.asarray(found.facial_transformation_matrixes[0], np.float32),
        "blendshapes": np.array([c.score for c in found.face_blendshapes[0]], np.float32),
        "faces": np.array(faces, np.float32).reshape(-1, 17),
    }


if __name__ == "__main__":
    main()
