"""The contact sheet of the embedded dataset: every speaker of a part in every emotion, rendered anew at 512 px.

`python -m bench.data.puppet.contact_sheet --out DIR [--profile quick] [--part test]` writes DIR/sheet.json and its pictures.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from pathlib import Path

import numpy as np

from bench.contract.clip import EMOTIONS, Part
from bench.contract.errors import EmotalkError
from bench.contract.files import whole_file
from bench.contract.sheet import TILE_NAME, Sheet, Tile

SIZE = 512
QUALITY = 88
"""WebP quality: 10 to 20 kB a picture, no block edges to be seen at full size."""
TAKE = 1
MOST_SPEAKERS = 24
OPEN = 0.1
"""Blink below which the eyes are open enough for a portrait."""
SOURCE = (
    f"rendered anew from the parameters of the clips: take {TAKE} of MEAD's layout, level 3 (neutral: 1), at the frame of "
    "strongest expression (neutral: weakest) with open eyes"
)


def write_sheet(
    folder: Path, profile: str, part: str = "test", jobs: int = 2, size: int = SIZE, dataset: str = "puppet"
) -> Sheet:
    """Write folder/sheet.json and one WebP picture per speaker (the first 24 of the part) and emotion beside it.

    `dataset`: puppet, or puppet-cremad for that layout's names of the same speakers and its six emotions.
    Pictures are named by what they were made from; those that are there are not made again, and a run that was killed
    goes on. Pictures of other code or data are removed. UsageError for an unknown profile; ValueError for an unknown part.
    """
    from bench.data.puppet.splits import find_profile, speakers
    from bench.data.puppet.version import PUPPET_VERSION
    from bench.progress import in_parallel

    code = code_sha256()
    if (ready := _ready(folder, dataset, profile, part, size, code)) is not None:
        return ready
    names = speakers(find_profile(profile), Part(part))[:MOST_SPEAKERS]
    folder.mkdir(parents=True, exist_ok=True)
    tiles = [t for made in in_parallel(_speaker, [(folder, n, profile, size, code) for n in names], jobs, len(names),
                                       "contact sheet") for t in made]  # fmt: skip
    order = {name: k for k, name in enumerate(names)}
    sheet = Sheet(
        dataset=dataset,
        profile=profile,
        part=part,
        data_version=str(PUPPET_VERSION),
        media_policy="all",
        size=size,
        source=SOURCE,
        code_sha256=code,
        tiles=sorted(
            _named(tiles, dataset), key=lambda t: (order[t.file.partition("_")[0]], EMOTIONS.index(t.emotion))
        ),
    )
    sheet.save(folder / "sheet.json")
    used = {t.file for t in tiles}
    for path in folder.iterdir():
        if TILE_NAME.match(path.name) and path.name not in used:
            path.unlink()
    return sheet


def _ready(folder: Path, dataset: str, profile: str, part: str, size: int, code: str) -> Sheet | None:
    """The sheet that is there, if it is whole and of this code; None otherwise."""
    try:
        sheet = Sheet.load(folder / "sheet.json")
    except (OSError, ValueError):  # pydantic's ValidationError is a ValueError
        return None
    wanted = (dataset, profile, part, size, code)
    whole = all((folder / tile.file).is_file() for tile in sheet.tiles)
    return (
        sheet if whole and (sheet.dataset, sheet.profile, sheet.part, sheet.size, sheet.code_sha256) == wanted else None
    )


def _named(tiles: list[Tile], dataset: str) -> list[Tile]:
    """The tiles that a layout has, under its names of speakers."""
    if dataset == "puppet":
        return tiles
    from bench.data.puppet import splits_cremad

    return [
        tile.model_copy(update={"speaker": splits_cremad.actor(tile.speaker)})
        for tile in tiles
        if tile.emotion in splits_cremad.EMOTIONS
    ]


def code_sha256() -> str:
    """SHA-256 over the sources of the embedded dataset: other code may draw another face."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _speaker(folder: Path, name: str, profile: str, size: int, code: str) -> list[Tile]:
    """The pictures of one speaker; the head is built only if one of them is missing."""
    return [_tile(folder, name, emotion, profile, size, code) for emotion in EMOTIONS]


def _tile(folder: Path, name: str, emotion: str, profile: str, size: int, code: str) -> Tile:
    from bench.data.puppet.performance import Speaker, perform
    from bench.data.puppet.splits import clip_name, find_profile

    level = 1 if emotion == "neutral" else 3
    settings, speaker = find_profile(profile), Speaker.of(name)
    take = perform(speaker, emotion, level, TAKE, settings.frames, settings.short)
    frame = apex(take.actions, emotion == "neutral")
    clip_id = clip_name(name, emotion, level, TAKE)
    made_from = f"{code} {clip_id} {settings.frames} {settings.short} {frame} {size} {QUALITY}"
    file = f"{clip_id}-{hashlib.sha256(made_from.encode()).hexdigest()[:12]}.webp"
    if not (folder / file).is_file():
        _write(folder / file, _render(speaker, take, frame, size))
    return Tile(speaker=name, emotion=emotion, level=level, clip_id=clip_id, frame=frame, file=file)


def apex(actions: np.ndarray, weakest: bool = False) -> int:
    """The frame of strongest (or weakest) expression among those with open eyes: actions (T, A) in 0..1 -> 0..T-1.

    Strength is the sum of the action units that speech and lids do not use.
    """
    from bench.data.puppet.actions import ACTIONS
    from bench.data.puppet.performance import MOUTH_SHAPES

    shown = [i for i, action in enumerate(ACTIONS) if action not in MOUTH_SHAPES]
    strength = actions[:, shown].sum(1)
    blink = actions[:, ACTIONS.index("blink")]
    awake = blink <= max(OPEN, float(blink.min()))
    ranked = np.where(awake, -strength if weakest else strength, -np.inf)
    return int(ranked.argmax())


def _render(speaker, take, frame: int, size: int) -> np.ndarray:
    from bench.data.puppet import truth
    from bench.data.puppet.render import Performance, renderer_of

    only = slice(frame, frame + 1)
    shown = Performance(take.actions[only], take.gaze[only], take.pose[only], take.position[only])
    return next(renderer_of(speaker.seed, truth.RENDERER_SEX[speaker.sex], size).frames(shown))


def _write(path: Path, picture: np.ndarray) -> None:
    import cv2

    done, data = cv2.imencode(".webp", picture[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    if not done:
        raise OSError(f"{path}: OpenCV could not encode the picture as WebP")
    with whole_file(path) as temporary:
        temporary.write_bytes(data.tobytes())


def main(arguments: list[str] | None = None) -> None:
    """`python -m bench.data.puppet.contact_sheet --out DIR`."""
    parser = argparse.ArgumentParser(prog="python -m bench.data.puppet.contact_sheet", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--part", default="test", choices=[part.value for part in Part])
    parser.add_argument("--jobs", type=int, default=2)
    flags = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        sheet = write_sheet(flags.out, flags.profile, flags.part, flags.jobs)
    except EmotalkError as error:
        sys.exit(f"{parser.prog}: {error}")
    size = sum((flags.out / tile.file).stat().st_size for tile in sheet.tiles)
    print(
        f"{len(sheet.tiles)} pictures of {sheet.size} px, {size / 1e6:.1f} MB, {time.monotonic() - started:.1f} s: {flags.out}",
        file=sys.stderr,
    )


if __name__ == "__main__":
    from bench.data.puppet import contact_sheet  # under its own name: worker processes cannot import from __main__

    contact_sheet.main()
