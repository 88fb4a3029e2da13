"""Renders an embedded clip again from its saved truth, some of it altered: frozen pose, shuffled gaze."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from bench.contract.clip import FPS
from bench.contract.errors import UsageError
from bench.data.puppet import truth as truth_file

if TYPE_CHECKING:
    from bench.data.puppet.render import HeadRenderer, Performance


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

    @property
    def action_names(self) -> tuple[str, ...]:
        """The columns of actions."""
        return tuple(self._truth.about["actions"])

    def weakened(self, share: float) -> np.ndarray:
        """Actions (T, A) float32 with `share` of the emotion taken off, 0 as acted to 1 neutral: `retake.weakened`."""
        from bench.data.puppet.retake import weakened

        return weakened(self._truth, share)

    def frames(self, **altered: np.ndarray) -> Iterator[np.ndarray]:
        """(256, 256, 3) uint8 RGB canonical frames with the arrays `altered` (pose, gaze, actions, position) in their place.

        Altered arrays may be longer or shorter than the clip only if all four are given. UsageError for another name.
        """
        width = self._truth.about["picture"][0]
        for frame in self._renderer().frames(self._performance(altered)):
            frame = widened(frame, width)
            yield frame if self._crop is None else self._crop(frame)

    def recorded(self, **altered: np.ndarray) -> Iterator[np.ndarray]:
        """`frames` as the store would hold them: through the recorder's codec, the crop and the store's codec.

        With nothing altered they are the store's own frames, bit for bit on the machine that rendered it.
        """
        from bench.data import media
        from bench.data.prepare_clip import VIDEO_CRF

        with TemporaryDirectory() as folder:
            source, canonical = self._record(Path(folder), self._performance(altered)), Path(folder) / "face.mp4"
            frames = media.read_frames(source, fps=FPS)
            cut = frames if self._crop is None else (self._crop(frame) for frame in frames)
            media.write_video(canonical, cut, fps=FPS, crf=VIDEO_CRF)
            yield from media.read_frames(canonical, fps=FPS)

    def _record(self, folder: Path, performance: Performance) -> Path:
        """The video file of the clip in its dataset's own format, without its sound."""
        from bench.data import media
        from bench.data.puppet import flv
        from bench.data.puppet.clip_files import flv_bits, flv_frames
        from bench.data.puppet.performance import recorder_crf

        about = self._truth.about
        crf = recorder_crf(about["speaker"], about["emotion"], about["level"], about["take"])
        if tuple(about["picture"]) == flv.SIZE:
            path, silence = folder / "source.flv", np.zeros(len(performance) * flv.SOUND_RATE // FPS, np.float32)
            flv.write_flv(path, flv_frames(self._renderer(), performance), silence, flv_bits(crf))
        else:
            path = folder / "source.mp4"
            media.write_video(path, self._renderer().frames(performance), crf=crf)
        return path

    def _performance(self, altered: Mapping[str, np.ndarray]) -> Performance:
        from bench.data.puppet.render import Performance

        unknown = sorted(set(altered) - set(truth_file.CUES))
        if unknown:
            raise UsageError(f"cannot alter {', '.join(unknown)}: a clip is rendered from {', '.join(truth_file.CUES)}")
        return Performance(**{name: altered.get(name, self._truth.arrays[name]) for name in truth_file.CUES})

    def _renderer(self) -> HeadRenderer:
        from bench.data.puppet.render import renderer_of

        about = self._truth.about
        return renderer_of(about["seed"], truth_file.RENDERER_SEX[about["sex"]], about["picture"][1])


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
