"""The sections of the extractor-error page that show what was measured, one per cue."""

from __future__ import annotations

from bench.data.puppet.render import FRAME_CM
from bench.extractor_error import lids
from bench.extractor_error.conditions import AS_RENDERED, STORE
from bench.extractor_error.figures import Table
from bench.extractor_error.gaze import AXES as GAZE_AXES
from bench.extractor_error.gaze import EYES, KINDS
from bench.extractor_error.markdown import grid, percent, prose
from bench.extractor_error.pose import AXES as POSE_AXES
from bench.extractor_error.report import Report
from bench.extractor_error.scenes import GAZES, HEAD_UNDER_GAZE, PITCHES, POSES

LINE = {
    "slope": "slope",
    "offset": "offset",
    "residual": "SD about the line",
    "across": "SD of offsets across people",
    "r": "r",
    "r pooled": "r over all people",
}


def landmarks(report: Report) -> str:
    """Distances by part of the face, and in every condition."""
    kinds, few = ("distance", "constant", "varying"), ("all of the mesh", "lips", "irises")
    names = (AS_RENDERED, STORE.name)
    by_part = [
        (region, [report.landmarks[name][region][kind].text() for name in names for kind in kinds])
        for region in report.landmarks[AS_RENDERED]
    ]
    by_condition = [
        (name, [report.landmarks[name][region]["distance"].text() for region in few]) for name in report.conditions
    ]
    text = prose("""
        Distance: from the true point to the estimated one, in the picture. Constant: the part of the error that is the same
        in all frames of a person. Varying: the rest, root mean square. Points: 468 of the mesh, of which 40 of the lips, 32
        of the lid margins, 10 of the brows and 36 of the outline; and 10 of the irises. All frames of the clips.
    """)
    return "\n\n".join([
        "## Landmarks, px of the 256 x 256 picture",
        text,
        grid("part", [f"{name}: {kind}" for name in names for kind in kinds], by_part),
        "Distance in every condition:",
        grid("condition", few, by_condition),
    ])  # fmt: skip


def pose(report: Report) -> str:
    """Lines at set poses, errors in acted clips, shifts by expressions."""
    largest = max(abs(angle) for angles in POSES for angle in angles)
    columns = (*POSE_AXES, *(f"gaze {axis}" for axis in GAZE_AXES))
    clips = [
        (name, [report.pose[name][axis][c].text() for axis in POSE_AXES for c in ("within", "across")])
        for name in report.conditions
    ]
    text = prose(f"""
        Stills of a face at rest at set poses, up to {largest:g} degrees on each axis and on several at once; each person's
        line of estimate on truth. A slope of 1 and an offset of 0 are right.
    """)
    expressions = prose(f"""
        **What expressions do to it.** The head stays as it is (at pitch {", ".join(f"{p:g}" for p in PITCHES)}; the shifts
        are averaged), the expression is put on in full, and the estimate moves by this many degrees. "Jaw open" is the slope
        over five steps from closed to wide open; 10 px are {10 * FRAME_CM / 256:.1f} cm at the depth of the face. Gaze is the
        mean of both eyes.
    """)
    return "\n\n".join([
        "## Head pose, degrees",
        text,
        _lines("axis", report.pose_lines),
        "Acted clips, with all that talking and acting do to the estimate:",
        grid("condition", [f"{axis}: {sd}" for axis in POSE_AXES for sd in ("SD within", "SD across")], clips),
        expressions,
        grid("expression", columns, [(name, [row[c].text() for c in columns]) for name, row in report.expression.items()]),
    ])  # fmt: skip


def gaze(report: Report, figure: str) -> str:
    """Lines at set gazes, then error and correlation per eye and axis in every condition."""
    kinds = [name for name, _, _ in KINDS]
    yaw, pitch = (max(abs(g[axis]) for g in GAZES) for axis in (0, 1))
    turns = "; ".join(
        f"{axis} {', '.join(f'{report.turns[axis][eye].text()} ({eye} eye)' for eye in EYES)}" for axis in GAZE_AXES
    )
    text = prose(f"""
        Left and right are the subject's own. Stills: set gazes, up to {yaw:g} degrees of yaw and {pitch:g} of pitch, the head
        within {HEAD_UNDER_GAZE:g} degrees of frontal; each person's line of estimate on truth.
    """)
    turning = prose(f"""
        Turning the head while the eyes look straight ahead of it should not move the gaze. It moves by this share of the
        turn: {turns}.

        Acted clips follow. Frames with closed eyes, and the {lids.MARGIN} frames before and after them, are left out. Each
        person acts one emotion here, so what counts as a person's constant holds what that emotion's brows and lids do to the
        estimate. People also look about less in a clip than on the stills, so correlations are lower.
    """)
    tables = []
    for column, heading in (
        ("within", "SD of the error within a person:"),
        ("across", "SD of the mean errors across people:"),
        (
            "r within",
            "Correlation within a person, mean over people (it depends on how far they look about in one clip):",
        ),
        ("r pooled", "Correlation over all frames of all people:"),
    ):
        rows = [(name, [report.gaze[name][kind][column].text() for kind in kinds]) for name in report.conditions]
        tables += [heading, grid("condition", kinds, rows)]
    return "\n\n".join([
        "## Gaze, degrees relative to the head",
        text,
        _lines("eye and axis", report.gaze_lines),
        turning,
        f"![Gaze error and correlation against codec, image size and blur]({figure})",
        *tables,
    ])  # fmt: skip


def eyelids_and_mouth(report: Report) -> str:
    """Openness, lip gap and blinks in every condition."""
    opening = [
        (
            name,
            [report.openness[name][c].text(3) for c in ("mean", "within", "across")]
            + [report.openness[name]["r within"].text()]
            + [report.lip_gap[name][c].text() for c in ("mean", "within", "r within")],
        )
        for name in report.conditions
    ]
    text = prose("""
        Openness is the lid gap over the eye's width, mean of both eyes, all frames; its truth is the same formula on the
        true points. Lip gap is the height of the opening between the inner lips, px.
    """)
    blinks = prose(f"""
        **Blinks**: {report.counts["blinks"]} true ones (runs of frames in which the lids are closed by more than half).
        Found are runs of frames with openness under {lids.CLOSED:g}. A found one is right if it overlaps a true one or lies
        at most {lids.MARGIN} frames beside it, one for one. Precision: share of the found that are right. Recall: share of
        the true that are found. F1: the harmonic mean of the two. Where none was missed and none made up, the intervals are
        exact ones over blinks (Clopper and Pearson; Poisson). Called closed: share of the frames with wide lids (truly
        closed by less than a tenth) whose openness is under {lids.CLOSED:g}.
    """)
    return "\n\n".join([
        "## Lids and mouth",
        text,
        grid(
            "condition",
            ["openness: mean error", "SD within", "SD across", "r within", "lip gap: mean error", "SD within", "r within"],
            opening,
        ),
        blinks,
        _blinks(report, report.blinks, called_closed=True),
        f"The same with a threshold of the person's own, {lids.CLOSED_SHARE:g} of the clip's median openness:",
        _blinks(report, report.blinks_relative, called_closed=False),
    ])  # fmt: skip


def found(report: Report) -> str:
    """Share of frames with a face, and with usable gaze."""
    rows = [(name, [percent(report.found[name]), percent(report.used[name])]) for name in report.conditions]
    text = prose(f"""
        A face was found in {percent(report.found_stills)} of the {report.counts["stills"]} stills and in this share of each
        condition's {report.counts["frames"]} frames of clips. Gaze used: frames with a face whose eyes are not closed, nor
        within {lids.MARGIN} frames of it. No interval stands where all people are alike.
    """)
    return "\n\n".join(["## Faces found", text, grid("condition", ["face found", "gaze used"], rows)])


def _lines(first: str, table: Table) -> str:
    rows = [
        (name, [row[c].text(3 if c in ("slope", "r", "r pooled") else 2) for c in LINE]) for name, row in table.items()
    ]
    return grid(first, list(LINE.values()), rows)


def _blinks(report: Report, table: Table, called_closed: bool) -> str:
    columns = ["precision", "recall", "F1"]
    rows = []
    for name in report.conditions:
        cells = [table[name][c].text() for c in columns] + [table[name]["rate error"].text(1)]
        rows.append((name, cells + [percent(report.openness[name]["called closed"])] * called_closed))
    return grid("condition", [*columns, "found minus true, per minute", *["called closed"] * called_closed], rows)
