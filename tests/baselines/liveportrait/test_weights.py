"""The published files: names and shapes, how they are found, and what is refused."""

import builtins

import pytest
import torch
from safetensors.torch import save_file

from baselines.liveportrait.appearance import AppearanceExtractor
from baselines.liveportrait.weights import PARTS, files_beside, load_part
from bench.contract.errors import WeightsError

F = "appearance_feature_extractor"
PUBLISHED = {
    # file -> entries, bytes of the published .pth, some entries with their shapes
    F: (
        107,
        3_387_959,
        {
            "first.conv.weight": (64, 3, 3, 3),
            "down_blocks.0.norm.running_var": (128,),
            "down_blocks.1.conv.weight": (256, 128, 3, 3),
            "second.weight": (512, 256, 1, 1),
            "resblocks_3d.3dr0.norm1.weight": (32,),
            "resblocks_3d.3dr5.conv2.weight": (32, 32, 3, 3, 3),
        },
    ),
    "motion_extractor": (
        212,
        112_545_506,
        {
            "detector.downsample_layers.0.0.weight": (96, 3, 4, 4),
            "detector.downsample_layers.0.1.bias": (96,),
            "detector.downsample_layers.3.0.weight": (384,),
            "detector.downsample_layers.3.1.weight": (768, 384, 2, 2),
            "detector.stages.2.8.dwconv.weight": (384, 1, 7, 7),
            "detector.stages.3.0.grn.gamma": (1, 1, 1, 3072),
            "detector.stages.3.2.pwconv2.weight": (768, 3072),
            "detector.norm.weight": (768,),
            "detector.fc_kp.weight": (63, 768),
            "detector.fc_yaw.bias": (66,),
            "detector.fc_scale.weight": (1, 768),
            "detector.fc_exp.bias": (63,),
        },
    ),
    "warping_module": (
        97,
        182_180_086,
        {
            "dense_motion_network.compress.weight": (4, 32, 1, 1, 1),
            "dense_motion_network.hourglass.encoder.down_blocks.0.conv.weight": (64, 110, 3, 3, 3),
            "dense_motion_network.hourglass.encoder.down_blocks.4.norm.running_mean": (1024,),
            "dense_motion_network.hourglass.decoder.up_blocks.0.conv.weight": (512, 1024, 3, 3, 3),
            "dense_motion_network.hourglass.decoder.up_blocks.4.conv.weight": (32, 128, 3, 3, 3),
            "dense_motion_network.hourglass.decoder.conv.weight": (142, 142, 3, 3, 3),
            "dense_motion_network.mask.weight": (22, 142, 7, 7, 7),
            "dense_motion_network.occlusion.weight": (1, 2272, 7, 7),
            "third.conv.weight": (256, 512, 3, 3),
            "fourth.weight": (256, 256, 1, 1),
        },
    ),
    "spade_generator": (
        182,
        221_813_590,
        {
            "fc.weight": (512, 256, 3, 3),
            "G_middle_0.conv_0.weight_orig": (512, 512, 3, 3),
            "G_middle_5.conv_1.weight_v": (4608,),
            "G_middle_3.norm_1.mlp_shared.0.weight": (128, 256, 3, 3),
            "up_0.conv_s.weight_orig": (256, 512, 1, 1),
            "up_0.norm_s.mlp_gamma.weight": (512, 128, 3, 3),
            "up_1.conv_1.weight_u": (64,),
            "conv_img.0.weight": (12, 64, 3, 3),
        },
    ),
}


def shapes(stem):
    with torch.device("meta"):
        return PARTS[stem]().state_dict()


@pytest.fixture(scope="module")
def state(random_state):
    return random_state(AppearanceExtractor())


@pytest.fixture
def file_of(tmp_path):
    """file_of(content): a torch file of it under the name of F's file."""

    def write(content, suffix=".pth"):
        path = tmp_path / f"{F}{suffix}"
        torch.save(content, path) if suffix == ".pth" else save_file(content, path)
        return path

    return write


@pytest.mark.parametrize("stem", PUBLISHED)
def test_the_entries_are_those_of_the_published_file(stem):
    entries, published, some = PUBLISHED[stem]
    found = shapes(stem)
    assert len(found) == entries
    assert {name: tuple(found[name].shape) for name in some} == some
    numbers = sum(entry.numel() * entry.element_size() for entry in found.values())
    assert (
        300 < (published - numbers) / entries < 400
    )  # what a torch file adds to each entry: its name, place and padding


def test_the_shortcut_of_the_decoder_has_no_bias_and_equal_widths_have_no_shortcut():
    names = set(shapes("spade_generator"))
    assert "up_0.conv_s.bias" not in names and not any(name.startswith("G_middle_0.conv_s") for name in names)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_gives_its_numbers_to_the_network(file_of, state, suffix):
    network = load_part(F, file_of(state, suffix))
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    loaded = network.state_dict()
    assert set(loaded) == set(state) and all(torch.equal(loaded[name], state[name]) for name in state)


def test_prefixes_nesting_half_precision_and_absent_counters_are_seen_through(file_of, state):
    dressed = {f"module.{n}": v.half() for n, v in state.items() if not n.endswith("num_batches_tracked")}
    loaded = load_part(F, file_of({"epoch": 3, "state_dict": dressed})).state_dict()
    for name, value in loaded.items():
        assert value.dtype == (torch.int64 if name.endswith("num_batches_tracked") else torch.float32)
        assert name.endswith("num_batches_tracked") or torch.equal(value, state[name].half().float())


def test_what_does_not_fit_is_named_and_counted(file_of, state):
    wrong = {name: value for name, value in state.items() if not name.startswith("first.")}
    wrong |= {"second.bias": torch.zeros(3), "head.weight": torch.zeros(2)}
    with pytest.raises(WeightsError) as error:
        load_part(F, file_of(wrong))
    said = str(error.value)
    assert "6 missing: first.conv.weight, first.conv.bias, first.norm.weight, first.norm.bias, ..." in said
    assert "1 unexpected: head.weight" in said
    assert "1 of another shape: second.bias (3,) instead of (512,)" in said
    assert "107 entries" in said and "KwaiVGI/LivePortrait" in said


def test_the_file_of_another_network_is_refused(file_of, state):
    with pytest.raises(WeightsError, match=r"212 entries of motion_extractor: 212 missing: .*; 107 unexpected"):
        load_part("motion_extractor", file_of(state))


def test_numbers_that_are_not_finite_are_refused(file_of, state):
    with pytest.raises(WeightsError, match=r"not finite in second\.bias"):
        load_part(F, file_of(state | {"second.bias": torch.full((512,), float("nan"))}))


class Intruder:
    """When a careless program opens the file, a file is made."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return builtins.open, (str(self.target), "w")


@pytest.mark.parametrize("place", ["beside the tensors", "instead of them"])
def test_a_pickle_that_runs_code_is_refused_and_nothing_is_run(file_of, state, tmp_path, place):
    intruder = Intruder(tmp_path / "made")
    path = file_of(state | {"extra": intruder} if place == "beside the tensors" else intruder)
    with pytest.raises(WeightsError, match=r"asks for \S*open: a pickle that would run code"):
        load_part(F, path)
    assert not (tmp_path / "made").exists()
    torch.load(path, weights_only=False)  # the trap is a real one
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"", "damaged or of another kind"),
        (b"PK\x03\x04 half a file", "damaged or of another kind"),
    ],
    ids=["placeholder", "empty", "truncated"],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_is_no_file_of_tensors_is_told_in_our_words(tmp_path, content, said, suffix):
    path = tmp_path / f"{F}{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=said) as error:
        load_part(F, path)
    assert "weights_only" not in str(error.value)  # torch's own text says how to switch the safety off


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {"retarget_eye": {}, "retarget_mouth": {}}])
def test_a_file_of_other_things_is_refused(file_of, content):
    with pytest.raises(WeightsError, match="expected a state dict"):
        load_part(F, file_of(content))


def test_the_others_are_found_beside_any_of_the_four(tmp_path):
    for stem in PARTS:
        (tmp_path / f"{stem}.pth").touch()
    for stem in PARTS:
        found = files_beside(tmp_path / f"{stem}.pth")
        assert found == {part: tmp_path / f"{part}.pth" for part in PARTS}


def test_the_kind_of_the_given_file_is_taken_where_there_are_two(tmp_path):
    for stem in PARTS:
        (tmp_path / f"{stem}.pth").touch()
    (tmp_path / f"{F}.safetensors").touch()
    found = files_beside(tmp_path / f"{F}.safetensors")
    assert found[F].suffix == ".safetensors" and found["warping_module"].suffix == ".pth"
    assert files_beside(tmp_path / "warping_module.pth")[F].suffix == ".pth"


def test_absent_files_are_named(tmp_path):
    (tmp_path / f"{F}.pth").touch()
    with pytest.raises(WeightsError, match="lacks motion_extractor, warping_module, spade_generator "):
        files_beside(tmp_path / f"{F}.pth")


@pytest.mark.parametrize("name", ["stitching_retargeting_module.pth", "motion_extractor.onnx", "model.safetensors"])
def test_another_file_is_refused_with_the_names_of_the_four(tmp_path, name):
    with pytest.raises(WeightsError, match=rf"expected one of {', '.join(PARTS)}"):
        files_beside(tmp_path / name)
