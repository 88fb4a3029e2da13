"""The shipped expert on validation speakers' videos that went through codec, blur or scaling, as generated ones do.

Prints the table of docs/metrics-sync-expert.md: EMOTALK_WORK=DIR pytest -m slow -s FILE, where DIR has the prepared part.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.contract.clip import Clip
from bench.contract.cues import Cues
from bench.contract.errors import UsageError
from bench.contract.seen import Labels, Seen, Video
from bench.data import media
from bench.data.store import Store
from bench.data.video_write import write_video
from metrics.extractors.face import FaceExtractor
from metrics.extractors.sync_expert import SyncExpertFeatures
from metrics.sync_expert.metric import SyncConfidence, SyncDistance, SyncOffset

pytestmark = pytest.mark.slow
SHIPPED = Path(str(files("metrics").joinpath("experts", "puppet", "sync-expert.safetensors")))
EVERY = 3
"""Of the validation clips one in three: all speakers and emotions are among them."""


@dataclass(frozen=True)
class Row:
    offset: float
    distance: float
    confidence: float
    shift: int


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    store = Store(Path(os.environ.get("EMOTALK_WORK", "work")) / "store" / "puppet-bench")
    try:
        return [row.clip for row in store.selection("bench", "validation").scored]
    except UsageError as error:
        pytest.skip(f"the validation part of profile bench is not prepared: {error}")


@pytest.fixture(scope="module")
def expert() -> SyncExpertFeatures:
    return SyncExpertFeatures({"sync-expert": SHIPPED})


def original(clip: Clip) -> Video:
    frames = np.stack(list(media.read_frames(clip.video)))
    return Video(Cues.load(clip.cues), frames, media.read_audio(clip.audio))


def measure(expert: SyncExpertFeatures, video: Video, shift: int = 0) -> Row:
    arrays = expert(video)
    seen = Seen(Labels("c", "puppet", "s", None, None), video.cues, {"sync_expert": arrays}, video.audio)
    values = [metric().own(seen).value for metric in (SyncOffset, SyncDistance, SyncConfidence)]
    return Row(*values, shift)


def early(video: Video, shift: int) -> Video:
    length = len(video.frames) - abs(shift)
    picture, sound = max(-shift, 0), max(shift, 0) * 640
    cut = slice(picture, picture + length)
    return Video(video.cues[cut], video.frames[cut], video.audio[sound:][: length * 640])


def line(name: str, rows: list[Row]) -> None:
    error = np.array([abs(r.offset - r.shift) for r in rows])
    shares = " | ".join(f"{100 * (error <= within).mean():.1f}" for within in (0, 1, 3, 5))
    means = " | ".join(f"{np.mean([getattr(r, what) for r in rows]):.3f}" for what in ("distance", "confidence"))
    print(f"| {name} | {len(rows)} | {shares} | {means} |")


def within_one(rows: list[Row]) -> float:
    return float(np.mean([abs(r.offset - r.shift) <= 1 for r in rows]))


def test_whole_videos_shifted_by_cutting_their_samples(clips, expert, capsys):
    """The way from mp4 and wav, as evaluation goes it: nothing is kept from training."""
    with capsys.disabled():
        print("\n| video | clips | exact, % | +-1 | +-3 | +-5 | SX-D | SX-C |\n|---|---|---|---|---|---|---|---|")
        videos = [original(clip) for clip in clips[::EVERY]]
        for shift in (-12, -8, -4, -1, 0, 1, 4, 8, 12):
            rows = [measure(expert, early(v, shift), shift) for v in videos]
            line(f"sound {shift:+d} frames early", rows)
            assert within_one(rows) >= 0.85


DEGRADED: dict[str, tuple[Callable[[np.ndarray], np.ndarray] | None, int]] = {
    "re-encoded, CRF 18, as generated videos are": (None, 18),
    "re-encoded, CRF 28": (None, 28),
    "re-encoded, CRF 38": (None, 38),
    "blurred, sigma 2 px of 256": (lambda f: cv2.GaussianBlur(f, (0, 0), 2.0), 18),
    "blurred, sigma 4 px of 256": (lambda f: cv2.GaussianBlur(f, (0, 0), 4.0), 18),
    "scaled to 96 px and back": (lambda f: cv2.resize(cv2.resize(f, (96, 96), interpolation=3), (256, 256)), 18),
    "scaled to 64 px and back": (lambda f: cv2.resize(cv2.resize(f, (64, 64), interpolation=3), (256, 256)), 18),
    "noise, SD 10": (lambda f: noisy(f), 18),
}


def noisy(frame: np.ndarray) -> np.ndarray:
    return np.clip(frame + np.random.default_rng(int(frame.sum())).normal(0, 10, frame.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", DEGRADED)
def test_degraded_videos_keep_their_offset(name, clips, expert, face_weights, tmp_path, capsys):
    """Degraded frames are written as mp4 with AAC sound, both decoded, and the landmarks found anew."""
    face = FaceExtractor({"face_landmarker": face_weights})
    alter, crf = DEGRADED[name]
    rows = []
    for number, clip in enumerate(clips[::EVERY]):
        whole, shift = original(clip), (-5, 0, 5)[number % 3]
        frames = whole.frames if alter is None else np.stack([alter(frame) for frame in whole.frames])
        write_video(tmp_path / "v.mp4", frames, crf=crf, audio=whole.audio)
        frames, sound = np.stack(list(media.read_frames(tmp_path / "v.mp4"))), media.read_audio(tmp_path / "v.mp4")
        rows.append(measure(expert, early(Video(face(frames), frames, sound), shift), shift))
    with capsys.disabled():
        line(name, rows)
    assert within_one(rows) >= 0.85


def test_a_frame_takes_less_than_two_milliseconds(clips, expert, capsys):
    """CPU time, all of it: crops, log-mel, both streams."""
    videos = [original(clip) for clip in clips[:4]]
    expert(videos[0])
    start = time.process_time()
    frames = sum(len(v.frames) for v in videos for _ in (expert(v),))
    spent = 1000 * (time.process_time() - start) / frames
    with capsys.disabled():
        print(f"\nsync_expert: {spent:.2f} ms of CPU per frame")
    assert spent < 2
