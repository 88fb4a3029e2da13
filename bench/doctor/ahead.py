"""The work ahead for one part of a dataset: what has still to be rendered, prepared and scored, and what it will cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.contract.clip import Part, SourceClip
from bench.data.manifests import Manifest
from bench.doctor.dataset import Reading
from bench.doctor.forecast import (
    Cost,
    Step,
    documented_prepare,
    documented_stage,
    known_rates,
    prepare_cost,
    stage_cost,
    step,
)
from bench.doctor.sources import Sources, sample
from bench.workspace import Workspace

EMBEDDED = {"mead": (256, 256, 25.0), "cremad": (480, 360, 30_000 / 1001)}
"""Layout -> width, height and frames per second of what the suite renders in it."""
SCORED_PARTS = (Part.TEST, Part.VALIDATION)
"""Parts on which anything is scored; the others are for learning."""
UNKNOWN = Sources(frames=75, width=1920, height=1080, fps=30.0, sampled=0, failed=0)
"""Of videos whose headers cannot be read: three seconds at MEAD's size."""


def steps(
    label: str,
    manifest: Manifest,
    part: Part,
    reading: Reading | None,
    space: Workspace,
    *,
    embedded: tuple[str, str] | None,
    jobs: int = 2,
    limit: int | None = None,
    measure: bool = False,
) -> tuple[list[Step], str]:
    """Rendering (embedded dataset only), preparing, scoring the controls: what is left of each; and where lengths come from.

    `reading` is what lies on the disk, None if nothing does yet. `embedded`: profile and layout of a dataset that the suite
    renders itself. `measure`: a few clips are prepared now even if earlier
    runs left a rate; without one that is done anyway.
    """
    here = _clips_of(reading, manifest, part)
    scored, needed = _needed(here, limit)
    rendering: list[Step] = []
    known = known_rates(space)
    if embedded:
        from bench.data.puppet.dataset import plan

        profile, layout = embedded
        planned = plan(profile, (part,), layout, limit)
        length = sum(clip.frames for clip in planned) / max(1, len(planned))
        sources = Sources(length, *EMBEDDED[layout], 0, 0, bool(manifest.card.get("frames_only")))
        rendered = {clip.clip_id for clip in here}
        unmade = [clip for clip in planned if clip.clip_id not in rendered]
        render = stage_cost("render", known, label) or documented_stage("render", label)
        heads = len({clip.speaker for clip in unmade})
        rendering = [step("render", len(unmade), sum(clip.frames for clip in unmade), render, jobs, heads)]
        needed_ids = needed
        if unmade:
            scored = {clip.clip_id for clip in [c for c in planned if c.scored][:limit]}
            needed_ids = {clip.clip_id for clip in planned}
    else:
        sources = sample([clip for clip in here if clip.clip_id in needed]) or UNKNOWN
        needed_ids = needed
    to_prepare = len(needed_ids - prepared_ids(space.store(label)))
    prepare = _prepare_cost(here, sources, space, measure)
    rows = _control_rows()
    to_score = len(scored) * len(rows) - _scored_already(rows, scored, label, space)
    score = stage_cost("rows", known, label) or documented_stage("rows")
    work = [*rendering, step("prepare", to_prepare, to_prepare * sources.frames, prepare, jobs)]
    if part in SCORED_PARTS and not manifest.card.get("frames_only"):
        work.append(step("controls", to_score, to_score * sources.frames, score, jobs))
    return work, _lengths(sources, bool(embedded), bool(here))


def _lengths(sources: Sources, embedded: bool, any_here: bool) -> str:
    """Where the number of frames is from, in words; empty if nothing is known and nothing was asked."""
    if embedded:
        return f"{sources.frames:.0f} frames on average, as planned"
    if not sources.sampled:
        return "no header could be read: 3 s at 1920x1080 are assumed" if any_here else ""
    rate = f"{sources.fps:.4g} fps" + (", above 25.5: cues are extracted twice" if sources.native else "")
    return (
        f"{sources.frames:.0f} frames at 25 fps on average, {sources.width}x{sources.height}, {rate}; from the headers of "
        f"{sources.sampled} clips" + (f", {sources.failed} could not be read" if sources.failed else "")
    )


def prepared_ids(store: Path) -> set[str]:
    """The clips that are finished in a store."""
    folder = store / "clips"
    if not folder.is_dir():
        return set()
    return {path.name for path in folder.glob("[!.]*") if (path / "record.json").is_file()}


def _clips_of(reading: Reading | None, manifest: Manifest, part: Part) -> list[SourceClip]:
    """The clips on the disk that the manifest puts into the part, with `part` and `scored` set."""
    from dataclasses import replace

    found = []
    for clip in reading.clips if reading else ():
        entry = manifest.entry(clip)
        if entry is not None and entry.part == part:
            found.append(replace(clip, part=entry.part, scored=entry.scored))
    return found


def _needed(clips: Sequence[SourceClip], limit: int | None) -> tuple[set[str], set[str]]:
    """The ids of the clips that are scored, and of those to be prepared for them: partners and references too."""
    from bench.data import partners

    scored = sorted(clip for clip in clips if clip.scored)[:limit]
    if len(scored) == len(clips):  # all of them: no partner can be outside
        return {clip.clip_id for clip in scored}, {clip.clip_id for clip in clips}
    return {clip.clip_id for clip in scored}, partners.needed_clips(scored, clips)


def _prepare_cost(clips: Sequence[SourceClip], sources: Sources, space: Workspace, measure: bool) -> Cost:
    known = None if measure else prepare_cost(known_rates(space), sources)
    if known is None and clips:
        from bench.doctor.measure import measure_prepare

        known = measure_prepare(clips, space)
    return known or prepare_cost(known_rates(space), sources) or documented_prepare(sources)


def _control_rows() -> list[str]:
    from baselines.registry import expand, find_method

    return [find_method(name).label for name in expand("controls")]


def _scored_already(rows: Sequence[str], scored: set[str], label: str, space: Workspace) -> int:
    """Outputs of the controls for these clips that are there; their scores are taken to be there, too."""
    folders = (space.generated(row, label) / "items" for row in rows)
    return sum(len(scored & {path.stem for path in folder.glob("[!.]*.json")}) for folder in folders)
