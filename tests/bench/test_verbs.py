"""What the verbs share: a part that is not prepared is told with the whole command that prepares it."""

from types import SimpleNamespace

import pytest

from bench import cli
from bench.contract.errors import UsageError
from bench.data.store import Store
from bench.training.clips import TrainingClips
from bench.verbs import selection_of
from bench.workspace import Workspace
from metrics.trainables import trainable_class


@pytest.mark.parametrize(
    ("flags", "command"),
    [
        ({"dataset": "puppet", "profile": "smoke"}, "--dataset puppet --profile smoke --split test"),
        ({"dataset": "mead"}, "--dataset mead --root FOLDER --split test"),
        ({"dataset": "cremad", "split": "validation", "limit": 3},
         "--dataset cremad --root FOLDER --split validation --limit 3"),
        ({"dataset": "cremad-sample"}, "--dataset cremad-sample --split test"),
    ],
    ids=str,
)  # fmt: skip
def test_where_nothing_is_prepared_the_command_has_every_flag_that_it_needs(tmp_path, flags, command):
    asked = cli.Generate(method="static", work=tmp_path, **flags)
    with pytest.raises(UsageError, match=f"has no prepared part .*`emotalk prepare {command} --work {tmp_path}`$"):
        selection_of(asked, Workspace(tmp_path))


def test_so_does_that_of_a_training(tmp_path):
    asked = cli.Train(dataset="mead", metric="sync-expert")
    with pytest.raises(UsageError, match="`emotalk prepare --dataset mead --root FOLDER --split judge-train` first"):
        TrainingClips(asked, Workspace(tmp_path), trainable_class("sync-expert"))


def test_a_manifest_that_changed_since_is_told_with_the_same_command(tmp_path, monkeypatch):
    prepared = SimpleNamespace(document={"manifest_sha256": "older"})
    monkeypatch.setattr(Store, "selection", lambda *args: prepared)
    said = "changed since the store was prepared; run `emotalk prepare --dataset mead --root FOLDER --split test` again"
    with pytest.raises(UsageError, match=said):
        selection_of(cli.Generate(method="static", dataset="mead"), Workspace(tmp_path))
