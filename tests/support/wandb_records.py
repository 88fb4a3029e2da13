"""Reads an offline run back with `wandb leet inspect --json`: W&B's own reader, not our idea of what was written."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Artifact:
    """One artifact record: `files` is its names and the staged copies that an upload would read."""

    name: str
    kind: str
    digest: str
    used: bool
    files: dict[str, Path]


@dataclass
class Run:
    """What a .wandb file says of its run."""

    folder: Path
    job: str = ""
    name: str = ""
    group: str = ""
    project: str = ""
    exit_code: int | None = None
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)

    @property
    def inputs(self) -> list[Artifact]:
        return [artifact for artifact in self.artifacts if artifact.used]

    @property
    def outputs(self) -> dict[str, Artifact]:
        """By type, without the artifacts that W&B makes of tables itself."""
        return {a.kind: a for a in self.artifacts if not a.used and a.kind != "run_table"}

    def file(self, name: str) -> Path:
        """The file that was logged under a name."""
        return self.folder / "files" / self.summary[f"{name}.path"]

    def table(self, name: str) -> list[dict[str, Any]]:
        """The rows of a logged table."""
        table = json.loads(self.file(name).read_text())
        return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def records(folder: Path) -> Run:
    """The run in a folder offline-run-*; fails if W&B cannot read it."""
    from wandb.util import get_core_path

    (file,) = folder.glob("*.wandb")
    # the program behind `wandb leet inspect`, without half a second of Python before it
    command = [get_core_path(), "leet", "inspect", "--no-observability", "--json", "--run-file", file, folder.parent]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    run = Run(folder)
    for line in done.stdout.splitlines():
        record = json.loads(line)
        body = record.get(record["type"], {})
        match record["type"]:
            case "run":
                run.job, run.name = body.get("job_type", ""), body.get("display_name", "")
                run.group, run.project = body.get("run_group", ""), body.get("project", "")
                run.config |= body["config"]["update"]
            case "config":
                run.config |= body.get("update", {})
            case "summary":
                run.summary |= body.get("update", {})
            case "history":
                run.history.append(body["item"])
            case "artifact":
                files = {c["path"]: Path(c["local_path"]) for c in body["manifest"]["contents"]}
                used = body.get("use_after_commit", False)
                run.artifacts.append(Artifact(body["name"], body["type"], body["digest"], used, files))
            case "exit":
                run.exit_code = body.get("exit_code", 0)
    return run
