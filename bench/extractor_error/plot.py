"""The page's figure: gaze error and correlation against codec, image size and blur, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.contract.files import whole_file
from bench.extractor_error.conditions import AS_RENDERED, CONDITIONS, Condition
from bench.extractor_error.gaze import AXES, both_eyes
from bench.extractor_error.report import Report

PANELS = (
    ("codec", "H.264 quality setting (CRF)", None),
    ("size", "image size, px", 256.0),
    ("blur", "blur, px (SD of the Gaussian)", 0.0),
)
"""Kind of condition, name of the axis, and where on it the untouched picture lies (nowhere on the codec's)."""
COLOURS = {"yaw": "#1f5fa8", "pitch": "#c0561d"}
MARKERS = {"yaw": "o", "pitch": "s"}


def draw(report: Report, path: Path) -> None:
    """Write the figure at `path` (.svg): upper row the SD within a person, lower row correlations; equal input, equal bytes."""
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context({"svg.hashsalt": "extractor-errors", "svg.fonttype": "none", "font.size": 9}):
        canvas = Canvas(figsize=(9.0, 5.0), layout="constrained")
        axes = canvas.subplots(2, len(PANELS), sharey="row")
        for column, (kind, label, untouched) in enumerate(PANELS):
            points = _points(report, kind, untouched)
            at = [amount for amount, _ in points]
            for axis in AXES:
                style = {"color": COLOURS[axis], "marker": MARKERS[axis], "markersize": 4}
                for row, figure, dashes, name in (
                    (0, "within", "-", axis),
                    (1, "r within", "-", f"{axis}, within a person"),
                    (1, "r pooled", "--", f"{axis}, over all people"),
                ):
                    values = [both_eyes(report.gaze[c], axis, figure) for _, c in points]
                    axes[row, column].plot(at, values, linestyle=dashes, label=name, **style)
            axes[1, column].set_xlabel(label)
            for row in range(2):
                axes[row, column].set_xticks(at)
                axes[row, column].grid(color="#dddddd", linewidth=0.6)
                axes[row, column].set_axisbelow(True)
                if kind == "size":
                    axes[row, column].invert_xaxis()
                for side in ("top", "right"):
                    axes[row, column].spines[side].set_visible(False)
        axes[0, 0].set_ylabel("gaze error, SD within\na person, degrees")
        axes[1, 0].set_ylabel("correlation of gaze\nwith the truth")
        axes[0, 0].set_ylim(0, 1.08 * axes[0, 0].get_ylim()[1])
        axes[1, 0].set_ylim(0, 1)
        axes[0, 0].legend(frameon=False, loc="lower left")
        axes[1, 0].legend(frameon=False, loc="lower left", fontsize=6, ncols=2, columnspacing=0.7, handlelength=2.2)
        with whole_file(path) as temporary:
            canvas.savefig(temporary, format="svg", metadata={"Date": None})


def _points(report: Report, kind: str, untouched: float | None) -> list[tuple[float, str]]:
    """(amount, condition's name) along one axis, ascending."""
    known: Sequence[Condition] = [c for c in CONDITIONS if c.kind == kind and c.name in report.conditions]
    points = [(c.amount, c.name) for c in known]
    return sorted([(untouched, AS_RENDERED), *points] if untouched is not None else points)
