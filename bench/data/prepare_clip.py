"""One source clip -> one folder of the clip store."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.atomic import whole_folder, write_json
from bench.contract.clip import AUDIO_RATE, FPS, SourceClip
from bench.contract.cues import FIELDS, Cues
from bench.contract.errors import Reason, RejectedInput
from bench.data.crop import CROP_VERSION, Crop, detect_whole, find_crop
from bench.data.store import key_of

PREPARE_VERSION = "2"
MIN_FRAMES = 10
"""0.4 s: two SyncNet windows, and enough for a difference of frames."""
MIN_FPS = 20.0
"""Below this a 25 fps grid would repeat more than every fifth frame and every motion statistic would be of the resampling."""
MAX_AUDIO_GAP = 5 / FPS
"""Seconds by which the sound may end before the picture: the pairing tolerance, five frames."""
SILENCE = 1e-4
"""Peak amplitude under which a sound track is silence (-80 dBFS)."""
DETECT_EVERY, MAX_DETECTIONS = 5, 40
KEPT_BYTES = 48 * 2**20
"""Decoded frames of a clip that are kept between the two passes: a few seconds at CREMA-D's size, bounded for any length."""
MIN_VALID = 0.5
MAX_POINTS_OUTSIDE = 0.10
NATIVE_ABOVE = 25.5
"""Frames per second above which motion statistics come from native-rate cues."""
VIDEO_CRF = 12


@lru_cache(maxsize=1)
def face_extractor():
    """The process's one landmark extractor (interpreters are not shared between processes)."""
    from bench import weights
    from metrics.extractors.face import FaceExtractor

    return FaceExtractor({name: weights.resolve(name) for name in FaceExtractor.needs})


def face_identity() -> dict[str, str]:
    """What face cues depend on: the extractor's VERSION and the SHA-256 of its weights (checked when they are loaded)."""
    from bench import weights
    from metrics.extractors.face import FaceExtractor

    registry = weights.registry()
    return {"version": FaceExtractor.VERSION, **{name: registry[name].sha256 for name in FaceExtractor.needs}}


def content_sha256(folder: Path, facts: dict[str, Any]) -> str:
    """One hash over everything in a clip folder that a method or a metric may see."""
    digest = hashlib.sha256(key_of(**facts).encode())
    for path in sorted(folder.iterdir()):
        if path.suffix in (".mp4", ".wav", ".safetensors"):
            digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def source_key(clip: SourceClip) -> str:
    """Changes when the source files (path, size, time of change) or anything that prepares them does."""
    files = [p for p in (clip.video, clip.audio) if p is not None]
    stats = [(str(p), s.st_size, s.st_mtime_ns) for p in files for s in [p.stat()]]
    facts = (clip.speaker, clip.emotion, clip.level, clip.sentence, clip.silent, clip.data_version)
    return key_of(files=stats, facts=facts, prepare=PREPARE_VERSION, crop=CROP_VERSION, face=face_identity())


def prepare_clip(clip: SourceClip, folder: Path, truth: Path | None, key: str) -> dict[str, Any]:
    """Write face.mp4, audio.wav, cues.safetensors (and cues_native, truth) and record.json into `folder`; returns the record.

    A `silent` clip gets no audio.wav.

    The source is read twice (find the crop, cut it; once if it is small), the canonical video, which is what every evaluation
    reads, once, so that the ground truth goes through the same codec and extractor as any method. Memory is flat in clip length.
    Raises RejectedInput.
    """
    from bench.data import media

    info = media.probe(clip.video)
    if not info.has_video:
        raise RejectedInput(Reason.NO_VIDEO, "expected a video stream, found sound only")
    if info.fps and info.fps < MIN_FPS:
        raise RejectedInput(Reason.FRAME_RATE_TOO_LOW, f"expected at least {MIN_FPS:g} fps, found {info.fps:.3g}")
    extractor = face_extractor()
    crop, n_frames, size, kept = _find_crop(clip, info, extractor)
    audio, difference, place = (None, None, None) if clip.silent else _sound(clip, info, n_frames)
    with whole_folder(folder) as temporary:
        video = temporary / "face.mp4"
        frames = (crop.cut(frame) for frame in kept or media.read_frames(clip.video, fps=FPS))
        written = media.write_video(video, frames, fps=FPS, crf=VIDEO_CRF, audio=audio, audio_rate=AUDIO_RATE)
        if written != n_frames:
            raise RejectedInput(Reason.TRUNCATED, f"two passes over the video gave {n_frames} and {written} frames")
        if audio is not None:
            media.write_audio(temporary / "audio.wav", audio, AUDIO_RATE)
        pictures = media.read_frames(video, fps=FPS)
        cues = _cues_of_each(pictures, extractor) if clip.silent else extractor(pictures)
        flags = _check_faces(cues, crop, *size)
        cues.save(temporary / "cues.safetensors")
        if info.fps and info.fps > NATIVE_ABOVE:
            _native_cues(clip.video, crop, extractor, temporary / "cues_native.safetensors")
        if truth is not None and truth.is_file():
            shutil.copyfile(truth, temporary / "truth.safetensors")
        if info.variable_rate:
            flags.append("variable-frame-rate")
        record = {
            "clip_id": clip.clip_id,
            "dataset": clip.dataset,
            "speaker": clip.speaker,
            "emotion": clip.emotion,
            "level": clip.level,
            "sentence": clip.sentence,
            "n_frames": n_frames,
            "video_sha256": media.stream_sha256(video),
            "source_sha256": media.stream_sha256(clip.video),
            "crop": list(crop.affine),
            "source_size": list(size),
            "source_fps": info.fps,
            "source_variable_rate": info.variable_rate,
            "audio_difference_s": difference,
            "audio_place": place,
            "valid_share": float(cues.valid.mean()),
            "data_version": clip.data_version,
            "key": key,
            "flags": flags,
        }
        facts = {name: record[name] for name in ("speaker", "emotion", "level", "sentence", "n_frames")}
        record["content_sha256"] = content_sha256(temporary, facts)
        record["face"] = face_identity()
        record["bytes"] = {p.name: p.stat().st_size for p in sorted(temporary.iterdir())}
        write_json(temporary / "record.json", record)
    return record


def _find_crop(
    clip: SourceClip, info: Any, extractor: Any
) -> tuple[Crop, int, tuple[int, int], list[np.ndarray] | None]:
    """First pass: count the frames at 25 fps and detect faces in every fifth (fewer in long clips).

    Returns crop, frame count, (width, height), and the frames themselves if they fit into KEPT_BYTES.
    """
    from bench.data import media

    expected = (info.duration_s or 0) * FPS
    every = max(DETECT_EVERY, int(np.ceil(expected / MAX_DETECTIONS)))
    # a small clip is read once; of a large one only the sampled frames are turned into RGB here
    small = expected * (info.width or 0) * (info.height or 0) * 3 <= KEPT_BYTES
    pictures = media.read_frames(clip.video, fps=FPS) if small else media.read_sampled(clip.video, FPS, every)
    detections, count, size = [], 0, (0, 0)
    kept: list[np.ndarray] | None = [] if small else None
    for count, frame in enumerate(pictures, start=1):
        if (count - 1) % every == 0:
            size = (frame.shape[1], frame.shape[0])
            detections.append(detect_whole(extractor.detect, frame))
        if kept is not None:
            kept.append(frame)
            if count * frame.nbytes > 2 * KEPT_BYTES:  # the container's stated length was wrong
                kept = None
    if count < MIN_FRAMES:
        raise RejectedInput(Reason.TOO_SHORT, f"expected at least {MIN_FRAMES} frames at {FPS} fps, found {count}")
    return find_crop(detections, *size), count, size, kept


def _sound(clip: SourceClip, info: Any, n_frames: int) -> tuple[np.ndarray, float, str]:
    """The clip's 16 kHz sound cut or padded to the picture, by how many seconds it differed, and where it was.

    The sound inside the video comes first: its container times it against the picture, while a separate file is only
    assumed to start with it (CREMA-D's wav and flv do not agree). One that is silent gives way to the other.
    """
    from bench.data import media

    places = {"inside": clip.video} if info.has_audio else {}
    if clip.audio is not None:
        places["beside"] = clip.audio
    if not places:
        raise RejectedInput(Reason.NO_AUDIO, "expected sound beside the video or inside it, found neither")
    sounds = ((place, _finite(media.read_audio(path, AUDIO_RATE), path)) for place, path in places.items())
    place, audio = next(((p, a) for p, a in sounds if np.abs(a).max(initial=0) >= SILENCE), (None, None))
    if audio is None:
        raise RejectedInput(Reason.SILENT, f"the sound never exceeds {SILENCE:g} of full scale")
    wanted = n_frames * AUDIO_RATE // FPS
    difference = (len(audio) - wanted) / AUDIO_RATE
    if difference < -MAX_AUDIO_GAP:
        raise RejectedInput(
            Reason.AUDIO_SHORTER,
            f"the sound lasts {len(audio) / AUDIO_RATE:.2f} s, the picture {n_frames / FPS:.2f} s; "
            f"at most {MAX_AUDIO_GAP:g} s may be missing",
        )
    padded = np.zeros(wanted, np.float32)
    padded[: min(wanted, len(audio))] = audio[:wanted]
    return padded, difference, place


def _finite(samples: np.ndarray, path: Path) -> np.ndarray:
    if not np.isfinite(samples).all():
        raise RejectedInput(Reason.UNREADABLE, f"the sound of {path.name} holds infinite or undefined samples")
    return samples


def _cues_of_each(pictures: Iterable[np.ndarray], extractor: Any) -> Cues:
    """Cues of pictures that do not follow each other: the face is sought anew in each, then looked at in its own region.

    The extractor follows a face from one frame to the next; with a head that is elsewhere in the next frame it would look into
    the wrong region.
    """
    each = [extractor((picture, picture))[1:] for picture in pictures]
    return Cues(**{name: np.concatenate([getattr(cues, name) for cues in each]) for name in FIELDS})


def _check_faces(cues: Cues, crop: Crop, width: int, height: int) -> list[str]:
    share = float(cues.valid.mean())
    if share < MIN_VALID:
        raise RejectedInput(
            Reason.NO_FACE, f"expected a face in at least {MIN_VALID:.0%} of the frames, found one in {share:.0%}"
        )
    beyond = float(np.median(crop.outside(cues.landmarks[cues.valid], width, height)))
    if beyond > MAX_POINTS_OUTSIDE:
        raise RejectedInput(
            Reason.FACE_OUT_OF_FRAME,
            f"{beyond:.0%} of the landmarks lie outside the picture, at most {MAX_POINTS_OUTSIDE:.0%} may",
        )
    missing = int((~cues.valid).sum())
    return [f"face-missing-in-{missing}-frames"] if missing else []


def _native_cues(video: Path, crop: Crop, extractor: Any, path: Path) -> None:
    """Cues of every source frame in the canonical crop, with their times in seconds as one more array."""
    from safetensors.numpy import save_file

    from bench.data import media

    times: list[float] = []

    def cut():
        for time, frame in media.read_timed_frames(video):
            times.append(time)
            yield crop.cut(frame)

    cues = extractor(cut())
    arrays = {name: np.ascontiguousarray(getattr(cues, name)).astype(np.float32) for name in FIELDS}
    save_file({**arrays, "time_s": np.asarray(times, np.float64)}, path)
