"""Speed of `prepare` against the bare landmark network, one core, CPU time, one run."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.contract.clip import SourceClip
from bench.data import media
from bench.data.crop import Crop
from bench.data.prepare_clip import face_extractor, prepare_clip

pytestmark = pytest.mark.slow


def seconds(work, repeat=3) -> float:
    """Least CPU time of some runs: other processes on the machine only ever add."""
    best = float("inf")
    for _ in range(repeat):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def test_prepare_runs_at_a_quarter_of_the_bare_landmark_networks_rate_or_better(smoke_tree, cremad_tree, tmp_path):
    """The aim is 0.8; docs/performance.md says what is reached and where the rest goes. This only guards against decay."""
    network, picture = face_extractor()._networks._landmarks, np.zeros((1, 256, 256, 3), np.float32)
    for name, source in (("puppet", next(smoke_tree.rglob("*.mp4"))), ("cremad", next(cremad_tree.rglob("*.flv")))):
        clip = SourceClip("c", name, "s", "happy", 1, None, Path(source))
        record = prepare_clip(clip, tmp_path / name, None, "k")
        frames = record["n_frames"]
        # frames that went through the network: 25 fps, and the native rate where that is higher
        passes = frames * (1 + (record["source_fps"] / 25 if record["source_fps"] > 25.5 else 0))
        bare = seconds(lambda: [network(picture) for _ in range(100)]) / 100
        whole = seconds(lambda clip=clip, name=name: prepare_clip(clip, tmp_path / name, None, "k")) / passes
        print(
            f"{name}: bare network {1 / bare:.0f} frames/s, prepare {1 / whole:.0f} frames/s per core, ratio {bare / whole:.2f}"
        )
        assert bare / whole > 0.25


def test_where_the_time_of_prepare_goes(smoke_tree, cremad_tree, tmp_path):
    """Prints CPU ms per 25 fps frame of each stage, for a puppet clip, a CREMA-D clip and the puppet clip at 1080p."""
    large = tmp_path / "large.mp4"
    small = next(smoke_tree.rglob("*.mp4"))
    scene = np.full((1080, 1920, 3), 100, np.uint8)
    media.write_video(large, (_in_scene(scene, f) for f in media.read_frames(small)), audio=media.read_audio(small))
    for name, path in (("puppet", small), ("cremad", next(cremad_tree.rglob("*.flv"))), ("1080p", large)):
        clip = SourceClip("c", name, "s", "happy", 1, None, path)
        record = prepare_clip(clip, tmp_path / name, None, "k")
        crop, canonical = Crop.from_affine(record["crop"]), tmp_path / name / "face.mp4"
        source = list(media.read_frames(path))
        cut, faces = [crop.cut(f) for f in source], list(media.read_frames(canonical))
        sound = media.read_audio(tmp_path / name / "audio.wav")
        stages = {
            "decode source": lambda path=path: list(media.read_frames(path)),
            "detect": lambda source=source: [face_extractor().detect(f) for f in source[::5]],
            "cut": lambda source=source, crop=crop: [crop.cut(f) for f in source],
            "encode": lambda cut=cut, sound=sound: media.write_video(
                tmp_path / "e.mp4", iter(cut), crf=12, audio=sound
            ),
            "decode canonical": lambda canonical=canonical: list(media.read_frames(canonical)),
            "face cues": lambda faces=faces: face_extractor()(iter(faces)),
            "all of prepare": lambda clip=clip, name=name: prepare_clip(clip, tmp_path / name, None, "k"),
        }
        spent = {stage: seconds(work) / len(source) * 1e3 for stage, work in stages.items()}
        print(f"{name}: " + ", ".join(f"{stage} {ms:.2f}" for stage, ms in spent.items()) + " ms")
        assert spent["all of prepare"] < 200


def _in_scene(scene: np.ndarray, frame: np.ndarray) -> np.ndarray:
    picture = scene.copy()
    picture[90:990, 500:1400] = cv2.resize(frame, (900, 900), interpolation=cv2.INTER_CUBIC)
    return picture
