"""Weight files are read as data: arrays come out, and nothing that a file names is called."""

import pickle
import zipfile

import numpy as np
import pytest

from bench.contract.errors import WeightsError
from bench.contract.weight_arrays import read_array_pickle, read_torchscript

called = []


class Trap:
    def __reduce__(self):
        return called.append, ("run",)


def test_nested_arrays_come_out_in_order_under_joined_names(tmp_path):
    content = {"b": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.ones(2)}, "a": np.int64([3])}
    (tmp_path / "w").write_bytes(pickle.dumps(content))
    arrays = read_array_pickle(tmp_path / "w")
    assert list(arrays) == ["b/kernel", "b/bias", "a"]
    np.testing.assert_array_equal(arrays["b/kernel"], content["b"]["kernel"])


@pytest.mark.parametrize(
    "content",
    [pickle.dumps({"x": Trap()}), pickle.dumps({"x": np.array([Trap()], object)}), b"no pickle", b""]
    + [pickle.dumps({"x": "a word"}), pickle.dumps(np.array(["word"])), pickle.dumps({"x": np.random.default_rng})],
    ids=["call", "call-in-array", "noise", "empty", "word", "array-of-words", "function"],
)
def test_anything_but_arrays_of_numbers_is_refused_and_not_run(tmp_path, content):
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(WeightsError):
        read_array_pickle(tmp_path / "w")
    assert not called


def archive(path, index: bytes) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("m/data.pkl", index)
        file.writestr("m/data/0", np.arange(6, dtype="<f4").tobytes())


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_torchscript_archive_gives_its_tensors_as_torch_itself_reads_them(tmp_path):
    import torch

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Conv2d(3, 4, 3)
            self.register_buffer("turned", torch.arange(6.0).reshape(2, 3).t())

        def forward(self, x):
            return self.layer(x)

    net = Net()
    torch.jit.script(net).save(str(tmp_path / "net.pt"))
    arrays = read_torchscript(tmp_path / "net.pt")
    assert set(arrays) == set(net.state_dict())
    for name, tensor in net.state_dict().items():
        np.testing.assert_array_equal(arrays[name], tensor.numpy())


@pytest.mark.parametrize("index", [pickle.dumps(Trap()), b"noise"], ids=["call", "noise"])
def test_an_archive_that_asks_for_more_than_tensors_is_refused_and_not_run(tmp_path, index):
    archive(tmp_path / "net.pt", index)
    with pytest.raises(WeightsError):
        read_torchscript(tmp_path / "net.pt")
    assert not called


def test_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "net.pt").write_bytes(b"text")
    with pytest.raises(WeightsError, match="TorchScript"):
        read_torchscript(tmp_path / "net.pt")
    with pytest.raises(WeightsError):
        read_torchscript(tmp_path / "absent.pt")
