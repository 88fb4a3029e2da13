"""Temporal stability: flicker of the picture (WarpE) and trembling of the landmarks (Jitter)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.contract.clip import FPS
from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.landmarks68 import LANDMARKS_68
from bench.contract.metric import Direction, Family, Score
from bench.contract.seen import Seen

SEGMENT = 16
"""Frames per spectrum, 0.64 s: bins 1.5625 Hz apart."""
LOWEST_BIN = 5
"""The band begins at 7.8 Hz and ends at 12.5 Hz, half the frame rate. The mouth's opening in speech is slower: its power lies
between 2 and 7 Hz (Chandrasekaran et al., PLoS Comput. Biol. 5(7), 2009); heads and brows move slower still."""


def high_frequency_rms(track: np.ndarray) -> float:
    """RMS of what a track (T, ...) has between 7.8 and 12.5 Hz at 25 fps, over all its coordinates, in the track's unit.

    Welch's method (IEEE Trans. Audio Electroacoust. 15(2), 1967): segments of 16 frames, half overlapping, each without its
    straight-line trend, Hann window. A sine of amplitude A well inside the band gives about A / sqrt(2). ValueError under
    16 frames.
    """
    from scipy.signal import detrend, get_window

    if len(track) < SEGMENT:
        raise ValueError(f"expected at least {SEGMENT} frames, got {len(track)}")
    starts = np.arange(0, len(track) - SEGMENT + 1, SEGMENT // 2)
    segments = np.stack([track[s : s + SEGMENT] for s in starts]).astype(np.float64)  # (segments, SEGMENT, ...)
    window = get_window("hann", SEGMENT).reshape(1, -1, *[1] * (segments.ndim - 2))
    power = np.abs(np.fft.rfft(detrend(segments, axis=1) * window, axis=1)) ** 2 / (SEGMENT * (window**2).sum())
    power[:, 1:-1] *= 2  # each of these bins stands for two; the last one is half the frame rate and stands alone
    return float(np.sqrt(power[:, LOWEST_BIN:].sum(axis=1).mean()))


class Jitter:
    """Trembling of the 68 landmarks in px of the crop: RMS displacement per coordinate between 7.8 and 12.5 Hz.

    Needs cues alone. The landmark detector trembles a little by itself: the real clips' value holds that share too, so the
    column is read as the difference to them.
    """

    name: ClassVar[str] = "Jitter"
    family: ClassVar[Family] = Family.STABILITY
    direction: ClassVar[Direction] = Direction.MATCH
    unit: ClassVar[str] = "px"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ()
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    definition: ClassVar[str] = (
        f"root mean square, over the 68 landmarks (MediaPipe-68, x and y, px of the 256 px crop), of their movement between "
        f"{LOWEST_BIN * FPS / SEGMENT:.1f} and {FPS / 2} Hz (Welch, {SEGMENT}-frame Hann segments, half overlapping, trend "
        "taken out); over the runs of at least 16 frames with a face"
    )

    def own(self, seen: Seen) -> Score:
        """Raises Unscorable where no run of 16 frames shows a face."""
        runs = [run for run in face_runs(seen.cues) if len(run) >= SEGMENT]
        if not runs:
            raise Unscorable(
                Reason.WINDOW_TOO_SHORT, f"expected {SEGMENT} frames with a face in a row, got at most "
                f"{max(map(len, face_runs(seen.cues)), default=0)}"
            )  # fmt: skip
        points = seen.cues.landmarks[:, LANDMARKS_68, :2]
        squares = [high_frequency_rms(points[run]) ** 2 for run in runs]
        weights = [len(run) for run in runs]
        return Score(float(np.sqrt(np.average(squares, weights=weights))), sum(weights))


def face_runs(cues: Cues) -> list[np.ndarray]:
    """Frame numbers of each unbroken run of frames with a face."""
    seen = np.flatnonzero(cues.valid)
    return [run for run in np.split(seen, np.flatnonzero(np.diff(seen) != 1) + 1) if len(run)]


class WarpE:
    """Flicker: what is left between neighbouring frames when motion is taken out, in gray levels; 0 for a still video.

    The motion is estimated on the video itself. A real video has sensor noise, codec noise and light that changes with pose,
    so its value is no error: the column is read as the difference to it.
    """

    name: ClassVar[str] = "WarpE"
    family: ClassVar[Family] = Family.STABILITY
    direction: ClassVar[Direction] = Direction.MATCH
    unit: ClassVar[str] = "gray levels"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ()
    extractors: ClassVar[tuple[str, ...]] = ("warp",)
    primary: ClassVar[bool] = False
    protocol_keys: ClassVar[tuple[str, ...]] = ()
    definition: ClassVar[str] = (
        "mean absolute difference (0..255, RGB) between a frame and the next one warped back onto it by optical flow "
        "(OpenCV DIS, preset fast, on gray), over pixels that pass a forward-backward check; mean over steps. After Lai et al. "
        "2018, who take squared differences and FlowNet2: their numbers are others"
    )

    def own(self, seen: Seen) -> Score:
        """Raises Unscorable where no step has enough of the picture in both frames."""
        error = seen.features["warp"]["error"]
        scored = error[np.isfinite(error)]
        if len(scored) == 0:
            raise Unscorable(Reason.TOO_FEW_FRAMES, "expected a step that shows half of the picture twice, found none")
        return Score(float(scored.mean()), len(scored))
