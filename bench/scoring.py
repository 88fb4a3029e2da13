"""Scores one generated video against one real clip: pairing, framing, features, metrics, or the reason there is no value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bench.atomic import read_json, unless_full, write_json
from bench.contract.clip import AUDIO_RATE, FPS, Clip
from bench.contract.cues import Cues
from bench.contract.errors import DamagedStore, EmotalkError, Reason, RejectedInput
from bench.contract.metric import CueMetric, FrameMetric, Metric
from bench.data.prepare_clip import face_identity
from bench.data.store import Selected, Store, key_of
from bench.features import face_cues
from bench.framing import FLAGGED_RESIDUAL, Framed, Framing, frame_video
from bench.protocols import Protocol, load_protocol

SCORING_VERSION = "3"
BATCH = 16
STATIC_CRF = 18


@dataclass(frozen=True)
class Job:
    """One clip to score; small and picklable, so that workers read everything themselves."""

    row: Selected
    store: Path
    videos: Path
    cache: Path
    protocol: str
    framing: Framing
    missing: str
    verdict: tuple[str, str, str] | None = None
    """(status, reason, detail) if the folder's own record says that there is no output to score: n/a, or missing."""


@lru_cache(maxsize=4)
def _protocol(name: str) -> tuple[Protocol, tuple[Metric, ...]]:
    from metrics.registry import get_metrics

    protocol = load_protocol(name)
    return protocol, tuple(get_metrics(protocol.metrics, protocol.options))


def score_clip(job: Job) -> dict[str, Any]:
    """The item of one clip: {clip_id, status, reason, detail, length_delta, residual, flags, sample, values}.

    values: metric -> {value or None, reason or None, n_frames}. status: ok | cues (cue space only) | static (scored as the
    static image in place of a missing output) | excluded | failed (--missing fail) | n/a. Never raises for a bad video.
    """
    clip_id = job.row.clip.clip_id
    item = {"clip_id": clip_id, "status": "ok", "reason": None, "detail": None, "length_delta": None, "residual": None,
            "flags": [], "sample": None, "values": {}}  # fmt: skip
    cues_file = job.videos / f"{clip_id}.cues.safetensors"
    video = job.videos / f"{clip_id}.mp4"
    try:
        if job.verdict:
            status, reason, detail = job.verdict
            if status == "n/a":
                return item | {"status": status, "reason": reason, "detail": detail}
            raise RejectedInput(Reason(reason), detail)
        if not video.exists() and cues_file.is_file():
            return item | _score_cues(job, cues_file)
        return item | _score_video(job, video)
    except RejectedInput as error:
        item |= {"reason": str(error.reason), "detail": error.detail.replace(f"{job.videos}/", "")}
    except (EmotalkError, OSError, MemoryError):
        raise
    except Exception as error:  # one odd video must not stop a table; the clip is left out, counted and named
        what = f"{type(error).__name__}: {error}".replace(f"{job.videos}/", "").replace(f"{job.store}/", "")[:500]
        status = "failed" if job.missing == "fail" else "excluded"
        return item | {"status": status, "reason": str(Reason.METRIC_FAILED), "detail": what}
    if job.missing != "static":
        return item | {"status": "excluded" if job.missing == "exclude" else "failed"}
    try:
        still = static_video(job.row, Store(job.store), job.cache)
        scored = _score_video(job, still, Framing.CANONICAL)
    except RejectedInput as error:
        return item | {
            "status": "excluded",
            "detail": f"{item['detail']}; no static image in its place: {error.detail}",
        }
    return item | {"values": scored["values"], "sample": scored["sample"], "status": "static"}


def static_video(row: Selected, store: Store, cache: Path) -> Path:
    """The reference image held for the whole clip, encoded as every generated video is; RejectedInput without one."""
    from bench.data import media
    from bench.requests import audio_of, read_image

    if row.reference_clip is None:
        raise RejectedInput(Reason.NO_REFERENCE_IMAGE, f"{row.clip.speaker} has no neutral clip")
    path = cache / "static" / f"{key_of(inputs=row.fingerprint, version=SCORING_VERSION)}.mp4"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        image = read_image(store.reference_image(row.reference_clip, row.reference_sha256))
        frames = (image for _ in range(row.clip.n_frames))
        media.write_video(path, frames, fps=FPS, crf=STATIC_CRF, audio=audio_of(row.clip), audio_rate=AUDIO_RATE)
    return path


def _score_video(job: Job, path: Path, framing: Framing | None = None) -> dict[str, Any]:
    from bench.data import media

    framing = framing or job.framing
    clip = job.row.clip
    if not path.is_file():
        raise RejectedInput(Reason.MISSING_OUTPUT, f"expected {path.name}, there is no such file")
    stream = media.stream_sha256(path)
    protocol, metrics = _protocol(job.protocol)
    key = key_of(
        scoring=SCORING_VERSION,
        reference=clip.video_sha256,
        generated=stream,
        framing=framing.value,
        crop=clip.crop,
        protocol=protocol.sha256,
        metrics={m.name: m.version for m in metrics},
        face=face_identity(),
    )
    cached = job.cache / "scores" / key[:2] / f"{key}.json"
    if (scores := read_json(cached)) is None:
        scores = _compute(job, path, stream, framing, protocol, metrics)
        with unless_full():
            write_json(cached, scores)
    return {**scores, "sample": str(path)}


def _compute(
    job: Job, path: Path, stream: str, framing: Framing, protocol: Protocol, metrics: Sequence[Metric]
) -> dict[str, Any]:
    clip = job.row.clip
    reference = reference_cues(clip)
    framed, generated = _framed_cues(clip, path, stream, job.cache, framing)
    delta = len(generated) - len(reference)
    if abs(delta) > protocol.max_length_difference:
        raise RejectedInput(
            Reason.LENGTH_MISMATCH,
            f"the real clip has {len(reference)} frames, the generated one {len(generated)}; at most "
            f"{protocol.max_length_difference} may differ",
        )
    paired = min(len(generated), len(reference))
    pairs = zip(islice(reference_frames(clip), paired), islice(framed.frames(), paired), strict=True)
    values = _frame_values([m for m in metrics if isinstance(m, FrameMetric)], pairs)
    values |= _cue_values(metrics, reference[:paired], generated[:paired])
    flags = []
    if delta:
        flags.append("length-differs")
    if framed.residual is not None and framed.residual > FLAGGED_RESIDUAL:
        flags.append("large-alignment-residual")
    if not generated.valid[:paired].all():
        flags.append("generated-face-missing-in-some-frames")
    ordered = {m.name: values[m.name] for m in metrics}
    return {"length_delta": delta, "residual": framed.residual, "flags": flags, "values": ordered}


def _framed_cues(clip: Clip, path: Path, stream: str, cache: Path, framing: Framing) -> tuple[Framed, Cues]:
    """A video brought into the clip's crop, and its cues there."""
    framed = frame_video(path, clip, framing, lambda read: face_cues(cache, stream, ("as-is",), read))
    # the real clip itself, unaltered, has its cues in the store already
    if stream == clip.video_sha256 and framing == Framing.CANONICAL:
        return framed, reference_cues(clip)
    return framed, face_cues(cache, stream, framed.transform, framed.frames)


def generated_cues(clip: Clip, videos: Path, cache: Path, framing: Framing) -> Cues:
    """The cues of a clip's output in `videos`, as they were scored; from the cache if it could be written."""
    from bench.data import media

    video = videos / f"{clip.clip_id}.mp4"
    if not video.exists():
        return Cues.load(videos / f"{clip.clip_id}.cues.safetensors")
    return _framed_cues(clip, video, media.stream_sha256(video), cache, framing)[1]


def reference_cues(clip: Clip) -> Cues:
    """The real clip's cues; DamagedStore if they cannot be read."""
    try:
        return Cues.load(clip.cues)
    except Exception as error:  # safetensors raises error types of its own
        raise DamagedStore(f"{clip.cues}: {error}; delete {clip.folder} and run `emotalk prepare` again") from error


def reference_frames(clip: Clip) -> Iterator[np.ndarray]:
    """The real clip's frames; DamagedStore if they cannot be read: never a fault of what is compared with them."""
    from bench.data import media

    try:
        yield from media.read_frames(clip.video, fps=FPS)
    except RejectedInput as error:
        raise DamagedStore(f"{clip.video}: {error}; delete {clip.folder} and run `emotalk prepare` again") from error


def _frame_values(metrics: Sequence[FrameMetric], pairs: Iterator[tuple[np.ndarray, np.ndarray]]) -> dict[str, dict]:
    """Mean over paired frames, in batches: memory is flat in clip length, and the result does not depend on the batch."""
    per_frame: dict[str, list[float]] = {m.name: [] for m in metrics}
    while batch := list(islice(pairs, BATCH)):
        real, made = (np.stack(side) for side in zip(*batch, strict=True))
        for metric in metrics:
            per_frame[metric.name].extend(metric.frames(real, made).tolist())
    return {name: _value(np.mean(values) if values else np.nan, len(values)) for name, values in per_frame.items()}


def _cue_values(metrics: Sequence[Metric], reference: Cues, generated: Cues) -> dict[str, dict]:
    return {
        m.name: _value(m.clip(reference, generated), m.n_frames(reference, generated))
        for m in metrics
        if isinstance(m, CueMetric)
    }


def _value(value: float, n_frames: int, reason: str | None = None) -> dict[str, Any]:
    if not np.isfinite(value):
        return {"value": None, "reason": reason or str(Reason.NO_FACE), "n_frames": n_frames}
    return {"value": float(value), "reason": None, "n_frames": n_frames}


def _score_cues(job: Job, path: Path) -> dict[str, Any]:
    """A cue-space item: cue metrics only; every pixel metric is null with the reason."""
    _, metrics = _protocol(job.protocol)
    reference = reference_cues(job.row.clip)
    try:
        generated = Cues.load(path)
    except Exception as error:  # safetensors raises error types of its own
        raise RejectedInput(Reason.UNREADABLE, f"{path.name}: {error}") from error
    if len(generated) != len(reference):
        raise RejectedInput(Reason.LENGTH_MISMATCH, f"expected cues of {len(reference)} frames, found {len(generated)}")
    nothing = {"value": None, "reason": str(Reason.CUE_SPACE_ONLY), "n_frames": 0}
    scored = _cue_values(metrics, reference, generated)
    for metric in metrics:
        # a cue that was left as it was compares with itself: a zero that would look like a perfect method
        if isinstance(metric, CueMetric) and all(
            _equal(getattr(reference, n), getattr(generated, n)) for n in metric.reads
        ):
            scored[metric.name] = nothing | {"reason": str(Reason.CUE_UNALTERED)}
    return {"status": "cues", "reason": str(Reason.CUE_SPACE_ONLY), "detail": "cues altered, nothing rendered or encoded",
            "values": {m.name: scored.get(m.name, nothing) for m in metrics}}  # fmt: skip


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
