"""A result keeps the cards of the networks that judged it."""

import json

from bench.earlier_result import RESULT_FILES
from bench.experts import command, describe, resolve, write_cards
from bench.plan import make_plan
from bench.protocols import load_protocol


def test_the_cards_of_all_experts_of_a_plan_are_written_under_their_names(tmp_path):
    path = resolve("judge-0", dataset="puppet", data_version=2)
    write_cards(tmp_path / "cards", {"judge-0": path})
    assert json.loads((tmp_path / "cards" / "judge-0.json").read_text()) == describe(path)
    assert "cards" in RESULT_FILES


def test_a_plan_knows_its_experts_each_once():
    plan = make_plan(load_protocol("emotalk"), "puppet", "2", ["M101"])
    wanted = {name for one in plan.extractors.values() for name in one.cls.experts}
    assert set(plan.experts) == wanted >= {"judge-0", "sync-expert", "cohesion"}
    assert all(path.with_suffix(".json").is_file() for path in plan.experts.values())


def test_without_experts_there_is_no_folder(tmp_path):
    write_cards(tmp_path / "cards", {})
    assert not (tmp_path / "cards").exists()


def test_the_command_for_a_missing_expert_trains_on_a_dataset_that_has_training_speakers():
    assert command("judge-1", "cremad-sample").endswith("--metric judge --seeds 1 --dataset cremad`")
    assert command("sync-expert", "puppet-cremad").endswith("--metric sync-expert --dataset puppet`")
