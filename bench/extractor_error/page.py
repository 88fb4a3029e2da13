"""The extractor-error page: what was measured and how, in short, section by section, and what follows for the metrics."""

from __future__ import annotations

from bench.extractor_error import sections
from bench.extractor_error.conditions import GENERATED, STORE
from bench.extractor_error.floors import GAZE_W1, POSE_W1, TRUTH, least_difference
from bench.extractor_error.gaze import AXES as GAZE_AXES
from bench.extractor_error.gaze import EYES
from bench.extractor_error.markdown import bullets, grid, prose, signed
from bench.extractor_error.report import Report

HOW = ("centred", "as estimated")


def page(report: Report, command: str, machine: str, date: str, figure: str, data: str) -> str:
    """The whole page in Markdown; `figure` and `data` are paths as the page should name them."""
    parts = [
        _head(report, command, machine, date, data),
        _short(report),
        sections.landmarks(report),
        sections.pose(report),
        sections.gaze(report, figure),
        sections.eyelids_and_mouth(report),
        sections.found(report),
        _bins(report),
        _floors(report),
    ]
    return "\n\n".join(parts) + "\n"


def _head(report: Report, command: str, machine: str, date: str, data: str) -> str:
    counts = report.counts
    opening = prose("""
        Every cue that the metrics compare (landmarks, head pose, gaze, lids, mouth) is an estimate. Here the estimates of
        `metrics/extractors/face.py` are held against the exact truth of rendered heads of the embedded dataset. This page is
        generated:
    """)
    made = prose(f"""
        {date}; {machine}; {report.cpu_seconds:.0f} s of CPU time. The same figures for programs: `{data}`. Conventions,
        units and signs: [face-cues](face-cues.md).
    """)
    who = bullets([
        f"""**Clips**: {counts["people"]} judge-training speakers ({report.speakers[0]} to {report.speakers[-1]}, men and
        women in turn) act one clip each, {counts["frames"]} frames at 25 fps in all, the eight emotions in turn. They talk,
        blink, look about and move the head.""",
        f"""**Stills**: {counts["people"]} measuring identities (seeds {report.identities[0]} to {report.identities[-1]}),
        {counts["stills"]} pictures in all: set poses, set gazes, set expressions. Each is read alone.""",
        "No test speaker was used, and nothing in the extractor was changed for this page.",
    ])  # fmt: skip
    how = bullets([
        """**Error** is estimate minus truth. **SD within a person** is the standard deviation of the error about that
        person's own mean error: what a single frame is worth once the person's constant is known. **SD across people** is
        the standard deviation of these constants: what comes on top when people are compared with one another.""",
        """Behind each figure stands its 95 % interval for other people: Student t on one value per person;
        delete-one-person jackknife for standard deviations across people and for figures of all frames together.""",
        f"""**CRF** is the quality setting of H.264; more is worse. Prepared clips are stored at {STORE.amount:g}, generated
        ones at {GENERATED.amount:g}. **128 px**: shrunk to 128 x 128 px and brought back to 256 x 256, like the output of a
        method of that resolution. **blur 2 px**: a Gaussian of that standard deviation. One thing at a time.""",
    ])  # fmt: skip
    return "\n\n".join([
        "# How wrong the face extractor is", opening, f"    {command}", made, who, "How to read it:", how,
    ])  # fmt: skip


def _short(report: Report) -> str:
    chosen, stored = report.bin_condition, STORE.name
    gaze, widths, shifts = report.gaze[chosen], report.widths[chosen], report.expression
    mesh, lips = (report.landmarks[stored][part] for part in ("all of the mesh", "lips"))
    pitch, blinks = report.pose[stored]["pitch"], report.blinks[stored]
    strongest = max(shifts, key=lambda name: abs(shifts[name]["pitch"].value))

    def worse_eye(axis: str, column: str) -> str:
        return f"{max(gaze[f'{eye} {axis}'][column].value for eye in EYES):.1f}"

    off = "; ".join(
        f"{a} {worse_eye(a, 'within')} within a person and {worse_eye(a, 'across')} across" for a in GAZE_AXES
    )
    centred, thrown = (" and ".join(f"{widths[axis][how]:.1f} in {axis}" for axis in GAZE_AXES) for how in HOW)
    return "## In short\n\n" + bullets([
        f"""Landmarks lie {mesh["distance"].value:.1f} px from the truth (lips {lips["distance"].value:.1f} px). The part that
        is the same in all frames of a person makes {mesh["constant"].value:.1f} px ({lips["constant"].value:.1f} px), the
        part that varies {mesh["varying"].value:.1f} px ({lips["varying"].value:.1f} px).""",
        f"""Estimated pitch is off by {pitch["within"].value:.1f} degrees within a person and
        {pitch["across"].value:.1f} across people; yaw by {report.pose[stored]["yaw"]["within"].value:.1f} and
        {report.pose[stored]["yaw"]["across"].value:.1f}; roll by {report.pose[stored]["roll"]["within"].value:.1f} and
        {report.pose[stored]["roll"]["across"].value:.1f} (SD).""",
        f"""Opening the jaw all the way shifts the estimated pitch of a still head by {signed(shifts["jaw open"]["pitch"])}
        degrees. Of the expressions tried, "{strongest}" shifts it most: {signed(shifts[strongest]["pitch"])} degrees.""",
        f"""Brows also move the estimated gaze of eyes that do not move: raised, by
        {signed(shifts["brows raised"]["gaze pitch"])} degrees of pitch; lowered, by
        {signed(shifts["brows lowered"]["gaze pitch"])}. Two emotions can therefore seem to differ by that much in gaze pitch
        while the eyes do the same.""",
        f"Gaze of one eye in one frame at {chosen} is off by, in degrees (SD, the worse eye): {off}.",
        f"""Gaze bins must therefore be at least this many degrees wide: {centred} if each person's mean is taken out first,
        {thrown} if not.""",
        *_picture_quality(report),
        f"""Of {report.counts["blinks"]} blinks, {100 * blinks["recall"].value:.0f} % are found after the store's codec;
        {100 * blinks["precision"].value:.0f} % of those found are right (F1 {blinks["F1"].value:.2f}).""",
    ])  # fmt: skip


def _picture_quality(report: Report) -> list[str]:
    worse = [name for name in ("128 px", "64 px", "blur 2 px") if name in report.floors]
    if not worse:
        return []

    def moved(prefix: str) -> str:
        columns = [f"{prefix}gaze {axis} W1" for axis in GAZE_AXES]
        return "; ".join(f"{n} {' and '.join(f'{report.floors[n][c].value:.1f}' for c in columns)}" for n in worse)

    gaps = "; ".join(f"{name} {report.lip_gap[name]['mean'].value:+.1f} px" for name in (STORE.name, *worse))
    return [
        f"""Picture quality alone moves the estimated gaze, by this many degrees of yaw and of pitch (W1 against
        {STORE.name}): {moved("")}. With each side's mean taken out: {moved("centred ")}.""",
        f"It also changes how far the mouth seems open. Mean error of the lip gap (plus: seen too far open): {gaps}.",
    ]


def _bins(report: Report) -> str:
    chosen = report.bin_condition
    columns = [f"{axis}, {how}" for how in HOW for axis in GAZE_AXES]
    widths = [
        (n, [f"{report.widths[n][axis][how]:.1f}" for how in HOW for axis in GAZE_AXES]) for n in report.conditions
    ]
    edges = [(how, [", ".join(f"{e:g}" for e in report.edges[how][axis]) for axis in GAZE_AXES]) for how in HOW]
    text = prose("""
        A direction bin should be at least twice as wide as the estimator's SD, or frames fall into the wrong one by chance.
        Least widths in degrees, of the worse eye, at the upper end of the interval. Centred: each person's mean is taken out
        first, so only the SD within a person counts. As estimated: people are thrown together, and the SD across people adds
        to it (root of the sum of squares). Where a clip is compared with another of the same person, the constant is on both
        sides as far as picture quality leaves it alone (gaze W1 against centred gaze W1 in the next section), and the centred
        widths are the ones that count.
    """)
    recommended = prose(f"""
        Recommended edges in degrees, from the widths at {chosen}, rounded up to whole degrees. Bins were added on both sides
        until they reach 95 % of the estimates; what lies outside belongs to the outermost bins. The gaze metrics use wider bins:
        the errors here are of one emotion per person, and people in all emotions are read worse (docs/metrics-gaze.md).
    """)
    return "\n\n".join([
        "## What it means: gaze bins",
        text,
        grid("condition", columns, widths),
        recommended,
        grid("gaze", [f"{axis} edges" for axis in GAZE_AXES], edges),
    ])  # fmt: skip


def _floors(report: Report) -> str:
    rows = [(n if n != TRUTH else f"the truth, against {STORE.name}", row) for n, row in report.floors.items()]
    few = {"M-LMD": 2, "F-LMD": 2, "blink rate": 1}
    text = prose(f"""
        The metrics between two versions of the very same clips: the clips in each condition against the same clips at
        {STORE.name}, which differ in picture quality only. M-LMD and F-LMD: mean distance of 20 points of the mouth and of 68
        of the face, px. Blinks per minute: the difference. W1: 1-Wasserstein distance of an angle's distributions, degrees
        (how far the one has to be moved, on average, to become the other), of the angles as they are, and centred: with each
        side's mean taken out; of gaze the mean of both eyes. The last row holds the estimates against the truth itself.
    """)
    tables = [
        grid("condition", list(few), [(label, [row[c].text(d) for c, d in few.items()]) for label, row in rows]),
        *(
            grid("condition", names, [(label, [row[c].text() for c in names]) for label, row in rows])
            for names in (POSE_W1, GAZE_W1)
        ),
    ]
    parts = ["## What it means: differences that mean nothing", text, *tables]
    if GENERATED.name in report.floors:
        units = {
            "M-LMD": "px",
            "F-LMD": "px",
            "blink rate": "per minute",
            **dict.fromkeys((*POSE_W1, *GAZE_W1), "degrees"),
        }
        floor, truth = report.floors[GENERATED.name], report.floors[TRUTH]
        cells = [
            (name, [f"{least_difference(side[name]):.2f} {unit}" for side in (floor, truth)])
            for name, unit in units.items()
        ]
        parts += [
            prose("""
                In one number each, the farther end of the interval from 0. A value below the first number can come from the
                codec and the extractor alone, and so can a difference of that size between two rows. The second number is how
                far the estimate can be from the truth; it cancels as far as the extractor errs alike on both sides of a
                comparison.
            """),
            grid("metric", [f"{STORE.name} against {GENERATED.name}", "estimate against truth"], cells),
        ]
    return "\n\n".join(parts)
