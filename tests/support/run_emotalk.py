"""Runs the command line as a user does: a process of its own."""

import subprocess
import sys


def emotalk(*arguments: object, timeout: float = 250) -> subprocess.CompletedProcess:
    """`emotalk ARGUMENTS`, with its exit code, stdout and stderr."""
    command = [sys.executable, "-m", "bench.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
