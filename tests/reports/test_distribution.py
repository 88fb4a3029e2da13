"""Every clip as a dot, and the curves of a clip's cues."""

import re
from xml.etree import ElementTree

import pyarrow as pa
import pytest

from bench.contract.clip_table import ClipTable
from bench.contract.result import ClipScore, Distribution
from bench.contract.traces import ClipTraces, Curves
from reports.distribution import MOST_DOTS, picture, spreads
from reports.load import Loaded
from reports.strip import LABEL, WIDTH
from reports.table import tables
from reports.tracepicture import SIGNALS, traces


def clips_of(values):
    """clip -> value of SSIM; status "static" for values given as strings."""
    return ClipTable(
        pa.table({
            "clip_id": list(values),
            "metric": ["SSIM"] * len(values),
            "value": [float(value) for value in values.values()],
            "status": ["static" if isinstance(value, str) else "ok" for value in values.values()],
        })
    )  # fmt: skip


@pytest.fixture
def drawn(make, tmp_path):
    """drawn(row=[values]): the SVG of SSIM with one clip per value; status "static" for values given as strings."""
    make_result, metric_value, _ = make

    def build(**rows):
        loaded = []
        for name, values in rows.items():
            result = make_result(name.replace("_", "-"), [metric_value("SSIM", 0.5)])
            loaded.append(Loaded(result, tmp_path, clips_of({f"c{k}": v for k, v in enumerate(values)})))
        [table] = tables(loaded)
        return ElementTree.fromstring(str(picture(table, 0)))

    return build


def dots(svg):
    return [shape for shape in svg.iter() if shape.tag in ("circle", "polygon")]


def test_every_clip_is_one_dot_with_its_name_and_value_inside_the_picture(drawn):
    svg = drawn(a=[0.1, 0.4, 0.9], b=[0.3])
    titles = [dot.find("title").text.split() for dot in dots(svg)]
    assert sorted(t[0] for t in titles) == ["c0", "c0", "c1", "c2"]
    assert {float(t[1]) for t in titles} == {0.1, 0.4, 0.9, 0.3}
    height = float(svg.get("viewBox").split()[3])
    for dot in svg.iter("circle"):
        assert LABEL <= float(dot.get("cx")) <= WIDTH and 0 <= float(dot.get("cy")) <= height


def test_equal_values_do_not_hide_one_another(drawn):
    places = {(dot.get("cx"), dot.get("cy")) for dot in drawn(a=[0.5] * 9, b=[0.1]).iter("circle")}
    assert len(places) == 10


def test_a_substituted_clip_is_hollow(drawn):
    hollow = [dot for dot in drawn(a=[0.5, "0.6"]).iter("circle") if dot.get("class") == "static"]
    assert [dot.find("title").text for dot in hollow] == ["c1 0.600 (static image)"]


def test_a_floor_far_from_the_others_is_not_cut(drawn):
    svg = drawn(gt=[1.0, 0.99], gt_reencoded=[0.99, 0.98], static=[0.1, 0.1])
    assert not list(svg.iter("polygon"))


def test_a_ground_truth_far_from_all_others_is_drawn_at_the_edge_and_keeps_its_value(drawn):
    svg = drawn(gt=[101.0, 101.0], a=[20.0, 30.0], b=[25.0, 28.0])
    edge = list(svg.iter("polygon"))
    assert [p.find("title").text for p in edge] == ["c0 101.000", "c1 101.000"]
    xs = [float(c.get("cx")) for c in svg.iter("circle")]
    assert max(xs) - min(xs) > (WIDTH - LABEL) / 2


def test_of_very_many_clips_a_share_is_drawn_with_both_ends(drawn):
    values = [k / 1000 for k in range(1000)]
    titles = [dot.find("title").text.split()[0] for dot in dots(drawn(a=values))]
    assert len(titles) <= MOST_DOTS + 6 and {"c0", "c1", "c2", "c999"} <= set(titles)


def test_rows_are_stops_of_the_tab_key_with_a_name(drawn):
    rows = [g for g in drawn(a=[0.1], b=[0.2]).iter("g") if g.get("tabindex") == "0"]
    assert len(rows) == 2 and all(g.get("aria-label") for g in rows)


def test_the_worst_clips_are_named_and_linked_where_there_are_players(make, realistic):
    from reports.load import load

    [table, _] = tables(load(realistic))
    column = next(j for j, c in enumerate(table.columns) if c.metric == "M-LMD")
    worst = spreads(table, column, {"P001_front_angry_3_001": "#here"})
    assert sum(bool(line.worst) for line in worst) > 8
    for line in worst:
        values = [value for _, value, _ in line.row.loaded.clips.scored("M-LMD")]
        if max(values) == min(values):  # the ground truth: none is the worst
            assert line.worst == []
            continue
        assert float(line.worst[0].value) == pytest.approx(max(values), abs=0.01)
        assert all((w.link == "#here") == (w.clip_id == "P001_front_angry_3_001") for w in line.worst)


def curves(**changes):
    flat = {name: [0.0, 1.0, 2.0, 1.0] for name in Curves.model_fields}
    return Curves(**(flat | changes))


def clip(real=None, generated=None, sound=(0.0, 0.5, 1.0, 0.2)):
    real, generated = real or curves(), generated or curves()
    return ClipTraces(clip_id="c", fps=25, real=real, generated=generated, sound_rate=25, sound=list(sound))


def test_a_missing_value_breaks_the_line():
    made = traces([("a", clip(real=curves(gaze_yaw=[1.0, None, None, 2.0])))], "x")
    panel = made.panels[list(SIGNALS).index("gaze_yaw")]
    real = re.search(r'class="real" d="([^"]*)"', str(panel.svg)).group(1)
    assert real.count("M") == 2 and "L" not in real


def test_real_and_every_row_are_drawn_and_one_row_is_shown_at_first():
    made = traces([("a", clip()), ("b", clip()), ("c", clip())], "x", start=1)
    assert made.rows == ["a", "b", "c"] and made.start == 1 and made.seconds == pytest.approx(4 / 25)
    for panel in made.panels:
        svg = ElementTree.fromstring(str(panel.svg))
        assert [p.get("class") for p in svg.iter("path") if "made" in p.get("class")] == [
            "made off",
            "made",
            "made off",
        ]


def test_curves_stay_inside_their_picture_and_noise_does_not_fill_it():
    made = traces([("a", clip(real=curves(yaw=[0.0, 0.01, 0.0, 0.01]), generated=curves(yaw=[0.0] * 4)))], "x")
    assert float(made.panels[4].top) - float(made.panels[4].bottom.replace("−", "-")) >= 2.0
    for panel in made.panels:
        for d in re.findall(r' d="([^"]*)"', str(panel.svg)):
            points = re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", d)
            assert points and all(0 <= float(x) <= 1000 and 0 <= float(y) <= 100 for x, y in points)


def test_a_clip_without_any_face_can_be_drawn():
    nothing = Curves(**{name: [None] * 4 for name in Curves.model_fields})
    assert len(traces([("a", clip(nothing, nothing, sound=[0.0]))], "x").panels) == len(SIGNALS)


def test_every_metric_has_words_for_a_reader_who_meets_it_first():
    from metrics.registry import METRICS
    from reports.reading import READING

    assert set(METRICS) <= set(READING)


def test_no_rows_no_picture():
    assert traces([], "x") is None


def test_a_name_cannot_turn_the_value_beside_it_around(make, tmp_path):
    make_result, metric_value, _ = make
    name = "c\u202e"
    spread = dict.fromkeys(("minimum", "lower_quartile", "median", "upper_quartile", "maximum"), 0.5)
    found = Distribution(metric="SSIM", n_clips=1, worst=[ClipScore(clip_id=name, value=0.5)], **spread)
    result = make_result("a", [metric_value("SSIM", 0.5)], distributions=[found])
    [table] = tables([Loaded(result, tmp_path, clips_of({name: 0.5}))])
    assert "\u202e" not in str(picture(table, 0)) + spreads(table, 0, {})[0].worst[0].clip_id
