"""Every kind of bad input as one small tree in MEAD's layout, and what `prepare` must say about each.

`python tests/support/bad_inputs.py` makes the tree, prepares it and prints the page docs/bad-input.md.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import av
import cv2
import numpy as np

from bench.data import media

RATE = 16_000
SPEAKER = "M900"


@dataclass(frozen=True)
class Case:
    """One bad input: what is wrong, the file written for it, and the reason expected (None: it is accepted)."""

    what: str
    take: str
    write: Callable[[Path, Material], None]
    reason: str | None
    file: str = ""

    @property
    def name(self) -> str:
        return self.file or f"{self.take}.mp4"

    @property
    def clip_id(self) -> str:
        return f"{SPEAKER}_front_happy_1_{self.take}"


@dataclass(frozen=True)
class Material:
    """A good clip to spoil: frames (T, 256, 256, 3) uint8 and its sound at 16 kHz."""

    frames: np.ndarray
    audio: np.ndarray

    @classmethod
    def of(cls, video: Path) -> Material:
        return cls(np.stack(list(islice(media.read_frames(video), 30))), media.read_audio(video)[: 30 * RATE // 25])

    def write(self, path: Path, frames=None, fps: int = 25, audio: np.ndarray | None = None, crf: int = 18) -> None:
        frames = self.frames if frames is None else frames
        sound = np.resize(self.audio, len(frames) * RATE // fps) if audio is None else audio
        media.write_video(path, iter(frames), fps=fps, crf=crf, audio=sound, audio_rate=RATE)


def good(path: Path, m: Material) -> None:
    m.write(path)


def empty(path: Path, m: Material) -> None:
    path.touch()


def truncated(path: Path, m: Material) -> None:
    m.write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def no_sound(path: Path, m: Material) -> None:
    media.write_video(path, iter(m.frames), fps=25, crf=18)


def no_picture(path: Path, m: Material) -> None:
    sound = path.with_suffix(".m4a")
    media.write_audio(sound, m.audio, RATE)
    sound.replace(path)


def short_sound(path: Path, m: Material) -> None:
    m.write(path, audio=m.audio[: len(m.audio) // 2])


def silent(path: Path, m: Material) -> None:
    m.write(path, audio=np.zeros_like(m.audio))


def twelve_fps(path: Path, m: Material) -> None:
    m.write(path, m.frames[::2], fps=12)


def sixty_fps(path: Path, m: Material) -> None:
    m.write(path, np.repeat(m.frames, 2, axis=0), fps=60)


def variable_rate(path: Path, m: Material) -> None:
    """Frames at irregular times: every third one is shown three times as long."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=Fraction(50))
        video.width = video.height = 256
        video.pix_fmt, video.time_base = "yuv420p", Fraction(1, 1000)
        video.codec_context.time_base = Fraction(1, 1000)
        time = 0
        for index, picture in enumerate(m.frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            time += 60 if index % 3 == 0 else 20
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    picture_only = path.with_name("picture-only.mp4")
    path.replace(picture_only)
    media.mux_audio(picture_only, np.resize(m.audio, time * RATE // 1000), RATE, path)
    picture_only.unlink()


def one_frame(path: Path, m: Material) -> None:
    m.write(path, m.frames[:1])


def half_minute(path: Path, m: Material) -> None:
    there_and_back = np.concatenate([m.frames, m.frames[-2:0:-1]])
    frames = islice(cycle(there_and_back), 750)
    sound = np.resize(m.audio, 30 * RATE)
    media.write_video(path, frames, fps=25, crf=18, audio=sound, audio_rate=RATE)


def no_face(path: Path, m: Material) -> None:
    rng = np.random.default_rng(0)
    blobs = [cv2.GaussianBlur(rng.integers(0, 255, (256, 256, 3), np.uint8), (0, 0), 9) for _ in range(20)]
    m.write(path, np.stack(blobs))


def half_out(path: Path, m: Material) -> None:
    moved = np.full_like(m.frames, 127)
    moved[:, :, :146] = m.frames[:, :, 110:]
    m.write(path, moved)


def two_faces(path: Path, m: Material) -> None:
    m.write(path, np.concatenate([m.frames, m.frames[:, :, ::-1]], axis=2))


def rotated(path: Path, m: Material) -> None:
    """Stored lying on its side, with the track matrix that players turn upright by."""
    m.write(path, np.rot90(m.frames, 1, axes=(1, 2)))
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 4 + 20 + 8 + 8  # version 0: times, ids, duration, reserved, layer..volume
    one = 1 << 16
    data[at : at + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 256 * one, 0, 1 << 30)
    path.write_bytes(data)


def four_k(path: Path, m: Material) -> None:
    big = []
    for frame in m.frames[:20]:
        canvas = np.full((2160, 3840, 3), 90, np.uint8)
        canvas[:, 840:3000] = cv2.resize(frame, (2160, 2160), interpolation=cv2.INTER_CUBIC)
        big.append(canvas)
    m.write(path, big, crf=28)


def not_media(path: Path, m: Material) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 265922\n")


def a_folder(path: Path, m: Material) -> None:
    path.mkdir()


def dangling(path: Path, m: Material) -> None:
    path.symlink_to(path.with_name("nowhere.bin"))


def leaving_link(path: Path, m: Material) -> None:
    outside = path.parents[5].parent / "outside.mp4"
    m.write(outside)
    path.symlink_to(outside)


CASES = (
    Case("a good clip", "001", good, None),
    Case("empty file", "002", empty, "empty-file"),
    Case("mp4 cut in the middle", "003", truncated, "truncated"),
    Case("video without sound", "004", no_sound, "no-audio"),
    Case("sound without video", "005", no_picture, "no-video"),
    Case("sound half as long as the video", "006", short_sound, "audio-shorter-than-video"),
    Case("silence", "007", silent, "silent"),
    Case("12 frames per second", "008", twelve_fps, "frame-rate-too-low"),
    Case("60 frames per second", "009", sixty_fps, None),
    Case("variable frame rate", "010", variable_rate, None),
    Case("one frame", "011", one_frame, "too-short"),
    Case("30 seconds", "012", half_minute, None),
    Case("no face", "013", no_face, "no-face"),
    Case("face half out of the picture", "014", half_out, "face-out-of-frame"),
    Case("two faces", "015", two_faces, "two-faces"),
    Case("rotation in the metadata", "016", rotated, None),
    Case("4K, 20 frames", "017", four_k, None),
    Case("another container's extension", "018", good, "wrong-extension", "018.mov"),
    Case("a text file named .mp4 (a Git LFS pointer)", "019", not_media, "unreadable"),
    Case("a folder named .mp4", "020", a_folder, "missing-file"),
    Case("a link to nothing", "021", dangling, "missing-file"),
    Case("a link that leaves the dataset", "022", leaving_link, "outside-root"),
    Case("the same clip twice", "023", good, None),
    Case("a take that is in the manifest and not on disk", "024", lambda path, m: None, "missing-file"),
)
STRAY = "final_take (2).mp4"
OUTSIDE = "../../../etc/passwd"


def write_tree(root: Path, source: Path) -> Path:
    """Write all cases under `root` from the good clip `source`; returns the manifest csv that names them."""
    material = Material.of(source)
    folder = root / SPEAKER / "video" / "front" / "happy" / "level_1"
    folder.mkdir(parents=True)
    for case in CASES:
        case.write(folder / case.name, material)
    shutil.copyfile(folder / "023.mp4", folder / "023.MP4")
    shutil.copyfile(folder / "001.mp4", folder / STRAY)
    manifest = root.parent / "bad.csv"
    rows = [f"{case.clip_id},test,1" for case in CASES] + [f"{OUTSIDE},test,1"]
    manifest.write_text("clip_id,part,scored\n" + "\n".join(rows) + "\n")
    return manifest


def outcomes(prepared) -> Iterator[tuple[str, str, str]]:
    """(case, reason or accepted, what prepare says) for every case."""
    said = {}
    for row in prepared.rejected:
        said.setdefault(row["clip_id"], row)
    for case in CASES:
        row = said.get(case.clip_id)
        if row and not (case.reason is None and row["reason"] == "duplicate"):
            yield case.what, row["reason"], row["detail"]
        else:
            yield case.what, "accepted", ""


OUTPUTS = {
    # take -> what is wrong with the generated video, frames cut off its end (None: no file), size, reason expected
    "001": ("nothing", 0, 256, None),
    "009": ("3 frames shorter", 3, 256, None),
    "012": ("40 frames shorter", 40, 256, "length_mismatch"),
    "016": ("other size", 0, 128, "wrong-size"),
    "017": ("missing", None, 256, "missing-output"),
    "010": ("empty file", -1, 256, "empty-file"),
}


def write_outputs(folder: Path, selection) -> None:
    """Write one "generated" video per kind of bad output from the real clips of the prepared tree."""
    folder.mkdir()
    for row in selection.scored:
        take = row.clip.clip_id[-3:]
        if take not in OUTPUTS:
            continue
        _, cut, size, _ = OUTPUTS[take]
        path = folder / f"{row.clip.clip_id}.mp4"
        if cut == -1:
            path.touch()
        elif cut is not None:
            frames = islice(media.read_frames(row.clip.video), row.clip.n_frames - cut)
            step = 256 // size
            media.write_video(path, (f[::step, ::step] for f in frames), fps=25, crf=18)


def main() -> None:
    import tempfile

    from bench.data.puppet.dataset import write_tree as write_puppet
    from bench.data.store import Store
    from bench.evaluate import evaluate
    from bench.prepare import prepare
    from bench.workspace import Workspace

    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        write_puppet(base / "puppet", "smoke", parts=("test",))
        source = next((base / "puppet").rglob("*.mp4"))
        os.makedirs(base / "tree")
        manifest = write_tree(base / "tree", source)
        done = prepare(
            "mead",
            root=base / "tree",
            profile=None,
            manifest=str(manifest),
            part="test",
            space=Workspace(base / "work"),
        )
        selection = Store(done.store).selection(done.manifest, "test")
        write_outputs(base / "outputs", selection)
        row = evaluate(
            selection,
            base / "outputs",
            protocol_name="emotalk-light",
            missing="exclude",
            out=base / "result",
            cache=base / "cache",
        ).result
    print("# What each bad input prints\n")
    print(
        "Written by `python tests/support/bad_inputs.py`; `tests/bench/test_bad_input.py` holds it to it. The tree is in MEAD's"
    )
    print("layout. The rest goes on: `emotalk prepare` exits with 0, with `--strict` with 4.\n")
    print("## Inputs\n\n| input | outcome | said |\n|---|---|---|")
    for what, outcome, detail in outcomes(done):
        print(f"| {what} | {outcome} | {detail.replace(str(base), '...')} |")
    for item in done.rejected:
        if item["reason"] == "duplicate" or item["clip_id"] not in {c.clip_id for c in CASES}:
            print(f"| `{item['path']}` | {item['reason']} | {item['detail'].replace(str(base), '...')} |")
    print(
        f"\nFlags on accepted clips: {', '.join(f'{flag} ({count})' for flag, count in sorted(done.flags.items()))}.\n"
    )
    print("## Generated videos\n")
    print(
        "`emotalk evaluate --missing exclude`; with the default `--missing static` each of these counts as the still reference"
    )
    print("image where the speaker has one. Exit code 4.\n\n| output | outcome | said |\n|---|---|---|")
    problems = {p.clip_id[-3:]: p for p in row.problems}
    for take, (what, *_) in OUTPUTS.items():
        said = problems.get(take)
        print(f"| {what} | {f'{said.reason} | {said.detail}' if said else 'scored |'} |")
    print("\nNotes on the row: " + "; ".join(row.notes) + ".\n")
    print(
        "## Weights\n\nA weight file with another SHA-256 is refused with both hashes and the command that replaces it"
    )
    print("(`tests/bench/test_weights.py`); nothing is scored with it.")


if __name__ == "__main__":
    main()
