"""What the extractor reads from real videos, for which there is no truth: `python -m bench.extractor_error.real_videos FOLDER`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.contract.geometry import pose_of
from bench.extractor_error.markdown import grid

ANGLES = ("pitch", "yaw", "roll", "left yaw", "right yaw", "left pitch", "right pitch")
SUFFIXES = (".flv", ".mp4", ".mov", ".mkv", ".avi")


def read_videos(folder: Path) -> list[dict[str, float | str | int]]:
    """Per video under `folder`: file, frames, faces (frames with one) and the mean of each of ANGLES in degrees.

    pitch, yaw, roll of the head; then gaze of the subject's left and right eye. NaN where no frame has a face.
    """
    from bench.data import media
    from bench.weights import resolve
    from metrics.extractors.face import FaceExtractor

    extract = FaceExtractor({"face_landmarker": resolve("face_landmarker")})
    rows = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES):
        cues = extract(media.read_frames(path, fps=None))
        seen = cues[cues.valid]
        means = [float("nan")] * len(ANGLES)
        if len(seen):
            pose, gaze = pose_of(seen.transform).mean(0), seen.gaze.mean(0)
            means = [*map(float, pose), *map(float, gaze.T.ravel())]
        rows.append(
            {"file": path.name, "frames": len(cues), "faces": len(seen), **dict(zip(ANGLES, means, strict=True))}
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table in Markdown; exit status 3 if there is no video."""
    parser = argparse.ArgumentParser(prog="python -m bench.extractor_error.real_videos", description=__doc__)
    parser.add_argument("folder", type=Path, help="videos of any size, in folders at any depth")
    rows = read_videos(parser.parse_args(arguments).folder)
    cells = [
        (str(row["file"]), [str(row["frames"]), str(row["faces"]), *(f"{row[angle]:+.1f}" for angle in ANGLES)])
        for row in rows
    ]
    print(grid("file", ["frames", "with a face", *ANGLES], cells))
    return 0 if rows else 3


if __name__ == "__main__":
    raise SystemExit(main())
