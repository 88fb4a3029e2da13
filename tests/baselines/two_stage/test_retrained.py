"""Stage 1 trained again from nothing lands where other seeds landed: the recipe, and not one lucky run, is what ships.

python tests/baselines/two_stage/test_retrained.py     # writes the golden values of three seeds, about ten minutes
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden" / "stage-1-seeds.json"
SEEDS, ANOTHER = (0, 1, 2), 7
STEPS = 500
COLUMNS = ("M-LMD", "F-LMD", "Mouth-corr", "Pose-speed", "Sacc-rate")
T_TWO = 4.303
"""97.5 % quantile of Student's t with two degrees of freedom."""


def emotalk(work: Path, *words: str) -> None:
    environment = {**os.environ, "EMOTALK_WORK": str(work), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench.cli", *words, "--dataset", "puppet", "--profile", "quick", "--wandb", "off"]
    subprocess.run(command, cwd=work, env=environment, check=True, capture_output=True, text=True)


def measured(work: Path, seed: int) -> dict[str, float]:
    """Values on the validation speakers of `quick`, cues alone, of stage 1 trained with this seed."""
    out = work / f"seed-{seed}"
    how = ["--set", f"steps={STEPS}", "--set", "validate_every=250"]
    emotalk(work, "train", "--method", "speech_to_cues", *how, "--seed", str(seed), "--out", str(out))
    made = ["--method", "two_stage@cues", "--checkpoint", str(out / "speech_to_cues.safetensors")]
    emotalk(work, "generate", *made, "--split", "validation", "--out", str(out / "cues"))
    emotalk(work, "evaluate", "--videos", str(out / "cues"), "--split", "validation", "--out", str(out / "result"))
    rows = json.loads((out / "result" / "result.json").read_text())["metrics"]
    return {row["metric"]: row["value"] for row in rows if row["metric"] in COLUMNS}


def prepared(work: Path) -> Path:
    for part in ("method-train", "validation"):
        emotalk(work, "prepare", "--split", part)
    return work


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_another_seed_lands_in_the_interval_of_three(tmp_path):
    known = json.loads(GOLDEN.read_text())
    found = measured(prepared(tmp_path), ANOTHER)
    for column in COLUMNS:
        values = [known[str(seed)][column] for seed in SEEDS]
        mean = sum(values) / 3
        deviation = (sum((v - mean) ** 2 for v in values) / 2) ** 0.5
        reach = T_TWO * deviation * (1 + 1 / 3) ** 0.5  # the 95 % prediction interval of one more run
        print(f"\n{column}: {found[column]:.3f}, three seeds {mean:.3f} +- {reach:.3f}")
        assert abs(found[column] - mean) <= reach, column


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        place = prepared(Path(folder))
        GOLDEN.write_text(json.dumps({str(seed): measured(place, seed) for seed in SEEDS}, indent=1) + "\n")
