"""What lies in a folder of videos that is to be scored: whose it is, what belongs to no clip, what its records say."""

from __future__ import annotations

from pathlib import Path

from bench.contract.errors import NothingDoneError, Reason, UsageError
from bench.data.store import Selected, Selection
from bench.generate import Card, item_key, read_card, read_item
from bench.row_record import count_of_clips


def row_name(videos: Path) -> str:
    """The name of a folder's row if none is given: the method that made it, else the folder's own name."""
    card = read_card(videos) if videos.is_dir() else None
    return card.method if card else videos.resolve().name


def check_names(videos: Path, rows: list[Selected], selection: Selection, card: Card | None) -> list[str]:
    """A note on files that belong to no scored clip; NothingDoneError if none does and the folder is not ours."""
    known = {row["clip_id"] for row in selection.document["clips"]}
    files = sorted(p.name for p in videos.glob("*.mp4"))
    strangers = [
        name for name in files if (s := name.removesuffix(".mp4")) not in known and not (card and read_item(videos, s))
    ]
    wanted = {row.clip.clip_id for row in rows}
    document = selection.document
    if card and (card.dataset, card.profile) != (document["dataset"], document["profile"]):
        made = " ".join(filter(None, (card.dataset, card.profile)))
        raise UsageError(f"{videos} was made for {made}; give the same --dataset and --profile")
    if card and card.data_version != document["data_version"]:
        raise UsageError(
            f"{videos} was made for version {card.data_version or 'unknown'} of the embedded dataset, the store holds version "
            f"{document['data_version']}: results of the two cannot be compared; run `emotalk generate` again"
        )
    if card and not any(read_item(videos, clip_id) or f"{clip_id}.mp4" in files for clip_id in wanted):
        raise NothingDoneError(
            f"{videos}: nothing was generated for these clips; run `emotalk generate` with the same flags"
        )
    if card is None and not any(name.removesuffix(".mp4") in wanted for name in files):
        found = f"found {', '.join(files[:3])}{' ...' if len(files) > 3 else ''}" if files else "found no mp4 file"
        raise NothingDoneError(f"{videos}: expected files named <clip_id>.mp4, as {rows[0].clip.clip_id}.mp4; {found}")
    return (
        [f"{count_of_clips(len(strangers))} in the folder match no scored clip, as {strangers[0]}"] if strangers else []
    )


def verdict_on(videos: Path, row: Selected, card: Card | None) -> tuple[str, str, str] | None:
    """What the record beside a generated video says of it, if it keeps the video from being scored."""
    item = read_item(videos, row.clip.clip_id) if card else None
    if item is None:
        return None
    if item["key"] != item_key(card, row):
        stale = "made for another seed, version, manifest or clip than this; run `emotalk generate` again"
        return "missing", str(Reason.MISSING_OUTPUT), stale
    if item["status"] == "n/a":
        return "n/a", item["reason"], item["detail"]
    if item["status"] == "failed":
        return "failed", item["reason"], item["detail"]
    return None
