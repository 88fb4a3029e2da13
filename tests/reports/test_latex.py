"""table.tex: it compiles whatever stands in it, and says what the other tables say."""

import re
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.contract.errors import Reason
from reports.latex import escape, latex
from reports.load import Loaded, load
from reports.table import tables

NEEDS_LATEX = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
DOCUMENT = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}%s\end{document}"
HOSTILE = (
    r"\input{/etc/passwd} 100% $x$ #1 & a_b^c~d <e>|f| `g' \"h\" -- --- {}} \\[2pt] ±−→ é ñ ø Ł 名前 \x1b ?` !` []*"
)


def compiled(tex, folder):
    """The log of a run that must succeed and leave a PDF."""
    (folder / "table.tex").write_text(tex, encoding="utf-8")
    (folder / "paper.tex").write_text(DOCUMENT % r"\input{table}", encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "paper.pdf").stat().st_size > 1000
    return done.stdout


@NEEDS_LATEX
def test_the_whole_report_compiles(realistic, tmp_path):
    log = compiled(latex(tables(load(realistic))), tmp_path)
    assert "Missing character" not in log and "undefined" not in log


@NEEDS_LATEX
def test_hostile_names_reasons_and_notes_compile_and_run_no_command(make, tmp_path):
    make_result, metric_value, _ = make
    rows = [
        make_result(HOSTILE, [metric_value("SX-C", None, reason=HOSTILE)], notes=[HOSTILE], command=HOSTILE),
        make_result("two", [metric_value("SX-C", -1.5)], method={"consumes": [HOSTILE]}),
        make_result("gt", [metric_value("SX-C", 6.0)]),
        make_result("three", [metric_value("SX-C", 5.9)]),
    ]
    log = compiled(latex(tables([Loaded(r, tmp_path) for r in rows])), tmp_path)
    assert "Missing character" not in log and "/etc/passwd" not in log


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_escaped_text_is_ascii_and_its_braces_balance(text):
    out = escape(text)
    assert out.isascii() and "\n" not in out
    bare = re.sub(r"\\[{}]", "", out.replace(r"\textbackslash{}", ""))
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0


def test_every_special_character_is_escaped():
    assert escape(r"\{}$&#%_^~") == (r"\textbackslash{}\{\}\$\&\#\%\_\textasciicircum{}\textasciitilde{}")
    assert escape("a--b") == "a{-}{-}b" and escape("é") == r"\'{e}" and escape("名") == r"{\ttfamily U+540D}"


def test_every_value_interval_and_footnote_is_in_the_table(realistic):
    made = tables(load(realistic))
    text = latex(made)
    for table in made:
        for row, line in zip(table.rows, table.cells, strict=True):
            assert escape(row.label) in text and escape(row.clips) in text
            assert all(escape(cell.full_text()) in text for cell in line)
        assert all(escape(note) in text for note in table.notes)
    assert text.count(r"\begin{tabular}") == text.count(r"\bottomrule") == len(made)
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in lines[:12]} == {2 + len(made[0].columns)}


def test_bold_is_the_best_method_and_stops_at_the_ceiling(make, tmp_path):
    make_result, metric_value, _ = make
    values = {"gt": 6.0, "static": 1.0, "near": 6.2, "past": 8.0, "far": 3.0}
    text = latex(tables([Loaded(make_result(n, [metric_value("SX-C", v)]), tmp_path) for n, v in values.items()]))
    bold = [line.split(" & ")[0] for line in text.splitlines() if r"\textbf" in line]
    assert bold == ["near"]


def test_substitutes_and_missing_values_have_footnotes(make, tmp_path):
    make_result, metric_value, _ = make
    cells = [
        metric_value("SSIM", 0.7, n_substituted=2),
        metric_value("PSNR", None, reason=Reason.WEIGHTS_MISSING, n_clips=0),
    ]
    text = latex(tables([Loaded(make_result("a", cells), tmp_path)]))
    assert "22 of 24 clips with an own output, 2 scored as the static image" in text
    assert "No value: weights are missing" in text and r"\textsuperscript{1}" in text
