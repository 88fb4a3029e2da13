"""`build`: writes a report folder with table.md, table.csv, table.tex, report.html and the films it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contract.files import whole_file
from reports.latex import latex
from reports.load import load, load_sheets
from reports.media import MediaFolder
from reports.page import page
from reports.table import tables
from reports.text import csv_table, markdown


@dataclass(frozen=True)
class Summary:
    """What was written: the files, and how many tables, rows, values, empty cells and films they hold."""

    out: Path
    files: tuple[Path, ...]
    headings: tuple[str, ...]
    n_rows: int
    n_values: int
    n_empty: int
    n_films: int
    page_bytes: int = 0
    """Size of report.html, the clips beside it left out."""


def build(results: Sequence[Path], out: Path, sheets: Sequence[Path] = ()) -> Summary:
    """Write out/table.{md,csv,tex}, out/report.html and out/media/*.mp4 from result folders or result.json files.

    `sheets`: folders of contact sheets; each is shown with the results of its dataset, part and version, if the media
    policy allows. Same results, same bytes. Films of an earlier report in `out` that this one does not show are removed.
    Raises UsageError, before anything is written, for a path that is no result and for a file that is not what it should be.
    """
    loaded = load(results)
    made = tables(loaded)
    pictures = load_sheets(sheets)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    media = MediaFolder(out)
    texts = {
        "table.md": markdown(made),
        "table.csv": csv_table(made),
        "table.tex": latex(made),
        "report.html": page(loaded, made, media, pictures),
    }
    for name, text in texts.items():
        with whole_file(out / name) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")
    media.finish()
    cells = [cell for table in made for line in table.cells for cell in line]
    return Summary(
        out=out,
        files=tuple(out / name for name in texts) + tuple(out / "media" / name for name in sorted(media.kept)),
        headings=tuple(table.heading for table in made),
        n_rows=sum(len(table.rows) for table in made),
        n_values=sum(cell.value is not None for cell in cells),
        n_empty=sum(cell.value is None for cell in cells),
        n_films=len(media.kept),
        page_bytes=len(texts["report.html"].encode()),
    )
