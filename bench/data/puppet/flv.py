"""Video files as CREMA-D distributes them: FLV, 480x360 at 29.97 frames/s with time stamps in ms, MP3 sound of 44.1 kHz.

Measured on six of the dataset's files: one key frame per clip, about 800 kbit/s of picture, 256 kbit/s of sound, picture and
sound on one time line, on which the MP3 encoder's delay puts the first picture at 25 to 27 ms. The dataset's picture is coded
in VP6, for which FFmpeg has no encoder: here it is FLV's other codec of the time, Sorenson's H.263.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

FPS = Fraction(30_000, 1001)
SIZE = (480, 360)
"""Width and height, px."""
SOUND_RATE = 44_100
SOUND_BITS = 256_000
PICTURE_BITS = 823_296
"""What the headers of the real files say."""
KEY_FRAMES = 600  # frames between two: one per clip


def frames_in(frames_at_25: int) -> int:
    """How many frames of FLV last as long as `frames_at_25` frames at 25 fps, so that reading at 25 fps gives these again."""
    return round(Fraction(frames_at_25, 25) * FPS)


def write_flv(path: Path, frames: Iterable[np.ndarray], sound: np.ndarray, picture_bits: float = PICTURE_BITS) -> int:
    """Write frames ((360, 480, 3) uint8 RGB) and sound ((N,) float in -1..1 at 44.1 kHz, sample 0 at the first frame).

    `picture_bits` per second are aimed at, and exceeded in the first second and where the picture needs more. Equal input
    gives equal bytes; the file appears under its name when it is complete. Returns the number of frames.
    """
    from av.audio.frame import AudioFrame
    from av.codec.context import Flags
    from av.video.frame import VideoFrame

    from bench.data.audio_write import atomic_output, to_pcm16

    with atomic_output(Path(path)) as output:
        picture = output.add_stream("flv", rate=FPS)
        picture.width, picture.height, picture.pix_fmt = *SIZE, "yuv420p"
        coder = picture.codec_context
        coder.time_base, coder.thread_count, coder.gop_size = 1 / FPS, 1, KEY_FRAMES
        coder.flags |= Flags.bitexact
        coder.bit_rate = round(picture_bits)
        voice = output.add_stream("libmp3lame", rate=SOUND_RATE)
        speech = voice.codec_context
        speech.layout, speech.format, speech.bit_rate = "mono", "s16p", SOUND_BITS
        speech.time_base, speech.thread_count = Fraction(1, SOUND_RATE), 1
        speech.flags |= Flags.bitexact
        packets, count = [], 0
        for count, frame in enumerate(frames, start=1):
            image = VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24").reformat(format="yuv420p")
            image.pts, image.time_base = count - 1, 1 / FPS
            packets += picture.encode(image)
        packets += picture.encode(None)
        for start in range(0, len(sound), 1152):  # one MP3 frame
            block = AudioFrame.from_ndarray(to_pcm16(sound[None, start : start + 1152]), format="s16p", layout="mono")
            block.sample_rate, block.time_base, block.pts = SOUND_RATE, Fraction(1, SOUND_RATE), start
            packets += voice.encode(block)
        packets += voice.encode(None)
        kept = [p for p in packets if p.dts is not None]
        for packet in sorted(kept, key=lambda p: (p.dts * p.time_base, p.stream.index)):
            output.mux(packet)
    return count
