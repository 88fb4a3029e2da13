"""Frames of a video file as RGB pictures, at their own times or on a constant-rate grid."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from itertools import islice

import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from bench.contract.errors import Reason, RejectedInput
from bench.data.media_open import LONGEST_STEP, decode, need_stream, open_media, time_of

# Fixed swscale settings: with accurate rounding and bit-exactness its C, SSE and AVX paths agree; chroma is interpolated
# to every pixel, bicubically (51 dB after one round through 4:2:0 on faces, against 43 dB with swscale's own defaults).
SCALE_FLAGS = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.BITEXACT
)
# AVColorSpace (ITU-T H.273 matrix coefficients) -> swscale's table.
_MATRIX = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
_UNTAGGED = Colorspace.ITU601


class ToRGB:
    """Converts decoded frames of one stream to upright (H, W, 3) uint8 RGB with the stream's own matrix and range.

    Untagged streams are BT.601 limited range at every size, as FFmpeg, OpenCV and imageio read and write them; yuvj
    formats are full range. The display matrix (quarter turns and mirrors) is applied.
    """

    def __init__(self) -> None:
        self._scaler = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> np.ndarray:
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        picture = self._scaler.reformat(
            frame,
            format="rgb24",
            src_colorspace=_MATRIX.get(frame.colorspace, _UNTAGGED),
            dst_colorspace=Colorspace.DEFAULT,
            src_color_range=ColorRange.JPEG if full or frame.format.is_rgb else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=SCALE_FLAGS,
            threads=1,
        ).to_ndarray()
        return np.ascontiguousarray(upright(picture, display_matrix(frame)))


def display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """The signs (a, b, c, d) of the frame's display matrix: x' = a x + c y, y' = b x + d y; identity if there is none."""
    data = frame.side_data.get(SideDataType.DISPLAYMATRIX)
    if data is None:
        return 1, 0, 0, 1
    matrix = np.frombuffer(bytes(data), np.int32)
    a, b, c, d = (float(matrix[i]) for i in (0, 1, 3, 4))
    if a * d == b * c:
        return 1, 0, 0, 1
    # Anything but quarter turns cannot be shown without resampling: the nearest quarter turn is taken.
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return int(np.sign(a)), 0, 0, int(np.sign(d))
    return 0, int(np.sign(b)), int(np.sign(c)), 0


def upright(picture: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """`picture` (H, W, 3) turned and mirrored by a display matrix of `display_matrix`."""
    a, b, c, d = matrix
    if a == 0:
        picture = picture.swapaxes(0, 1)
        a, d = c, b  # after x and y are exchanged, c is the sign along the new x and b along the new y
    return picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def rotation_of(matrix: tuple[int, int, int, int]) -> int:
    """Clockwise degrees (0, 90, 180, 270) by which a display matrix turns the stored picture; mirrors are ignored."""
    a, b, _, d = matrix
    if a == 0:
        return 90 if b > 0 else 270
    return 180 if d < 0 else 0


def timed(container: InputContainer, stream, path: str | os.PathLike) -> Iterator[tuple[Fraction, VideoFrame]]:
    """(exact time in s, decoded frame), times strictly increasing: a frame that does not move time on is dropped.

    Raises truncated if there is none at all, or see `media_open.decode`.
    """
    step = nominal_gap(stream)
    start = previous = size = None
    for frame in decode(container, stream, path):
        moment = time_of(frame)
        if moment is None:
            moment = Fraction(0) if previous is None else previous + step
        if previous is not None and moment <= previous:
            continue
        if previous is not None and moment - previous > LONGEST_STEP:
            raise RejectedInput(
                Reason.UNREADABLE, f"{path}: the time stamps of the picture jump by {float(moment - previous):.0f} s"
            )
        start = moment if start is None else start
        size = size or (frame.width, frame.height)
        if size != (frame.width, frame.height):
            raise RejectedInput(
                Reason.UNREADABLE,
                f"{path}: the picture changes from {size[0]}x{size[1]} to {frame.width}x{frame.height} midway",
            )
        previous = moment
        yield moment, frame
    if start is None:
        raise RejectedInput(Reason.TRUNCATED, f"{path}: it has a video stream, but no picture in it can be decoded")


def read_timed_frames(path: str | os.PathLike) -> Iterator[tuple[float, np.ndarray]]:
    """Every source frame with its time.

    Yields (time in s, counted from the first displayed frame; (H, W, 3) uint8 RGB, upright).
    Raises RejectedInput: see `open_media`; no-video; truncated after the last good frame.
    """
    with open_media(path) as container:
        stream = need_stream(container, "video", path)
        convert, start = ToRGB(), None
        for moment, frame in timed(container, stream, path):
            start = moment if start is None else start
            yield float(moment - start), convert(frame)


def read_frames(
    path: str | os.PathLike, fps: float | None = 25.0, max_frames: int | None = None
) -> Iterator[np.ndarray]:
    """Frames at a constant rate, streaming; `fps=None` gives the source's own frames.

    Grid point k is t_k = k / fps after the first displayed frame. At t_k stands the source frame whose presentation time
    is nearest; of two equally near ones the earlier. There are round(duration x fps) grid points (half up, at least
    one), where the duration ends with the last frame's own: the one stated in the file, else the gap before it.
    So no picture is off by more than half a source frame, and a 25 fps source comes out unchanged.

    Yields (H, W, 3) uint8 RGB, upright. Raises RejectedInput: see `open_media`; no-video; truncated after the last
    good frame.
    """
    with closing(_frames(path, fps)) as frames:
        yield from islice(frames, max_frames)


def _frames(path: str | os.PathLike, fps: float | None) -> Iterator[np.ndarray]:
    if fps is None:
        for _, picture in read_timed_frames(path):
            yield picture
        return
    if not fps > 0:
        raise ValueError(f"fps: expected a positive rate or None, got {fps}")
    with open_media(path) as container:
        stream = need_stream(container, "video", path)
        convert, shown, picture = ToRGB(), None, None
        for frame in on_grid(container, stream, path, Fraction(fps).limit_denominator(1001)):
            # A repeated frame is converted once, but handed out as its own array.
            picture = picture.copy() if frame is shown else convert(frame)
            shown = frame
            yield picture


def read_sampled(path: str | os.PathLike, fps: float, every: int) -> Iterator[np.ndarray | None]:
    """One item per grid point of `read_frames`: the picture at every `every`-th, None at the others.

    All frames are decoded and counted; converting to RGB, most of the cost of a large picture, is done for few.
    """
    with open_media(path) as container:
        stream = need_stream(container, "video", path)
        convert = ToRGB()
        for k, frame in enumerate(on_grid(container, stream, path, Fraction(fps).limit_denominator(1001))):
            yield convert(frame) if k % every == 0 else None


def on_grid(container: InputContainer, stream, path: str | os.PathLike, rate: Fraction) -> Iterator[VideoFrame]:
    """The decoded source frame of every grid point (the rule is in `read_frames`)."""
    k, start, held, held_time, gap = 0, None, None, None, nominal_gap(stream)
    waiting: list[VideoFrame] = []  # of the next grid points, which exist only if the video goes on long enough
    for moment, frame in timed(container, stream, path):
        if held is None:
            start, held, held_time = moment, frame, Fraction(0)
            continue
        now = moment - start
        gap = now - held_time
        while k + len(waiting) <= (held_time + now) / 2 * rate:
            waiting.append(held)
        while waiting and k + Fraction(1, 2) <= now * rate:
            yield waiting.pop(0)
            k += 1
        held, held_time = frame, now
    count = max(1, int((held_time + last_duration(held, gap)) * rate + Fraction(1, 2)))
    for i in range(count - k):
        yield waiting[i] if i < len(waiting) else held


def nominal_gap(stream) -> Fraction:
    """Seconds per frame by the header's average rate; 1/25 where it has none."""
    return 1 / Fraction(stream.average_rate or stream.guessed_rate or 25)


def last_duration(frame: VideoFrame, gap: Fraction) -> Fraction:
    """Seconds for which the last frame stands: what the file states, else the gap before it."""
    if frame.duration and frame.time_base:
        return min(frame.duration * frame.time_base, Fraction(LONGEST_STEP))
    return gap
