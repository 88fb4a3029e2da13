"""The registry: every metric complete, options reach it, wrong names are answered, listing is cheap."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.errors import UsageError
from bench.contract.metric import CueMetric, Direction, FrameMetric
from metrics.registry import METRICS, get_metrics, protocol_keys


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_what_it_is(name):
    (metric,) = get_metrics([name])
    assert metric.name == name
    assert isinstance(metric.direction, Direction)
    assert metric.unit and metric.version and metric.needs == ()
    assert len(metric.definition) > 30 and "\n" not in metric.definition
    assert isinstance(metric.primary, bool)
    assert isinstance(metric, FrameMetric) != isinstance(metric, CueMetric)
    assert set(metric.protocol_keys) <= set(protocol_keys())


def test_the_names_of_the_table():
    assert list(METRICS) == ["SSIM", "PSNR", "M-LMD", "F-LMD", "M-LVD", "F-LVD"]
    assert [metric.name for metric in get_metrics()] == list(METRICS)
    assert [metric.name for metric in get_metrics() if metric.primary] == ["M-LMD"]


def test_chosen_metrics_come_in_the_order_asked_for_and_once():
    assert [metric.name for metric in get_metrics(["F-LMD", "SSIM", "F-LMD"])] == ["F-LMD", "SSIM"]
    assert get_metrics([]) == []


def test_options_reach_the_metrics_that_read_them_and_no_others():
    options = {"lmd.normalisation": "raw", "ssim.color": "gray-bt601"}
    by_name = {metric.name: metric for metric in get_metrics(None, options)}
    assert by_name["M-LMD"].normalisation == by_name["F-LMD"].normalisation == "raw"
    assert by_name["M-LVD"].normalisation == "own-mean"
    assert by_name["SSIM"].color == "gray-bt601"
    assert by_name["PSNR"].color == "rgb"
    assert [metric.name for metric in get_metrics(["PSNR"], options)] == ["PSNR"]


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["PNSR"], {}, "did you mean 'PSNR'.*choose from: SSIM, PSNR, M-LMD"),
        (["ssim"], {}, "did you mean 'SSIM'"),
        (["LMD"], {}, "M-LMD|F-LMD"),
        (None, {"ssim.colour": "rgb"}, "did you mean 'ssim.color'"),
        (None, {"ssim.color": "bgr"}, "ssim.color: unknown 'bgr'.*rgb, gray-bt601"),
        (None, {"ssim.color": 3}, "ssim.color: unknown 3"),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(names, options, message):
    with pytest.raises(UsageError, match=message):
        get_metrics(names, options)


def test_listing_loads_no_heavy_library():
    code = (
        "import sys; from metrics.registry import get_metrics; get_metrics();"
        "heavy = {'cv2', 'torch', 'scipy', 'pandas', 'pydantic', 'numba', 'sklearn', 'matplotlib', 'av', 'skimage'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_example_of_the_guide_is_a_metric(monkeypatch):
    guide = Path(__file__).resolve().parents[2] / "docs" / "add-a-metric.md"
    (code,) = re.findall(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    space: dict = {}
    exec(code, space)
    monkeypatch.setitem(METRICS, "EOD", space["Openness"])
    (metric,) = get_metrics(["EOD"], {"eod.eye": "left"})
    assert isinstance(metric, CueMetric) and not isinstance(metric, FrameMetric)
    sides = [Cues.empty(4), Cues.empty(4)]
    assert np.isnan(metric.clip(*sides))
    for side, openness in zip(sides, (0.25, 0.5), strict=True):
        side.valid[1:] = True
        side.openness[1:] = openness
    assert metric.clip(*sides) == 0.25 and metric.n_frames(*sides) == 3
