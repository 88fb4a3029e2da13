"""The registry: every metric and extractor complete, options reach them, wrong names are answered, listing is cheap."""

import pickle
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from bench import weights
from bench.contract.cues import Cues
from bench.contract.errors import UsageError
from bench.contract.metric import Collected, Direction, Family, SetMetric
from bench.contract.seen import Labels, Pair, Seen, Video
from bench.plan import kind_of
from bench.protocols import load_protocol
from metrics.extractors.registry import EXTRACTORS, extractor_class
from metrics.registry import METRICS, OPTIONAL, get_metrics, protocol_keys
from metrics.syncnet.modes import EXTRACTOR
from reports.reading import READING


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_what_it_is(name):
    (metric,) = get_metrics([name])
    assert metric.name == name
    assert isinstance(metric.direction, Direction) and isinstance(metric.family, Family)
    assert metric.unit and metric.version
    assert len(metric.definition) > 30 and "\n" not in metric.definition
    assert isinstance(metric.primary, bool)
    assert set(metric.protocol_keys) <= set(protocol_keys())
    assert set(metric.extractors) <= set(EXTRACTORS) and set(metric.needs) <= set(weights.registry())
    assert kind_of(metric) != "frames" or not metric.needs or callable(metric.load)


@pytest.mark.parametrize("name", EXTRACTORS)
def test_every_extractor_says_what_it_is_and_travels_light(name):
    cls = extractor_class(name)
    assert cls.name == name and cls.VERSION
    assert cls.takes and cls.takes <= {"frames", "audio", "cues"} and isinstance(cls.portrait, bool)
    assert set(cls.needs) <= set(weights.registry())
    made = cls({file: Path("nowhere") / file for file in (*cls.needs, *cls.experts)})
    assert len(pickle.dumps(made)) < 4000


def test_every_extractor_is_read_by_a_metric():
    every_mode = [get_metrics(["LSE-D"], {"sync.mode": mode})[0] for mode in EXTRACTOR]
    every_mode += get_metrics(["FD-5f"], {"fd.channels": "bgr"})
    assert set(EXTRACTORS) == {name for metric in [*get_metrics(), *every_mode] for name in metric.extractors}


def test_metrics_of_one_collection_read_the_same():
    found = defaultdict(set)
    for metric in get_metrics():
        if isinstance(metric, SetMetric):
            found[metric.collection].add((metric.extractors, metric.needs))
    assert {name: len(ways) for name, ways in found.items() if len(ways) > 1} == {}


def test_the_table_the_protocol_and_the_words_for_readers_agree():
    assert list(METRICS) == [metric.name for metric in get_metrics()]
    assert list(load_protocol().metrics) == [name for name in METRICS if name not in OPTIONAL]
    assert set(READING) == set(METRICS)
    assert METRICS["M-LMD"].primary and not METRICS["SSIM"].primary


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
        (["PNSR"], {}, "did you mean 'PSNR'.*choose from: SSIM, PSNR"),
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


@pytest.fixture(scope="module")
def guide():
    """What the code blocks of docs/add-a-metric.md define."""
    page = Path(__file__).resolve().parents[2] / "docs" / "add-a-metric.md"
    space: dict = {"__name__": "guide"}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, space)
    return space


def test_the_first_example_of_the_guide_is_a_metric_of_cues(guide, monkeypatch):
    monkeypatch.setitem(METRICS, "EOD", guide["Openness"])
    (metric,) = get_metrics(["EOD"], {"eod.eye": "left"})
    assert kind_of(metric) == "cues"
    sides = [Cues.empty(4), Cues.empty(4)]
    assert np.isnan(metric.clip(*sides))
    for side, openness in zip(sides, (0.25, 0.5), strict=True):
        side.valid[1:] = True
        side.openness[1:] = openness
    assert metric.clip(*sides) == 0.25 and metric.n_frames(*sides) == 3


def test_the_extractor_of_the_guide_feeds_its_metrics_of_every_other_kind(guide):
    def seen(levels):
        frames = np.full((len(levels), 8, 8, 3), 0, np.uint8) + np.array(levels, np.uint8)[:, None, None, None]
        features = guide["Brightness"]({})(Video(Cues.empty(len(levels)), frames))
        return Seen(Labels("c", "d", "s", "sad", 1), Cues.empty(len(levels)), {"brightness": features})

    flicker, exposure, spread = (guide[name]() for name in ("Flicker", "Exposure", "ExposureSpread"))
    assert [kind_of(m) for m in (flicker, exposure, spread)] == ["own", "pair", "set"]
    real, made = seen([100, 104, 102]), seen([110, 110])
    assert flicker.own(real).value == 3.0
    assert exposure.pair(Pair(real, made)) == (8.0, 2)
    clips = [Collected(real.labels, spread.collect(Pair(seen([v]), seen([2 * v])))) for v in (10, 20, 60)]
    estimate = spread.estimate(clips, seed=0)
    everything = np.ones(3, bool)
    assert estimate.statistic(everything) == pytest.approx(np.std([10, 20, 60], ddof=1))
    assert np.isnan(estimate.statistic(~everything)) and estimate.flags == ("small-sample",)
