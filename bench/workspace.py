"""Where everything lives under the work folder; the one place that knows the paths."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bench.contract.errors import UsageError


@dataclass(frozen=True)
class Workspace:
    """The state folder: store/, runs/, sweeps/, experts/, generated/, cache/, results/, report/ (docs/formats.md)."""

    root: Path

    @classmethod
    def open(cls, work: Path | None = None) -> Workspace:
        """The folder given, else $EMOTALK_WORK, else ./work; set in the environment so that worker processes agree."""
        root = Path(work or os.environ.get("EMOTALK_WORK") or "work").expanduser().resolve()
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--work {root}: cannot be made ({error.strerror}); choose a writable folder") from error
        os.environ["EMOTALK_WORK"] = str(root)
        return cls(root)

    @staticmethod
    def label(dataset: str, profile: str | None) -> str:
        """`puppet-quick`, `mead`: dataset and profile as one folder name."""
        return f"{dataset}-{profile}" if profile else dataset

    def store(self, label: str) -> Path:
        return self.root / "store" / label

    def dataset(self, label: str) -> Path:
        """Where datasets that the suite makes or fetches itself are put."""
        return self.root / "datasets" / label

    def run(self, name: str, run_id: str) -> Path:
        return self.root / "runs" / name / run_id

    def sweep(self, name: str) -> Path:
        return self.root / "sweeps" / name

    def experts(self, family: str) -> Path:
        return self.root / "experts" / family

    def generated(self, method: str, label: str) -> Path:
        return self.root / "generated" / method / label

    def results(self, name: str) -> Path:
        return self.root / "results" / name

    @property
    def report(self) -> Path:
        return self.root / "report"

    @property
    def cache(self) -> Path:
        return self.root / "cache"
