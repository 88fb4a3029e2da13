"""Random weights in the official names and shapes, and what the reference program said with them."""

from pathlib import Path

import numpy as np
import pytest
import syncnet_case

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "syncnet.npz"


@pytest.fixture(scope="session")
def random_state() -> dict:
    """Random numbers in the names and shapes of syncnet_v2.model: good for parity and for nothing else."""
    return syncnet_case.random_state()


@pytest.fixture(scope="session")
def random_weights(random_state, tmp_path_factory) -> Path:
    """The same as a file."""
    import torch

    path = tmp_path_factory.mktemp("syncnet") / "random.model"
    torch.save(random_state, path)
    return path


@pytest.fixture(scope="session")
def net(random_weights):
    from metrics.syncnet.model import load

    return load(random_weights)


@pytest.fixture(scope="session")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="session")
def angry(cremad_tree) -> Path:
    """A real clip, 2.3 s."""
    return cremad_tree / "VideoFlash" / "1001_DFA_ANG_XX.flv"


@pytest.fixture(scope="session")
def whole_clip(angry) -> tuple[np.ndarray, np.ndarray]:
    """Its pictures, squeezed to 224 px, BGR, and its samples."""
    return syncnet_case.clip(angry)


@pytest.fixture(scope="session")
def second(whole_clip) -> tuple[np.ndarray, np.ndarray]:
    """The first second of both."""
    return whole_clip[0][:25], whole_clip[1][:16_000]
