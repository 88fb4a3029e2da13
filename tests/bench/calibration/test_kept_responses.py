"""What a calibration reads from its cache is what this version would compute: outputs change only with RESPONSE_VERSION."""

import json
from numbers import Real

import pytest
from response_lines import GOLDEN, lines_of

from bench.calibration import responses
from bench.calibration.responses import RESPONSE_VERSION, Rows, kept_lines
from bench.compare import load_row

ANEW = "python tests/support/response_lines.py"


def flat(value, path=""):
    """A document as path -> leaf."""
    if isinstance(value, dict):
        return {k: v for key, one in value.items() for k, v in flat(one, f"{path}/{key}").items()}
    if isinstance(value, list):
        return {k: v for key, one in enumerate(value) for k, v in flat(one, f"{path}/{key}").items()}
    return {path: value}


def test_kept_lines_do_not_change_unless_their_version_does(tmp_path):
    kept = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert kept["response_version"] == RESPONSE_VERSION, (
        f"RESPONSE_VERSION changed: write the golden file anew ({ANEW})"
    )
    expected, found = flat(kept["lines"]), flat(lines_of(tmp_path))
    assert expected.keys() == found.keys()
    for path, value in expected.items():
        number = isinstance(value, Real) and not isinstance(value, bool)
        assert found[path] == (pytest.approx(value, rel=1e-9, abs=1e-12) if number else value), (
            f"{path}: what is kept of a comparison changed and RESPONSE_VERSION ({RESPONSE_VERSION}) did not: "
            f"raise it in bench/calibration/responses.py, then {ANEW}"
        )


def test_the_golden_lines_have_every_kind_of_column_and_interval():
    lines = json.loads(GOLDEN.read_text(encoding="utf-8"))["lines"]
    assert {line["kind"] for line in lines} == {"clip", "set"}
    assert {line["direction"] for line in lines} == {"higher", "lower", "match"}
    assert any(line["reason"] for line in lines) and any(line["own_only"] for line in lines)


def test_lines_of_another_version_are_made_anew(tmp_path, monkeypatch):
    lines_of(tmp_path)
    folders = tmp_path / "damaged", tmp_path / "base"
    rows = Rows(1.0, *folders, tmp_path / "cache", 0), *map(load_row, folders)
    monkeypatch.setattr(responses, "compare_rows", lambda *args: pytest.fail("made anew"))
    assert kept_lines(*rows)
    monkeypatch.setattr(responses, "RESPONSE_VERSION", "another")
    with pytest.raises(pytest.fail.Exception, match="made anew"):
        kept_lines(*rows)
