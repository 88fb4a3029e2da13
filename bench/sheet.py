"""The contact sheet that belongs to a result's dataset: rendered for the embedded one, stored frames for others."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.atomic import alone_in
from bench.contract.clip import CROP_SIZE, EMOTIONS
from bench.contract.errors import EmotalkError
from bench.contract.files import whole_file
from bench.contract.result import DatasetRecord, Result
from bench.contract.sheet import Sheet, Tile
from bench.workspace import Workspace

MOST_SPEAKERS = 24
QUALITY = 88


def sheets_of(results: Sequence[Path], space: Workspace, jobs: int = 2) -> list[Path]:
    """Folders of the contact sheets for these result.json files, each once; one that cannot be made is said, not fatal."""
    found: dict[tuple, DatasetRecord] = {}
    for path in results:
        try:
            d = Result.load(path).dataset
        except (OSError, ValueError):  # the report itself says what is wrong with it
            continue
        found.setdefault((d.name, d.profile, d.part, d.data_version), d)
    folders = []
    for dataset in found.values():
        try:
            folder = sheet_of(dataset, space, jobs)
        except (EmotalkError, OSError) as error:
            print(f"no contact sheet of {dataset.name}: {error}", file=sys.stderr, flush=True)
            continue
        folders += [folder] if folder is not None else []
    return folders


def sheet_of(dataset: DatasetRecord, space: Workspace, jobs: int = 2) -> Path | None:
    """The folder of the dataset's contact sheet in the cache, made if need be; None where there may or can be none.

    Only under the media policy "all". Other datasets than the embedded one get frames of the clip store, so the store must
    be there. UsageError for another version of the embedded dataset than this: its speakers have other faces.
    """
    if dataset.media_policy != "all":
        return None
    from bench.data.datasets import is_embedded

    label = "-".join(filter(None, (dataset.name, dataset.profile, dataset.part)))
    folder = space.cache / "contact-sheets" / label
    with alone_in(folder):
        if is_embedded(dataset.name):
            return _rendered(folder, dataset, jobs)
        return _stored(folder, dataset, space)


def _rendered(folder: Path, dataset: DatasetRecord, jobs: int) -> Path:
    from bench.data.puppet.contact_sheet import write_sheet
    from bench.data.puppet.version import check_version

    check_version(dataset.data_version, "the result", "evaluate again for a contact sheet")
    write_sheet(folder, dataset.profile, dataset.part, jobs, dataset=dataset.name)
    return folder


def _stored(folder: Path, dataset: DatasetRecord, space: Workspace) -> Path | None:
    """One frame from the middle of a stored clip for each speaker and emotion, the strongest level there is."""
    from bench.data.store import Store

    store = Store(space.store(Workspace.label(dataset.name, dataset.profile)))
    try:
        clips = [row.clip for row in store.selection(dataset.manifest, dataset.part).scored]
    except EmotalkError:
        return None
    chosen = {}
    for clip in sorted(clips, key=lambda c: (-(c.level or 0), c.clip_id)):
        chosen.setdefault((clip.speaker, clip.emotion), clip)
    speakers = sorted({clip.speaker for clip in clips})[:MOST_SPEAKERS]
    tiles = [_stored_tile(folder, chosen[s, e]) for s in speakers for e in EMOTIONS if (s, e) in chosen]
    Sheet(
        dataset=dataset.name,
        profile=dataset.profile,
        part=dataset.part,
        data_version=dataset.data_version,
        media_policy=dataset.media_policy,
        size=CROP_SIZE,
        source="the middle frame of a prepared clip of each speaker and emotion, the strongest level there is",
        tiles=tiles,
    ).save(folder / "sheet.json")
    return folder


def _stored_tile(folder: Path, clip) -> Tile:
    from itertools import islice

    import cv2

    from bench.data import media

    frame = clip.n_frames // 2
    file = f"{clip.clip_id}-{clip.video_sha256[:12]}.webp"
    if not (folder / file).is_file():
        picture = next(islice(media.read_frames(clip.video), frame, None))
        _, data = cv2.imencode(".webp", picture[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
        with whole_file(folder / file) as temporary:
            temporary.write_bytes(data.tobytes())
    return Tile(
        speaker=clip.speaker, emotion=clip.emotion, level=clip.level, clip_id=clip.clip_id, frame=frame, file=file
    )
