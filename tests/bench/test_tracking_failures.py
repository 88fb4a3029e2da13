"""W&B may be absent, broken, slow, killed or unreachable: the benchmark's numbers, files and exit codes do not change."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import types
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from wandb_records import records

from bench import cli
from bench.tracking.mirror import Mirror

STAND_IN = """
import os, time
from unittest.mock import MagicMock

class Settings:
    model_fields = {}

def setup():
    return MagicMock(settings=MagicMock(mode="offline", base_url="https://api.wandb.ai"))

def Artifact(*given, **named):
    return MagicMock()

Table = Image = Video = Html = Artifact
FULL = OSError(28, "No space left on device")
run = MagicMock()

def init(**named):
    return run
"""
WAYS = {
    "cannot be imported": ("raise ImportError('half installed')", "half installed"),
    "init raises": ("def init(**named): raise RuntimeError('no such service')", "no such service"),
    "log raises": ("run.log.side_effect = FULL", "No space left"),
    "artifact raises": ("run.log_artifact.side_effect = FULL", "No space left"),
    "finish raises": ("run.finish.side_effect = FULL", "No space left"),
    "init hangs": ("def init(**named): time.sleep(600)", "EMOTALK_WANDB_WAIT"),
    "log hangs": ("run.log.side_effect = lambda *a, **k: time.sleep(600)", "EMOTALK_WANDB_WAIT"),
    "process killed": ("run.log.side_effect = lambda *a, **k: os.kill(os.getpid(), 9)", "exit code -9"),
    "process exits": ("def init(**named): os._exit(7)", "exit code 7"),
}


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Puts another `wandb` before the real one, for the mirror's process: the stand-in and the lines given."""

    def put(lines: str) -> None:
        folder = tmp_path / "broken" / "wandb"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(STAND_IN + textwrap.dedent(lines) + "\n")
        monkeypatch.setenv("PYTHONPATH", str(folder.parent))

    return put


def told(capfd) -> list[str]:
    return [line for line in capfd.readouterr().err.splitlines() if line.startswith("W&B:")]


@pytest.mark.parametrize("way", WAYS)
def test_whatever_breaks_is_one_line_and_nothing_more(way, broken, tmp_path, monkeypatch, capfd):
    lines, word = WAYS[way]
    broken(lines)
    monkeypatch.setenv("EMOTALK_WANDB_WAIT", "2.5")
    start = time.monotonic()
    with Mirror("offline", work=tmp_path) as mirror:
        mirror.begin("train", "one")
        for step in range(50):
            mirror.log(step, {"loss": 1.0})
        mirror.begin("report", "two")
        mirror.reported([], tmp_path, [])
        mirror.code = 0
    assert time.monotonic() - start < 20
    (line,) = told(capfd)
    assert word in line
    assert line.endswith("The run and its results are not affected.")


def test_values_that_cannot_be_told_do_not_raise(broken, tmp_path, capfd):
    broken("")

    class Odd:
        def __str__(self):
            raise RuntimeError("no words for this")

    with Mirror("offline", work=tmp_path) as mirror:
        mirror.log(0, {"before any run": 1})
        mirror.begin("train", "one")
        mirror.log(1, {"loss": Odd()})
        mirror.log("not a step", {})
    assert "no words for this" in told(capfd)[0]


def test_a_work_folder_that_cannot_be_written_is_one_line(tmp_path, capfd):
    (tmp_path / "wandb").write_text("a file where the folder should be")
    with Mirror("offline", work=tmp_path) as mirror:
        mirror.begin("train", "one")
        mirror.log(1, {"loss": 1.0})
    (line,) = told(capfd)
    assert "wandb" in line


def test_off_starts_no_process_and_writes_nothing(tmp_path, capfd):
    with Mirror("off", work=tmp_path) as mirror:
        mirror.begin("train", "one")
        mirror.log(1, {"loss": 1.0})
        assert mirror._process is None
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")


def test_a_server_that_refuses_costs_seconds_and_the_run_is_recorded_offline(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("EMOTALK_WANDB_WAIT", "12")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    start = time.monotonic()
    with Mirror("auto", work=tmp_path) as mirror:
        mirror.begin("train", "one")
        mirror.log(3, {"loss": 0.5})
        mirror.code = 0
    assert time.monotonic() - start < 20
    (line,) = told(capfd)
    assert "127.0.0.1:9" in line
    assert f"recorded offline in {tmp_path / 'wandb'}" in line
    assert "wandb sync" in line
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    assert [line["loss"] for line in records(folder).history] == [0.5]


def test_asked_for_online_without_a_key_it_is_recorded_offline(tmp_path, monkeypatch, capfd):
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_MODE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with Mirror("on", work=tmp_path) as mirror:
        mirror.begin("train", "one")
        mirror.code = 0
    (line,) = told(capfd)
    assert "no API key" in line
    assert "wandb login" in line
    assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == 1


@pytest.mark.parametrize("word", ["ofline", "Offline", " dryrun "])
def test_a_mode_that_wandb_does_not_know_records_offline(word, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("WANDB_MODE", word)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    with Mirror("auto", work=tmp_path) as mirror:
        mirror.begin("train", "one")
        mirror.code = 0
    (line,) = told(capfd)
    assert "1 run recorded offline" in line
    assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == 1


def test_a_benchmark_that_is_killed_leaves_a_run_that_says_so(tmp_path):
    script = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from bench.tracking.mirror import Mirror
        mirror = Mirror("offline", work=Path({str(tmp_path)!r}))
        mirror.begin("train", "one")
        mirror.log(1, {{"loss": 1.0}})
        time.sleep(600)
    """)
    process = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("wandb/offline-run-*/*.wandb")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    while (run := records(folder)).exit_code is None and time.monotonic() < deadline:
        time.sleep(0.2)
    assert run.exit_code == 1
    assert run.history[0]["loss"] == 1.0


class Frozen(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime(2026, 1, 1, tzinfo=UTC)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_results_and_reports_are_the_same_bytes_however_it_is_mirrored(
    smoke_work, tmp_path, broken, monkeypatch, capfd
):
    """Clock, command line and commit are held still; what else could differ would be W&B's doing."""
    from bench import environment, evaluate

    work = tmp_path / "work"
    shutil.copytree(smoke_work, work, ignore=shutil.ignore_patterns(".lock"))
    monkeypatch.setenv("EMOTALK_WORK", str(work))
    monkeypatch.setattr(evaluate, "datetime", Frozen)
    monkeypatch.setattr(environment, "_git", lambda *arguments: None)
    monkeypatch.setattr(evaluate, "time", types.SimpleNamespace(monotonic=lambda: 0.0))
    monkeypatch.setenv("EMOTALK_WANDB_WAIT", "8")
    flags = {"dataset": "puppet", "profile": "smoke", "limit": 1, "jobs": 1, "work": work}
    made = work / "generated" / "static" / "puppet-smoke"
    cli.execute(cli.Generate(method="static", wandb="off", **flags), [])

    def outputs() -> tuple[dict[str, bytes], list[int]]:
        shutil.rmtree(work / "results", ignore_errors=True)
        shutil.rmtree(work / "report", ignore_errors=True)
        codes = [cli.execute(cli.Evaluate(videos=made, protocol="emotalk-light", **flags), ["evaluate"])]
        codes.append(cli.execute(cli.Report(results=(work / "results",), work=work), ["report"]))
        return {**files_of(work / "results"), **files_of(work / "report")}, codes

    def variables(**wanted: str) -> None:
        for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in wanted.items():
            monkeypatch.setenv(name, value)

    variables(WANDB_MODE="disabled")
    expected, codes = outputs()
    assert codes == [0, 0]
    assert any(name.endswith("result.json") for name in expected)
    assert "report.html" in expected
    random.seed(1)
    np.random.seed(1)
    state = (random.getstate(), np.random.get_state()[1].tolist())
    variables(WANDB_MODE="offline")
    assert outputs() == (expected, codes)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == state
    assert len(list((work / "wandb").glob("offline-run-*"))) == 2
    variables(WANDB_MODE="online", WANDB_API_KEY="0" * 40, WANDB_BASE_URL="http://127.0.0.1:9")
    assert outputs() == (expected, codes)
    variables(WANDB_MODE="offline")
    broken("run.log.side_effect = lambda *a, **k: os.kill(os.getpid(), 9)")
    assert outputs() == (expected, codes)


def test_the_command_line_never_loads_wandb_itself():
    code = "import sys, bench.cli, bench.verbs, bench.tracking.mirror; sys.exit('wandb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_with_json_a_failing_mirror_leaves_one_document_on_stdout(broken, tmp_path, monkeypatch):
    broken("raise ImportError('half installed')")
    (tmp_path / "empty").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "bench.cli", "prepare", "--dataset", "cremad", "--root", tmp_path / "empty", "--json",
         "--wandb", "offline", "--work", tmp_path / "work"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert json.loads(done.stdout)["exit_code"] == 3
    assert "half installed" in done.stderr
