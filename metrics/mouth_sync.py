"""Lip sync without a network: the opening of the mouth against the real clip's and against the loudness of the sound."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.contract.clip import AUDIO_RATE, FPS
from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.geometry import interocular_distance
from bench.contract.metric import Direction, Family, Score
from bench.contract.seen import Pair, Seen

UPPER_LIP, LOWER_LIP = 13, 14
"""Inner edges of the lips, in the middle (the curve that reports draw)."""
MOST_LAG = 10
"""Frames by which the generated mouth may lag the real one, or lead it."""
MOST_SOUND_LAG = 5
LEAST_FRAMES = 15
"""Frames that must overlap at a lag: 0.6 s, some two syllables."""
STILL = 1.0
"""Percent of the outer eye distance, about the SD of the gap's own error (docs/extractor-errors.md): an opening with a
smaller SD is no movement. Real mouths of the embedded dataset have 2.4 to 11, still pictures after the codec up to 0.8
(docs/metrics-motion.md)."""
SILENCE_DB = -60.0
"""Loudest frame, relative to full scale, below which there is no speech; 16 bits end at -96."""
FLOOR_DB = 30.0
"""The envelope is cut this far below the clip's loudest frame: room noise is not speech."""


def mouth_opening(cues: Cues) -> np.ndarray:
    """(T,) gap of the inner lips in percent of the outer eye distance of the frame; NaN without a face."""
    lips = cues.landmarks[:, [UPPER_LIP, LOWER_LIP], :2].astype(np.float64)
    opening = 100.0 * np.linalg.norm(lips[:, 1] - lips[:, 0], axis=-1) / interocular_distance(cues.landmarks)
    return np.where(cues.valid, opening, np.nan)


def sound_envelope(audio: np.ndarray, frames: int) -> np.ndarray:
    """(T,) loudness of samples (N,) at 16 kHz around each frame's instant t / 25 s, in dB above the clip's floor, 0..30.

    Root mean square under a Hann window of two frames (80 ms), NaN for frames after the end of the sound.
    Unscorable(NO_SPEECH) for silence.
    """
    step = AUDIO_RATE // FPS
    window = np.hanning(2 * step + 1)
    padded = np.pad(np.asarray(audio, np.float64), (step, step + 1))
    power = np.full(frames, np.nan)
    for t in range(min(frames, len(audio) // step + 1)):
        power[t] = (window * padded[t * step : t * step + len(window)] ** 2).sum() / window.sum()
    loudest = np.nanmax(power, initial=0.0)
    if loudest < 10 ** (SILENCE_DB / 10):
        raise Unscorable(Reason.NO_SPEECH, f"the sound never reaches {SILENCE_DB:g} dB of full scale")
    return FLOOR_DB + 10 * np.log10(np.maximum(power / loudest, 10 ** (-FLOOR_DB / 10)))


def correlations(first: np.ndarray, second: np.ndarray, most: int) -> dict[int, tuple[float, int]]:
    """Lag -> (Pearson correlation, frames) of first[t] with second[t + lag], both (T,) and NaN where unknown.

    A positive lag means: `second` is late. Lags with under 15 common frames, or a side without variation there, are
    left out.
    """
    found = {}
    for lag in range(-most, most + 1):
        a = first[max(0, -lag) : len(first) - max(0, lag)]
        b = second[max(0, lag) : len(second) - max(0, -lag)]
        both = np.isfinite(a) & np.isfinite(b)
        a, b = a[both], b[both]
        if len(a) < LEAST_FRAMES or a.std() < 1e-9 or b.std() < 1e-9:
            continue
        a, b = a - a.mean(), b - b.mean()
        found[lag] = float(a @ b / np.sqrt((a @ a) * (b @ b))), len(a)
    return found


def best_lag(found: dict[int, tuple[float, int]]) -> int:
    """The lag of the largest correlation; of equal ones the smallest shift, then the earlier."""
    return max(found, key=lambda lag: (round(found[lag][0], 9), -abs(lag), -lag))


def moving_opening(cues: Cues) -> np.ndarray:
    """`mouth_opening`, or Unscorable: no face, under 15 frames with one, or a mouth that does not move."""
    opening = mouth_opening(cues)
    seen = opening[np.isfinite(opening)]
    if not len(seen):
        raise Unscorable(Reason.NO_FACE, f"no face in any of {len(opening)} frames")
    if len(seen) < LEAST_FRAMES:
        raise Unscorable(Reason.TOO_FEW_FRAMES, f"a face in {len(seen)} frames, {LEAST_FRAMES} are needed")
    if seen.std() < STILL:
        raise Unscorable(
            Reason.NO_VARIATION,
            f"the mouth's opening varies by {seen.std():.2f} % of the eye distance, under {STILL:g}",
        )
    return opening


class _MouthColumn:
    """What the columns of this file have in common."""

    family: ClassVar[Family] = Family.SYNC
    version: ClassVar[str] = "1"
    reads: ClassVar[tuple[str, ...]] = ("landmarks",)
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()


def _of_pair(pair: Pair) -> dict[int, tuple[float, int]]:
    sides = [moving_opening(seen.cues[: pair.n_paired]) for seen in (pair.reference, pair.generated)]
    found = correlations(*sides, MOST_LAG)
    if 0 not in found:
        raise Unscorable(
            Reason.TOO_FEW_FRAMES, f"under {LEAST_FRAMES} frames show a face on both sides, or no movement in them"
        )
    return found


class MouthLag(_MouthColumn):
    """By how many frames the generated mouth opens later than the real one; 0 is in time, + late."""

    name: ClassVar[str] = "Mouth-lag"
    direction: ClassVar[Direction] = Direction.ZERO
    unit: ClassVar[str] = "frames"
    definition: ClassVar[str] = (
        "lag in frames (25 fps, + the generated mouth is late), within 10, at which the Pearson correlation of the lip "
        "gap (landmarks 13, 14 over the outer eye distance) of generated and real video is largest; frames with a face "
        f"on both sides, at least {LEAST_FRAMES} at a lag"
    )

    def pair(self, pair: Pair) -> Score:
        """Whole frames; Unscorable without a face, movement, or 15 frames on both sides."""
        found = _of_pair(pair)
        lag = best_lag(found)
        return Score(float(lag), found[lag][1])


class MouthCorrelation(_MouthColumn):
    """Does the mouth open and close with the real one, frame by frame? 1 is the same movement at whatever size."""

    name: ClassVar[str] = "Mouth-corr"
    direction: ClassVar[Direction] = Direction.HIGHER
    unit: ClassVar[str] = "1"
    definition: ClassVar[str] = (
        "Pearson correlation of the lip gap (landmarks 13, 14 over the outer eye distance) of generated and real video "
        "without any shift; frames with a face on both sides"
    )

    def pair(self, pair: Pair) -> Score:
        """-1..1; Unscorable as Mouth-lag."""
        return Score(*_of_pair(pair)[0])


def _with_sound(seen: Seen) -> dict[int, tuple[float, int]]:
    if seen.audio is None:
        raise Unscorable(Reason.NO_AUDIO, "the video has no sound")
    opening = moving_opening(seen.cues)
    found = correlations(sound_envelope(seen.audio, len(opening)), opening, MOST_SOUND_LAG)
    if 0 not in found:
        raise Unscorable(Reason.TOO_FEW_FRAMES, f"under {LEAST_FRAMES} frames show a face under sound")
    return found


class MouthSound(_MouthColumn):
    """How far the mouth opens where the sound is loud: closed mouths in silence, open ones on vowels."""

    name: ClassVar[str] = "Mouth-sound"
    direction: ClassVar[Direction] = Direction.MATCH
    unit: ClassVar[str] = "1"
    definition: ClassVar[str] = (
        "Pearson correlation, without any shift, of the lip gap with the sound's level in dB (Hann window of 80 ms, cut 30 dB "
        "below the clip's loudest frame); frames with a face"
    )

    def own(self, seen: Seen) -> Score:
        """-1..1; Unscorable without sound, speech, a face, movement, or 15 frames."""
        return Score(*_with_sound(seen)[0])


class MouthSoundLag(_MouthColumn):
    """By how many frames the mouth follows the sound."""

    name: ClassVar[str] = "Mouth-sound-lag"
    direction: ClassVar[Direction] = Direction.ZERO  # as a mean with its sign, lags by chance would look like none
    version: ClassVar[str] = "2"
    unit: ClassVar[str] = "frames"
    definition: ClassVar[str] = (
        "lag in frames (25 fps, + the mouth is late), within 5, at which the correlation of Mouth-sound is largest"
    )

    def own(self, seen: Seen) -> Score:
        """Whole frames within 5; Unscorable as Mouth-sound."""
        found = _with_sound(seen)
        lag = best_lag(found)
        return Score(float(lag), found[lag][1])
