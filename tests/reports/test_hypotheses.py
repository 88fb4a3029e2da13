"""Hypotheses are read strictly, and those that come along are the ones that were written before anything was measured."""

import pytest

from bench.contract.errors import UsageError
from reports.hypotheses import load_hypotheses

FROZEN = "611768dafb4de6c1d540707d21b2177e4876703e247d6a9d8de2f8fa6b405e2f"
HEAD = """
schema_version = 1
dataset = "puppet"
profile = "bench"
part = "test"
protocol = "emotalk"
training_seeds = [0, 1, 2]
sampling_seeds = [0, 1, 2]
"""
CLAIM = """
[[hypothesis]]
id = "lips"
claim = "nearer to the sound"
better = "mine"
than = "static"
metric = "SX-D"
"""


def read(tmp_path, text):
    file = tmp_path / "claims.toml"
    file.write_text(text, encoding="utf-8")
    return load_hypotheses(file)


def test_the_claims_that_come_along_are_those_that_were_frozen():
    document, sha256 = load_hypotheses()
    assert sha256 == FROZEN
    assert len(document.hypothesis) == 18
    assert (document.dataset, document.profile, document.part, document.protocol) == (
        *("puppet", "bench", "test"),
        "emotalk",
    )
    assert document.training_seeds == document.sampling_seeds == [0, 1, 2]


def test_a_claim_is_read_with_all_that_it_says(tmp_path):
    document, sha256 = read(tmp_path, HEAD + CLAIM)
    [claim] = document.hypothesis
    assert (claim.id, claim.better, claim.than, claim.metric) == ("lips", "mine", "static", "SX-D")
    assert sha256 != read(tmp_path, HEAD + CLAIM + "\n")[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + CLAIM + 'weight = 2\n', r"claims.toml: hypothesis.0.weight: unknown key"),
        ("extra = 1\n" + HEAD + CLAIM, "extra: unknown key"),
        (HEAD + CLAIM.replace('metric = "SX-D"\n', ""), "hypothesis.0.metric: Field required"),
        (HEAD.replace("schema_version = 1", "schema_version = 2") + CLAIM, "schema_version"),
        (HEAD.replace('part = "test"\n', "") + CLAIM, "part: Field required"),
        (HEAD + CLAIM + CLAIM.replace("SX-D", "LPIPS"), "lips is there twice"),
        (HEAD + CLAIM + CLAIM.replace('"lips"', '"again"'), "same rows and metric"),
        (
            HEAD + CLAIM + CLAIM.replace('"lips"', '"again"').replace('"mine"', '"x"').replace('"static"', '"mine"')
            .replace('"x"', '"static"'),
            "same rows and metric",
        ),
        (HEAD + CLAIM.replace('"mine"', '"static"'), "expected two rows"),
        (HEAD + CLAIM.replace('"lips"', '"Lips move"'), "hypothesis.0.id"),
        (HEAD.replace("[0, 1, 2]", "[0, 0]", 1) + CLAIM, "training_seeds: expected whole numbers"),
        (HEAD, "hypothesis: Field required"),
        ("not toml", "not a TOML document"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, text, said):
    with pytest.raises(UsageError, match=said):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_wrong_use(tmp_path):
    with pytest.raises(UsageError, match=r"nothing.toml: cannot be read"):
        load_hypotheses(tmp_path / "nothing.toml")
