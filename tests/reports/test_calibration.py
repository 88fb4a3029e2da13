"""The calibration figure: every declared cell once, its verdict by colour, shape and word, deviations in front."""

import re
from html.parser import HTMLParser

import pytest
from hand_calibration import DOSES, calibration, cell, damage

from bench.calibration.table import markdown
from bench.contract.calibration import Point
from bench.contract.errors import UsageError
from reports.calibration import calibration_section
from reports.calibration_page import build_calibration
from reports.doses import dose_sections
from reports.load import Loaded
from reports.ruler import Ruler
from reports.table import tables

WITHOUT = cell("LSE-D", verdict="not-shown", reason="no value: weights-missing", base=None,
               points=[Point(dose=d, value=None, reason="weights-missing") for d in DOSES])  # fmt: skip


@pytest.fixture
def record():
    """One cell of every verdict, one without a value, one that must stay flat, and a name with markup in it."""
    return calibration(
        damage(
            cell("SSIM"),
            cell(
                "M-LMD",
                effect=lambda d: 0.1 * d,
                half=0.9,
                verdict="not-shown",
                reason="the interval at 4 px reaches 0",
            ),
            cell("FID", effect=lambda d: -2 * d, verdict="not-as-declared", says="rises", reason="it falls at 2 px"),
            cell("Blink<b>", effect=lambda d: 0.001, half=0.01, says="flat", least=None, margin=0.05, monotone=None),
        ),
        damage(WITHOUT, name="sound-lag", unit="frames", kind="sound"),
        damage(cell("SSIM"), name="mouth-frozen", unit="share of the way", kind="geometry"),
    )


class Tags(HTMLParser):
    """Counts tags and keeps whatever would be fetched."""

    def __init__(self, text):
        super().__init__()
        self.open, self.fetched, self.count = [], [], {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.fetched += [
            value for name, value in attrs if name in ("src", "href") and not value.startswith(("#", "data:"))
        ]
        if tag not in ("meta", "link", "br", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_fetches_nothing_and_shows_every_cell(record, tmp_path):
    record.save(tmp_path / "calibration.json")
    text = build_calibration(tmp_path / "calibration.json", tmp_path / "out").read_text(encoding="utf-8")
    tags = Tags(text)
    assert not tags.open and not tags.fetched
    assert tags.count["figure"] == 6 and "Blink<b>" not in text and "Blink&lt;b&gt;" in text
    assert "25 %" not in text and "100, 200, 400 % of the way" in text
    again = build_calibration(tmp_path / "calibration.json", tmp_path / "again").read_text(encoding="utf-8")
    assert again == text


def test_each_verdict_is_told_by_a_class_a_shape_a_sign_and_a_word(record):
    text = calibration_section(record)
    figures = re.findall(r"<figure class=.*?</figure>", text, re.S)
    shapes = {
        "as-declared": 'class="point"',
        "not-as-declared": 'class="point cross"',
        "not-shown": 'class="point ring"',
    }
    for figure in figures:
        verdict = re.match(r'<figure class="([\w-]+)"', figure).group(1)
        if "<svg" in figure:
            assert figure.count(shapes[verdict]) == len(DOSES)
            assert not any(shape in figure for name, shape in shapes.items() if name != verdict)
        assert {"as-declared": "✓", "not-as-declared": "✗", "not-shown": "?"}[verdict] in figure
        assert f'aria-label="{verdict.replace("-", " ")}"' in figure
    assert "<strong>3</strong> of 6 as declared" in text and "<strong>2</strong> of 6 not shown" in text


def test_what_deviates_stands_in_front_with_its_reason(record):
    text = calibration_section(record)
    front = text[: text.index("Response curves")]
    assert (
        "it falls at 2 px" in front
        and "the interval at 4 px reaches 0" in front
        and "beyond the smallest effect" not in front
    )


def test_a_cell_without_a_value_says_why_in_place_of_a_picture(record):
    [figure] = [f for f in re.findall(r"<figure.*?</figure>", calibration_section(record), re.S) if "LSE-D" in f]
    assert "<svg" not in figure and "weights-missing" in figure


def test_where_nothing_can_be_shown_that_is_said_once_and_before_all_else(record):
    one = calibration(damage(cell(half=None, verdict="not-shown"), WITHOUT), n_speakers=1)
    said = "These clips come from 1 speaker, which gives no interval for new speakers"
    page, text = calibration_section(one), markdown(one)
    assert page.count(said) == text.count(said) == 1
    assert page.index(said) < page.index("of 2 as declared") and text.index(said) < text.index("2 cells of 1 damage")
    assert "no interval for new speakers" not in calibration_section(record) + markdown(record)


def test_a_flat_cell_shows_its_margin_and_the_others_the_smallest_effect(record):
    text = calibration_section(record)
    assert text.count('class="band"') == 1 and text.count('class="least"') == 4


def test_points_rise_where_the_column_rises(record):
    """In a picture up is more, and the dose runs to the right."""
    for figure, sign in ((0, 1), (1, -1)):
        svg = re.findall(r"<svg viewBox=\"0 0 150.*?</svg>", calibration_section(record), re.S)[figure]
        points = [tuple(map(float, p.split(","))) for p in re.search(r'points="([^"]+)"', svg).group(1).split()]
        xs, ys = zip(*points, strict=True)
        assert list(xs) == sorted(xs) and [sign * y for y in ys] == sorted(sign * y for y in ys)


def test_a_file_that_is_no_calibration_is_wrong_use_and_writes_nothing(tmp_path):
    (tmp_path / "calibration.json").write_text('{"schema_version": 1}')
    with pytest.raises(UsageError, match="not a calibration"):
        build_calibration(tmp_path / "calibration.json", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def table(make, tmp_path):
    """Four rows whose M-LMD is 1, 1.2, 2 and 9, the re-encoded real clips the first; no clip values."""
    make_result, metric_value, _ = make
    rows = {"gt-reencoded": 1.0, "static": 9.0, "two_stage": 1.2, "wav2lip": 2.0}
    loaded = []
    for name, value in rows.items():
        loaded.append(Loaded(make_result(name, [metric_value("M-LMD", value, primary=True)]), tmp_path))
    [made] = tables(loaded)
    return made


def test_a_report_reads_distances_between_rows_in_doses(table, monkeypatch):
    ruler = Ruler(calibration(damage(cell("M-LMD", effect=lambda d: 0.5 * d, half=0.01))))
    monkeypatch.setattr("reports.doses.find_ruler", lambda result, folders: ruler)
    [section] = dose_sections(table)
    rows = [re.sub(r"<[^>]+>", "|", row) for row in re.findall(r"<tr>.*?</tr>", section["html"], re.S)[1:4]]
    assert [row.strip("|").split("|")[0] for row in rows] == ["two_stage", "wav2lip", "static"]
    assert "blur 0.4 px" in rows[0] and "blur 2 px" in rows[1] and "blur 1.6 px" in rows[1]
    assert rows[2].count("blur &gt; 4 px") == 2


def test_a_distance_that_depends_on_the_number_of_clips_says_in_its_cell_why_it_is_not_read(
    make, tmp_path, monkeypatch
):
    make_result, metric_value, _ = make
    loaded = []
    for name, value in {"gt-reencoded": 1.0, "better": 0.9, "worse": 2.0}.items():
        fid = metric_value("FID", value, primary=True).model_copy(update={"kind": "set", "n_clips": 192})
        loaded.append(Loaded(make_result(name, [fid]), tmp_path))
    ruler = Ruler(calibration(damage(cell("FID", effect=lambda d: 0.5 * d, half=0.01))))
    monkeypatch.setattr("reports.doses.find_ruler", lambda result, folders: ruler)
    [table] = tables(loaded)
    [section] = dose_sections(table)
    assert section["html"].count("measured on 20 clips, this row has 192") == 3  # two rows, and the step between them
    assert "no damage reads that" not in section["html"] and "No ruler for" not in section["html"]


def test_a_report_without_a_calibration_says_what_makes_one(table):
    [section] = dose_sections(table)
    assert "Not in doses" in section["html"] and "emotalk calibrate --dataset puppet" in section["html"]


def test_a_row_nearer_to_the_truth_than_the_undamaged_clips_is_not_read_as_damaged(make, tmp_path, monkeypatch):
    make_result, metric_value, _ = make
    rows = {"gt-reencoded": 3.0, "two_stage": 2.0, "wav2lip": 2.999}
    loaded = [Loaded(make_result(n, [metric_value("M-LMD", v, primary=True)]), tmp_path) for n, v in rows.items()]
    ruler = Ruler(calibration(damage(cell("M-LMD", effect=lambda d: 0.5 * d, half=0.01))))
    monkeypatch.setattr("reports.doses.find_ruler", lambda result, folders: ruler)
    [table] = tables(loaded)
    [section] = dose_sections(table)
    assert section["html"].count("better than the undamaged clips: no damage reads that") == 1
    assert "too small to read" in section["html"]
