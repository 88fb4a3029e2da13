"""Which sample clips may stand in a report, their copies beside it, and their first pictures."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contract.files import whole_file
from bench.contract.media_policy import shareable, strictest
from reports.load import Loaded
from reports.table import Row, Table

OURS = re.compile(r"\d+-\d\d-[a-z0-9-]+\.[A-Za-z0-9_-]{1,80}\.mp4")


@dataclass(frozen=True)
class Film:
    """A copied clip: its address relative to the page, its first picture as a data address, its size in pixels."""

    address: str
    poster: str
    width: int
    height: int


def policies(results: Sequence[Loaded]) -> dict[str, str]:
    """Dataset name -> media policy: the strictest that any of the results declares."""
    found: dict[str, str] = {}
    for loaded in results:
        d = loaded.result.dataset
        found[d.name] = strictest((found.get(d.name, "all"), d.media_policy))
    return found


def may_show(row: Row, policy: str) -> bool:
    """Whether clips of this row may be copied."""
    result = row.loaded.result
    return shareable(policy, result.method.kind, result.method.name, result.name)


def is_truth(row: Row) -> bool:
    """Whether the row is the real video itself."""
    return row.role == "ceiling" and row.loaded.result.method.name == "gt"


class MediaFolder:
    """Copies films into out/media; `finish` removes the films of an earlier report that this one does not show."""

    def __init__(self, out: Path):
        self.folder = out / "media"
        self.kept: set[str] = set()

    def add(self, table: int, row: int, label: str, clip_id: str, source: Path, poster: int = 256) -> Film | str:
        """The copied film, or the sentence that says why it cannot be shown; `poster`: largest side of its first picture."""
        try:
            width, height, picture = first_picture(source, poster)
        except Exception as error:  # PyAV raises many kinds on a broken file; none of them may stop a report
            return f"The kept clip cannot be read ({type(error).__name__})."
        slug = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:40] or "row"
        name = f"{table}-{row:02d}-{slug}.{clip_id}.mp4"
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole_file(self.folder / name) as temporary:
            shutil.copyfile(source, temporary)
        self.kept.add(name)
        return Film(f"media/{name}", picture, width, height)

    def finish(self) -> None:
        """Removes films of an earlier report: files of this class's own naming only."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if OURS.fullmatch(path.name) and path.name not in self.kept:
                path.unlink()
        if not any(self.folder.iterdir()):
            self.folder.rmdir()


def first_picture(path: Path, largest: int) -> tuple[int, int, str]:
    """(width, height, WebP as a data address, its larger side at most `largest` px) of the first frame.

    Raises where the film cannot be decoded.
    """
    import av
    import cv2

    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        picture = frame.to_ndarray(format="bgr24")
    shrink = largest / max(frame.width, frame.height)
    if shrink < 1:
        picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 78])
    if not done:
        raise ValueError("the first frame cannot be written as WebP")
    return frame.width, frame.height, data_address(data.tobytes(), "webp")


def data_address(data: bytes, kind: str) -> str:
    """A picture's bytes as an address that needs no file."""
    return f"data:image/{kind};base64," + base64.b64encode(data).decode()


def clip_ids(table: Table, policy: str) -> list[str]:
    """Clips of which at least one film may be shown, in order of name."""
    real = {c for row in table.rows for c in row.loaded.real} if policy == "all" else set()
    return sorted({c for row in table.rows if may_show(row, policy) for c in row.loaded.samples} | real)
