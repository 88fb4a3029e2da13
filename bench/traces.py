"""Curves of the cues of one scored clip, real and generated, with the outline of its sound: small enough to lie in a page."""

from __future__ import annotations

import numpy as np

from bench.contract.clip import AUDIO_RATE, FPS, Clip
from bench.contract.cues import Cues
from bench.contract.geometry import interocular_distance, pose_of
from bench.contract.traces import ClipTraces, Curves

UPPER_LIP, LOWER_LIP = 13, 14
"""Inner edges of the lips, in the middle."""
CLOSED = 0.15
"""Openness below which an eye counts as closed (docs/face-cues.md); its gaze is no direction."""
SOUND_RATE = 100.0


def traces_of(clip: Clip, generated: Cues) -> ClipTraces:
    """The traces of a clip of the store and of what was generated for it; curves may have different lengths."""
    from bench.data import media

    samples = media.read_audio(clip.audio, AUDIO_RATE)
    return ClipTraces(
        clip_id=clip.clip_id,
        fps=FPS,
        real=curves(Cues.load(clip.cues)),
        generated=curves(generated),
        sound_rate=SOUND_RATE,
        sound=outline(samples),
    )


def curves(cues: Cues) -> Curves:
    """Mouth opening (percent of the outer eye distance), gaze and head angles (degrees), one number per frame."""
    lips = cues.landmarks[:, [UPPER_LIP, LOWER_LIP], :2].astype(np.float64)
    mouth = 100.0 * np.linalg.norm(lips[:, 1] - lips[:, 0], axis=-1) / interocular_distance(cues.landmarks)
    gaze = np.where((cues.openness < CLOSED).any(-1)[:, None], np.nan, cues.gaze.astype(np.float64).mean(1))
    pose = pose_of(cues.transform)
    named = {"mouth": mouth, "gaze_yaw": gaze[:, 0], "gaze_pitch": gaze[:, 1]}
    named |= {name: pose[:, i] for i, name in enumerate(("pitch", "yaw", "roll"))}
    return Curves(**{name: _numbers(np.where(cues.valid, values, np.nan), 2) for name, values in named.items()})


def outline(samples: np.ndarray, rate: int = AUDIO_RATE) -> list[float]:
    """Largest absolute value of each hundredth of a second of samples (N,), 0..1."""
    step = round(rate / SOUND_RATE)
    padded = np.pad(np.abs(np.asarray(samples, np.float64)), (0, -len(samples) % step))
    return [round(float(v), 3) for v in padded.reshape(-1, step).max(1).clip(0.0, 1.0)]


def _numbers(values: np.ndarray, decimals: int) -> list[float | None]:
    return [round(float(v), decimals) + 0.0 if np.isfinite(v) else None for v in values]
