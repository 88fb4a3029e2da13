"""The contact sheet in the page: one picture per speaker and emotion, embedded at full size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contract.clip import EMOTIONS
from bench.contract.sheet import Sheet
from reports.media import data_address
from reports.table import Table
from reports.words import plural, printable

KINDS = {".webp": "webp", ".jpg": "jpeg", ".png": "png"}
LARGEST = 4_000_000
"""Bytes of pictures in a page at most; a larger sheet is cut after the last whole speaker, and the page says so."""


@dataclass(frozen=True)
class Picture:
    """One tile: its address, and what it shows in words."""

    address: str
    caption: str


@dataclass(frozen=True)
class ContactSheet:
    """Emotions over the columns, a speaker per line with a picture or None in each; `size` px wide and high."""

    emotions: list[str]
    speakers: list[tuple[str, list[Picture | None]]]
    size: int
    source: str
    left_out: int
    """Speakers that the sheet has and the page has not."""

    @property
    def words(self) -> str:
        return f"{plural(len(self.speakers), 'speaker')} in {plural(len(self.emotions), 'emotion')}"


def sheet_of(table: Table, policy: str, sheets: Sequence[tuple[Sheet, Path]]) -> tuple[Sheet, Path] | None:
    """The sheet of the table's dataset, part and version, if there is one and the media policy is "all"."""
    d = table.results[0].dataset
    wanted = (d.name, d.profile, d.part, d.data_version)
    found = next(
        (one for one in sheets if (one[0].dataset, one[0].profile, one[0].part, one[0].data_version) == wanted), None
    )
    return found if found is not None and policy == found[0].media_policy == "all" else None


def contact_sheet(sheet: Sheet, folder: Path, in_page: int = 1) -> ContactSheet:
    """A sheet with the pictures of `folder` embedded, as many speakers as its share of the page holds; `in_page`: sheets there."""
    emotions = [e for e in EMOTIONS if any(t.emotion == e for t in sheet.tiles)]
    names = list(dict.fromkeys(t.speaker for t in sheet.tiles))
    speakers, size = [], 0
    for name in names:
        tiles = {t.emotion: t for t in sheet.tiles if t.speaker == name}
        data = {e: (folder / t.file).read_bytes() for e, t in tiles.items()}
        size += sum(map(len, data.values()))
        if size > LARGEST // in_page and speakers:
            break
        pictures = [_picture(tiles[e], data[e]) if e in tiles else None for e in emotions]
        speakers.append((printable(name), pictures))
    return ContactSheet(emotions, speakers, sheet.size, printable(sheet.source), len(names) - len(speakers))


def _picture(tile, data: bytes) -> Picture:
    level = f", level {tile.level}" if tile.level else ""
    caption = f"speaker {tile.speaker}, {tile.emotion}{level}"
    return Picture(data_address(data, KINDS[Path(tile.file).suffix]), printable(caption))
