"""`emotalk regress` on rows that were evaluated: what it writes, what it says, and how it ends."""

import json
from xml.etree import ElementTree

import pytest
from regression_rows import DECLARED, MODEL
from result_rows import write_row

from bench import cli
from bench.contract.errors import Reason
from bench.contract.regression import RegressionRecord
from bench.regress.reference import load_reference


@pytest.fixture
def regress(results, references, capsys):
    """regress(words...) -> exit code, stdout, stderr."""

    def run(*words):
        words = ["regress", *map(str, words), "--references", str(references), "--work", str(results.parent)]
        code = cli.execute(cli.parsed(words), words)
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def verdict(results):
    return results.parent / "regressions" / "other--against--model"


def test_a_row_that_is_not_worse_ends_with_0_and_leaves_three_files(regress, another, frozen, results, verdict):
    code, out, _ = regress("--result", another().folder, "--reference", "model")
    assert code == 0 and "Not worse: every primary endpoint is within its margin." in out
    assert sorted(p.name for p in verdict.iterdir()) == ["junit.xml", "verdict.json", "verdict.md"]
    record = RegressionRecord.model_validate_json((verdict / "verdict.json").read_text())
    assert record.verdict == "not worse" and record.reference_sha256 == frozen.sha256


def test_a_row_that_is_worse_ends_with_1_and_says_in_what(regress, another, frozen, verdict):
    code, out, _ = regress("--result", another({"M-LMD": 2.9}).folder, "--reference", "model")
    assert code == 1 and "Regressed: worse in M-LMD." in out
    suite = ElementTree.parse(verdict / "junit.xml").getroot()
    assert suite.attrib["failures"] == "1" and suite.attrib["tests"] == "3"
    [failure] = suite.iter("failure")
    assert failure.attrib["message"].startswith("M-LMD worse: badness +0.89")


def test_where_nothing_can_be_shown_it_ends_with_5(regress, another, results, margins, references, monkeypatch):
    from regression_rows import ABOUT

    from bench.regress.reference import freeze

    strict = [m.model_copy(update={"margin": 1e-6}) for m in margins[0]]
    freeze(another(name="twin", seed=77), "strict", strict, margins[1], references, ABOUT)
    code, out, _ = regress("--result", "model", "--reference", "strict")
    assert code == 5 and "Could not tell" in out


def test_json_is_one_document_with_the_exit_code(regress, another, frozen):
    code, out, _ = regress("--result", another({"M-LMD": 2.9}).folder, "--reference", "model", "--json")
    document = json.loads(out)
    assert code == document["exit_code"] == 1 and document["lines"][0]["metric"] == "M-LMD"


def test_a_row_of_other_clips_ends_with_2_and_one_with_failed_outputs_with_4(regress, another, frozen):
    code, _, err = regress("--result", another(store_sha256="t").folder, "--reference", "model")
    assert code == 2 and "cannot be held against the reference model" in err
    code, _, err = regress("--result", another({"M-LMD": None}, name="none").folder, "--reference", "model")
    assert code == 4 and "no value of M-LMD" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "expected one of --method NAME, --videos FOLDER and --result ROW, got none"),
        (["--result", "model", "--method", "static"], "got method and result"),
        (["--result", "model", "--checkpoint", "x"], "--checkpoint: is of a method"),
        (["--result", "model", "--limit", "3"], "--limit: the clips are those of the reference"),
        (["--result", "model", "--protocol", "emotalk-light"], "was made under emotalk"),
        (["--videos", "/nowhere"], "found no folder there"),
        (["--method", "statik"], "did you mean static"),
    ],
)
def test_wrong_use_says_what_was_expected(regress, frozen, words, said):
    code, _, err = regress(*words, "--reference", "model")
    assert code == 2 and said in err


def test_freeze_makes_a_reference_with_margins_from_the_controls(regress, references, monkeypatch):
    monkeypatch.setattr("bench.regress.declaration.load_declaration", lambda *_: DECLARED)
    code, out, _ = regress("--result", "model", "--freeze", "--reference", "mine")
    assert code == 0 and "M-LMD: margin 0.4" in out
    assert sorted(p.name for p in references.iterdir()) == [
        "SHA256SUMS", "regression-mine.json", "regression-mine.safetensors"
    ]  # fmt: skip
    assert regress("--result", "model", "--reference", "mine")[0] == 0


def test_a_row_of_cues_alone_is_frozen_without_the_metrics_of_pixels(regress, another, references, monkeypatch):
    monkeypatch.setattr("bench.regress.declaration.load_declaration", lambda *_: DECLARED)
    row = another({"SX-C": None}).folder
    path = row / "result.json"
    refused, _, err = regress("--result", row, "--freeze", "--reference", "mine")
    assert refused == 2 and "no value of SX-C (no-face), which the gate looks at" in err
    path.write_text(path.read_text().replace("no-face", Reason.CUE_SPACE_ONLY))
    assert regress("--result", row, "--freeze", "--reference", "mine")[0] == 0
    record = load_reference("mine", [references]).record
    assert [m.metric for m in record.margins] == ["M-LMD", "spread"]
    assert [(one.metric, one.reason) for one in record.ungated] == [("SX-C", Reason.CUE_SPACE_ONLY)]
    code, out, _ = regress("--result", row, "--reference", "mine")
    assert code == 0 and "Not in the gate: SX-C" in out
    assert regress("--result", "model", "--reference", "mine")[0] == 2


def test_a_folder_with_other_files_is_never_replaced(regress, frozen, tmp_path):
    (tmp_path / "own.txt").write_text("not ours")
    code, _, err = regress("--result", "model", "--reference", "model", "--out", tmp_path)
    assert code == 2 and "expected a new folder" in err and (tmp_path / "own.txt").is_file()


def test_names_that_would_break_xml_or_a_terminal_do_not(regress, frozen, tmp_path, results):
    row = write_row(tmp_path / "odd", 'a<b>&"\x1b[31m', MODEL, spread=2.0, seed=5)
    code, out, _ = regress("--result", row, "--reference", "model", "--out", tmp_path / "out")
    assert code == 0 and "\x1b" not in out
    suite = ElementTree.parse(tmp_path / "out" / "junit.xml").getroot()
    assert 'a<b>&"' in suite.find("testsuite").attrib["name"]
