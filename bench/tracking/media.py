"""What of a dataset's pictures and sound may be sent, and the small pictures that are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

TILE = 128
COLUMNS = 6
SHOWN = 6
"""Clips in a contact sheet."""
SUFFIXES = {".mp4", ".webm", ".png", ".jpg", ".jpeg", ".webp", ".gif", ".wav", ".m4a"}


def spread(items: Sequence[Any], count: int = SHOWN) -> list[Any]:
    """At most `count` items, evenly spaced from the first on."""
    return list(items) if len(items) <= count else [items[i * len(items) // count] for i in range(count)]


def contact_sheet(videos: Sequence[Path], target: Path) -> bool:
    """Write a PNG with one line of evenly spaced frames per video, 128 px each; False, and no file, if none can be read."""
    import cv2
    import numpy as np

    lines = [line for path in videos if (line := _line(path)) is not None]
    return bool(lines) and bool(cv2.imwrite(str(target), np.concatenate(lines)))


def picture_sheet(pictures: Sequence[Path], target: Path) -> bool:
    """Write a PNG with the pictures side by side, 128 px each, in lines of six; False, and no file, if none can be read."""
    import cv2
    import numpy as np

    tiles = [_tile(picture) for path in pictures if (picture := cv2.imread(str(path))) is not None]
    if not tiles:
        return False
    columns = min(COLUMNS, len(tiles))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    lines = [np.concatenate(tiles[i : i + columns], axis=1) for i in range(0, len(tiles), columns)]
    return bool(cv2.imwrite(str(target), np.concatenate(lines)))


def _line(path: Path) -> Any | None:
    import av
    import numpy as np

    try:
        with av.open(str(path)) as container:
            frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    except (OSError, ValueError, IndexError):  # av's errors are OSError or ValueError
        return None
    if not frames:
        return None
    chosen = [frames[(2 * i + 1) * len(frames) // (2 * COLUMNS)] for i in range(COLUMNS)]
    return np.concatenate([_tile(frame) for frame in chosen], axis=1)


def _tile(picture: Any) -> Any:
    import cv2

    return cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_AREA)
