"""What is frozen was measured under the declaration that lies here, and says what its own numbers say."""

import re
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest

from bench.calibration.declaration import load_declaration
from bench.calibration.table import counts, markdown, terminal
from bench.calibration.verdicts import verdict_of
from bench.contract.calibration import Calibration

REFERENCE = files("reports") / "reference"
FROZEN = sorted(p.name for p in REFERENCE.iterdir() if p.name.startswith("calibration-")) if REFERENCE.is_dir() else []


@pytest.fixture(params=FROZEN)
def frozen(request):
    return Calibration.model_validate_json((REFERENCE / request.param).read_text(encoding="utf-8"))


def test_the_embedded_dataset_and_the_real_sample_are_frozen():
    assert {"calibration-puppet-quick.json", "calibration-cremad-sample.json"} <= set(FROZEN)


def test_a_frozen_calibration_was_made_under_this_declaration(frozen):
    assert frozen.declaration_sha256 == load_declaration().sha256


def test_nothing_failed_in_a_frozen_calibration_and_it_names_its_networks(frozen):
    assert frozen.failed == 0
    assert {"inception", "lpips_alex"} <= {
        name for record in frozen.extractors for name in (record.name, *record.weights)
    }


def test_a_frozen_calibration_has_every_declared_cell_at_every_dose(frozen):
    declared = [(d.name, e.metric, e.says, d.doses) for d in load_declaration().damages for e in d.expects]
    found = [(d.damage, c.metric, c.says, tuple(p.dose for p in c.points)) for d, c in frozen.cells()]
    assert found == declared


def test_the_frozen_verdicts_follow_from_the_frozen_numbers(frozen):
    for damage, cell in frozen.cells():
        judged = verdict_of(cell.says, cell.margin or cell.least, cell.points)
        assert (judged.verdict, judged.reason) == (cell.verdict, cell.reason), (damage.damage, cell.metric)


def test_every_deviation_is_printed(frozen):
    otherwise = [(d.damage, c.metric) for d, c in frozen.cells() if c.verdict != "as-declared"]
    assert len(otherwise) == sum(counts(frozen).values()) - counts(frozen)["as-declared"]
    page, screen = markdown(frozen), terminal(frozen).rpartition("cells of")[2]
    page = page.partition("## Not as declared, or not shown")[2].partition("\n## ")[0]
    for damage, metric in otherwise:
        assert re.search(rf"^\| {damage} \| ([^|]*, )?{metric}[ ,]", page, re.MULTILINE)
        assert re.search(rf"^  {damage}: ([^:]* )?{metric} ", screen, re.MULTILINE)


def test_every_deviation_is_explained_in_the_docs():
    """docs/calibration.md names each cell that came out otherwise than declared on the embedded dataset."""
    page = (Path(__file__).parents[3] / "docs" / "calibration.md").read_text(encoding="utf-8")
    text = (REFERENCE / "calibration-puppet-quick.json").read_text(encoding="utf-8")
    for damage, cell in Calibration.model_validate_json(text).cells():
        if cell.verdict == "not-as-declared":
            assert f"{damage.damage}: {cell.metric}" in page


def test_every_frozen_record_has_its_hash_in_the_list():
    lines = (REFERENCE / "SHA256SUMS").read_text(encoding="utf-8").split()
    listed = dict(zip(lines[1::2], lines[::2], strict=True))
    records = [p for p in REFERENCE.iterdir() if p.name.endswith(".json")]
    assert listed == {p.name: sha256(p.read_bytes()).hexdigest() for p in records}
