"""Result folders as `emotalk evaluate` leaves them: nine controls and two methods, 24 clips of 12 speakers, tiny films."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bench.breakdown import breakdown, distributions
from bench.contract.errors import Reason
from bench.contract.result import (
    CLIP_COLUMNS,
    DatasetRecord,
    Environment,
    ExtractorRecord,
    Interval,
    ItemCount,
    MethodRecord,
    MetricValue,
    Problem,
    ProtocolRecord,
    Result,
)
from bench.contract.sheet import Sheet, Tile
from bench.contract.traces import ClipTraces, Curves

METRICS = {  # name: direction, unit, digits of spread, definition
    "SSIM": ("higher", "1", "Wang et al., 11x11 Gaussian, gray BT.601"),
    "PSNR": ("higher", "dB", "data range 255, mean over frames of RGB"),
    "M-LMD": ("lower", "px", "mean distance over the 20 mouth points, MediaPipe-68"),
    "F-LMD": ("lower", "px", "mean distance over the 68 points, MediaPipe-68"),
    "LVD": ("lower", "px/frame", "mean distance of landmark velocities"),
    "AV-offset": ("zero", "frames", "lag of the best audio match"),
    "SX-C": ("match", "", "sync confidence of the dataset's own expert"),
}
LIKE_TRUTH = {"SSIM": 1.0, "PSNR": 48.2, "M-LMD": 0.0, "F-LMD": 0.0, "LVD": 0.0, "AV-offset": 0.13, "SX-C": 6.57}
FAR_FROM_TRUTH = {"SSIM": 0.71, "PSNR": 19.4, "M-LMD": 3.9, "F-LMD": 3.1, "LVD": 0.84, "AV-offset": 4.2, "SX-C": 1.2}
CONTROLS = {  # name: (share of the way from truth to far, consumed inputs, has pictures)
    "gt": (0.0, ["true video"], True),
    "gt-reencoded": (0.04, ["true video"], True),
    "static": (1.0, ["reference image"], True),
    "gt-mismatched": (1.15, ["real video, other sentence"], True),
    "gt-wrong-emotion": (0.95, ["real video, other emotion"], True),
    "frozen-pose": (0.6, ["true rendering parameters"], True),
    "frozen-gaze": (0.25, ["true rendering parameters"], True),
    "time-shuffled-pose": (0.8, ["true rendering parameters"], True),
    "time-shuffled-gaze": (0.3, ["true rendering parameters"], False),
}
METHODS = {
    "two_stage": (0.35, ["audio", "emotion", "level", "reference image"], True),
    "wav2lip": (0.45, ["audio", "true video"], True),
}
SPEAKERS = [f"P{i:03d}" for i in range(1, 13)]
EMOTIONS = ("angry", "happy")
CLIPS = {f"{s}_front_{e}_3_001": (s, e) for s in SPEAKERS for e in EMOTIONS}
SAMPLES = ["P001_front_angry_3_001", "P001_front_happy_3_001"]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def film(path: Path, seed: int, frames: int = 30, size: int = 256) -> None:
    """A second of a drawn face that nods and speaks a tone, H.264 and AAC as in the store."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    skin, back = rng.integers(150, 230, 3) // np.array([1, 1.3, 1.5]), rng.integers(60, 140, 3)
    yy, xx = np.mgrid[:size, :size] / size - 0.5
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=25, options={"crf": "28", "preset": "veryfast", "threads": "1"})
        video.width = video.height = size
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=16000, layout="mono")
        for t in range(frames):
            dx, mouth = 0.03 * math.sin(t / 5 + seed), 0.01 + 0.03 * abs(math.sin(t / 3))
            picture = np.broadcast_to(back, (size, size, 3)).copy()
            picture[((xx - dx) / 0.27) ** 2 + (yy / 0.36) ** 2 < 1] = skin
            for side in (-0.1, 0.1):
                picture[((xx - dx - side) / 0.045) ** 2 + ((yy + 0.07) / 0.025) ** 2 < 1] = 245
                picture[((xx - dx * 1.3 - side) / 0.018) ** 2 + ((yy + 0.07) / 0.02) ** 2 < 1] = (40, 30, 30)
            picture[((xx - dx) / 0.08) ** 2 + ((yy - 0.18) / mouth) ** 2 < 1] = (110, 30, 40)
            for packet in video.encode(av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="rgb24")):
                container.mux(packet)
        tone = (0.2 * np.sin(np.arange(frames * 640) / 16000 * 2 * np.pi * (180 + 30 * seed))).astype(np.float32)
        for start in range(0, tone.size, 1024):
            chunk = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="fltp", layout="mono")
            chunk.sample_rate, chunk.pts = 16000, start
            for packet in audio.encode(chunk):
                container.mux(packet)
        for stream in (video, audio):
            for packet in stream.encode(None):
                container.mux(packet)


def traces(clip_id: str, seed: int, frames: int = 30) -> ClipTraces:
    """Curves that sway, with a blink in the gaze."""
    rng = np.random.default_rng(seed)

    def curve(height: float, gaps: bool = False) -> list[float | None]:
        values = height * np.sin(np.arange(frames) / rng.uniform(3, 8)) + rng.normal(0, height / 9, frames)
        return [None if gaps and 10 <= t < 13 else round(float(v), 2) for t, v in enumerate(values)]

    def curves() -> Curves:
        mouth = [abs(v) for v in curve(12.0)]
        return Curves(
            mouth=mouth, gaze_yaw=curve(8, True), gaze_pitch=curve(5, True), pitch=curve(6), yaw=curve(9), roll=curve(3)
        )

    sound = [round(float(abs(v)), 3) for v in 0.4 * np.sin(np.arange(frames * 4) / 9)]
    return ClipTraces(clip_id=clip_id, fps=25, real=curves(), generated=curves(), sound_rate=100, sound=sound)


def write_sheet(folder: Path, speakers: int = 3, size: int = 64, policy: str = "all", **changes) -> Path:
    """A contact sheet of flat pictures."""
    import cv2

    folder.mkdir(parents=True, exist_ok=True)
    tiles = []
    for s, speaker in enumerate(SPEAKERS[:speakers]):
        for e, emotion in enumerate(EMOTIONS):
            name = f"{speaker}_{emotion}.webp"
            cv2.imwrite(str(folder / name), np.full((size, size, 3), (40 * s, 200 - 90 * e, 120), np.uint8))
            clip = f"{speaker}_front_{emotion}_3_001"
            tiles.append(Tile(speaker=speaker, emotion=emotion, level=3, clip_id=clip, frame=7, file=name))
    about = {"dataset": "puppet", "profile": "quick", "part": "test", "data_version": "3", "media_policy": policy}
    Sheet(**(about | {"size": size, "source": "flat colours", "tiles": tiles} | changes)).save(folder / "sheet.json")
    return folder


def metric_value(name: str, value: float | None, half: float | None = 0.02, **changes) -> MetricValue:
    """A cell; `half` None gives no interval for new speakers, with the reason."""
    direction, unit, definition = METRICS.get(name, ("higher", "", ""))
    new = Interval(target="new-speakers", method="student-t", reason="2 speakers, at least 3 are needed")
    these = Interval(target="these-speakers", method="bootstrap")
    if value is not None and half is not None:
        new = Interval(target="new-speakers", low=value - half, high=value + half, method="student-t")
        these = Interval(target="these-speakers", low=value - 0.45 * half, high=value + 0.5 * half, method="bootstrap")
    fields = {
        "metric": name, "direction": direction, "unit": unit, "definition": definition, "version": "1", "value": value,
        "intervals": [] if value is None else [new, these], "n_clips": 24, "n_speakers": 12, "n_frames": 1440,
        "n_expected": 24, "coverage": 1.0,
    }  # fmt: skip
    return MetricValue(**(fields | changes))


def make_result(name: str = "gt", metrics: list[MetricValue] | None = None, /, **changes) -> Result:
    """A result record; `changes` may name keys of the record or, as dicts, of method, dataset, protocol, environment."""
    kind = "control" if name in CONTROLS else "re-implementation"
    consumes = (CONTROLS | METHODS).get(name, (0, ["audio", "reference image"], True))[1]
    parts = {
        "method": {"name": name, "version": "1", "consumes": consumes, "kind": kind, "seed": 3},
        "dataset": {
            "name": "puppet", "profile": "quick", "part": "test", "manifest": "puppet-quick", "manifest_sha256": sha("m"),
            "data_version": "3", "n_scored": 24, "n_speakers": 12, "n_rejected": 3, "store_sha256": sha("store"),
            "media_policy": "all",
        },
        "protocol": {
            "name": "emotalk", "status": "ours", "sha256": sha("p"), "framing": "canonical", "missing": "static",
            "text": "# the protocol file\nname = \"emotalk\"\n",
        },
        "environment": {
            "python": "3.11.9", "platform": "Linux x86_64", "emotalk": "0.1.0", "git_commit": sha("commit")[:40],
            "git_dirty": False, "machine": {"processor": "a processor", "cores": 2, "memory_gib": 8.0, "accelerator": None},
            "packages": {"numpy": "2.4.6", "opencv-python-headless": "5.0.0.93", "torch": "2.13.0"},
        },
    }  # fmt: skip
    types = {"method": MethodRecord, "dataset": DatasetRecord, "protocol": ProtocolRecord, "environment": Environment}
    fields = {
        "name": name, "metrics": [metric_value("SSIM", 0.8)] if metrics is None else metrics,
        "items": [ItemCount(status="ok", count=24)], "problems": [],
        "extractors": [
            ExtractorRecord(name="face", version="1", weights={"face_landmarks_detector.tflite": sha("landmarks")}),
        ],
        "seed": 0, "created": "2025-03-14T09:26:53+00:00", "wall_seconds": 12.5,
        "command": f"emotalk evaluate --dataset puppet --profile quick --videos generated/{name}",
    }  # fmt: skip
    for key, values in parts.items():
        fields[key] = types[key](**(values | changes.pop(key, {})))
    return Result(**(fields | changes))


def write_result(
    folder: Path,
    result: Result,
    samples: dict[str, int] | None = None,
    rejected: bool = True,
    real: dict[str, int] | None = None,
    traced: Sequence[str] = (),
) -> Path:
    """The folder of one result; clip values scatter around the cell's value; samples, real: clip_id -> seed of the film."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(result.name))
    statuses = {p.clip_id: p for p in result.problems}
    rows = []
    for m in result.metrics:
        for clip_id, (speaker, emotion) in CLIPS.items():
            problem = statuses.get(clip_id)
            value = (
                None if m.value is None or (problem and problem.status == "n/a") else m.value * rng.uniform(0.95, 1.05)
            )
            rows.append([
                result.dataset.name, result.dataset.part, clip_id, speaker, emotion, 3, result.method.name,
                result.protocol.name, m.metric, value, None, problem.status if problem else "ok" if value is not None else "null",
                problem.reason if problem else m.reason, 60,
            ])  # fmt: skip
    table = pd.DataFrame(rows, columns=list(CLIP_COLUMNS)).astype(CLIP_COLUMNS)
    table.to_parquet(folder / "clips.parquet", index=False)
    named = [SimpleNamespace(name=m.metric, direction=m.direction) for m in result.metrics]
    closer = {"breakdown": breakdown(table, named), "distributions": distributions(table, named)}
    result.model_copy(update=closer).save(folder / "result.json")
    if rejected:
        pd.DataFrame(
            [
                [
                    "P013_front_sad_1_002",
                    "P013/video/front/sad/level_1/002.mp4",
                    Reason.TRUNCATED,
                    "ends at 0.4 of 2.1 s",
                    False,
                ],
                [
                    "P014_front_sad_1_001",
                    "P014/video/front/sad/level_1/001.mp4",
                    Reason.NO_FACE,
                    "0 of 52 frames",
                    False,
                ],
                [
                    "P014_front_sad_1_002",
                    "P014/video/front/sad/level_1/002.mp4",
                    Reason.NO_FACE,
                    "3 of 48 frames",
                    True,
                ],
            ],
            columns=["clip_id", "path", "reason", "detail", "known"],
        ).to_parquet(folder / "rejected.parquet", index=False)
    for kind, films in (("samples", samples), ("real", real)):
        for clip_id, seed in (films or {}).items():
            film(folder / kind / f"{clip_id}.mp4", seed)
    for k, clip_id in enumerate(traced):
        traces(clip_id, len(result.name) + 100 * k).save(folder / "traces" / f"{clip_id}.json")
    return folder


def house(root: Path, films: bool = True) -> list[Path]:
    """The realistic set: nine controls, two methods and an altered request on puppet, three rows on the CREMA-D sample."""
    rng = np.random.default_rng(1)
    folders = []
    everyone = CONTROLS | METHODS | {"two_stage@other-audio": (0.9, METHODS["two_stage"][1], True)}
    for seed, (name, (share, _, pictures)) in enumerate(everyone.items()):
        changes, metrics = {}, []
        for metric, best in LIKE_TRUTH.items():
            worst = FAR_FROM_TRUTH[metric]
            value = best + share * (worst - best) + rng.normal() * 0.02 * abs(worst - best) * (share > 0)
            half = abs(worst - best) * (0.002 if share < 0.1 else rng.uniform(0.03, 0.1)) * (name != "gt")
            counts = {}
            if name == "gt-wrong-emotion":
                counts = {"n_clips": 20, "n_expected": 20}
            if name == "wav2lip":
                counts = {"n_substituted": 2}
            if not pictures and metric in ("SSIM", "PSNR"):
                metrics.append(metric_value(metric, None, reason=Reason.CUE_SPACE_ONLY, n_clips=0, coverage=0.0))
            elif name == "gt" and metric == "PSNR":
                metrics.append(
                    metric_value(metric, None, reason="infinite: every frame is equal", n_clips=0, coverage=0.0)
                )
            elif metric == "AV-offset" and name in ("static", "frozen-pose"):
                missing = {"reason": "weights-missing: syncnet_v2.model", "n_clips": 0, "coverage": 0.0}
                metrics.append(metric_value(metric, None, **missing))
            else:
                metrics.append(metric_value(metric, value, half, **counts))
        if name == "gt-wrong-emotion":
            ids = list(CLIPS)[-4:]
            changes["problems"] = [
                Problem(clip_id=c, status="n/a", reason=Reason.NO_PARTNER, detail="only one emotion left") for c in ids
            ]
            changes["items"] = [
                ItemCount(status="ok", count=20),
                ItemCount(status="n/a", reason=Reason.NO_PARTNER, count=4),
            ]
        if name == "wav2lip":
            changes["problems"] = [
                Problem(clip_id=SAMPLES[1], status="static", reason=Reason.MISSING_OUTPUT, detail="no such file"),
                Problem(
                    clip_id="P007_front_happy_3_001",
                    status="static",
                    reason=Reason.LENGTH_MISMATCH,
                    detail="12 of 52 frames",
                ),
            ]
            changes["items"] = [
                ItemCount(status="ok", count=22),
                ItemCount(status="static", reason=Reason.MISSING_OUTPUT, count=1),
                ItemCount(status="static", reason=Reason.LENGTH_MISMATCH, count=1),
            ]
            changes["notes"] = [
                "1 clips differ in length from the real clip by -3 to -3 frames; scored on the common beginning"
            ]
        if not pictures:
            changes["problems"] = [
                Problem(
                    clip_id=c, status="cues", reason=Reason.CUE_SPACE_ONLY, detail="no pixels: scored on its cues only"
                )
                for c in CLIPS
            ]
            changes["items"] = [ItemCount(status="cues", reason=Reason.CUE_SPACE_ONLY, count=24)]
        if "@" in name:
            changes["method"] = {"altered": "audio"}
        samples = {c: seed + 20 * k for k, c in enumerate(SAMPLES) if not (name == "wav2lip" and k)}
        result = make_result(name, metrics, **changes)
        shown = samples if films and pictures else None
        folders.append(write_result(root / f"puppet-{name}", result, shown, traced=SAMPLES))
    for name, ssim in (("gt", 1.0), ("gt-reencoded", 0.986), ("static", 0.803)):
        one = {"n_clips": 6, "n_expected": 6, "n_speakers": 1, "n_frames": 402}
        metrics = [metric_value(m, v, None, **one) for m, v in (("SSIM", ssim), ("M-LMD", 4 * (1 - ssim)))]
        dataset = {
            "name": "cremad-sample", "profile": None, "manifest": "cremad-sample", "manifest_sha256": sha("c"),
            "data_version": None, "n_scored": 6, "n_speakers": 1, "n_rejected": 0, "store_sha256": sha("cstore"),
            "media_policy": "none", "flags": ["reference-same-sentence"],
        }  # fmt: skip
        result = make_result(name, metrics, dataset=dataset, items=[ItemCount(status="ok", count=6)])
        folders.append(
            write_result(root / f"cremad-{name}", result, {SAMPLES[0]: 9} if films else None, rejected=False)
        )
    return folders


@pytest.fixture(scope="session")
def realistic(tmp_path_factory) -> list[Path]:
    """The folders of `house`, with films."""
    return house(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="session")
def sheet(tmp_path_factory) -> Path:
    """A contact sheet for the results of `realistic`."""
    return write_sheet(tmp_path_factory.mktemp("sheet"))


@pytest.fixture(scope="session")
def make():
    """(make_result, metric_value, write_result) for tests that need another record."""
    return make_result, metric_value, write_result


@pytest.fixture
def make_sheet():
    """write_sheet(folder, ...)."""
    return write_sheet
