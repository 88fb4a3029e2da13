"""What the gaze metrics' constants rest on, and what the metrics see, on the embedded dataset: the tables of docs/metrics-gaze.md.

`python -m bench.gaze_check --work WORK` reads the prepared clips of profile bench: judge-training speakers for what was
chosen (bins, saccades), validation speakers for what came of it. No test speaker is read.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.extractor_error.markdown import grid
from bench.gaze_check.choices import map_errors, null_check, saccade_quality
from bench.gaze_check.clips import read_part
from bench.gaze_check.estimators import estimator_quality, true_movements
from bench.gaze_check.sight import METRICS, sight_of_metrics


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables in Markdown."""
    from bench.weights import resolve

    parser = argparse.ArgumentParser(prog="python -m bench.gaze_check", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--work", type=Path, default=Path("work"), help="work folder with the prepared store of profile bench"
    )
    work = parser.parse_args(arguments).work
    chosen, clips = read_part(work, "judge-train"), read_part(work, "validation")
    print(f"{len(chosen)} judge-training clips, {len(clips)} validation clips\n")
    widths = [f"{axis}: {what}" for axis in ("yaw", "pitch") for what in ("SD", "least width", "95 % within")]
    quality = ["true", "precision", "recall", "F1", "found per true"]
    against = ["r", "slope", "SD of error", "offset", "SD of offsets over speakers"]
    names = [cls.name for cls in METRICS]
    second = estimator_quality(clips, resolve("gaze_eth_xgaze"))
    tables = [
        ("Error inside a map", "directions", widths, map_errors(chosen)),
        (
            "Null",
            "clips per emotion",
            ["uncorrected", "corrected", "standard error", "SD", "p < .05"],
            null_check(chosen),
        ),
        ("Saccades found, judge-training speakers", "true ones of at least", quality, saccade_quality(chosen)),
        ("Saccades found, validation speakers", "true ones of at least", quality, saccade_quality(clips)),
        ("Movements, validation speakers", "gaze", [names[i] for i in (3, 4, 5, 6)], true_movements(clips)),
        ("Estimators, validation speakers", "compared", against, second),
        ("What each metric sees, validation speakers", "done to the cues", names, sight_of_metrics(clips)),
    ]
    for title, corner, columns, rows in tables:
        print(f"## {title}\n\n{grid(corner, columns, rows)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
