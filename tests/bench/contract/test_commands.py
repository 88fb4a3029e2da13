"""A command that a message names runs as it stands, but for the folder that only the user knows."""

from bench.contract.clip import Part
from bench.contract.commands import MADE_HERE, emotalk
from bench.data.datasets import all_datasets


def test_flags_stand_in_their_order_and_unknown_ones_are_left_out():
    said = emotalk("run", "puppet", profile="smoke", protocol=None, split=Part.TEST, limit=3, work="my work")
    assert said == "emotalk run --dataset puppet --profile smoke --split test --limit 3 --work 'my work'"


def test_only_what_reads_the_users_own_copy_asks_for_its_folder():
    assert emotalk("calibrate", "mead") == "emotalk calibrate --dataset mead --root FOLDER"
    assert emotalk("calibrate", "cremad-sample") == "emotalk calibrate --dataset cremad-sample"
    assert emotalk("evaluate", "mead") == "emotalk evaluate --dataset mead"


def test_every_embedded_dataset_is_made_here():
    assert {d.name for d in all_datasets().values() if d.embedded} == set(MADE_HERE) - {"cremad-sample"}
    assert set(MADE_HERE) <= set(all_datasets())
