"""Speech of the embedded talking heads: espeak-ng from the wheel `espeakng-loader`, one fresh process per utterance.

The engine seeds its noise by the clock and carries the state of its generators from one utterance to the next, so that the
bytes of an utterance depend on when it is said and what was said before. A process of its own and a fixed seed make them a
function of the input alone. The child runs this file by itself and imports the standard library and the wheel only.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LANGUAGE = "en-us"
VOICE_NAME = "puppet"
TIMEOUT = 120.0
LOUDNESS_RMS = 0.05
ENGINE_VOLUME = 50
DATA_FILES = ("en_dict", "intonations", "phondata", "phonindex", "phontab", "lang")
PAUSES = ("_", "_:", "_!", "_|", "")


@dataclass(frozen=True)
class Phoneme:
    """One spoken sound: espeak-ng mnemonic without stress marks, start and end in seconds of the utterance's samples.

    stress is 0 none, 1 secondary, 2 primary, and stands on vowels only; a pause is `_`.
    """

    code: str
    start: float
    end: float
    stress: int = 0

    @property
    def pause(self) -> bool:
        return self.code in PAUSES


@dataclass(frozen=True)
class Utterance:
    """What was said: samples (N,) float32 in -1..1 at `rate` Hz, and the phonemes in order, without gaps."""

    samples: np.ndarray
    rate: int
    phonemes: tuple[Phoneme, ...]

    @property
    def seconds(self) -> float:
        """End of the last sound that is not a pause."""
        return max((p.end for p in self.phonemes if not p.pause), default=0.0)


@dataclass(frozen=True)
class Voice:
    """A speaker's voice as espeak-ng knows one: pitch base and top in Hz, words per minute, formant shifts in percent.

    formants are nine frequency percentages (F0 to F8); flutter, roughness and breath are the engine's own scales (0-7 for
    roughness, 0-10 used here for flutter, 0-6 for breath).
    """

    pitch: float
    top: float
    words_per_minute: float
    formants: tuple[int, ...]
    widths: tuple[int, ...]
    flutter: int
    roughness: int
    breath: int
    consonants: int

    @classmethod
    def from_seed(cls, seed: int, sex: str) -> Voice:
        """A voice drawn from `seed`; sex is "M" or "W" (vocal tract length and pitch as of men or of women)."""
        import numpy as np

        rng = np.random.default_rng([seed, 0x5EECE])
        woman = sex == "W"
        pitch = rng.uniform(150, 205) if woman else rng.uniform(78, 118)
        tract = rng.uniform(108, 120) if woman else rng.uniform(92, 104)
        formants = tuple(round(tract + rng.normal(0, 2.5)) for _ in range(9))
        widths = tuple(round(rng.uniform(130, 165) if woman else rng.uniform(92, 120)) for _ in range(9))
        return cls(
            pitch=round(pitch, 1),
            top=round(pitch * rng.uniform(1.35, 1.5), 1),
            words_per_minute=round(rng.uniform(172, 200), 1),
            formants=formants,
            widths=widths,
            flutter=int(rng.integers(1, 7)),
            roughness=int(rng.integers(0, 4)),
            breath=int(rng.integers(1, 4)) if woman else int(rng.integers(0, 2)),
            consonants=int(rng.integers(90, 120)),
        )


@dataclass(frozen=True)
class Delivery:
    """How a sentence is said, relative to the speaker's own voice.

    semitones shifts the pitch, range_factor scales its range, rate_factor the speed, gain_db the loudness; breath and
    roughness add to the voice's own.
    """

    semitones: float = 0.0
    range_factor: float = 1.0
    rate_factor: float = 1.0
    gain_db: float = 0.0
    breath: float = 0.0
    roughness: float = 0.0


def voice_file(voice: Voice, delivery: Delivery) -> str:
    """The text of an espeak-ng voice variant file for this voice said in this way."""
    shift = 2.0 ** (delivery.semitones / 12.0)
    middle = (voice.pitch + voice.top) / 2.0 * shift
    half = (voice.top - voice.pitch) / 2.0 * shift * delivery.range_factor
    low, high = max(55.0, middle - half), min(430.0, middle + half)
    breath = round(min(6, max(0, voice.breath + delivery.breath)))
    lines = [
        "language variant",
        f"name {VOICE_NAME}",
        f"pitch {low:.0f} {high:.0f}",
        f"flutter {voice.flutter}",
        f"roughness {round(min(7, max(0, voice.roughness + delivery.roughness)))}",
        f"consonants {voice.consonants} {voice.consonants}",
        *(f"formant {i} {f} 100 {w}" for i, (f, w) in enumerate(zip(voice.formants, voice.widths, strict=True))),
    ]
    if breath:
        lines.append("breath 0 " + " ".join([str(breath)] * 7))
    return "\n".join(lines) + "\n"


def speak(text: str, voice: Voice, delivery: Delivery | None = None) -> Utterance:
    """Say `text`; the same arguments give the same bytes, whatever else was said.

    Returns an `Utterance` at the engine's native 22,050 Hz, delivery gain applied. Raises RuntimeError with the engine's
    own message if the process fails.
    """
    import numpy as np

    delivery = delivery or Delivery()
    job = {
        "text": text,
        "voice": voice_file(voice, delivery),
        "words_per_minute": round(min(420, max(80, voice.words_per_minute * delivery.rate_factor))),
    }
    # -I: the child sees neither the caller's folder nor its environment, so this folder's file names shadow nothing.
    child = subprocess.run(
        [sys.executable, "-I", str(Path(__file__).resolve())],
        input=json.dumps(job).encode(),
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    if child.returncode != 0:
        raise RuntimeError(f"espeak-ng failed on {text!r}: {child.stderr.decode(errors='replace').strip()[-2000:]}")
    head, _, body = child.stdout.partition(b"\n")
    record = json.loads(head)
    rate = record["rate"]
    samples = _level(np.frombuffer(body, "<i2").astype(np.float64) / 32768.0, delivery.gain_db)
    events = record["phonemes"]
    ends = [start for start, _ in events[1:]] + [len(samples)]
    phonemes = tuple(
        _phoneme(code, start / rate, max(start, end) / rate) for (start, code), end in zip(events, ends, strict=True)
    )
    return Utterance(samples, rate, phonemes)


def _level(samples: np.ndarray, gain_db: float) -> np.ndarray:
    """Scale to LOUDNESS_RMS plus gain_db (voices differ in loudness by 6 dB), and no further than a peak of 0.95."""
    import numpy as np

    rms, peak = float(np.sqrt(np.mean(samples**2))), float(np.abs(samples).max())
    gain = LOUDNESS_RMS / max(rms, 1e-9) * 10 ** (gain_db / 20.0)
    return (samples * min(gain, 0.95 / max(peak, 1e-9))).astype(np.float32)


def _phoneme(code: str, start: float, end: float) -> Phoneme:
    stress = 2 if code.startswith("'") else 1 if code.startswith(",") else 0
    code = code.lstrip("',%=")
    return Phoneme("_" if code in PAUSES else code, start, end, stress)


# ---- the child process -------------------------------------------------------------------------------------------


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """espeak_EVENT of espeak-ng's speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_TERMINATED, _PHONEME = 0, 7
_OUTPUT_SYNCHRONOUS = 2
_PHONEME_EVENTS, _DONT_EXIT = 0x0001, 0x8000
_RATE, _VOLUME = 1, 2
_UTF8 = 1


def _synthesize(text: str, voice: str, words_per_minute: int, data: str) -> tuple[int, bytes, list[tuple[int, str]]]:
    """(sample rate, int16 little-endian bytes, [(sample, mnemonic)]) of one utterance; `data` is the engine's data folder."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, data.encode(), _PHONEME_EVENTS | _DONT_EXIT)
    if rate <= 0:
        raise SystemExit(f"espeak_Initialize returned {rate} for the data folder {data}")
    library.espeak_ng_SetRandSeed(
        ctypes.c_long(1)
    )  # initialisation seeds the noise of breath and fricatives by the clock
    chunks: list[bytes] = []
    events: list[tuple[int, str]] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
    def collect(samples, count, event):
        if samples and count > 0:
            chunks.append(ctypes.string_at(samples, count * 2))
        i = 0
        while event[i].type != _TERMINATED:
            if event[i].type == _PHONEME:
                events.append((event[i].sample, bytes(event[i].id.string).decode("utf-8", "replace").strip()))
            i += 1
        return 0

    library.espeak_SetSynthCallback(collect)
    if code := library.espeak_SetVoiceByName(f"{LANGUAGE}+{voice}".encode()):
        raise SystemExit(f"espeak_SetVoiceByName({LANGUAGE}+{voice}) returned {code}")
    library.espeak_SetParameter(_RATE, words_per_minute, 0)
    library.espeak_SetParameter(_VOLUME, ENGINE_VOLUME, 0)  # at the default of 100 wide-formant voices clip
    encoded = text.encode() + b"\0"
    if code := library.espeak_Synth(encoded, len(encoded), 0, 1, 0, _UTF8, None, None):
        raise SystemExit(f"espeak_Synth returned {code}")
    library.espeak_Synchronize()
    return rate, b"".join(chunks), events


def _child() -> None:
    """Read one job (JSON) from stdin, write one line of JSON and the samples to stdout."""
    import espeakng_loader

    job = json.loads(sys.stdin.buffer.read())
    source = Path(espeakng_loader.get_data_path())
    # The engine reads voice files from its data folder only, and cuts paths longer than 160 characters: a temporary folder of
    # links with the speaker's own voice file, named relative to itself, serves both.
    with tempfile.TemporaryDirectory(prefix="voice-") as folder:
        data = Path(folder) / "espeak-ng-data"
        (data / "voices" / "!v").mkdir(parents=True)
        for name in DATA_FILES:
            (data / name).symlink_to(source / name)
        (data / "voices" / "!v" / VOICE_NAME).write_text(job["voice"], encoding="ascii")
        with contextlib.chdir(folder):
            rate, samples, events = _synthesize(job["text"], VOICE_NAME, job["words_per_minute"], data.name)
    sys.stdout.buffer.write(json.dumps({"rate": rate, "phonemes": events}).encode() + b"\n" + samples)


if __name__ == "__main__":
    _child()
