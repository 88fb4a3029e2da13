"""Do heads move to the speech? Beats of head motion against loud moments of the sound."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.contract.clip import AUDIO_RATE, FPS
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Direction, Family, Score
from bench.contract.seen import Seen
from metrics.mouth_sync import SILENCE_DB
from metrics.pose import SLOPE_FRAMES, head_angles, head_velocity, seen_angles

SIGMA = 0.06
"""Seconds: how far beside its place a motion beat still counts; Bailando has 0.05."""
REST_DELAY = 0.08
"""Seconds by which the head comes to rest after the loudest point of a vowel. Chosen on judge-training speakers of the
embedded dataset, where a clip's own sound is told from another clip's best at this delay (docs/metrics-motion.md)."""
CHANCE_SHIFTS = np.arange(-12, 13) / FPS
"""Seconds by which beats are moved to learn what chance gives: +-0.48, one frame apart."""
LEAST_DEPTH = 8.0
"""Degrees/s by which the speed rises on both sides of a motion beat; chosen on validation speakers, among 2, 4, 8 and 12."""
LEAST_PEAK = 6.0
"""dB by which the loudness falls on both sides of a sound beat."""
FLOOR_DB = 30.0
"""Loudness is cut this far below the clip's loudest moment, so that noise in pauses makes no beat."""
WINDOW = 1280
HOP = 160
"""Samples at 16 kHz: loudness under a Hann window of 80 ms, every 10 ms."""


def motion_beats(angles: np.ndarray) -> np.ndarray:
    """Seconds at which the head all but rests: minima of its angular speed, from angles (T, 3) in degrees.

    The speed is that of `head_velocity`. A minimum counts if the speed rises by 8 degrees/s on both sides of it before
    it falls lower, inside a stretch without a gap.
    """
    from scipy.signal import find_peaks

    speed = np.linalg.norm(head_velocity(angles), axis=-1)
    steps = np.flatnonzero(np.diff(np.concatenate([[False], np.isfinite(speed), [False]]).astype(int)))
    beats = [
        start + find_peaks(-speed[start:end], prominence=LEAST_DEPTH)[0]
        for start, end in zip(steps[::2], steps[1::2], strict=True)
    ]
    return (np.concatenate([*beats, np.empty(0)]) + SLOPE_FRAMES // 2) / FPS


def sound_beats(audio: np.ndarray) -> np.ndarray:
    """Seconds of the loud moments in samples (N,) at 16 kHz, which are vowels: peaks of the loudness in dB.

    A peak counts if the loudness falls by 6 dB on both sides of it before it rises higher. Unscorable(NO_SPEECH) for
    silence, or where there is none.
    """
    from scipy.signal import find_peaks

    samples = np.asarray(audio, np.float64)
    if np.abs(samples).max(initial=0.0) < 10 ** (SILENCE_DB / 20):
        raise Unscorable(Reason.NO_SPEECH, f"the sound never reaches {SILENCE_DB:g} dB of full scale")
    window = np.hanning(WINDOW + 1)
    half = WINDOW // 2
    padded = np.pad(samples**2, (half, half))
    power = np.array([window @ padded[i : i + WINDOW + 1] for i in range(0, len(samples), HOP)])
    level = 10 * np.log10(np.maximum(power / power.max(), 10 ** (-FLOOR_DB / 10)))
    peaks = find_peaks(np.pad(level, 1, constant_values=-FLOOR_DB), prominence=LEAST_PEAK)[0] - 1
    if not len(peaks):
        raise Unscorable(Reason.NO_SPEECH, f"the loudness has no peak {LEAST_PEAK:g} dB high")
    return peaks * HOP / AUDIO_RATE


def alignment(beats: np.ndarray, sounds: np.ndarray, sigma: float = SIGMA) -> float:
    """Mean over beats (n,) of exp(-d^2 / (2 sigma^2)), d the distance to the nearest of `sounds` (m,), seconds."""
    distance = np.abs(beats[..., None] - sounds).min(-1)
    return float(np.exp(-(distance**2) / (2 * sigma**2)).mean())


def above_chance(beats: np.ndarray, sounds: np.ndarray) -> float:
    """`alignment` of beats, brought forward by REST_DELAY, minus its mean over CHANCE_SHIFTS of them."""
    expected = beats - REST_DELAY
    return alignment(expected, sounds) - alignment(expected + CHANCE_SHIFTS[:, None], sounds)


class Beat:
    """Does the head come to rest right after the loud moments of the speech, more often than half a second off? 0 is chance.

    The mean is over motion beats, as in AI Choreographer (ICCV 2021), so that a head full of beats gains nothing; chance
    is subtracted because syllables are so close that any moment lies near one. SadTalker's beat alignment was never
    released.
    """

    name: ClassVar[str] = "Beat"
    family: ClassVar[Family] = Family.POSE
    direction: ClassVar[Direction] = Direction.MATCH
    unit: ClassVar[str] = "1"
    version: ClassVar[str] = "1"
    reads: ClassVar[tuple[str, ...]] = ("transform",)
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    definition: ClassVar[str] = (
        f"mean over motion beats (minima of the head's angular speed, {LEAST_DEPTH:g} degrees/s deep) of "
        f"exp(-d^2 / (2 sigma^2)), sigma {SIGMA:g} s, d from {REST_DELAY:g} s before the beat to the nearest peak of the "
        f"sound's loudness ({LEAST_PEAK:g} dB high); minus the mean of the same with all beats moved by -0.48 to 0.48 s"
    )

    def own(self, seen: Seen) -> Score:
        """-1..1; Unscorable without sound or speech, without a face, or where the head has no beat."""
        if seen.audio is None:
            raise Unscorable(Reason.NO_AUDIO, "the video has no sound")
        sounds = sound_beats(seen.audio)
        seen_angles(seen.cues)
        angles = head_angles(seen.cues)
        beats = motion_beats(angles)
        if not len(beats):
            raise Unscorable(
                Reason.NO_VARIATION, f"the head's speed has no minimum {LEAST_DEPTH:g} degrees/s deep: no beat"
            )
        return Score(above_chance(beats, sounds), int(np.isfinite(angles).all(-1).sum()))
