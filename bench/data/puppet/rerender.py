"""Renders an embedded clip again from its saved truth, some of it altered: frozen pose, shuffled gaze."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from bench.contract.errors import UsageError
from bench.data.puppet import truth as truth_file


class TruthRenderer:
    """Implements `bench.contract.method.Renderer` for one truth file.

    `crop` takes a frame of the uncropped picture, (H, W, 3) uint8 RGB, to the canonical one; None leaves it as it is.
    Raises UsageError if the file is not the truth of an embedded clip of this version.
    """

    def __init__(self, truth: Path, crop: Callable[[np.ndarray], np.ndarray] | None = None):
        self._truth = truth_file.load(Path(truth))
        self._crop = crop

    @property
    def truth(self) -> Mapping[str, np.ndarray]:
        """pose (T, 3) degrees [pitch, yaw, roll], gaze (T, 2, 2) degrees head-relative, actions (T, A), position (T, 3) cm, ..."""
        return self._truth.arrays

    def frames(self, **altered: np.ndarray) -> Iterator[np.ndarray]:
        """(256, 256, 3) uint8 RGB canonical frames with the arrays `altered` (pose, gaze, actions, position) in their place.

        Altered arrays may be longer or shorter than the clip only if all four are given. UsageError for another name.
        """
        from bench.data.puppet.render import Performance, renderer_of

        unknown = sorted(set(altered) - set(truth_file.CUES))
        if unknown:
            raise UsageError(f"cannot alter {', '.join(unknown)}: a clip is rendered from {', '.join(truth_file.CUES)}")
        cues = {name: altered.get(name, self._truth.arrays[name]) for name in truth_file.CUES}
        about = self._truth.about
        width, height = about["picture"]
        renderer = renderer_of(about["seed"], truth_file.RENDERER_SEX[about["sex"]], height)
        for frame in renderer.frames(Performance(**cues)):
            frame = widened(frame, width)
            yield frame if self._crop is None else self._crop(frame)


SHOULDER_SLOPE = 0.6
"""Rows by which the edge of a picture is moved down for each column beyond it, so that shoulders go on falling."""


def widened(frame: np.ndarray, width: int) -> np.ndarray:
    """A square picture (S, S, 3) uint8 -> (S, width, 3), `width` >= S, with equal margins that go on as the edges do.

    A margin's column is the edge's column, moved down the further the farther it lies outside: backgrounds are smooth, and a
    shoulder that is cut off ends as shoulders do.
    """
    size, margin = len(frame), (width - frame.shape[1]) // 2
    if not margin:
        return frame
    rows = np.maximum(np.arange(size)[:, None] - SHOULDER_SLOPE * np.arange(1, margin + 1), 0.0)  # (S, margin)
    low = rows.astype(int)
    share = (rows - low)[..., None]
    high = np.minimum(low + 1, size - 1)
    sides = []
    for column in (frame[:, 0].astype(np.float64), frame[:, -1].astype(np.float64)):
        sides.append(np.rint((1 - share) * column[low] + share * column[high]).astype(np.uint8))
    return np.concatenate([sides[0][:, ::-1], frame, sides[1]], axis=1)
