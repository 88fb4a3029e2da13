"""The network: parity with syncnet-python, whole clip equal to windows, loader errors."""

import numpy as np
import pytest
import torch

from bench.contract.errors import WeightsError
from metrics.syncnet import model, modes, sound

PACKAGE = "syncnet-python 0.2.3"
OFFICIAL = {  # of the authors' model, by name: what a file must bring
    "netcnnaud.0.weight": (64, 1, 3, 3),
    "netcnnaud.18.weight": (512, 256, 5, 4),
    "netfcaud.3.weight": (1024, 512),
    "netcnnlip.0.weight": (96, 3, 5, 7, 7),
    "netcnnlip.4.weight": (256, 96, 1, 5, 5),
    "netcnnlip.18.weight": (512, 256, 1, 6, 6),
    "netfclip.3.bias": (1024,),
}


@pytest.fixture(scope="module")
def embeddings(net, second):
    pictures, samples = second
    return model.embed_pictures(net, pictures), model.embed_sound(net, sound.mfcc(samples))


def relative(ours, theirs):
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def test_embeddings_of_a_real_second_have_parity_with_the_reference(golden, embeddings, tolerance):
    for side, ours, kept in (("visual", embeddings[0][:-1], "pictures"), ("audio", embeddings[1], "sound")):
        difference = relative(ours[:, ::8], golden[f"1/{side}"])
        tolerance("SyncNet", PACKAGE, f"embeddings of {kept}, 1 s, random weights, relative", difference, 1e-5)


def test_scores_of_a_real_second_equal_the_reference_s_printed_digits(golden, embeddings, tolerance):
    visual, audio = embeddings
    count = modes.reference_windows(25, 16_000)
    ours = modes.reference(visual[:count], audio[:count])
    offset, confidence, distance = golden["1/scores"]
    tolerance("AV-offset", PACKAGE, "offset, 1 s, random weights", abs(ours.offset - offset), 0, "frames")
    tolerance("LSE-D", PACKAGE, "smallest distance, 1 s, random weights", abs(ours.distance - distance), 5e-4)
    tolerance("LSE-C", PACKAGE, "confidence, 1 s, random weights", abs(ours.confidence - confidence), 5e-4)


def test_loading_draws_no_random_numbers(random_weights):
    torch.manual_seed(0)
    model.load(random_weights)
    drawn = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(drawn, torch.rand(3))


def test_a_whole_clip_at_once_equals_window_by_window(net, second, embeddings):
    pictures, _ = second
    single = np.concatenate([model.embed_pictures(net, pictures[i : i + 5]) for i in range(0, 21, 5)])
    assert relative(embeddings[0][::5], single) < 1e-6
    assert relative(model.embed_pictures(net, pictures[:12], batch=3), embeddings[0][:8]) < 1e-6


def test_one_sound_window_does_not_see_the_next(net, embeddings, second):
    cepstra = sound.mfcc(second[1])
    cepstra[40:] = 0  # windows 0..5 end at 40
    heard = model.embed_sound(net, cepstra)
    assert relative(heard[:6], embeddings[1][:6]) < 1e-6
    assert np.abs(heard[6:12] - embeddings[1][6:12]).max(1).min() > 1e-2


def test_parameters_have_the_official_names_and_shapes():
    with torch.device("meta"):
        net = model.SyncNet()
    state = net.state_dict()
    for name, shape in OFFICIAL.items():
        assert tuple(state[name].shape) == shape
    assert sum(value.numel() for value in net.parameters()) == 13_631_616
    assert {name.split(".")[0] for name in state} == {"netcnnaud", "netfcaud", "netcnnlip", "netfclip"}


def test_fewer_than_five_pictures_or_no_window_of_sound_give_no_rows(net):
    assert model.embed_pictures(net, np.zeros((4, 224, 224, 3), np.uint8)).shape == (0, 1024)
    assert model.embed_sound(net, np.zeros((19, 13))).shape == (0, 1024)


FAULTS = {
    "1 missing: netfcaud.0.bias": lambda state: state.pop("netfcaud.0.bias"),
    "1 unexpected: extra": lambda state: state.update(extra=torch.zeros(1)),
    "netfclip.3.bias (512,) instead of (1024,)": lambda state: state.update({"netfclip.3.bias": torch.zeros(512)}),
    "not finite, in netfclip.3.bias": lambda state: state.update({"netfclip.3.bias": torch.full((1024,), torch.nan)}),
}


@pytest.mark.parametrize("message", FAULTS)
def test_a_file_that_is_not_the_network_is_refused_by_name(tmp_path, random_state, message):
    state = dict(random_state)
    FAULTS[message](state)
    torch.save(state, tmp_path / "x.model")
    with pytest.raises(WeightsError) as error:
        model.load(tmp_path / "x.model")
    assert message in str(error.value)


class Payload:
    def __reduce__(self):
        return print, ("code of the file ran",)


@pytest.mark.parametrize("content", [b"not a torch file", None])
def test_a_file_that_holds_code_or_noise_is_refused_and_nothing_of_it_runs(tmp_path, content, capsys):
    path = tmp_path / "x.model"
    torch.save(Payload(), path) if content is None else path.write_bytes(content)
    with pytest.raises(WeightsError, match="state dict"):
        model.load(path)
    assert "ran" not in capsys.readouterr().out


def test_half_precision_safetensors_with_the_same_names_load(tmp_path, random_state):
    from safetensors.torch import save_file

    state = {name: value.half() for name, value in random_state.items()}
    save_file(state, tmp_path / "x.safetensors")
    loaded = model.load(tmp_path / "x.safetensors").state_dict()
    assert loaded["netfclip.3.weight"].dtype == torch.float32
    assert torch.equal(loaded["netfclip.3.weight"].half(), state["netfclip.3.weight"])
