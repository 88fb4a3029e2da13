"""Performs, renders and writes single clips of the embedded dataset: sound, picture, truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from bench.data.puppet.layouts import PlannedClip

MEAD_SIZE, MIDDLE_CRF, MEAD_SOUND_RATE = 256, 10, 48_000
CREMAD_WAV_RATE = 16_000
CREMAD_TAIL = (0.0, 0.06)
"""Seconds of room by which the .wav outlasts the sound inside the .flv: the real ones differ by up to 40 ms and more."""
HELD = ("lip_close", "blink")
"""Actions that are not blended when the rate changes: a closure that lasts one frame at 25 fps stays one."""


def write_clips(clips: Sequence[PlannedClip], root: Path) -> int:
    """Write some clips of one speaker, so that a process builds few heads; returns how many."""
    for clip in clips:
        for path in clip.files(root):
            path.parent.mkdir(parents=True, exist_ok=True)
        if clip.frames_only:
            _write_stills(clip, root)
        elif clip.layout == "cremad":
            _write_cremad(clip, root)
        else:
            _write_mead(clip, root)
    return len(clips)


def _take(clip: PlannedClip):
    from bench.data.puppet.performance import perform
    from bench.data.puppet.render import Performance
    from bench.data.puppet.speaker import Speaker

    length = clip.frames, clip.frames
    take = perform(Speaker.of(clip.speaker), clip.emotion, clip.level, clip.take, length, clip.short)
    return take, Performance(take.actions, take.gaze, take.pose, take.position)


def _write_mead(clip: PlannedClip, root: Path) -> None:
    from bench.data.media import write_audio, write_video
    from bench.data.puppet import truth
    from bench.data.puppet.performance import recorder_crf

    take, performance = _take(clip)
    renderer = _renderer(take.speaker, MEAD_SIZE)
    sound = _resampled(take.samples, take.rate, MEAD_SOUND_RATE)
    write_audio(clip.audio(root), sound, MEAD_SOUND_RATE, channels=2)
    frames = renderer.frames(performance)
    crf = recorder_crf(clip.speaker, clip.emotion, clip.level, clip.take)
    write_video(clip.video(root), frames, crf=crf, audio=sound, audio_rate=MEAD_SOUND_RATE)
    marks = renderer.landmarks(performance)
    gap, what = renderer.lip_gap(performance, marks), truth.of_take(take, clip.emotion, clip.level, clip.take)
    picture = (MEAD_SIZE, MEAD_SIZE)
    truth.save(clip.truth(root), clip.clip_id, take.speaker, performance, marks, gap, picture, what)


def _write_cremad(clip: PlannedClip, root: Path) -> None:
    from bench.data.media import write_audio
    from bench.data.puppet import flv, truth
    from bench.data.puppet.performance import ROOM_RMS, recorder_crf
    from bench.data.puppet.speaker import stream

    width, height = flv.SIZE
    take, performance = _take(clip)
    renderer = _renderer(take.speaker, height)
    rng = stream(clip.speaker, clip.emotion, clip.level, clip.take, "wav")
    room = ROOM_RMS * rng.standard_normal(round(float(rng.uniform(*CREMAD_TAIL)) * CREMAD_WAV_RATE))
    beside = np.concatenate([_resampled(take.samples, take.rate, CREMAD_WAV_RATE), room.astype(np.float32)])
    write_audio(clip.audio(root), beside, CREMAD_WAV_RATE)
    crf = recorder_crf(clip.speaker, clip.emotion, clip.level, clip.take)
    sound = _resampled(take.samples, take.rate, flv.SOUND_RATE)
    flv.write_flv(clip.video(root), flv_frames(renderer, performance), sound, flv_bits(crf))
    marks = renderer.landmarks(performance)
    gap, what = renderer.lip_gap(performance, marks), truth.of_take(take, clip.emotion, clip.level, clip.take)
    marks = marks + np.float32([(width - height) // 2, 0])
    truth.save(clip.truth(root), clip.clip_id, take.speaker, performance, marks, gap, flv.SIZE, what)


def flv_frames(renderer, performance) -> Iterator[np.ndarray]:
    """The pictures (360, 480, 3) uint8 RGB of a performance at 25 fps as a camera of CREMA-D's rate sees them."""
    from bench.data.puppet import flv
    from bench.data.puppet.rerender import widened

    faster = at_rate(performance, flv.frames_in(len(performance)), flv.FPS)
    return (widened(frame, flv.SIZE[0]) for frame in renderer.frames(faster))


def flv_bits(crf: float) -> float:
    """Bits per second of picture for a recorder of this quality: 6 of the rate factor halve a file."""
    from bench.data.puppet import flv

    return flv.PICTURE_BITS * 2 ** ((MIDDLE_CRF - crf) / 6)


def _write_stills(clip: PlannedClip, root: Path) -> None:
    from bench.data.media import write_video
    from bench.data.puppet import truth
    from bench.data.puppet.speaker import Speaker
    from bench.data.puppet.stills import stills

    speaker = Speaker.of(clip.speaker)
    performance = stills(clip.speaker, clip.frames)
    renderer = _renderer(speaker, MEAD_SIZE)
    write_video(clip.video(root), renderer.frames(performance), crf=MIDDLE_CRF)
    marks = renderer.landmarks(performance)
    gap, picture = renderer.lip_gap(performance, marks), (MEAD_SIZE, MEAD_SIZE)
    truth.save(clip.truth(root), clip.clip_id, speaker, performance, marks, gap, picture)


def at_rate(performance, count: int, fps: Fraction):
    """A performance at 25 fps seen at `count` instants 0, 1/fps, ...: blended between frames, but for the actions `HELD`.

    Those are taken from the nearest frame: with `fps` of at least 25 each frame is the nearest at some instant.
    """
    from bench.contract.clip import FPS
    from bench.data.puppet.actions import ACTIONS
    from bench.data.puppet.render import Performance

    last = len(performance) - 1
    at = np.minimum(np.arange(count) * float(FPS / fps), last)
    low = np.minimum(at.astype(int), last)
    high, share = np.minimum(low + 1, last), at - low

    def blended(values: np.ndarray) -> np.ndarray:
        weight = share.reshape(-1, *[1] * (values.ndim - 1))
        return ((1 - weight) * values[low] + weight * values[high]).astype(np.float32)

    values = {name: blended(np.asarray(getattr(performance, name))) for name in ("actions", "gaze", "pose", "position")}
    columns = [ACTIONS.index(name) for name in HELD]
    values["actions"][:, columns] = np.asarray(performance.actions)[np.rint(at).astype(int)][:, columns]
    return Performance(**values)


def _renderer(speaker, size: int):
    from bench.data.puppet.render import renderer_of
    from bench.data.puppet.truth import RENDERER_SEX

    return renderer_of(speaker.seed, RENDERER_SEX[speaker.sex], size)


def _resampled(samples: np.ndarray, rate: int, to: int) -> np.ndarray:
    from scipy.signal import resample_poly

    return resample_poly(samples, to, rate).astype(np.float32)
