"""Published claims: every value as it was printed, read strictly, and never in a column with a measured one."""

import ast
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

import reports
from bench.contract.errors import UsageError
from reports.published import claims, disagreements, load_published
from reports.publishedpage import between, blocks, by_source, frozen_scores, page
from reports.textblock import markdown, terminal

SOURCES = load_published()
PRINTED = {  # typed here once more, from the sources' tables
    ("eat-released-outputs", "EAT"): "21.79 .6795 25.09 2.223 2.425 8.215 -2",
    ("eat", "EAT"): ".68 2.25 2.47 75.43",
    ("eat", "EAMM"): "49.85",
    ("dreamtalk", "MakeItTalk"): ".73 .11 3.97 5.32 2.10",
    ("dreamtalk", "Wav2Lip"): ".80 .18 2.72 4.05 5.26",
    ("dreamtalk", "PC-AVS"): ".50 .07 5.83 4.97 2.18",
    ("dreamtalk", "EAMM"): ".40 .08 6.70 6.48 1.41",
    ("dreamtalk", "StyleTalk"): ".84 .16 2.12 3.25 3.47",
    ("dreamtalk", "SadTalker"): ".69 .16 4.12 4.37 2.76",
    ("dreamtalk", "PD-FGC"): ".49 .05 5.50 4.10 2.27",
    ("dreamtalk", "EAT"): ".53 .15 5.54 4.79 2.16",
    ("dreamtalk", "DreamTalk"): ".86 .16 1.93 2.91 3.78",
    ("dreamtalk", "ground truth"): "1 .22 0 0 4.13",
    ("esgaussianface", "MakeItTalk"): "27.597 .602 53.090 .059 4.495 5.208 19.379",
    ("esgaussianface", "Wav2Lip"): "27.819 .670 46.373 .051 5.851 5.068 16.802",
    ("esgaussianface", "Audio2Head"): "26.529 .623 63.287 .070 3.342 6.681 19.915",
    ("esgaussianface", "MEAD baseline"): "28.081 .712 21.273 .039 5.784 3.564 64.920",
    ("esgaussianface", "EAMM"): "26.807 .681 58.334 .063 3.457 4.578 25.415",
    ("esgaussianface", "EAT"): "27.650 .690 35.094 .049 5.277 4.360 58.485",
    ("esgaussianface", "DreamTalk"): "27.801 .732 34.239 .051 5.560 4.693 61.810",
    ("esgaussianface", "EDTalk"): "27.938 .760 34.497 .048 5.436 4.467 62.288",
    ("esgaussianface", "Style2Talker"): "29.455 .795 25.282 .035 5.294 3.007 70.273",
    ("eamm", "EAMM"): "2.41 2.55 .66 29.29 2.26 68.41",
    ("eamm", "PC-AVS"): "2.97 3.03 .63 28.72",
    ("auhead", "AUHead"): "23.347 .7395 10.967 1.861 2.160 24.291 .7413 8.236 1.931 2.399",
    ("auhead", "MEMO"): "23.191 .7345 11.124 2.068 2.247 24.281 .7410 8.388 1.968 2.430",
    ("c-met", "EAMM"): "18.81 19.15",
    ("c-met", "EAT"): "41.56 39.97",
    ("c-met", "EDTalk"): "41.99 29.69",
    ("c-met", "FLOAT"): "13.21 29.11",
    ("c-met", "C-MET"): "55.91 43.47",
    ("emogen", "EmoGen"): "5.29 6.663 83.2",
    ("source-not-known", "EAT"): "64.4",
    ("source-not-known", "PD-FGC"): "1.57",
}
MEASURED = ("table", "columns", "best", "groups", "load", "notes", "text", "latex", "terminal", "strip", "breakdown")


def test_every_claim_has_the_printed_value_and_no_source_has_another():
    found = {}
    for claim in claims(SOURCES):
        found.setdefault((claim.source.source, claim.line.method), []).append(claim.value)
    assert found == {key: [float(v) for v in text.split()] for key, text in PRINTED.items()}


def test_every_claim_says_its_protocol_its_split_and_how_far_it_is_to_be_trusted():
    for claim in claims(SOURCES):
        assert claim.table.protocol and claim.table.split and claim.table.trust in ("calc", "text", "note")
        assert claim.table.unknown or claim.column.unknown
    assert {c.table.trust for c in claims(SOURCES) if c.source.source == "dreamtalk"} == {"text"}
    assert {c.table.trust for c in claims(SOURCES) if c.source.source == "c-met"} == {"note"}


def ratio(method, quantity):
    [found] = [d for d in disagreements(SOURCES) if (d.method, d.quantity) == (method, quantity)]
    return found


def test_the_same_method_differs_between_sources_as_is_known():
    accuracy = ratio("EAMM", "Emotion accuracy")
    assert [c.value for c in accuracy.claims] == [68.41, 49.85, 25.415, 18.81]
    assert accuracy.ratio == pytest.approx(68.41 / 18.81)
    assert [c.value for c in ratio("EAT", "Emotion accuracy").claims] == [75.43, 64.4, 58.485, 41.56]
    assert [c.value for c in ratio("EAT", "Sync confidence").claims] == [8.215, 5.277, 2.16]
    assert [c.value for c in ratio("EAT", "PSNR").claims] == [27.65, 21.79]
    assert [c.value for c in ratio("PD-FGC", "M-LMD").claims] == [4.10, 1.57]


def test_real_video_and_other_datasets_are_no_disagreement():
    found = disagreements(SOURCES)
    assert all(d.method != "ground truth" and len({c.table.dataset for c in d.claims}) == 1 for d in found)


def one_file(folder: Path, text: str) -> Path:
    (folder / "made.toml").write_text(text, encoding="utf-8")
    return folder


GOOD = """
source = "made"
title = "A title"
link = "arXiv:0000.00000"
year = 2024
kind = "paper"
[[tables]]
place = "Table 1"
trust = "text"
dataset = "MEAD"
split = "not known"
protocol = "not known"
unknown = ["all"]
[[tables.metrics]]
quantity = "SSIM"
as_written = "SSIM"
unit = "1"
decimals = 2
[[tables.rows]]
method = "A"
values = { SSIM = 0.5 }
"""


def test_a_sound_file_is_read_and_the_digits_of_its_source_are_kept(tmp_path):
    [claim] = claims(load_published(one_file(tmp_path, GOOD)))
    assert claim.text == "0.50"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('trust = "text"', 'trust = "text"\nsure = true'), "tables.0.sure: unknown key"),
        (('trust = "text"', 'trust = "rumour"'), "trust"),
        (("SSIM = 0.5 ", "SSIM = 0.5, PSNR = 30.0 "), "no quantity of this table"),
        (("SSIM = 0.5 ", 'SSIM = "0.5" '), "values"),
        (('source = "made"', 'source = "other"'), "must agree"),
        (('protocol = "not known"\n', ""), "protocol"),
        (("[[tables.rows]]", "[[tables.rows]"), "not a TOML document"),
    ],
)
def test_an_unknown_key_a_wrong_type_or_a_stray_value_is_refused_with_the_file_and_the_key(tmp_path, change, says):
    with pytest.raises(UsageError, match=re.escape(says)) as error:
        load_published(one_file(tmp_path, GOOD.replace(*change)))
    assert "published/made.toml" in str(error.value)


def test_every_file_follows_a_protocol_of_this_project_or_none():
    known = {p.name.removesuffix(".toml") for p in (files("data_manifests") / "protocols").iterdir()}
    assert all(t.follows is None or t.follows in known for s in SOURCES for t in s.tables)


def test_what_makes_measured_tables_does_not_know_of_claims():
    folder = Path(reports.__file__).parent
    for name in MEASURED:
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert not imported & {"reports.published", "reports.publishedpage"}, name


def test_a_report_shows_claims_in_a_part_of_their_own_and_its_tables_hold_none(realistic, tmp_path):
    from reports.html import build

    build(realistic[:2], tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    measured, _, claimed = text.partition('<section class="group" id="published"')
    assert "esgaussianface" in claimed and 'class="scores"' not in claimed
    assert "esgaussianface" not in measured and 'class="list claimed"' not in measured
    for name in ("table.md", "table.csv", "table.tex"):
        assert "esgaussianface" not in (tmp_path / name).read_text(encoding="utf-8")


def test_page_terminal_and_markdown_hold_every_claim_with_its_protocol():
    made = blocks(SOURCES, frozen_scores())
    shown = {"page": page(made), "terminal": terminal(made), "markdown": markdown(made)}
    for name, text in shown.items():
        for claim in claims(SOURCES):
            assert claim.text in text, (name, claim)
    assert len(by_source(SOURCES)) == sum(len(s.tables) for s in SOURCES)
    assert between(disagreements(SOURCES)).figure in shown["page"]


def test_the_page_of_the_docs_holds_todays_output():
    docs = (Path(reports.__file__).parent.parent / "docs" / "published.md").read_text(encoding="utf-8")
    assert docs.endswith(markdown(blocks(SOURCES, frozen_scores())).rstrip() + "\n"), "emotalk published --out DIR"


def test_the_page_fetches_nothing_and_has_no_script():
    text = page(blocks(SOURCES, frozen_scores()))
    assert "<script" not in text and not re.search(r'(src|href)="(?!#|data:)', text)


def test_claims_are_toml_that_says_where_each_comes_from():
    for entry in (files("reports") / "published").iterdir():
        assert tomllib.loads(entry.read_text(encoding="utf-8"))["title"]
