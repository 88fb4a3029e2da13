"""The command line as others script it: help is quick, errors are short, exit codes mean what they say."""

import json
import time

import pytest
from run_emotalk import emotalk

VERBS = (
    "run",
    "prepare",
    "train",
    "generate",
    "evaluate",
    "report",
    "compare",
    "power",
    "calibrate",
    "published",
    "methods",
    "metrics",
    "datasets",
    "weights",
    "doctor",
    "submit",
)


def test_help_answers_in_under_half_a_second_and_names_every_verb():
    best = 9.0
    for _ in range(3):
        start = time.perf_counter()
        done = emotalk("--help")
        best = min(best, time.perf_counter() - start)
    assert done.returncode == 0
    assert all(verb in done.stdout for verb in VERBS)
    assert best < 0.5


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_the_common_flags(verb):
    done = emotalk(verb, "--help")
    assert done.returncode == 0
    for flag in ("--work", "--profile", "--split", "--seed", "--limit", "--json"):
        assert flag in done.stdout


def test_unknown_method_is_wrong_use_with_a_suggestion(tmp_path):
    done = emotalk("run", "--methods", "statik", "--profile", "smoke", "--work", tmp_path)
    assert done.returncode == 2
    assert "did you mean static" in done.stderr
    assert "Traceback" not in done.stderr


def test_mead_without_a_root_is_wrong_use_and_says_what_to_give(tmp_path):
    done = emotalk("prepare", "--dataset", "mead", "--work", tmp_path)
    assert done.returncode == 2
    assert "--root" in done.stderr


def test_empty_dataset_folder_means_nothing_could_be_done(tmp_path):
    (tmp_path / "empty").mkdir()
    done = emotalk(
        "prepare", "--dataset", "cremad", "--root", tmp_path / "empty", "--json", "--work", tmp_path / "work"
    )
    assert done.returncode == 3
    assert json.loads(done.stdout)["exit_code"] == 3
    assert "VideoFlash" in done.stderr


def test_unknown_flag_is_wrong_use():
    assert emotalk("prepare", "--no-such-flag").returncode == 2


@pytest.mark.parametrize("verb", ["methods", "metrics", "datasets"])
def test_lists_print_one_json_document_on_stdout(verb, tmp_path):
    done = emotalk(verb, "--json", "--work", tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout)[verb]


def test_generate_before_prepare_says_what_to_run_first(tmp_path):
    done = emotalk("generate", "--method", "static", "--dataset", "cremad-sample", "--work", tmp_path)
    assert done.returncode == 2
    assert "emotalk prepare" in done.stderr
