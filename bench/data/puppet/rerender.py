"""Renders an embedded clip again from its saved truth, some of it altered: frozen pose, shuffled gaze."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from bench.contract.errors import UsageError
from bench.data.puppet import truth as truth_file


class TruthRenderer:
    """Implements `bench.contract.method.Renderer` for one truth file.

    `crop` takes a frame of the uncropped picture, (256, 256, 3) uint8 RGB, to the canonical one; None leaves it as it is.
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
        from bench.data.puppet.render import Performance

        unknown = sorted(set(altered) - set(truth_file.CUES))
        if unknown:
            raise UsageError(f"cannot alter {', '.join(unknown)}: a clip is rendered from {', '.join(truth_file.CUES)}")
        cues = {name: altered.get(name, self._truth.arrays[name]) for name in truth_file.CUES}
        for frame in self._renderer.frames(Performance(**cues)):
            yield frame if self._crop is None else self._crop(frame)

    @property
    def _renderer(self):
        from bench.data.puppet.render import renderer_of

        about = self._truth.about
        return renderer_of(about["seed"], truth_file.RENDERER_SEX[about["sex"]], about["size"])
