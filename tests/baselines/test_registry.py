import tomllib
from importlib.resources import files

import pytest

from baselines.registry import ALTERED, GROUPS, METHODS, expand, find_method
from bench.contract.errors import UsageError
from bench.contract.method import Method

PLUGIN = """
from bench.contract.method import Input
class Mine:
    name, version, consumes = "mine", "1", frozenset({Input.AUDIO, Input.EMOTION})
    def generate(self, request):
        yield from ()
class Needy(Mine):
    def __init__(self, checkpoint): self.checkpoint = checkpoint
class Vague:
    name = "vague"
"""


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "my method.py"
    path.write_text(PLUGIN)
    return path


@pytest.mark.parametrize("name", METHODS)
def test_every_known_method_loads_and_goes_by_the_name_it_is_listed_under(name):
    method = find_method(name).load()
    assert isinstance(method, Method)
    assert method.name == name


def test_unknown_name_is_told_the_nearest_one_and_the_list():
    with pytest.raises(UsageError, match=r"did you mean gt-mismatched.*known: gt,"):
        find_method("gt-missmatched")


@pytest.mark.parametrize(
    ("name", "said"),
    [("blur~1@other-audio", "damages take no request control"), ("~2", "the name of a damage before the ~")],
)
def test_what_a_damage_does_not_take_is_told(name, said):
    with pytest.raises(UsageError, match=said):
        find_method(name)


def test_a_damage_has_no_checkpoint(plugin):
    with pytest.raises(UsageError, match="the damage blur~1 has none"):
        find_method("blur~1", plugin)


def test_a_file_and_class_is_a_method(plugin):
    spec = find_method(f"{plugin}:Mine")
    assert spec.load().name == "mine"
    assert "/" not in spec.label


def test_a_plugin_is_identified_by_its_code(plugin):
    before = find_method(f"{plugin}:Mine").identity()
    plugin.write_text(PLUGIN + "\n# changed\n")
    assert find_method(f"{plugin}:Mine").identity() != before


@pytest.mark.parametrize(
    ("name", "message"),
    [("nowhere.py:Mine", "no file"), ("{}:Absent", "cannot load"), ("{}:Vague", "lacks version, consumes, generate"),
     ("{}:Needy", "without arguments")],
)  # fmt: skip
def test_a_plugin_that_cannot_be_used_says_why(plugin, name, message):
    with pytest.raises(UsageError, match=message):
        find_method(name.format(plugin)).load()


def test_a_checkpoint_is_given_to_the_class_and_must_exist(plugin, tmp_path):
    (tmp_path / "c.safetensors").touch()
    assert find_method(f"{plugin}:Needy", tmp_path / "c.safetensors").load().checkpoint == tmp_path / "c.safetensors"
    with pytest.raises(UsageError, match="no such file"):
        find_method("gt", tmp_path / "absent")


@pytest.mark.parametrize("altered", ALTERED)
def test_request_controls_exist_for_methods_that_consume_the_altered_input(plugin, altered):
    assert find_method(f"{plugin}:Mine@{altered}").altered == altered


def test_altering_an_input_that_is_not_consumed_is_refused():
    with pytest.raises(UsageError, match="would change nothing"):
        find_method("static@other-audio").load()


def test_unknown_alteration_is_refused():
    with pytest.raises(UsageError, match="other-audio, other-emotion"):
        find_method("static@louder")


def test_groups_open_and_names_come_once():
    assert expand("static,controls,static")[0] == "static"
    assert expand("static,controls") == ["static", *(name for name in GROUPS["controls"] if name != "static")]


@pytest.mark.parametrize("group", GROUPS)
def test_every_name_of_a_group_is_a_method(group):
    assert set(GROUPS[group]) <= set(METHODS)


def test_every_ablation_of_the_hypotheses_is_a_row():
    claims = tomllib.loads(files("reports").joinpath("hypotheses.toml").read_text())["hypothesis"]
    names = {name.partition("@")[0] for claim in claims for name in (claim["better"], claim["than"])}
    assert names <= set(METHODS)


def test_a_checkpoint_may_stand_behind_the_name(tmp_path):
    file = tmp_path / "a=b.safetensors"
    file.write_bytes(b"weights")
    assert find_method(f"two_stage@cues={file}") == find_method("two_stage@cues", file)
    with pytest.raises(UsageError, match="there is no such file"):
        find_method(f"two_stage={tmp_path / 'none'}")


def test_a_method_is_identified_by_the_content_of_its_weights(tmp_path):
    file = tmp_path / "generator.safetensors"
    file.write_bytes(b"one")
    before = find_method("generator-self", file).identity()
    file.write_bytes(b"other")
    assert find_method("generator-self", file).identity() != before


def test_parts_beside_a_checkpoint_go_before_the_shipped_ones(tmp_path):
    for name in ("speech_to_cues", "landmarks_to_face", "generator"):
        (tmp_path / f"{name}.safetensors").write_bytes(name.encode())
    found = find_method("two_stage", tmp_path / "speech_to_cues.safetensors").load().files()
    assert {path.parent for path in found.values()} == {tmp_path}
    assert set(find_method("two_stage@cues", tmp_path / "speech_to_cues.safetensors").load().files(rendered=False)) == {
        "speech_to_cues"
    }


def test_a_plugin_may_use_dataclasses_and_import_its_neighbours(tmp_path):
    (tmp_path / "my_layers.py").write_text("WIDTH = 3\n")
    (tmp_path / "model.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nimport my_layers\n"
        "@dataclass\nclass Net:\n    width: int = my_layers.WIDTH\n" + PLUGIN
    )
    spec = find_method(f"{tmp_path / 'model.py'}:Mine")
    assert spec.load().name == "mine"
    before = spec.identity()["code"]
    (tmp_path / "my_layers.py").write_text("WIDTH = 4\n")
    assert spec.identity()["code"] != before, "code next to the plug-in counts as its code"


def test_two_plugins_of_one_name_have_two_folders(tmp_path):
    labels = set()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.py").write_text(PLUGIN)
        labels.add(find_method(f"{tmp_path / folder / 'model.py'}:Mine").label)
    assert len(labels) == 2


def test_code_at_any_depth_beside_a_plugin_counts_and_other_plugins_do_not(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "__init__.py").write_text("from net.deep import V\n")
    (tmp_path / "net" / "deep.py").write_text("V = 1\n")
    (tmp_path / "model.py").write_text(PLUGIN + "\ndef later():\n    from net import V\n    return V\n")
    (tmp_path / "other.py").write_text(PLUGIN)
    spec = find_method(f"{tmp_path / 'model.py'}:Mine")
    before = spec.identity()["code"]
    find_method(f"{tmp_path / 'other.py'}:Mine").load()
    (tmp_path / "other.py").write_text(PLUGIN + "# edited\n")
    assert spec.identity()["code"] == before
    (tmp_path / "net" / "deep.py").write_text("V = 2\n")
    assert spec.identity()["code"] != before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("version = 1.0", "version must be a text"),
        ('kind = "neural"', "kind must be one of"),
        ("consumes = None", "consumes must hold"),
    ],
)
def test_attributes_of_the_wrong_kind_are_said(tmp_path, change, said):
    (tmp_path / "m.py").write_text(PLUGIN + f"\nclass Off(Mine):\n    {change}\n")
    with pytest.raises(UsageError, match=said):
        find_method(f"{tmp_path / 'm.py'}:Off").load()


def test_an_at_sign_in_a_path_is_part_of_the_path(tmp_path):
    (tmp_path / "me@lab").mkdir()
    (tmp_path / "me@lab" / "m.py").write_text(PLUGIN)
    assert find_method(f"{tmp_path / 'me@lab' / 'm.py'}:Mine").load().name == "mine"
    assert find_method(f"{tmp_path / 'me@lab' / 'm.py'}:Mine@other-audio").altered == "other-audio"
