"""Measures sound against picture: flashes with simultaneous chirps, through every container, in both directions.

`python -m bench.data.av_alignment` prints the table of docs/media.md.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from bench.data.media import mux_audio, read_audio, read_timed_frames, write_audio, write_video

EVENTS = (1.0, 2.0, 3.0)  # s; on a frame start at 25, 30 and 60 frames/s
LENGTH = 4.0
SIZE = 64
RATE = 16_000


def sound(rate: int, channels: int = 1) -> np.ndarray:
    """(N, channels) float32: at every event a rising chirp of 20 ms half-width, 300 to 5700 Hz, over faint noise."""
    time = np.arange(round(LENGTH * rate)) / rate
    wave = np.zeros_like(time)
    for event in EVENTS:
        t = time - event
        wave += 0.6 * np.exp(-((t / 0.008) ** 2)) * np.sin(2 * np.pi * (3000 * t + 70_000 * t * np.abs(t)))
    return np.repeat(wave.astype(np.float32)[:, None], channels, axis=1)


def flashes(fps: Fraction, size: int = SIZE) -> Iterator[np.ndarray]:
    """Gray (size, size, 3) uint8 frames, white for the one frame that starts at an event."""
    for index in range(round(LENGTH * fps)):
        white = any(abs(index / fps - event) < 1e-3 for event in EVENTS)
        yield np.full((size, size, 3), 255 if white else 64, np.uint8)


def sound_times(samples: np.ndarray, rate: int = RATE) -> list[float]:
    """Times (s) of the chirps in `samples`: peak of the correlation with each ideal one, to a fraction of a sample."""
    ideal = sound(rate)[:, 0]
    times = []
    for event in EVENTS:
        centre, half, reach = round(event * rate), round(0.03 * rate), round(0.3 * rate)
        pattern = ideal[centre - half : centre + half]
        padded = np.pad(samples, (0, max(0, centre + reach + half - len(samples))))
        window = padded[centre - reach - half : centre + reach + half]
        score = np.correlate(window, pattern, "valid")
        peak = int(np.argmax(score))
        left, top, right = (float(score[min(max(peak + d, 0), len(score) - 1)]) for d in (-1, 0, 1))
        bend = left - 2 * top + right
        times.append(event + (peak - reach + (0.5 * (left - right) / bend if bend else 0.0)) / rate)
    return times


def picture_times(frames: Iterator[tuple[float, np.ndarray]]) -> list[float]:
    """Times (s) of the white frames."""
    return [time for time, picture in frames if picture.mean() > 170]


def plain_times(path: Path, ignore_edit_lists: bool = False) -> tuple[list[float], list[float]]:
    """(picture, sound) times as a player sees them: decoded frames at their own time stamps, nothing corrected."""
    options = {"ignore_editlist": "1"} if ignore_edit_lists else {}
    with av.open(str(path), container_options=options) as container:
        first = None
        seen = []
        for frame in container.decode(video=0):
            first = frame.time if first is None else first
            seen.append((frame.time - first, frame.to_ndarray(format="rgb24")))
    with av.open(str(path), container_options=options) as container:
        pieces, begin, rate = [], None, RATE
        for frame in container.decode(audio=0):
            begin, rate = (frame.time if begin is None else begin), frame.sample_rate
            block = frame.to_ndarray().astype(np.float32)
            pieces.append(block.reshape(-1, frame.layout.nb_channels)[:, 0] if frame.format.is_packed else block[0])
    samples = np.concatenate(pieces)
    offset = 0.0 if ignore_edit_lists else begin - first
    return picture_times(iter(seen)), [t + offset for t in sound_times(samples, rate)]


@dataclass(frozen=True)
class Foreign:
    """A file as other programs write it: codecs, rates and options that this project's writer never uses."""

    label: str
    suffix: str
    video: str | None = "libx264"
    fps: Fraction = Fraction(30)
    video_options: dict[str, str] = field(default_factory=dict)
    audio: str | None = "aac"
    rate: int = 48_000
    channels: int = 2
    bits: int = 128_000
    container: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    picture_start: float = 0.0
    sound_start: float = 0.0

    def write(self, path: Path) -> None:
        """Encode picture and sound (shifted by `picture_start`, `sound_start` s on the file's clock) into `path`."""
        with av.open(str(path), "w", format=self.container, container_options=self.options) as output:
            picture = heard = None
            if self.video is not None:
                picture = output.add_stream(self.video, rate=self.fps, options=self.video_options)
                picture.width = picture.height = SIZE
                picture.pix_fmt = "yuv420p"
                picture.codec_context.time_base = 1 / self.fps
            if self.audio is not None:
                heard = output.add_stream(self.audio, rate=self.rate)
                heard.codec_context.layout = "stereo" if self.channels == 2 else "mono"
                heard.codec_context.format = heard.codec_context.codec.audio_formats[0]
                if not self.audio.startswith(("pcm", "flac")):
                    heard.codec_context.bit_rate = self.bits
            if picture is not None:
                for index, pixels in enumerate(flashes(self.fps)):
                    frame = VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
                    frame.pts, frame.time_base = index + round(self.picture_start * self.fps), 1 / self.fps
                    output.mux(picture.encode(frame))
                output.mux(picture.encode(None))
            if heard is not None:
                # Each event stays with its flash: sound that begins later lacks its first part, sound that begins
                # before the picture has silence in front.
                begin = round((self.sound_start - self.picture_start) * self.rate)
                samples = sound(self.rate, self.channels)[max(0, begin) :]
                samples = np.pad(samples, ((max(0, -begin), 0), (0, 0)))
                resampler = av.AudioResampler(
                    format=heard.codec_context.format, layout=heard.codec_context.layout, rate=self.rate
                )
                frame = AudioFrame.from_ndarray(
                    np.ascontiguousarray(samples.T), format="fltp", layout="stereo" if self.channels == 2 else "mono"
                )
                frame.sample_rate, frame.time_base = self.rate, Fraction(1, self.rate)
                frame.pts = round(self.sound_start * self.rate)
                for part in resampler.resample(frame):
                    output.mux(heard.encode(part))
                output.mux(heard.encode(None))


FOREIGN = (
    Foreign("mp4: H.264 with B-frames 30 fps, AAC 48 kHz stereo", ".mp4"),
    Foreign("mp4: the same, 44.1 kHz mono", ".mp4", rate=44_100, channels=1),
    Foreign("mp4: sound begins 0.24 s after the picture", ".mp4", fps=Fraction(25), sound_start=0.24),
    Foreign("mp4: sound begins 0.2 s before the picture", ".mp4", picture_start=0.2),
    Foreign("mp4: both begin 0.2 s after the file's clock", ".mp4", picture_start=0.2, sound_start=0.2),
    Foreign("mp4: MPEG-4 part 2, MP3 44.1 kHz", ".mp4", video="mpeg4", audio="libmp3lame", rate=44_100),
    Foreign("mp4: fragmented, no edit list", ".mp4", options={"movflags": "frag_keyframe+empty_moov"}),
    Foreign("mp4: written without edit lists", ".mp4", options={"use_editlist": "0"}),
    Foreign("mov: H.264 60 fps, PCM 48 kHz", ".mov", fps=Fraction(60), audio="pcm_s16le"),
    Foreign("mov: H.264 with B-frames, AAC 48 kHz", ".mov"),
    Foreign("flv: Sorenson H.263, MP3 44.1 kHz mono", ".flv", video="flv", audio="libmp3lame", rate=44_100, channels=1),
    Foreign("flv: H.264 with B-frames, AAC 44.1 kHz", ".flv", rate=44_100),
    Foreign("mkv: H.264 with B-frames, AAC 48 kHz", ".mkv"),
    Foreign("mkv: H.264, Opus", ".mkv", audio="libopus"),
    Foreign("mkv: H.264, FLAC 44.1 kHz", ".mkv", audio="flac", rate=44_100),
    Foreign("webm: VP8, Opus", ".webm", video="libvpx", audio="libopus", video_options={"deadline": "realtime"}),
    Foreign("avi: MPEG-4 part 2, PCM 16 kHz", ".avi", video="mpeg4", audio="pcm_s16le", rate=16_000, channels=1),
    Foreign("avi: MPEG-4 part 2, MP3 44.1 kHz", ".avi", video="mpeg4", audio="libmp3lame", rate=44_100),
    Foreign(
        "avi: MPEG-4 part 2 with B-frames, PCM", ".avi", video="mpeg4", video_options={"bf": "2"}, audio="pcm_s16le"
    ),
    Foreign("avi: H.264 with B-frames, PCM", ".avi", audio="pcm_s16le"),
    Foreign("avi: H.264 without B-frames, PCM", ".avi", video_options={"bf": "0"}, audio="pcm_s16le"),
    Foreign("avi: H.264, AAC 48 kHz", ".avi"),
    Foreign("mpg: MPEG-1, MP2 44.1 kHz", ".mpg", video="mpeg1video", audio="mp2", rate=44_100),
    Foreign(
        "mpg: MPEG-2 with B-frames, MP2 48 kHz",
        ".mpg",
        video="mpeg2video",
        video_options={"bf": "2"},
        audio="mp2",
        container="vob",
    ),
    Foreign("mpg: MPEG-2, AC-3 48 kHz", ".mpg", video="mpeg2video", audio="ac3", container="vob"),
    Foreign("ts: H.264 with B-frames, AAC 48 kHz", ".ts"),
    Foreign("m4a alone: AAC 48 kHz stereo", ".m4a", video=None),
    Foreign("m4a alone: AAC 44.1 kHz mono", ".m4a", video=None, rate=44_100, channels=1),
    Foreign("wav alone: 44.1 kHz stereo", ".wav", video=None, audio="pcm_s16le", rate=44_100),
    Foreign("mp3 alone: 44.1 kHz", ".mp3", video=None, audio="libmp3lame", rate=44_100),
)


@dataclass(frozen=True)
class Row:
    """One line of the table: sound minus picture in ms, mean over the events, and the largest distance from that mean."""

    direction: str
    label: str
    error_ms: float
    spread_ms: float


def row(direction: str, label: str, picture: list[float], heard: list[float]) -> Row:
    if len(picture) != len(EVENTS):
        return Row(direction, label, float("nan"), float("nan"))
    errors = 1000 * (np.array(heard) - np.array(picture))
    return Row(direction, label, float(errors.mean()), float(np.abs(errors - errors.mean()).max()))


def read_times(path: Path, has_video: bool = True) -> tuple[list[float], list[float]]:
    return picture_times(read_timed_frames(path)) if has_video else list(EVENTS), sound_times(read_audio(path))


def measure(folder: Path) -> Iterator[Row]:
    """All rows; files are written into `folder`."""
    mono = sound(RATE)[:, 0]
    ours: dict[str, Callable[[Path], object]] = {
        suffix: lambda path: write_video(path, flashes(Fraction(25)), audio=mono)
        for suffix in (".mp4", ".mov", ".mkv", ".flv", ".avi")
    }
    ours |= {suffix: lambda path: write_audio(path, sound(48_000, 2), 48_000, 2) for suffix in (".m4a", ".wav")}
    for suffix, write in ours.items():
        path = folder / f"ours{suffix}"
        write(path)
        alone = suffix in (".m4a", ".wav")
        name = suffix[1:] + (" alone" if alone else "")
        yield row("our writer, our reader", name, *read_times(path, not alone))
        if not alone:
            yield row("our writer, plain decoding", name, *plain_times(path))
    yield row(
        "our writer, plain decoding",
        "mp4, edit lists ignored",
        *plain_times(folder / "ours.mp4", ignore_edit_lists=True),
    )
    for case in FOREIGN:
        path = folder / f"foreign{case.suffix}"
        case.write(path)
        yield row("foreign writer, our reader", case.label, *read_times(path, case.video is not None))
        if case.video is not None and case.suffix in (".mp4", ".mkv"):
            out = folder / f"muxed{case.suffix}"
            mux_audio(path, mono, RATE, out)
            yield row("sound replaced, our reader", case.label, *read_times(out))


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| direction | file | sound minus picture, ms | spread, ms |", "| --- | --- | ---: | ---: |"]
    lines += [f"| {r.direction} | {r.label} | {round(r.error_ms, 2) + 0.0:+.2f} | {r.spread_ms:.2f} |" for r in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(table(sorted(measure(Path(name)), key=lambda row: row.direction != "our writer, our reader")))
