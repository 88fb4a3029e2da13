"""What is kept of some scored clips beside a result, for reports: the scored video, the real one, and their cue traces."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.contract.media_policy import shareable
from bench.contract.result import Result
from bench.data.store import Selected
from bench.framing import Framing
from bench.plan import Plan
from bench.scoring import generated_cues
from bench.traces import traces_of

KEPT = 24
"""Clips kept of each result: all of a small selection, else the showcase, the worst, and others spread over the ids."""


def kept_clips(rows: Sequence[Selected], result: Result) -> list[str]:
    """Ids of the clips to keep, sorted. All but the worst ones depend on the scored clips alone: rows share them."""
    ids = [row.clip.clip_id for row in rows]
    if len(ids) <= KEPT:
        return sorted(ids)
    worst = [d.worst[0].clip_id for d in result.distributions if d.worst]
    kept = list(dict.fromkeys([*result.showcase, *worst]))
    rest = [clip_id for clip_id in sorted(ids) if clip_id not in result.showcase]
    places = KEPT - len(result.showcase)
    spread = [rest[(2 * k + 1) * len(rest) // (2 * places)] for k in range(places)]
    # every other one first: what the worst clips displace is spread as well
    spread = [*spread[::2], *spread[1::2]]
    kept += [clip_id for clip_id in spread if clip_id not in kept]
    return sorted(kept[:KEPT])


def keep(
    items: Sequence[dict[str, Any]],
    rows: Sequence[Selected],
    result: Result,
    videos: Path,
    cache: Path,
    plan: Plan,
    framing: Framing,
    folder: Path,
) -> None:
    """Write folder/samples, folder/real and folder/traces for `kept_clips`, videos as far as the media policy allows.

    "none": traces alone, for they are numbers; "generated": also the row's videos, unless it is a control (real footage
    or made of it); "all": also the real videos of the showcase. Only clips with an output of their own are kept.
    """
    policy, method = result.dataset.media_policy, result.method
    of_row = shareable(policy, method.kind, method.name, result.name)
    clips = {row.clip.clip_id: row.clip for row in rows}
    by_id = {item["clip_id"]: item for item in items}
    for clip_id in kept_clips(rows, result):
        item, clip = by_id[clip_id], clips[clip_id]
        if item["status"] not in ("ok", "cues"):
            continue
        traces_of(clip, generated_cues(clip, videos, cache, plan, framing)).save(folder / "traces" / f"{clip_id}.json")
        if of_row and item["sample"]:
            _copy(Path(item["sample"]), folder / "samples" / f"{clip_id}.mp4")
        if policy == "all" and method.name != "gt" and clip_id in result.showcase:
            _copy_real(clip, folder / "real" / f"{clip_id}.mp4")


def _copy_real(clip, target: Path) -> None:
    """The real clip with its sound; the store keeps the two apart."""
    from bench.contract.clip import AUDIO_RATE
    from bench.data import media
    from bench.requests import audio_of

    target.parent.mkdir(parents=True, exist_ok=True)
    media.mux_audio(clip.video, audio_of(clip), AUDIO_RATE, target)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
