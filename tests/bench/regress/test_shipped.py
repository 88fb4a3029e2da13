"""References that come with the suite were made under what lies here now, and their margins follow from their numbers."""

from importlib.resources import files
from pathlib import Path

import pytest

from bench.contract.metric import Direction
from bench.data.puppet.version import PUPPET_VERSION
from bench.protocols import load_protocol
from bench.regress.conditions import of_cues
from bench.regress.declaration import load_declaration
from bench.regress.judging import Held, judged
from bench.regress.reference import PREFIX, load_reference

FOLDER = Path(str(files("reports") / "reference"))
SHIPPED = sorted(p.stem.removeprefix(PREFIX) for p in FOLDER.glob(f"{PREFIX}*.json"))


@pytest.fixture(params=SHIPPED)
def shipped(request):
    return load_reference(request.param, [FOLDER])


def test_one_of_the_embedded_dataset_is_there():
    assert "gt-reencoded-puppet-quick" in SHIPPED


def test_it_was_made_under_the_protocol_the_data_and_the_declaration_that_lie_here(shipped):
    record = shipped.record
    assert record.protocol.sha256 == load_protocol(record.protocol.name).sha256
    assert record.declaration_sha256 == load_declaration(of_cues(record.ungated)).sha256
    assert record.dataset.data_version in (None, str(PUPPET_VERSION))


def test_its_metrics_are_defined_as_the_protocol_defines_them_now(shipped):
    now = {m.name: (m.version, m.definition) for m in load_protocol(shipped.record.protocol.name).metrics_built()}
    assert {c.metric: (c.version, c.definition) for c in shipped.record.columns}.items() <= now.items()


def test_its_margins_follow_from_the_values_beside_them(shipped):
    declared = load_declaration(of_cues(shipped.record.ungated))
    for margin in shipped.record.margins:
        direction = shipped.record.column(margin.metric).direction
        known = [one for one in margin.considered if one.distance is not None]
        for one in known:
            if direction == Direction.MATCH:
                expected = abs(one.value - one.truth) - abs(one.base - one.truth)
            else:
                expected = (one.value - one.base) * (-1.0 if direction == Direction.HIGHER else 1.0)
            assert one.distance == pytest.approx(expected)
        worst = max(known, key=lambda one: one.distance)
        assert (margin.control, margin.margin) == (worst.control, pytest.approx(declared.share * worst.distance))
        assert [one.control for one in margin.considered] == declared.controls[margin.metric]


def test_it_is_not_worse_than_itself(shipped):
    people = {clip.clip_id: clip for clip in shipped.record.clips}
    held = [
        Held(shipped.record.column(m.metric), m, shipped.columns[m.metric], shipped.columns[m.metric], None)
        for m in shipped.record.margins
        if shipped.record.column(m.metric).kind == "clip"
    ]
    assert held and {(line.verdict, line.difference) for line in judged(held, people, 0)} == {("not worse", 0.0)}
