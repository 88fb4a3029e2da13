"""What the mirror is told of a folder of videos: that it was made, and what it was scored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.contract.errors import NothingDoneError
from bench.tracking.mirror import Mirror

if TYPE_CHECKING:
    from bench.data.store import Selection
    from bench.evaluate import Evaluated
    from bench.generate import Generated


def tell_generated(mirror: Mirror, made: Generated, selection: Selection) -> None:
    """Mirror what was generated."""
    mirror.generated(
        made.folder,
        selection.path,
        [item["clip_id"] for item in made.items],
        made=made.made,
        reused=made.reused,
        frames=made.frames,
        seconds=made.seconds,
    )


def tell_evaluated(
    mirror: Mirror,
    title: str,
    done: Sequence[Evaluated],
    empty: Sequence[NothingDoneError],
    videos: Path,
    selection: Selection,
    clip_ids: Sequence[str],
) -> None:
    """Mirror the rows of one folder of videos, one for each protocol; the first was begun, under `title`, before it was made."""
    for number, one in enumerate(done):
        if number:
            mirror.begin("evaluate", title)
        mirror.evaluated(one.folder, videos, selection.path, clip_ids)
    for error in empty:
        mirror.begin("evaluate", title)
        mirror.failed(str(error))
