"""All figures of the extractor-error page, from rendering to numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.contract.cues import Cues
from bench.extractor_error import floors, gaze, landmarks, lids, pose
from bench.extractor_error.conditions import AS_RENDERED, CONDITIONS, GENERATED, STORE, Condition
from bench.extractor_error.figures import SHARE, Figure, Table, over_people
from bench.extractor_error.readings import Reading, read
from bench.extractor_error.scenes import clip_of, stills_of

PEOPLE, FRAMES = 24, 100


@dataclass(frozen=True)
class Report:
    """Figures by topic; tables by condition are keyed with the condition's name.

    `widths` are `gaze.bin_widths` per condition; `edges` the recommended bin edges in degrees, by "centred" or "as
    estimated" and axis. `counts` are people, frames (of clips), stills (pictures), true blinks.
    """

    conditions: tuple[str, ...]
    counts: dict[str, int]
    speakers: tuple[str, ...]
    identities: tuple[str, ...]
    found: dict[str, Figure]
    found_stills: Figure
    used: dict[str, Figure]
    landmarks: dict[str, Table]
    pose_lines: Table
    pose: dict[str, Table]
    expression: Table
    turns: Table
    gaze_lines: Table
    gaze: dict[str, Table]
    openness: Table
    lip_gap: Table
    blinks: Table
    blinks_relative: Table
    widths: dict[str, dict[str, dict[str, float]]]
    edges: dict[str, dict[str, list[float]]]
    floors: Table
    cpu_seconds: float

    @property
    def bin_condition(self) -> str:
        """The condition that the recommended bins are made for: generated videos' codec, or as rendered without it."""
        return GENERATED.name if GENERATED.name in self.conditions else AS_RENDERED


def gather(
    people: int,
    frames: int,
    conditions: Iterable[Condition],
    extract: Callable[[Iterable[np.ndarray]], Cues],
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[list[Reading], list[Reading]]:
    """Clips and stills of `people` persons each, rendered and read: clips in all conditions, stills as rendered."""
    clips, stills = [], []
    conditions = tuple(conditions)
    for number in range(people):
        clips.append(read(clip_of(number, frames), conditions, extract))
        stills.append(read(stills_of(number), [Condition("none", 0)], extract))
        progress(f"{number + 1} of {people}: {clips[-1].person}, {stills[-1].person}")
    return clips, stills


def measure(
    people: int = PEOPLE,
    frames: int = FRAMES,
    conditions: Sequence[Condition] = CONDITIONS,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Render, extract and compare; `conditions` must hold "as rendered" and the store's codec.

    ValueError for conditions without these two. Raises WeightsError if face_landmarker is not there.
    """
    from bench.weights import resolve
    from metrics.extractors.face import FaceExtractor

    names = tuple(condition.name for condition in conditions)
    if missing := {AS_RENDERED, STORE.name} - set(names):
        raise ValueError(f"conditions: expected {AS_RENDERED} and {STORE.name} among them, missing {sorted(missing)}")
    start = time.process_time()
    extract = FaceExtractor({"face_landmarker": resolve("face_landmarker")})
    clips, stills = gather(people, frames, conditions, extract, progress)
    return summarise(clips, stills, names, lambda: time.process_time() - start)


def summarise(
    clips: Sequence[Reading], stills: Sequence[Reading], conditions: tuple[str, ...], cpu_seconds: Callable[[], float]
) -> Report:
    """The report on clips and stills that were read already."""
    by_gaze = {name: gaze.gaze_errors(clips, name) for name in conditions}
    widths = {name: gaze.bin_widths(by_gaze[name]) for name in conditions}
    chosen = GENERATED.name if GENERATED.name in conditions else AS_RENDERED
    edges = {
        how: {
            axis: gaze.bin_edges(widths[chosen][axis][how], gaze.reach(clips, chosen, column, how == "centred"))
            for column, axis in enumerate(gaze.AXES)
        }
        for how in ("centred", "as estimated")
    }
    return Report(
        conditions=conditions,
        counts={
            "people": len(clips),
            "frames": sum(len(clip.truth.blink) for clip in clips),
            "stills": sum(len(still.truth.blink) for still in stills),
            "blinks": int(lids.blink_counts(clips, AS_RENDERED)[:, 0].sum()),
        },
        speakers=tuple(clip.person for clip in clips),
        identities=tuple(still.person for still in stills),
        found={name: over_people([clip.cues[name].valid.mean() for clip in clips], SHARE) for name in conditions},
        found_stills=over_people([still.cues[AS_RENDERED].valid.mean() for still in stills], SHARE),
        used={name: gaze.share_used(clips, name) for name in conditions},
        landmarks={name: landmarks.landmark_errors(clips, name) for name in conditions},
        pose_lines=pose.pose_lines(stills, AS_RENDERED),
        pose={name: pose.pose_errors(clips, name) for name in conditions},
        expression=pose.expression_shifts(stills, AS_RENDERED),
        turns=pose.gaze_under_turns(stills, AS_RENDERED),
        gaze_lines=gaze.gaze_lines(stills, AS_RENDERED),
        gaze=by_gaze,
        openness={name: lids.openness_figures(clips, name) for name in conditions},
        lip_gap={name: lids.lip_gap_figures(clips, name) for name in conditions},
        blinks={name: lids.blink_figures(clips, name) for name in conditions},
        blinks_relative={name: lids.blink_figures(clips, name, relative=True) for name in conditions},
        widths=widths,
        edges=edges,
        floors=floors.floor_table(clips, conditions),
        cpu_seconds=cpu_seconds(),
    )
