"""The command line as others script it: help is quick, errors are short, exit codes mean what they say."""

import errno
import json
import time

import pytest
from run_emotalk import emotalk

from bench import cli

VERBS = (
    "run",
    "prepare",
    "train",
    "sweep",
    "generate",
    "evaluate",
    "report",
    "compare",
    "power",
    "hypotheses",
    "calibrate",
    "regress",
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


@pytest.mark.parametrize("words", ["published --seed -1", "published --limit 0", "methods --jobs 0"])
def test_a_number_that_no_verb_takes_is_wrong_use(words, tmp_path, capsys):
    verb = cli.parsed([*words.split(), "--work", str(tmp_path)])
    assert cli.execute(verb, words.split()) == 2
    assert "expected a" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["afile", "afile/x", "/proc/x"])
@pytest.mark.parametrize("verb", ["published", "report x", "report --spread x", "power", "compare a b"])
def test_an_out_that_cannot_be_made_is_wrong_use_and_is_named(verb, out, tmp_path, capsys):
    (tmp_path / "afile").write_text("mine")
    words = [*verb.split(), "--out", str(tmp_path / out), "--work", str(tmp_path / "work")]
    assert cli.execute(cli.parsed(words), words) == 2
    said = capsys.readouterr().err
    assert f"--out {tmp_path / out}" in said and "--work" not in said
    assert (tmp_path / "afile").read_text() == "mine"


def test_a_disk_that_refuses_the_out_is_told_with_the_flag_that_names_it(tmp_path, monkeypatch, capsys):
    def refused(flags, space, command):
        raise PermissionError(
            errno.EACCES, "Permission denied", str(flags.out / "power.json" if flags.out else space.root)
        )

    monkeypatch.setattr("bench.verbs.power", refused)
    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path / "work"))
    assert cli.execute(cli.parsed(["power", "--out", str(tmp_path / "new")]), []) == 2
    said = capsys.readouterr().err
    assert "--out" in said and "--work" not in said
    assert cli.execute(cli.parsed(["power"]), []) == 1
    assert "--work" in capsys.readouterr().err


def test_several_protocols_do_not_write_into_the_folder_of_the_videos(tmp_path, smoke_work, monkeypatch, capsys):
    monkeypatch.setenv("EMOTALK_WORK", str(smoke_work))
    (tmp_path / "clip.mp4").touch()
    words = ["evaluate", "--profile", "smoke", "--protocol", "emotalk,emotalk-light"]
    words += ["--videos", str(tmp_path), "--out", str(tmp_path), "--wandb", "off"]
    assert cli.execute(cli.parsed(words), words) == 2
    assert "is the folder of the videos" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


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
    assert f"`emotalk prepare --dataset cremad-sample --split test --work {tmp_path}`" in done.stderr
