"""A sweep on W&B: registered there once, its trials handed out by W&B's agents, which call `emotalk sweep FILE --trial ...`.

Only where there is a key and nobody has asked for offline: W&B itself refuses to sweep offline. Whatever goes wrong is one
line on stderr, and the sweep is run here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.atomic import read_json, write_json
from bench.flags.sweeps import Sweep as Flags
from bench.tracking.mirror import chosen_mode, max_wait
from bench.tracking.service import DEFAULT_SERVER, PROJECT, has_key

if TYPE_CHECKING:
    from bench.sweeps.sweep import Sweep

REGISTER = """
import json, sys, wandb
print(json.dumps({"id": wandb.sweep(json.load(sys.stdin), project=sys.argv[1], entity=sys.argv[2] or None)}))
"""


def wanted(flags: Flags) -> bool:
    """Whether W&B is to be asked: it is online by flag and environment, and there is a key. Nothing of it is imported."""
    online = chosen_mode(flags.wandb, os.environ) in ("auto", "online", "shared")
    return online and has_key(os.environ.get("WANDB_BASE_URL", DEFAULT_SERVER))


def agreed(flags: Flags, sweep: Sweep) -> bool:
    """Let W&B's agents train the sweep; False if W&B is not to be asked, or cannot do it."""
    if not wanted(flags):
        return False
    try:
        identity = _registered(flags, sweep)
        words = [sys.executable, "-m", "wandb", "agent", "--project", _project(sweep)]
        words += ["--entity", sweep.definition.entity] if sweep.definition.entity else []
        # the command that agents are given finds this installation's emotalk first
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        environment = {**os.environ, "PATH": path, "WANDB_DIR": str(sweep.space.root)}
        agents = [subprocess.Popen([*words, identity], env=environment, stdout=sys.stderr) for _ in range(flags.agents)]
        codes = [agent.wait() for agent in agents]
        if any(codes):
            raise RuntimeError(f"an agent ended with exit code {max(codes)}")
    except (OSError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
        text = " ".join(str(error).split())[:300]
        print(f"W&B: {text}. The sweep goes on here; `--wandb off` leaves W&B out", file=sys.stderr, flush=True)
        return False
    return True


def as_wandb(flags: Flags, sweep: Sweep) -> dict[str, Any]:
    """The sweep as W&B is told of it: the file, with the command of a trial in the place of `emotalk:`."""
    document = {key: value for key, value in sweep.definition.document.items() if key != "emotalk"}
    document["metric"] = {**document["metric"], "name": sweep.definition.metric}
    if sweep.count is not None:
        document["run_cap"] = sweep.count
    own = {"--dataset": flags.dataset, "--profile": flags.profile, "--manifest": flags.manifest, "--limit": flags.limit}
    words = [word for name, value in own.items() if value is not None for word in (name, str(value))]
    words += ["--seed", str(flags.seed), "--device", flags.device, "--wandb", "on"]
    words += ["--count", str(flags.count)] if flags.count is not None else []
    words += space_words(flags)
    command = ["${env}", "emotalk", "sweep", flags.file, *words, "--trial", "${args_no_hyphens}"]
    return {"name": sweep.definition.name, "program": "emotalk", **document, "command": command}


def space_words(flags: Flags) -> list[str]:
    """The flag that says whether trials are scored in cue space or in pixels, if one was given."""
    return ["--render"] if flags.render else ["--cues-only"] if flags.cues_only else []


def _registered(flags: Flags, sweep: Sweep) -> str:
    """W&B's id of the sweep, which is asked for once and kept in the sweep's folder."""
    path = sweep.folder.path / "wandb.json"
    server = os.environ.get("WANDB_BASE_URL", DEFAULT_SERVER)
    known = read_json(path) or {}
    if known.get("server") == server and known.get("project") == _project(sweep):
        return known["id"]
    words = [sys.executable, "-c", REGISTER, _project(sweep), sweep.definition.entity or ""]
    told = json.dumps(as_wandb(flags, sweep))
    done = subprocess.run(words, input=told, capture_output=True, text=True, check=False, timeout=max_wait())
    if done.returncode:
        raise RuntimeError(f"the sweep could not be registered ({done.stderr.strip().splitlines()[-1:]})")
    identity = json.loads(done.stdout.strip().splitlines()[-1])["id"]
    write_json(path, {"id": identity, "project": _project(sweep), "server": server})
    return identity


def _project(sweep: Sweep) -> str:
    return sweep.definition.project or os.environ.get("WANDB_PROJECT", PROJECT)
