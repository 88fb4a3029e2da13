"""Opening a media file, and telling an empty, unreadable or truncated one from a good one."""

from __future__ import annotations

import os
import stat
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Literal

import av
import av.error
from av.container import InputContainer
from av.frame import Frame
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame

from bench.contract.errors import Reason, RejectedInput

# Only containers that hold their own data: a playlist, a concat script or an image pattern would make FFmpeg open other
# files than the one it was given.
DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,flv,avi,mpeg,mpegts,matroska,webm,wav,w64,aiff,mp3,aac,flac,ogg,asf"
_ISO_TYPES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"sidx", b"pnot", b"uuid"}
# What may be missing from a stated duration (or size) before a file counts as truncated: headers of healthy files are off
# by a frame or two.
MISSING_SECONDS, MISSING_SHARE = 0.15, 0.03
# Undecodable packets that are forgiven: real recordings have one now and then, and it costs one repeated frame.
BAD_PACKETS, BAD_SHARE = 1, 0.05

# A longer step in the time stamps is damage, and filling it would fill the disk.
LONGEST_STEP = 60

# What a decoder raises on a packet that makes no sense to it; anything else is a fault of the machine or of this code.
DAMAGE = (av.error.InvalidDataError, av.error.PatchWelcomeError, av.error.ArgumentError, av.error.EOFError)

Kind = Literal["video", "audio"]


@contextmanager
def open_media(path: str | os.PathLike) -> Iterator[InputContainer]:
    """Open `path` by its content, whatever its name ends in.

    Raises RejectedInput: missing-file, empty-file, unreadable (a folder, no permission, not media), truncated (an
    MP4 without its index, or whose index or chunk sizes point past the end of the file).
    """
    path = Path(path)
    size = _file_size(path)
    try:
        container = av.open(
            str(path.absolute()),
            options={"format_whitelist": DEMUXERS, "protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    except PermissionError as error:
        raise RejectedInput(Reason.UNREADABLE, f"{path}: no permission to read it") from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        cut = _iso_boxes(path, size)[1] or _riff_cut(path, size)
        if cut:
            raise RejectedInput(Reason.TRUNCATED, f"{path}: {cut}") from error
        said = getattr(error, "strerror", None) or error
        if _is_pointer(path):
            said = "it is a Git LFS pointer; run `git lfs pull` in its repository"
        raise RejectedInput(Reason.UNREADABLE, f"{path}: expected a media file: {said}") from error
    with container:
        _refuse_cut(container, path, size)
        yield container


def _file_size(path: Path) -> int:
    try:
        kind = path.stat().st_mode
        if stat.S_ISREG(kind):
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
    except FileNotFoundError as error:
        if path.is_symlink():
            raise RejectedInput(
                Reason.UNREADABLE, f"{path}: a link to {path.readlink()}, which is not there"
            ) from error
        raise RejectedInput(Reason.MISSING_FILE, f"{path}: there is no such file") from error
    except OSError as error:
        raise RejectedInput(Reason.UNREADABLE, f"{path}: cannot be read ({error.strerror})") from error
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "no regular file"
        raise RejectedInput(Reason.UNREADABLE, f"{path}: expected a media file, this is {what}")
    if size == 0:
        raise RejectedInput(Reason.EMPTY_FILE, f"{path}: 0 bytes")
    return size


def _is_pointer(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(40).startswith(b"version https://git-lfs")


def _iso_boxes(path: Path, size: int) -> tuple[set[bytes], str | None]:
    """Kinds of the top-level boxes of an MP4, MOV or M4A file, and why it must have been cut (None: it was not)."""
    position, seen = 0, set()
    with path.open("rb") as file:
        while position + 8 <= size:
            file.seek(position)
            length, kind = struct.unpack(">I4s", file.read(8))
            if position == 0 and kind not in _ISO_TYPES:
                return seen, None
            if length == 1:
                wide = file.read(8)
                length = struct.unpack(">Q", wide)[0] if len(wide) == 8 else size + 1
            elif length == 0:  # to the end of the file
                length = size - position
            if length < 8:
                return seen, None
            seen.add(kind)
            if position + length > size:
                name, missing = kind.decode("latin-1"), position + length - size
                return seen, f"its {name!r} box needs {missing} bytes more than the file has"
            position += length
    if not seen or b"moov" in seen:
        return seen, None
    return seen, "its index (moov box) is missing: the file ends before it"


def _riff_cut(path: Path, size: int) -> str | None:
    """Why a RIFF file (WAV, AVI) must have been cut, None if it is none or is whole."""
    with path.open("rb") as file:
        head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF":
        return None
    stated = struct.unpack("<I", head[4:8])[0] + 8
    if stated >= 0x7FFFF000:  # a recorder that writes to a pipe leaves the largest number there
        return None
    # An AVI ends with its index: any cut ruins the times of its frames. WAV writers are careless with this number.
    slack = 16 if head[8:12] == b"AVI " else stated * MISSING_SHARE
    return f"its header promises {stated} bytes, the file has {size}" if size < stated - slack else None


def _refuse_cut(container: InputContainer, path: Path, size: int) -> None:
    """Raise truncated if the container's own numbers say that bytes are missing at the end."""
    cut = None
    if "mp4" in container.format.name:
        for stream in container.streams:
            end = max((entry.pos + entry.size for entry in stream.index_entries), default=0)
            if end > size:
                cut = f"the index places {stream.type} data up to byte {end}, the file has {size}"
        boxes, missing = _iso_boxes(path, size)
        if b"moof" in boxes or not any(len(stream.index_entries) for stream in container.streams):
            cut = cut or missing
    elif container.format.name in ("wav", "avi"):
        cut = _riff_cut(path, size)
    if cut:
        raise RejectedInput(Reason.TRUNCATED, f"{path}: {cut}")


def pick_stream(container: InputContainer, kind: Kind) -> Stream | None:
    """The first stream of the kind that can be decoded (cover pictures are no video); None if there is none."""
    for stream in container.streams:
        if stream.type == kind and stream.codec_context is not None:
            if kind == "video" and Disposition.attached_pic in Disposition(stream.disposition):
                continue
            return stream
    return None


def need_stream(container: InputContainer, kind: Kind, path: str | os.PathLike) -> Stream:
    """Like `pick_stream`, but raises no-video or no-audio."""
    stream = pick_stream(container, kind)
    if stream is None:
        reason = Reason.NO_VIDEO if kind == "video" else Reason.NO_AUDIO
        found = ", ".join(sorted({s.type for s in container.streams})) or "none"
        raise RejectedInput(reason, f"{path}: no {kind} stream that can be decoded (streams found: {found})")
    return stream


def demux(container: InputContainer, streams: Iterable[Stream]) -> Iterator[Packet]:
    """The packets of `streams` in file order, without the empty ones by which PyAV marks the end.

    Raises truncated where the container itself can be followed no further.
    """
    try:
        for packet in container.demux([stream for stream in streams if stream is not None]):
            if packet.size or packet.pts is not None or packet.dts is not None:
                yield packet
    except IndexError:
        # A stream that first appears midway (in damaged FLV, MPEG) is unknown to PyAV, which stumbles over it at the end.
        return
    except av.error.FFmpegError as error:
        raise RejectedInput(
            Reason.TRUNCATED, f"{container.name}: the container is damaged midway ({error.strerror})"
        ) from error


def decode(
    container: InputContainer, stream: Stream, path: str | os.PathLike, packets: Iterable[Packet] | None = None
) -> Iterator:
    """Decoded frames of one stream in presentation order, one thread; `packets` replaces the demuxer's own.

    Raises truncated, after the last good frame, if more packets than one (and than 5 %) could not be decoded, or if
    picture and sound both end clearly before the duration in the header of a file without an index (FLV, Matroska).
    """
    one_thread(stream)
    if packets is None:
        packets = demux(container, (pick_stream(container, "video"), pick_stream(container, "audio")))
    seen, bad, error, last, reached = 0, 0, None, None, Fraction(0)
    places: deque[int] | None = deque() if container.format.name == "avi" and stream.type == "video" else None
    try:
        for packet in chain(packets, (None,)):
            if packet is not None:
                moment = packet_time(packet, container)
                if moment is not None:
                    reached = max(reached, moment + (packet.duration or 0) * packet.time_base)
                if packet.stream.index != stream.index:
                    continue
                seen += packet.size > 0
                if places is not None and packet.size and packet.dts is not None:
                    places.append(packet.dts)
            try:
                frames = stream.codec_context.decode(packet)
            except DAMAGE as problem:
                if packet is not None:
                    bad, error = bad + 1, problem
                if places:
                    places.popleft()
                continue
            for frame in frames:
                frame.time_base = stream.time_base
                if places:
                    frame.pts = places.popleft()
                last = frame.time if frame.time is not None else last
                yield frame
    except av.error.FFmpegError as problem:  # the decoder gave up
        bad, error = seen + BAD_PACKETS + 1, problem
    if bad > max(BAD_PACKETS, BAD_SHARE * seen):
        where = "before the first frame" if last is None else f"last good frame at {last:.3f} s"
        raise RejectedInput(
            Reason.TRUNCATED, f"{path}: {bad} of {seen} {stream.type} packets could not be decoded ({error}); {where}"
        )
    refuse_early_end(container, reached, path)


def one_thread(stream: Stream) -> None:
    """Decode on the calling thread alone: clips are worked on in parallel, and frame threads would hold frames back."""
    if not stream.codec_context.is_open:
        stream.codec_context.thread_count = 1
        stream.codec_context.thread_type = "SLICE"


def from_first_picture(container: InputContainer, *streams: Stream) -> tuple[VideoFrame | None, Iterator[Packet]]:
    """The first displayed frame (None if there is no picture), and all packets of `streams`, from the file's start on.

    The frame costs its decoding only; packets of the picture among the returned ones are not to be decoded again.
    """
    video = pick_stream(container, "video")
    packets = demux(container, (video, pick_stream(container, "audio")))
    wanted = {stream.index for stream in streams}
    rest = (packet for packet in packets if packet.stream.index in wanted)
    if video is None:
        return None, rest
    one_thread(video)
    kept: list[Packet] = []
    place = None
    for packet in chain(packets, (None,)):  # None flushes: a decoder may hold back all of a short video
        if packet is not None and packet.stream.index in wanted:
            kept.append(packet)
        if packet is None or packet.stream.index == video.index:
            place = packet.dts if place is None and packet is not None else place
            with suppress(*DAMAGE):
                frames = video.codec_context.decode(packet)
                if frames:
                    frames[0].time_base = video.time_base
                    if container.format.name == "avi":
                        frames[0].pts = place
                    return frames[0], chain(kept, rest)
    return None, iter(kept)


def refuse_early_end(container: InputContainer, reached: Fraction, path: str | os.PathLike) -> None:
    """Raise truncated if the data end at `reached` (s), clearly before the duration in an FLV or Matroska header."""
    if container.format.name != "flv" and "matroska" not in container.format.name:
        return
    stated = Fraction(container.duration or 0, av.time_base)
    if stated - reached > max(MISSING_SECONDS, MISSING_SHARE * stated):
        raise RejectedInput(
            Reason.TRUNCATED, f"{path}: the header gives {float(stated):.2f} s, the data end at {float(reached):.2f} s"
        )


def packet_time(packet: Packet, container: InputContainer) -> Fraction | None:
    """Time (s) at which a packet stands in its container.

    AVI has no time stamps: a chunk's place is its time, and the n-th picture shown belongs to the n-th chunk. (FFmpeg
    guesses presentation times for it, a frame late where there are no B-frames and in wrong order where there are.)
    """
    stamp = packet.pts
    if stamp is None or container.format.name == "avi":
        stamp = packet.dts
    return None if stamp is None else stamp * packet.time_base


def time_of(frame: Frame) -> Fraction | None:
    """Presentation time of a decoded frame in seconds, exact; None where the container has none."""
    stamp = frame.pts if frame.pts is not None else frame.dts
    return None if stamp is None or frame.time_base is None else stamp * frame.time_base
