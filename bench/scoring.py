"""Scores one generated video against one real clip: which video is scored, under which status, and every metric's value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.atomic import read_json, unless_full, write_json
from bench.contract.clip import AUDIO_RATE, FPS, Clip
from bench.contract.cues import Cues
from bench.contract.errors import EmotalkError, Reason, RejectedInput
from bench.data.prepare_clip import face_identity
from bench.data.store import Selected, Store, key_of
from bench.engine import Measured, measure
from bench.features import place
from bench.framing import FLAGGED_RESIDUAL, Framing
from bench.plan import Plan, together
from bench.sides import Side, Sides, Tools
from bench.videos import ClipVideos, open_cues, open_generated

SCORING_VERSION = "4"
STATIC_CRF = 18


@dataclass(frozen=True)
class Job:
    """One clip to score; small and picklable, so that workers read everything themselves."""

    row: Selected
    store: Path
    videos: Path
    cache: Path
    plan: Plan
    framing: Framing
    missing: str
    verdict: tuple[str, str, str] | None = None
    """(status, reason, detail) if the folder's own record says that there is no output to score: n/a, or missing."""


def score_under(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """The items of one clip under several protocols, in order: `score_clip` of each, from one decode of each video.

    The jobs differ in plan and framing alone.
    """
    videos = _videos_of(jobs)
    return [score_clip(job, videos) for job in jobs]


def _videos_of(jobs: Sequence[Job]) -> ClipVideos:
    plans, first = [job.plan for job in jobs], jobs[0]
    tools = Tools(together(plans), first.plan.device, first.cache)
    return ClipVideos(tools, first.row, Store(first.store), max(plan.max_length_difference for plan in plans))


def score_clip(job: Job, videos: ClipVideos | None = None) -> dict[str, Any]:
    """The item of one clip: {clip_id, status, reason, detail, length_delta, residual, flags, sample, values, collected}.

    values: metric -> {value or None, reason or None, detail or None, n_frames, truth of metrics of one video, collected
    where arrays for a set were given}; collected: collection -> arrays. status: ok | cues (cue space only) | static
    (scored as the static image in place of a missing output) | excluded | failed (--missing fail) | n/a. Never raises
    for a bad video.
    """
    clip_id = job.row.clip.clip_id
    opened = videos or _videos_of([job])
    item = {"clip_id": clip_id, "status": "ok", "reason": None, "detail": None, "length_delta": None, "residual": None,
            "flags": [], "sample": None, "values": {}, "collected": {}}  # fmt: skip
    cues_file = job.videos / f"{clip_id}.cues.safetensors"
    video = job.videos / f"{clip_id}.mp4"
    try:
        if job.verdict:
            status, reason, detail = job.verdict
            if status == "n/a":
                return item | {"status": status, "reason": reason, "detail": detail}
            raise RejectedInput(Reason(reason), detail)
        if not video.exists() and cues_file.is_file():
            return _tidied(item | _score_cues(job, opened, cues_file), job)
        return _tidied(item | _score_video(job, opened, video), job)
    except RejectedInput as error:
        item |= {"reason": str(error.reason), "detail": _without_folders(error.detail, job)}
    except (EmotalkError, OSError, MemoryError):
        raise
    except Exception as error:  # one odd video must not stop a table; the clip is left out, counted and named
        what = _without_folders(f"{type(error).__name__}: {error}", job)[:500]
        status = "failed" if job.missing == "fail" else "excluded"
        return item | {"status": status, "reason": str(Reason.METRIC_FAILED), "detail": what}
    if job.missing != "static":
        return item | {"status": "excluded" if job.missing == "exclude" else "failed"}
    try:
        still = static_video(job.row, Store(job.store), job.cache)
        scored = _score_video(job, opened, still, Framing.CANONICAL)
    except RejectedInput as error:
        return item | {
            "status": "excluded",
            "detail": f"{item['detail']}; no static image in its place: {error.detail}",
        }
    taken = {name: scored[name] for name in ("values", "collected", "sample")}
    return _tidied(item | taken | {"status": "static"}, job)


def _tidied(item: dict[str, Any], job: Job) -> dict[str, Any]:
    """No folder of this machine in what the cells say."""
    values = {
        name: value | {"detail": _without_folders(value["detail"], job)} if value["detail"] else value
        for name, value in item["values"].items()
    }
    return item | {"values": values}


def _without_folders(text: str, job: Job) -> str:
    for folder in (job.videos, job.store, job.cache):
        text = text.replace(f"{folder}/", "")
    return text


def static_video(row: Selected, store: Store, cache: Path) -> Path:
    """The reference image held for the whole clip, encoded as every generated video is; RejectedInput without one."""
    from bench.data import media
    from bench.requests import audio_of, read_image

    if row.reference_clip is None:
        raise RejectedInput(Reason.NO_REFERENCE_IMAGE, f"{row.clip.speaker} has no neutral clip")
    path = place(cache, "static", key_of(inputs=row.fingerprint, crf=STATIC_CRF), "mp4")
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        image = read_image(store.reference_image(row.reference_clip, row.reference_sha256))
        frames = (image for _ in range(row.clip.n_frames))
        media.write_video(path, frames, fps=FPS, crf=STATIC_CRF, audio=audio_of(row.clip), audio_rate=AUDIO_RATE)
    return path


def _score_video(job: Job, videos: ClipVideos, path: Path, framing: Framing | None = None) -> dict[str, Any]:
    from bench.data import media

    if not path.is_file():
        raise RejectedInput(Reason.MISSING_OUTPUT, f"expected {path.name}, there is no such file")
    clip, framing = job.row.clip, framing or job.framing
    stream = media.stream_sha256(path)
    opened = videos.generated(path, framing, stream, job.plan.max_length_difference)
    measured = _measure(job, videos, opened.side, generated=stream, framing=framing.value, crop=clip.crop)
    cues = opened.side.cues
    delta = len(cues) - clip.n_frames
    flags = []
    if delta:
        flags.append("length-differs")
    if opened.residual is not None and opened.residual > FLAGGED_RESIDUAL:
        flags.append("large-alignment-residual")
    if not cues.valid[: clip.n_frames].all():
        flags.append("generated-face-missing-in-some-frames")
    return {
        "length_delta": delta,
        "residual": opened.residual,
        "flags": [*flags, *opened.flags],
        "values": measured.values,
        "collected": measured.collected,
        "sample": str(path),
    }


def _score_cues(job: Job, videos: ClipVideos, path: Path) -> dict[str, Any]:
    """A cue-space item: what reads cues and sound; every other metric is null with the reason."""
    side = open_cues(videos.tools, job.row.clip, path)
    measured = _measure(job, videos, side, generated=side.picture, framing="cues", crop=None)
    return {
        "status": "cues",
        "reason": str(Reason.CUE_SPACE_ONLY),
        "detail": "cues altered, nothing rendered or encoded",
        "values": measured.values,
        "collected": measured.collected,
    }


def _measure(job: Job, videos: ClipVideos, side: Side, **made_of: Any) -> Measured:
    """All metrics, those measured before from the cache: of the pair, and of the real video by itself."""
    plan, row = job.plan, job.row
    reference = videos.reference
    portrait = videos.portrait if plan.shows_portrait else None
    of_real = {
        "scoring": SCORING_VERSION,
        "reference": [reference.picture, reference.sound.sha256],
        "labels": side.labels,
        "face": face_identity(),
    }
    real_key = key_of(**of_real)
    key = key_of(
        **of_real,
        **made_of,
        sound=[side.sound.sha256, side.sound.own],
        portrait=row.reference_sha256,
        longest=plan.max_length_difference,
    )
    known, truths = (_Scores(place(job.cache, "scores", one, "json")) for one in (key, real_key))
    measured = measure(plan, Sides(reference, side, portrait), key, known.values, truths.values)
    known.keep()
    truths.keep()
    return measured


class _Scores:
    """What is known of a pair, or of a real video: metric identity -> Value, on disk."""

    def __init__(self, path: Path):
        self.path = path
        found = read_json(path)
        self.values = found if isinstance(found, dict) and all(isinstance(v, dict) for v in found.values()) else {}
        self._before = len(self.values)

    def keep(self) -> None:
        """Write what was added. Of two processes that add at once one stays: the other's values are made again."""
        if len(self.values) > self._before:
            with unless_full():
                write_json(self.path, self.values)


def generated_cues(clip: Clip, videos: Path, cache: Path, plan: Plan, framing: Framing) -> Cues:
    """The cues of a clip's output in `videos`, as they were scored; from the cache if it could be written."""
    from bench.data import media

    video = videos / f"{clip.clip_id}.mp4"
    tools = Tools({}, plan.device, cache)
    if not video.exists():
        return open_cues(tools, clip, videos / f"{clip.clip_id}.cues.safetensors").cues
    stream = media.stream_sha256(video)
    return open_generated(tools, clip, video, framing, stream, plan.max_length_difference).side.cues
