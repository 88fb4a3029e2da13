"""Made-up controls and a model around them, for the tests of the regression gate."""

from __future__ import annotations

from result_rows import write_row

from bench.contract.result import Result
from bench.regress.declaration import Declaration

MODEL = {"SSIM": 0.8, "M-LMD": 2.0, "SX-C": 5.0}
CONTROLS = {
    "gt-reencoded": ({"SSIM": 0.95, "M-LMD": 1.0, "SX-C": 5.9}, 1.0),
    "static": ({"SSIM": 0.5, "M-LMD": 5.0, "SX-C": 2.0}, 9.0),
    "gt-mismatched": ({"SSIM": 0.6, "M-LMD": 3.0, "SX-C": 5.8}, 1.1),
}
DECLARED = Declaration(
    version=1,
    share=0.10,
    base="gt-reencoded",
    primary={name: ["static", "gt-mismatched"] for name in ("M-LMD", "spread")},
    guards={"SX-C": ["static", "gt-mismatched"]},
    sha256="d",
)
ABOUT = {"declaration_sha256": "d", "ruler": "no calibration of these rows"}


def write_control(folder, name, values, **about):
    """A result folder like `write_row`'s whose method is a control of the suite."""
    path = write_row(folder / name, name, values, **about) / "result.json"
    result = Result.load(path)
    method = result.method.model_copy(update={"kind": "control"})
    result.model_copy(update={"method": method}).save(path)
    return path.parent


def write_rows(folder):
    """Result folders of the controls and of the model."""
    for seed, (name, (values, spread)) in enumerate(CONTROLS.items(), start=1):
        write_control(folder, name, values, spread=spread, seed=seed)
    write_row(folder / "model", "model", MODEL, spread=2.0, seed=9)
    return folder
