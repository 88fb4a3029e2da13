"""The report folder: table.md, table.csv, report.html, media; and the terminal."""

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports.html import build
from reports.load import load
from reports.table import tables
from reports.terminal import display_width, terminal, wrap

HOSTILE = "<script>alert(1)</script>|*x*_y_`[a](b)\n\x1b[31m"
VOID = {"meta", "link", "input", "img", "br"}


class Page(HTMLParser):
    """Tags with attributes, visible text, and whether tags are closed in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.open = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another tag"

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.texts))

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def report(realistic, sheet, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("report")
    build(realistic, out, [sheet])
    return out


@pytest.fixture(scope="module")
def page(report) -> Page:
    return Page((report / "report.html").read_text())


def rows_of(report):
    return list(csv.DictReader(io.StringIO((report / "table.csv").read_text())))


def test_the_folder_holds_what_the_summary_says(realistic, tmp_path):
    summary = build(realistic, tmp_path / "new" / "out")
    assert sorted(summary.files) == sorted(p for p in (tmp_path / "new").rglob("*") if p.is_file())
    assert (len(summary.headings), summary.n_rows, summary.n_films) == (2, 15, 21)
    assert (summary.n_values, summary.n_empty) == (85, 5)


def test_same_results_same_bytes_and_building_again_leaves_nothing_behind(realistic, sheet, report, tmp_path):
    def content(folder):
        return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    build(realistic, tmp_path, [sheet])
    assert content(tmp_path) == content(report)
    build(realistic, tmp_path, [sheet])
    assert content(tmp_path) == content(report)


def test_csv_gives_back_every_value_exactly(realistic, report):
    lines = {(r["dataset"], r["method"], r["metric"]): r for r in rows_of(report)}
    seen = 0
    for loaded in load(realistic):
        r = loaded.result
        for m in r.metrics:
            line = lines[r.dataset.name, r.method.name, m.metric]
            assert (float(line["value"]) if line["value"] else None) == m.value
            assert line["reason"] == (m.reason or "")
            assert (int(line["n_clips"]), int(line["n_expected"])) == (m.n_clips, m.n_expected)
            assert int(line["n_substituted"]) == m.n_substituted
            assert float(line["coverage"]) == m.coverage
            for name, target in (("new", "new-speakers"), ("these", "these-speakers")):
                i = next((i for i in m.intervals if i.target == target), None)
                low, high = (line[f"{name}_{end}"] for end in ("low", "high"))
                assert (low, high) == (("", "") if i is None or i.low is None else (repr(i.low), repr(i.high)))
                assert line[f"{name}_reason"] == ("not computed" if i is None else i.reason or "")
            assert line["consumes"].split("; ") == r.method.consumes
            seen += 1
    assert seen == len(lines) == len(rows_of(report))


def test_markdown_has_a_table_for_each_set_and_no_ragged_row(report):
    text = (report / "table.md").read_text()
    blocks = [b for b in re.split(r"^## ", text, flags=re.M) if b.strip()]
    assert len(blocks) == 2
    for block in blocks:
        lines = [line for line in block.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert "22/24 · 2 static" in text and "20 · 4 n/a" in text
    assert "| audio, emotion, level, reference image |" in text
    assert "n/a <sup>" in text and "— <sup>" in text


def measured_part(report):
    """The page without what other papers claim, which stands apart at its end."""
    return (report / "report.html").read_text().split('<section class="group" id="published"')[0]


def test_datasets_are_not_mixed(report):
    sections = re.split(r"^## ", (report / "table.md").read_text(), flags=re.M)[1:]
    methods = {s.splitlines()[0].split(" ")[0]: re.findall(r"^\| (\S+) \| (?:control|re-)", s, re.M) for s in sections}
    assert methods["cremad-sample"] == ["gt", "gt-reencoded", "static"]
    assert len(methods["puppet"]) == 11 and "wav2lip" in methods["puppet"]
    assert {(line["table"], line["dataset"]) for line in rows_of(report)} == {("1", "puppet"), ("2", "cremad-sample")}
    first, second = measured_part(report).split('<section class="group"')[1:]
    assert "wav2lip" in first and "wav2lip" not in second


def test_every_value_interval_and_reason_is_on_the_page(realistic, page):
    for table in tables(load(realistic)):
        for line in table.cells:
            for cell in line:
                assert cell.text in page.text
                assert all(spread in page.text for spread in cell.spreads.values())
        assert all(note in page.text for note in table.notes)


def test_a_missing_value_is_not_a_zero_anywhere(make, tmp_path):
    make_result, metric_value, write_result = make
    nothing = metric_value("SSIM", None, reason="weights-missing", n_clips=0, coverage=0.0)
    folder = write_result(tmp_path / "a", make_result("a", [nothing]))
    build([folder], tmp_path / "out")
    [line] = rows_of(tmp_path / "out")
    assert (line["value"], line["new_low"], line["these_high"], line["difference_to_gt"]) == ("", "", "", "")
    assert re.search(r"\| — <sup>1</sup> \|$", (tmp_path / "out" / "table.md").read_text(), flags=re.M)
    page = Page((tmp_path / "out" / "report.html").read_text())
    assert "No row has a value of this metric. No value: weights are missing." in page.text
    assert "<svg" not in measured_part(tmp_path / "out")
    assert re.search(r"^a .*—\[1\]$", terminal([folder], 80), flags=re.M)


def test_nothing_on_the_page_is_fetched_from_elsewhere(report, page):
    text = (report / "report.html").read_text()
    assert re.findall(r"https?://", text) == []
    assert not re.search(r"@import|url\(", text)
    for tag, attrs in page.tags:
        assert tag not in ("iframe", "object", "embed", "base")
        for key in ("src", "href", "poster", "data", "action"):
            address = attrs.get(key)
            assert address is None or re.match(
                r"#t\d+|media/[A-Za-z0-9._-]+\.mp4$|data:image/webp;base64,|data:,$", address
            )


def test_every_copied_film_is_on_the_page_and_every_film_on_the_page_is_there(report, page):
    shown = [video["src"] for video in page.all("video")]
    assert sorted(set(shown)) == sorted(f"media/{p.name}" for p in (report / "media").iterdir())
    assert len(set(shown)) == 21
    twice = {address for address in shown if shown.count(address) > 1}
    assert {Path(address).name.split(".")[0] for address in twice} == {"1-01-gt"}  # also among the real clips
    for video in page.all("video"):
        assert video["preload"] == "none" and "controls" in video and video["aria-label"]
        assert (video["width"], video["height"]) == ("256", "256")


def test_ids_are_unique_and_links_inside_the_page_lead_somewhere(page):
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.all("a")} <= set(ids)


def test_rejected_inputs_problems_and_hashes_are_listed(realistic, page):
    assert "3 inputs of the dataset were not used, 1 of them named as faulty" in page.text
    assert "no face was found: 0 of 52 frames" in page.text and "P014/video/front/sad/level_1/001.mp4" in page.text
    assert "the method gave no output: no such file" in page.text
    assert "22 of 24 clips with an own output, 2 scored as the static image" in str(page.tags)
    for loaded in load(realistic):
        r = loaded.result
        for text in (
            r.dataset.manifest_sha256,
            r.dataset.store_sha256,
            r.protocol.sha256,
            r.command,
            r.environment.python,
        ):
            assert text in page.text
        assert all(sha in page.text for e in r.extractors for sha in e.weights.values())
        assert r.environment.git_commit[:12] in page.text


@pytest.fixture
def one_row(make, tmp_path):
    """one_row(name, policy, films=True, **changes): builds a report of that row; gives its page."""
    make_result, metric_value, write_result = make

    def build_one(name, policy="all", films=True, **changes):
        dataset = {"media_policy": policy} | changes.pop("dataset", {})
        result = make_result(name, [metric_value("SSIM", 0.8)], dataset=dataset, **changes)
        samples = {"P001_front_angry_3_001": 1} if films else None
        folder = write_result(tmp_path / f"r{len(list(tmp_path.iterdir()))}", result, samples)
        build([folder], tmp_path / "out")
        return Page((tmp_path / "out" / "report.html").read_text())

    return build_one


@pytest.mark.parametrize(
    ("policy", "name", "shown"),
    [
        ("all", "gt", True),
        ("all", "a", True),
        ("generated", "a", True),
        ("generated", "gt", False),
        ("generated", "gt-mismatched", False),
        ("generated", "static", False),
        ("none", "a", False),
        ("none", "gt", False),
    ],
)
def test_the_media_policy_rules_what_is_copied(one_row, tmp_path, policy, name, shown):
    page = one_row(name, policy)
    assert bool(page.all("video")) == shown
    assert (tmp_path / "out" / "media").exists() == shown
    assert ("No clips are shown" in page.text) != shown
    if not shown:
        assert "data:image" not in str(page.tags)


def test_a_real_video_under_the_name_of_ground_truth_is_not_generated(one_row):
    assert not one_row("gt", "generated", method={"kind": "folder"}).all("video")


def test_the_strictest_policy_of_a_dataset_holds_for_all_its_results(make, tmp_path):
    make_result, _, write_result = make
    samples = {"P001_front_angry_3_001": 1}
    folders = [
        write_result(tmp_path / p, make_result(p, None, dataset={"media_policy": p}, protocol={"name": p}), samples)
        for p in ("all", "none")
    ]
    assert build(folders, tmp_path / "out").n_films == 0


def test_films_of_an_earlier_report_are_removed_and_other_files_stay(one_row, tmp_path):
    one_row("a", "all")
    other = tmp_path / "out" / "media" / "notes.mp4"
    other.write_bytes(b"not ours")
    one_row("a", "none")
    assert list((tmp_path / "out" / "media").iterdir()) == [other]


def test_without_kept_films_there_is_a_sentence(one_row):
    assert "No clips are shown: none were kept beside these results." in one_row("a", films=False).text


def test_a_film_that_cannot_be_read_is_said_to_be(make, tmp_path):
    make_result, _, write_result = make
    folder = write_result(tmp_path / "a", make_result("a"))
    (folder / "samples").mkdir()
    (folder / "samples" / "P001_front_angry_3_001.mp4").write_bytes(b"not a film")
    assert build([folder], tmp_path / "out").n_films == 0
    page = Page((tmp_path / "out" / "report.html").read_text())
    assert "The kept clip cannot be read" in page.text and not page.all("video")


def test_a_hostile_name_stays_text(one_row, tmp_path):
    page = one_row(HOSTILE, method={"consumes": [HOSTILE]}, command=HOSTILE, notes=[HOSTILE])
    assert len(page.all("script")) == 1
    assert "<script>alert(1)</script>" in page.text
    markdown = (tmp_path / "out" / "table.md").read_text()
    assert "<script" not in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert "\x1b" not in markdown + page.text
    [line] = csv.DictReader(io.StringIO((tmp_path / "out" / "table.csv").read_text(), newline=""))
    assert line["method"] == HOSTILE
    [film] = (tmp_path / "out" / "media").iterdir()
    assert re.fullmatch(r"[a-z0-9.-]+\.P001_front_angry_3_001\.mp4", film.name)


@pytest.mark.parametrize("width", [80, 100, 160, 240])
def test_no_terminal_line_is_wider_than_asked(realistic, width):
    text = terminal(realistic, width)
    assert max(map(display_width, text.splitlines())) <= width
    assert "\x1b" not in text
    for table in tables(load(realistic)):
        for line in table.cells:
            assert all(cell.full_text() in text for cell in line)


def test_a_narrow_or_hostile_terminal_is_served_at_eighty(make, tmp_path):
    make_result, metric_value, write_result = make
    wide = metric_value("a metric with quite a long name indeed", 123456.789, unit="a rather long unit of measurement")
    odd = [metric_value("SX-C", -0.000123456, intervals=wide.intervals)]
    for name in ("名前" * 30, HOSTILE, "x" * 200):
        folder = write_result(tmp_path / "r", make_result(name, [wide, *odd], command="c" * 300, notes=["n" * 300]))
        text = terminal([folder], 20)
        assert max(map(display_width, text.splitlines())) <= 80
        assert "\x1b" not in text


@pytest.mark.parametrize("text", ["", "a", "a b " * 60, "x" * 500, "ab " + "名" * 200])
def test_wrapping_loses_no_character(text):
    lines = wrap(text, 40)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(display_width(line) <= 40 for line in lines)


def test_a_row_without_any_metric_is_still_a_row(make, tmp_path):
    make_result, _, write_result = make
    folder = write_result(tmp_path / "a", make_result("a", [], items=[]), rejected=False)
    build([folder], tmp_path / "out")
    assert "0/24" in (tmp_path / "out" / "table.md").read_text()
    page = Page((tmp_path / "out" / "report.html").read_text())
    assert "3 inputs of the dataset were not used; the list does not lie beside these results." in page.text
    assert "0/24" in terminal([folder], 80)
