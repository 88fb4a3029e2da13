"""Where the image metrics lie for known damage of real clips: the table of docs/metrics-image.md (pytest -s -m slow).

Wants a prepared validation part: `emotalk prepare --dataset puppet --profile bench --part validation`, its work folder in
EMOTALK_WORK.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.contract.errors import EmotalkError
from bench.contract.metric import Collected
from bench.contract.seen import Labels, Pair, Seen, Video
from bench.data import media
from bench.data.store import Store

FRAMES = 24
SPEAKERS = 4
PER_SPEAKER = 2
EXTRACTORS = ("inception", "identity_arcface", "identity_sface", "sharpness", "warp")


def sharper(frame: np.ndarray) -> np.ndarray:
    """Unsharp mask, sigma 1, amount 1."""
    return cv2.addWeighted(frame, 2.0, cv2.GaussianBlur(frame, (0, 0), 1), -1.0, 0)


def shifted(frame: np.ndarray, pixels: int) -> np.ndarray:
    return cv2.copyMakeBorder(frame, 0, 0, pixels, 0, cv2.BORDER_REPLICATE)[:, : frame.shape[1]]


def noisy(frames: np.ndarray, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, sigma, frames.shape)
    return np.clip(np.round(frames + noise), 0, 255).astype(np.uint8)


def each(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda frames: np.stack([change(frame) for frame in frames])


@pytest.fixture(scope="module")
def clips() -> list:
    """Two clips of each of the first validation speakers, in the order of their names."""
    store = Path(os.environ.get("EMOTALK_WORK", "work")) / "store" / "puppet-bench"
    try:
        rows = Store(store).selection("bench", "validation").scored
    except (EmotalkError, OSError) as error:
        pytest.skip(f"no prepared validation part of the embedded dataset in {store}: {error}")
    by_speaker: dict[str, list] = {}
    for row in rows:
        by_speaker.setdefault(row.clip.speaker, []).append(row.clip)
    return [
        clip
        for own in list(by_speaker.values())[:SPEAKERS]
        for clip in own[:: max(1, len(own) // PER_SPEAKER)][:PER_SPEAKER]
    ]


@pytest.fixture(scope="module")
def weights(weight_file, face_weights) -> dict[str, Path]:
    names = ("lpips_alex", "fid_inception", "arcface_mbf", "sface")
    return {"face_landmarker": face_weights} | {name: weight_file(name) for name in names}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_metric_knows_damage_on_real_clips(clips, weights, tmp_path):
    from metrics.cpbd import CPBD
    from metrics.csim import CSIM, CSIMSFace
    from metrics.extractors.face import FaceExtractor
    from metrics.extractors.registry import extractor_class
    from metrics.fid import FID
    from metrics.kid import KID
    from metrics.lpips import LPIPS
    from metrics.psnr import PSNR
    from metrics.ssim import SSIM
    from metrics.stability import Jitter, WarpE

    lpips = LPIPS()
    lpips.load(weights)
    frame_metrics = {"SSIM": SSIM(), "SSIM uniform-7": SSIM(window="uniform-7"), "PSNR": PSNR(), "LPIPS": lpips}
    own, pairs, sets = (CPBD(), WarpE(), Jitter()), (CSIM(), CSIMSFace()), (FID(), KID())
    face = FaceExtractor(weights)
    extractors = [extractor_class(name)(weights) for name in EXTRACTORS]

    def look(frames: np.ndarray, clip) -> tuple[np.ndarray, Seen]:
        video = Video(cues=face(frames), frames=frames)
        labels = Labels(clip.clip_id, clip.dataset, clip.speaker, clip.emotion, clip.level)
        return frames, Seen(labels, video.cues, {e.name: e(video) for e in extractors})

    real = [look(np.stack(list(media.read_frames(c.video, max_frames=FRAMES))), c) for c in clips]

    def reencoded(frames: np.ndarray) -> np.ndarray:
        media.write_video(tmp_path / "again.mp4", frames, fps=25, crf=28)
        return np.stack(list(media.read_frames(tmp_path / "again.mp4")))

    changes = {
        "itself": None,
        "re-encoded, CRF 28": reencoded,
        "blurred, sigma 1": each(lambda f: cv2.GaussianBlur(f, (0, 0), 1)),
        "blurred, sigma 2": each(lambda f: cv2.GaussianBlur(f, (0, 0), 2)),
        "sharpened (unsharp mask)": each(sharper),
        "noise, SD 8": lambda frames: noisy(frames, 8),
        "shifted by 2 px": each(lambda f: shifted(f, 2)),
    }
    made = {
        name: real if change is None else [look(change(frames), c) for (frames, _), c in zip(real, clips, strict=True)]
        for name, change in changes.items()
    }
    made["another clip of the speaker"] = [real[k ^ 1] for k in range(len(real))]
    made["another speaker"] = [real[(k + PER_SPEAKER) % len(real)] for k in range(len(real))]

    table: dict[str, dict[str, float]] = {}
    for name, others in made.items():
        row: dict[str, list[float]] = {}
        collected = {metric.name: [] for metric in sets}
        for (frames, seen), (other_frames, other) in zip(real, others, strict=True):
            n = min(len(frames), len(other_frames))
            for title, metric in frame_metrics.items():
                row.setdefault(title, []).append(metric.frames(frames[:n], other_frames[:n]).mean())
            pair = Pair(seen, replace(other, labels=seen.labels))
            for metric in pairs:
                row.setdefault(metric.name, []).append(metric.pair(pair).value)
            for metric in own:
                row.setdefault(metric.name, []).append(metric.own(other).value)
            for metric in sets:
                collected[metric.name].append(Collected(seen.labels, metric.collect(pair)))
        table[name] = {title: float(np.mean(values)) for title, values in row.items()}
        for metric in sets:
            cell = metric.estimate(collected[metric.name], 0)
            table[name][metric.name] = cell.statistic(np.ones(len(real), bool))
            if name == "itself":
                print(f"\n{metric.name}: {cell.details} {cell.flags}")
    titles = list(table["itself"])
    print(f"\n{len(real)} clips of {len(real) // PER_SPEAKER} speakers, {FRAMES} frames each\n")
    print("| the clip against | " + " | ".join(titles) + " |\n|---|" + "---|" * len(titles))
    for name, row in table.items():
        print(f"| {name} | " + " | ".join(f"{row[t]:.4f}" for t in titles) + " |")

    perfect = {"SSIM": 1, "LPIPS": 0, "CSIM": 1, "CSIM-S": 1, "FID": 0, "KID": 0}
    for title, value in perfect.items():
        assert table["itself"][title] == pytest.approx(value, abs=1e-4)
    blur = [table[name] for name in ("itself", "blurred, sigma 1", "blurred, sigma 2")]
    for title, sign in {"SSIM": -1, "PSNR": -1, "CPBD": -1, "CSIM": -1, "LPIPS": 1, "FID": 1, "KID": 1}.items():
        values = [sign * row[title] for row in blur]
        assert values == sorted(values), title
    for title in ("CSIM", "CSIM-S"):
        assert table["another clip of the speaker"][title] > table["another speaker"][title] + 0.1
