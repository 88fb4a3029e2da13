"""What a calibration keeps of two made-up rows: `python tests/support/response_lines.py` writes tests/golden/responses.json.

Run it after raising RESPONSE_VERSION.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
from result_rows import write_row

from bench.calibration.responses import RESPONSE_VERSION, Rows, kept_lines
from bench.compare import load_row
from bench.contract.metric import SetEstimate

GOLDEN = Path(__file__).parents[1] / "golden" / "responses.json"


def estimate(clips, seed):
    """The SD of what the clips gave, as a metric of the whole set."""
    x = np.stack([clip.arrays["x"] for clip in clips])
    return SetEstimate(lambda mask: float(x[mask].std()))


def lines_of(folder: Path) -> list[dict]:
    """Every kind and direction of column, a substituted output, and a column without a value."""
    damaged = write_row(folder / "damaged", "blur~1", {"SSIM": 0.8, "M-LMD": 1.5, "SX-C": 4.0}, 1.7, seed=1, static=3)
    base = write_row(folder / "base", "gt-reencoded", {"SSIM": 0.9, "M-LMD": None, "SX-C": 5.8}, seed=2)
    metric = SimpleNamespace(name="spread", collection="numbers", estimate=estimate)
    with patch("bench.compare.set_metric", lambda result, name: metric):
        lines = kept_lines(Rows(1.0, damaged, base, folder / "cache", 0), load_row(damaged), load_row(base))
    return [line.model_dump(mode="json") for line in lines]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        kept = {"response_version": RESPONSE_VERSION, "lines": lines_of(Path(scratch))}
    GOLDEN.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
