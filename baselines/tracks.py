"""Orders of frames: which true frame's cue is shown at each time."""

from __future__ import annotations

import numpy as np


def typical_frame(values: np.ndarray) -> int:
    """The frame of (T, ...) values that is nearest to their median in all components: a state that really occurs."""
    flat = values.reshape(len(values), -1).astype(float)
    spread = flat.std(0) + 1e-9
    return int(np.argmin((((flat - np.median(flat, 0)) / spread) ** 2).sum(1)))


def fitted_order(frames: int, wanted: int) -> np.ndarray:
    """(wanted,) frame numbers of a clip of `frames`: cut if it is longer, played forth and back if it is shorter."""
    return np.resize(np.concatenate([np.arange(frames), np.arange(frames - 2, 0, -1)]), wanted)


def shuffled_within(rng: np.random.Generator, frames: int, window: float) -> np.ndarray:
    """(T,) a random order in which only frames less than `window` frames apart have changed places.

    Every frame is read at its own time plus a delay drawn from 0..`window`: one draw serves all windows, and 1 or less
    leaves the order as it is.
    """
    return np.argsort(np.arange(frames) + window * rng.random(frames), kind="stable")


def drawn_in_share(rng: np.random.Generator, frames: int, share: float) -> np.ndarray:
    """(T,) the order with this share of the frames, in the mean, replaced by frames drawn at random from the clip.

    One draw serves all shares: the frames replaced at a share are replaced by the same ones at any higher share.
    """
    struck, drawn = rng.random(frames) < share, rng.integers(frames, size=frames)
    return np.where(struck, drawn, np.arange(frames))
