"""What `bench.data.media` promises about frames, sound, files and errors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from bench.contract.errors import Reason, RejectedInput
from bench.data import media

BITS = 12


def moving(count: int, size: int = 256, seed: int = 0) -> list[np.ndarray]:
    """Smooth coloured waves that move, (size, size, 3) uint8."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    pictures = []
    for i in range(count):
        red = 128 + 100 * np.sin((x + 3 * i + seed) / 17) * np.cos(y / 23)
        green = 128 + 90 * np.sin((y + 2 * i) / 29)
        blue = 128 + 80 * np.cos((x + y + i) / 37)
        pictures.append(np.stack([red, green, blue], -1).astype(np.uint8))
    return pictures


def numbered(index: int, width: int = 16 * BITS, height: int = 32) -> np.ndarray:
    """A frame with its number drawn into it as black and white blocks."""
    bits = [(index >> bit) & 1 for bit in range(BITS)]
    row = np.repeat(np.array(bits, np.uint8) * 255, width // BITS)
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (height, width, 3)))


def number(frame: np.ndarray) -> int:
    height, width = frame.shape[:2]
    block = width // BITS
    return sum(int(frame[height // 2, bit * block + block // 2].mean() > 128) << bit for bit in range(BITS))


def write_at(path: Path, times_ms: list[int], **options: str) -> None:
    """Numbered frames at the given times, as a variable-rate file."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=1000, options={"preset": "ultrafast", **options})
        stream.width, stream.height, stream.pix_fmt = 16 * BITS, 32, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, time in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(numbered(index), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.mean((a.astype(np.float64) - b) ** 2))


def tone(seconds: float, rate: int = 16_000, hertz: float = 440, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def reason(call, *args) -> Reason:
    with pytest.raises(RejectedInput) as caught:
        result = call(*args)
        if hasattr(result, "__next__"):
            for _ in result:
                pass
    assert str(args[0]) in caught.value.detail
    return caught.value.reason


# ---------------------------------------------------------------- pictures out and in


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".flv", ".avi", ".mov"])
def test_what_is_written_is_read_back(tmp_path, suffix):
    frames = moving(40)
    path = tmp_path / f"clip{suffix}"
    assert media.write_video(path, iter(frames), crf=12, audio=tone(1.6)) == 40
    back = list(media.read_frames(path))
    assert len(back) == 40
    assert all(frame.shape == (256, 256, 3) and frame.dtype == np.uint8 for frame in back)
    assert min(psnr(a, b) for a, b in zip(frames, back, strict=True)) > 38
    assert list(tmp_path.iterdir()) == [path]


def test_lower_crf_is_closer(tmp_path):
    frames = moving(10)
    quality = []
    for crf in (30, 18, 12):
        media.write_video(tmp_path / "clip.mp4", frames, crf=crf)
        quality.append(
            np.mean([psnr(a, b) for a, b in zip(frames, media.read_frames(tmp_path / "clip.mp4"), strict=True)])
        )
    assert quality == sorted(quality)


def test_stream_is_what_the_contract_says(tmp_path):
    path = tmp_path / "clip.mp4"
    media.write_video(path, moving(60, 64), audio=tone(2.4))
    with av.open(str(path)) as container:
        stream, sound = container.streams.video[0], container.streams.audio[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 25)
        tags = (context.colorspace, context.color_primaries, context.color_trc, context.color_range)
        assert tags == (1, 1, 1, 1)
        assert (sound.codec_context.name, sound.codec_context.sample_rate, sound.codec_context.channels) == (
            "aac",
            16_000,
            1,
        )
        assert "creation_time" not in container.metadata and "encoder" not in container.metadata
        packets = [packet for packet in container.demux(stream) if packet.size]
    assert [i for i, packet in enumerate(packets) if packet.is_keyframe] == [0, 25, 50]
    assert all(packet.pts == packet.dts for packet in packets)


def test_same_frames_same_bytes(tmp_path):
    frames, sound = moving(30, 128), tone(1.2)
    for name in ("a.mp4", "b.mp4"):
        media.write_video(tmp_path / name, frames, audio=sound)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    for name in ("a.m4a", "b.m4a", "a.wav", "b.wav"):
        media.write_audio(tmp_path / name, sound, 16_000)
    assert (tmp_path / "a.m4a").read_bytes() == (tmp_path / "b.m4a").read_bytes()
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_same_bytes_in_another_process(tmp_path):
    media.write_video(tmp_path / "here.mp4", moving(8, 64), audio=tone(0.32))
    code = (
        "import importlib.util, sys; spec = importlib.util.spec_from_file_location('t', sys.argv[1]);"
        "t = importlib.util.module_from_spec(spec); sys.modules['t'] = t; spec.loader.exec_module(t);"
        "t.media.write_video(sys.argv[2], t.moving(8, 64), audio=t.tone(0.32))"
    )
    subprocess.run([sys.executable, "-c", code, __file__, str(tmp_path / "there.mp4")], check=True)
    assert (tmp_path / "here.mp4").read_bytes() == (tmp_path / "there.mp4").read_bytes()


def test_colours_follow_bt709(tmp_path):
    rng = np.random.default_rng(0)
    for colour in rng.integers(0, 256, (6, 3)):
        path = tmp_path / "flat.mp4"
        media.write_video(path, [np.full((32, 32, 3), colour, np.uint8)], crf=1)
        with av.open(str(path)) as container:
            planes = next(container.decode(video=0)).planes
            got = [np.frombuffer(bytes(plane), np.uint8)[8 * plane.line_size + 8] for plane in planes]
        red, green, blue = colour / 255
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        expected = (16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748)
        assert np.abs(np.array(got, float) - expected).max() < 1.1
        assert np.abs(next(media.read_frames(path)).astype(int) - colour).max() <= 3


def test_untagged_is_bt601_and_full_range_is_full(tmp_path):
    picture = np.full((32, 32, 3), (200, 60, 30), np.uint8)
    path = tmp_path / "plain.mkv"
    for pixels, matrix, full in (("yuv420p", 5, 1), ("yuv420p", 5, 2), ("yuvj420p", 5, 2)):
        with av.open(str(path), "w") as output:
            stream = output.add_stream("ffv1" if pixels == "yuv420p" else "mjpeg", rate=25)
            stream.width = stream.height = 32
            stream.pix_fmt = pixels
            stream.codec_context.color_range = full
            source = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = source.reformat(format=pixels, dst_colorspace=matrix, src_color_range=2, dst_color_range=full)
            frame.pts, frame.time_base = 0, Fraction(1, 25)
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        assert np.abs(next(media.read_frames(path)).astype(int) - picture).max() <= 4


# ---------------------------------------------------------------- time


@pytest.mark.parametrize("fps", [12.0, 15.0, 24.0, 25.0, 30000 / 1001, 50.0, 60.0])
@pytest.mark.parametrize("suffix", [".mp4", ".flv"])
def test_any_rate_to_25_by_nearest_frame(tmp_path, fps, suffix):
    path, count = tmp_path / f"clip{suffix}", round(2.4 * fps)
    media.write_video(path, (numbered(i) for i in range(count)), fps=fps)
    shown = [number(frame) for frame in media.read_frames(path)]
    assert len(shown) == int(count / fps * 25 + 0.5)
    off = np.abs(np.array(shown) / fps - np.arange(len(shown)) / 25)
    inside = np.arange(len(shown)) / 25 <= (count - 1) / fps
    assert off[inside].max() <= 0.5 / fps + 0.001
    assert shown == sorted(shown) and count - 1 - shown[-1] <= fps / 50
    if fps == 25:
        assert shown == list(range(count))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".flv"])
@pytest.mark.parametrize("b_frames", ["0", "2"])
def test_variable_rate_follows_its_time_stamps(tmp_path, suffix, b_frames):
    rng = np.random.default_rng(3)
    times = np.concatenate([[0], np.cumsum(rng.integers(8, 130, 60))])
    path = tmp_path / f"clip{suffix}"
    write_at(path, [int(t) + 500 for t in times], bf=b_frames)
    assert media.probe(path).variable_rate
    shown = np.array([number(frame) for frame in media.read_frames(path)])
    grid = np.arange(len(shown)) * 40
    nearest = np.abs(grid[:, None] - times[None]).min(1)
    # where containers count in other units than milliseconds a tie may fall to the other side
    assert np.all(np.abs(times[shown] - grid) <= nearest + 1)
    native = list(media.read_timed_frames(path))
    assert [number(frame) for _, frame in native] == list(range(61))
    assert np.abs(np.array([t for t, _ in native]) * 1000 - times).max() <= 1
    assert sum(1 for _ in media.read_frames(path, fps=None)) == 61


def test_max_frames_and_repeats_are_independent_arrays(tmp_path):
    path = tmp_path / "slow.mp4"
    media.write_video(path, [numbered(i) for i in range(10)], fps=5)
    assert [number(f) for f in media.read_frames(path, max_frames=4)] == [0, 0, 0, 1]
    frames = list(media.read_frames(path))
    before = frames[1].copy()
    frames[0][:] = 7
    assert np.array_equal(frames[1], before)


def test_one_frame(tmp_path):
    path = tmp_path / "one.mp4"
    media.write_video(path, [numbered(5)])
    assert [number(frame) for frame in media.read_frames(path)] == [5]
    info = media.probe(path)
    assert (info.n_frames, info.duration_s, info.fps, info.variable_rate) == (1, 0.04, 25.0, False)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mpeg2video"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_frames_with_reordering(tmp_path, codec, suffix, count):
    """A decoder that puts B-frames in order gives the first picture only when it is told that no more comes."""
    path = tmp_path / f"few{suffix}"
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=25, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 16 * BITS, 32, "yuv420p"
        for index in range(count):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(index), format="rgb24")))
        output.mux(stream.encode(None))
    assert [number(frame) for frame in media.read_frames(path)] == list(range(count))
    info = media.probe(path)
    assert (info.n_frames, info.width, info.duration_s) == (count, 16 * BITS, pytest.approx(count / 25, abs=0.001))


def test_generators_are_lazy(tmp_path):
    path = tmp_path / "clip.mp4"
    media.write_video(path, moving(30, 64))
    frames = media.read_frames(path)
    next(frames)
    frames.close()
    with pytest.raises(RejectedInput):
        next(media.read_frames(tmp_path / "none.mp4"))


def test_four_k(tmp_path):
    path = tmp_path / "big.mp4"
    frame = np.zeros((2160, 3840, 3), np.uint8)
    frame[500:1500, 1000:3000] = (200, 120, 40)
    media.write_video(path, (np.roll(frame, 8 * i, axis=1) for i in range(20)), preset="ultrafast", crf=28)
    info = media.probe(path)
    assert (info.width, info.height, info.n_frames) == (3840, 2160, 20)
    frames = media.read_frames(path)
    assert next(frames).shape == (2160, 3840, 3)
    assert 1 + sum(1 for _ in frames) == 20


# ---------------------------------------------------------------- orientation


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
def test_display_matrix_is_applied(tmp_path, turn, mirror):
    rng = np.random.default_rng(1)
    picture = np.kron(rng.integers(0, 256, (2, 4, 1)), np.ones((32, 32, 3))).astype(np.uint8)  # 64 x 128
    stored = np.ascontiguousarray(np.rot90(picture[:, ::-1] if mirror else picture, turn // 90))
    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"crf": "4"})
        stream.height, stream.width = stored.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.set_display_rotation(-turn, hflip=mirror)
        for _ in range(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(stored, format="rgb24")))
        output.mux(stream.encode(None))
    frame = next(media.read_frames(path))
    info = media.probe(path)
    assert frame.shape == picture.shape == (info.height, info.width, 3)
    assert psnr(frame, picture) > 25
    if not mirror:
        assert info.rotation == turn
    if turn:
        assert media.stream_sha256(path) != media.stream_sha256(_muxed_upright(path, tmp_path))


def _muxed_upright(path: Path, folder: Path) -> Path:
    """The same packets in a container without the matrix."""
    out = folder / "upright.flv"
    with av.open(str(path)) as source, av.open(str(out), "w") as output:
        stream = source.streams.video[0]
        copy = output.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                output.mux(packet)
    return out


def test_replacing_the_sound_keeps_the_rotation(tmp_path):
    path, out = tmp_path / "turned.mp4", tmp_path / "sound.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        stream.set_display_rotation(-90)
        for _ in range(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 64, 3), np.uint8), format="rgb24")))
        output.mux(stream.encode(None))
    media.mux_audio(path, tone(0.12), 16_000, out)
    assert media.probe(out).rotation == 90
    assert media.stream_sha256(out) == media.stream_sha256(path)


# ---------------------------------------------------------------- sound


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("suffix", [".wav", ".m4a"])
def test_any_sound_to_16_khz_mono_keeps_its_level(tmp_path, rate, channels, suffix):
    path = tmp_path / f"sound{suffix}"
    media.write_audio(path, tone(1.0, rate), rate, channels)
    samples = media.read_audio(path)
    assert samples.dtype == np.float32 and samples.ndim == 1
    assert abs(len(samples) - 16_000) <= (1 if suffix == ".wav" else 2)
    middle, expected = samples[2000:14_000], tone(1.0)[2000:14_000]
    assert abs(20 * np.log10(np.std(middle) / np.std(expected))) < 0.1
    assert np.abs(middle - expected).max() < (1e-3 if suffix == ".wav" else 0.1)
    info = media.probe(path)
    assert (info.has_video, info.audio_rate, info.audio_channels) == (False, rate, channels)
    assert info.audio_duration_s == pytest.approx(1.0, abs=1e-3)


def test_wav_is_exact_at_its_own_rate(tmp_path):
    samples = np.random.default_rng(0).integers(-32768, 32768, 5000).astype(np.float32) / 32768
    media.write_audio(tmp_path / "a.wav", samples, 16_000)
    assert np.array_equal(media.read_audio(tmp_path / "a.wav"), samples)
    media.write_audio(tmp_path / "a.wav", np.array([2.0, -2.0, 0.0]), 16_000)
    assert media.read_audio(tmp_path / "a.wav").tolist() == [32767 / 32768, -1.0, 0.0]


def test_channels_are_averaged(tmp_path):
    left = tone(0.5)
    media.write_audio(tmp_path / "a.wav", np.stack([left, np.zeros_like(left)], axis=1), 16_000, 2)
    assert np.abs(media.read_audio(tmp_path / "a.wav") - left / 2).max() < 1e-4


@pytest.mark.parametrize("seconds", [0.3, 1.0, 1.7])
def test_sound_keeps_its_own_length(tmp_path, seconds):
    path = tmp_path / "clip.mp4"
    media.write_video(path, moving(25, 64), audio=tone(seconds))
    assert len(media.read_audio(path)) == round(seconds * 16_000)
    assert len(list(media.read_frames(path))) == 25
    info = media.probe(path)
    assert info.audio_duration_s == pytest.approx(seconds, abs=1e-3) and info.duration_s == 1.0


def test_hole_in_the_sound_becomes_silence(tmp_path):
    path = tmp_path / "hole.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("pcm_s16le", rate=16_000)
        stream.codec_context.layout = "mono"
        for start in (0, 16_000):
            frame = av.AudioFrame.from_ndarray((tone(0.5)[None] * 32767).astype(np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, start, Fraction(1, 16_000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    samples = media.read_audio(path)
    assert len(samples) == 24_000
    assert not samples[8000:16_000].any()
    assert np.abs(samples[16_000:] - tone(0.5)).max() < 1e-3


# ---------------------------------------------------------------- hashes and copies


def test_hash_is_of_the_stream_not_of_the_file(tmp_path):
    frames = moving(20, 64)
    for name, sound in (("none", None), ("low", tone(0.8)), ("high", tone(0.8, hertz=900))):
        media.write_video(tmp_path / f"{name}.mp4", frames, audio=sound)
    picture = {media.stream_sha256(tmp_path / f"{name}.mp4") for name in ("none", "low", "high")}
    assert len(picture) == 1
    assert media.stream_sha256(tmp_path / "low.mp4", "audio") != media.stream_sha256(tmp_path / "high.mp4", "audio")
    media.mux_audio(tmp_path / "none.mp4", tone(0.8), 16_000, tmp_path / "muxed.mkv")
    assert media.stream_sha256(tmp_path / "muxed.mkv") in picture
    shutil.copy(tmp_path / "low.mp4", tmp_path / "renamed.bin")
    assert media.stream_sha256(tmp_path / "renamed.bin") in picture


def test_hash_changes_with_pixels_times_and_order(tmp_path):
    frames = moving(12, 64)
    seen = set()
    for name, pictures, fps in (("a", frames, 25), ("b", frames[::-1], 25), ("c", frames, 30), ("d", frames[:-1], 25)):
        media.write_video(tmp_path / f"{name}.mp4", pictures, fps=fps)
        seen.add(media.stream_sha256(tmp_path / f"{name}.mp4"))
    assert len(seen) == 4
    with pytest.raises(ValueError, match="kind"):
        media.stream_sha256(tmp_path / "a.mp4", "subtitles")


def test_replacing_the_sound_leaves_the_picture_untouched(tmp_path):
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    media.write_video(first, moving(30, 64), audio=tone(1.2))
    media.mux_audio(first, tone(1.2, hertz=1000), 16_000, second)
    assert all(np.array_equal(a, b) for a, b in zip(media.read_frames(first), media.read_frames(second), strict=True))
    heard = media.read_audio(second)
    spectrum = np.abs(np.fft.rfft(heard[1600:17_600]))
    assert int(spectrum.argmax()) == 1000
    media.mux_audio(second, tone(1.2), 16_000, second)  # onto itself
    assert media.stream_sha256(second) == media.stream_sha256(first)


# ---------------------------------------------------------------- wrong use


def test_wrong_frames_are_refused_and_leave_nothing(tmp_path):
    path = tmp_path / "clip.mp4"
    good = np.zeros((32, 32, 3), np.uint8)
    cases = {
        "at least one frame": [],
        "even width and height": [np.zeros((33, 32, 3), np.uint8)],
        "32x32 like the first": [good, np.zeros((32, 64, 3), np.uint8)],
        r"\(H, W, 3\) uint8": [good, good.astype(np.float32)],
        "got list": [good.tolist()],
    }
    for words, frames in cases.items():
        with pytest.raises(ValueError, match=words):
            media.write_video(path, iter(frames))
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="AAC knows"):
        media.write_video(path, [good], audio=tone(1), audio_rate=17_000)
    with pytest.raises(ValueError, match="float"):
        media.write_video(path, [good], audio=np.zeros(100, np.int16))
    with pytest.raises(ValueError, match="fps"):
        media.write_video(path, [good], fps=0)
    with pytest.raises(ValueError, match="preset: expected one of"):
        media.write_video(path, [good], preset="quick")
    with pytest.raises(ValueError, match="crf"):
        media.write_video(path, [good], crf=60)
    with pytest.raises(ValueError, match="name ending in"):
        media.write_video(tmp_path / "clip.gif", [good])
    with pytest.raises(ValueError, match=r"\.wav or \.m4a"):
        media.write_audio(tmp_path / "a.mp3", tone(1), 16_000)
    with pytest.raises(ValueError, match="N > 0"):
        media.write_audio(tmp_path / "a.wav", tone(0), 16_000)
    with pytest.raises(ValueError, match="finite"):
        media.write_audio(tmp_path / "a.wav", np.array([np.nan]), 16_000)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_source_leaves_the_old_file(tmp_path):
    path = tmp_path / "clip.mp4"
    media.write_video(path, moving(3, 64))
    before = path.read_bytes()

    def broken():
        yield from moving(10, 64)
        raise RuntimeError("the model failed")

    with pytest.raises(RuntimeError, match="the model failed"):
        media.write_video(path, broken())
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_codec_the_container_cannot_hold(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        output.mux(stream.encode(None))
    with pytest.raises(ValueError, match=r"cannot hold the ffv1 stream"):
        media.mux_audio(tmp_path / "a.mkv", tone(0.1), 16_000, tmp_path / "b.flv")
    assert not (tmp_path / "b.flv").exists() and not (tmp_path / "b.flv.tmp").exists()


# ---------------------------------------------------------------- bad input


READERS = (media.probe, media.read_frames, media.read_timed_frames, media.read_audio, media.stream_sha256)


@pytest.mark.parametrize("read", READERS)
def test_what_is_no_media_file(tmp_path, read):
    empty, text, noise = tmp_path / "empty.mp4", tmp_path / "text.mp4", tmp_path / "noise.flv"
    empty.touch()
    text.write_text("#EXTM3U\n#EXTINF:1,\n/etc/hostname\n")
    noise.write_bytes(np.random.default_rng(0).bytes(20_000))
    assert reason(read, empty) == Reason.EMPTY_FILE
    assert reason(read, text) == Reason.UNREADABLE
    assert reason(read, noise) == Reason.UNREADABLE
    assert reason(read, tmp_path) == Reason.UNREADABLE
    os.mkfifo(tmp_path / "pipe.mp4")
    assert reason(read, tmp_path / "pipe.mp4") == Reason.UNREADABLE
    assert reason(read, tmp_path / "not-there.mp4") == Reason.MISSING_FILE
    (tmp_path / "link.mp4").symlink_to(tmp_path / "nowhere")
    assert reason(read, tmp_path / "link.mp4") == Reason.UNREADABLE


def test_git_lfs_pointer_is_named(tmp_path):
    path = tmp_path / "clip.flv"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 265922\n")
    with pytest.raises(RejectedInput, match="git lfs pull"):
        media.probe(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    path = tmp_path / "clip.mp4"
    media.write_video(path, moving(2, 64))
    path.chmod(0)
    assert reason(media.probe, path) == Reason.UNREADABLE


def test_no_permission_as_the_system_reports_it(tmp_path, monkeypatch):
    path = tmp_path / "clip.mp4"
    media.write_video(path, moving(2, 64))

    def refused(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    assert reason(media.probe, path) == Reason.UNREADABLE


def test_missing_streams(tmp_path):
    picture, sound = tmp_path / "picture.mp4", tmp_path / "sound.m4a"
    media.write_video(picture, moving(5, 64))
    media.write_audio(sound, tone(0.5), 16_000)
    assert reason(media.read_audio, picture) == Reason.NO_AUDIO
    assert reason(media.stream_sha256, picture, "audio") == Reason.NO_AUDIO
    assert reason(media.read_frames, sound) == Reason.NO_VIDEO
    assert reason(media.stream_sha256, sound, "video") == Reason.NO_VIDEO
    assert not media.probe(picture).has_audio and media.probe(picture).audio_duration_s is None
    assert not media.probe(sound).has_video and media.probe(sound).n_frames is None


def _moov_last(path: Path) -> None:
    """Write the file again with its index at the end."""
    copy = path.with_name("copy.mp4")
    with av.open(str(path)) as source, av.open(str(copy), "w") as output:
        streams = {s.index: output.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                output.mux(packet)
    copy.replace(path)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["index first", "index last", ".flv", ".mkv", ".avi", ".wav"])
def test_truncated(tmp_path, kind, share):
    path = tmp_path / ("clip.mp4" if kind.startswith("index") else f"clip{kind}")
    if kind == ".wav":
        media.write_audio(path, tone(4), 16_000)
    else:
        media.write_video(path, moving(100, 64), audio=tone(4))
    if kind == "index last":
        _moov_last(path)
    whole = path.read_bytes()
    if kind.startswith("index"):
        assert (whole.index(b"moov") < whole.index(b"mdat")) == (kind == "index first")
    media.probe(path)
    path.write_bytes(whole[: int(share * len(whole))])
    for read in READERS[:4]:
        if not (kind == ".wav" and read in (media.read_frames, media.read_timed_frames)):
            assert reason(read, path) == Reason.TRUNCATED


def test_a_file_filled_up_with_zeros_is_truncated(tmp_path):
    path = tmp_path / "clip.mp4"
    media.write_video(path, moving(100, 64), audio=tone(4))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    assert reason(media.read_frames, path) == Reason.TRUNCATED


def test_one_damaged_packet_is_forgiven(tmp_path):
    path = tmp_path / "clip.mp4"
    media.write_video(path, [numbered(i) for i in range(50)])
    with av.open(str(path)) as container:
        place = next(p for i, p in enumerate(container.demux(video=0)) if i == 20)
        at, size = place.pos, place.size
    data = bytearray(path.read_bytes())
    data[at : at + size] = b"\xff" * size
    path.write_bytes(data)
    assert len(list(media.read_frames(path))) == 50


def test_time_stamps_that_leap_are_refused(tmp_path):
    write_at(tmp_path / "leap.mkv", [0, 40, 80, 200_000])
    assert reason(media.read_frames, tmp_path / "leap.mkv") == Reason.UNREADABLE


def test_too_many_channels_are_refused(tmp_path):
    path = tmp_path / "ten.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((10, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(10 * 2 * 1600))
    assert reason(media.read_audio, path) == Reason.UNREADABLE


def test_damaged_files_are_read_or_refused_but_nothing_else(tmp_path):
    """Random bytes changed, random ends cut off: a value or RejectedInput; never a crash, another error or a hang."""
    code = """
import sys
from pathlib import Path
import numpy as np
from bench.contract.errors import RejectedInput
from bench.data import media
folder, rng, outcomes = Path(sys.argv[1]), np.random.default_rng(0), set()
frames = [np.full((32, 32, 3), 8 * i, np.uint8) for i in range(25)]
for suffix in (".mp4", ".flv", ".mkv", ".avi"):
    good = folder / f"good{suffix}"
    media.write_video(good, frames, audio=rng.normal(0, 0.1, 16000))
    for _ in range(25):
        data = bytearray(good.read_bytes())
        for _ in range(rng.integers(1, 30)):
            data[rng.integers(len(data) if rng.random() < 0.5 else 600)] = rng.integers(256)
        path = folder / f"bad{suffix}"
        path.write_bytes(data if rng.random() < 0.7 else data[: rng.integers(1, len(data))])
        for read in (media.probe, lambda p: sum(1 for _ in media.read_frames(p)), media.read_audio, media.stream_sha256):
            try:
                read(path)
                outcomes.add("read")
            except RejectedInput as error:
                outcomes.add(error.reason)
print(len(outcomes))
"""
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) >= 3


def test_content_decides_not_the_name(tmp_path):
    media.write_video(tmp_path / "clip.mp4", moving(10, 64), audio=tone(0.4))
    shutil.copy(tmp_path / "clip.mp4", tmp_path / "clip.flv")
    assert len(list(media.read_frames(tmp_path / "clip.flv"))) == 10
    assert "mp4" in media.probe(tmp_path / "clip.flv").container


def test_names_that_look_like_addresses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("concat:a.mp4", "a%03d.mp4", "http:b.mp4", "spaced name.mp4"):
        media.write_video(name, moving(2, 64))
        assert media.probe(name).n_frames == 2


# ---------------------------------------------------------------- memory


def test_memory_is_flat_in_clip_length(tmp_path):
    code = """
import resource, sys, numpy as np
from bench.data import media
seconds, folder = int(sys.argv[1]), sys.argv[2]
rng = np.random.default_rng(0)
base = rng.integers(0, 256, (300, 300, 3), np.uint8)
frames = (np.ascontiguousarray(base[i % 40:i % 40 + 256, i % 30:i % 30 + 256]) for i in range(25 * seconds))
path = f"{folder}/{seconds}.mp4"
media.write_video(path, frames, preset="ultrafast", crf=30, audio=np.zeros(16000 * seconds, np.float32))
for fps in (25, 50):
    assert sum(1 for _ in media.read_frames(path, fps=fps)) == fps * seconds
media.read_audio(path), media.probe(path), media.stream_sha256(path)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    used = {}
    for seconds in (5, 30):
        run = subprocess.run(
            [sys.executable, "-c", code, str(seconds), str(tmp_path)], capture_output=True, text=True, check=True
        )
        used[seconds] = int(run.stdout) / 1024
    # 25 s more sound is 1.6 MB as float32; 625 frames would be 123 MB
    assert used[30] - used[5] < 15


def test_sampled_reading_counts_every_frame_and_gives_the_pictures_of_plain_reading(tmp_path):
    rng = np.random.default_rng(3)
    frames = [rng.integers(0, 255, (64, 64, 3), np.uint8) for _ in range(11)]
    media.write_video(tmp_path / "v.mp4", iter(frames), fps=25, crf=18)
    plain = list(media.read_frames(tmp_path / "v.mp4"))
    sampled = list(media.read_sampled(tmp_path / "v.mp4", 25, 4))
    assert len(sampled) == len(plain)
    assert [k for k, picture in enumerate(sampled) if picture is not None] == [0, 4, 8]
    for k in (0, 4, 8):
        np.testing.assert_array_equal(sampled[k], plain[k])
