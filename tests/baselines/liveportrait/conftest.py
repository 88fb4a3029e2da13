import pytest
import torch

from baselines.liveportrait.appearance import AppearanceExtractor
from baselines.liveportrait.decoder import Decoder
from baselines.liveportrait.motion import MotionExtractor
from baselines.liveportrait.portrait import Portrait
from baselines.liveportrait.warping import WarpingModule

POINTS = 5


@pytest.fixture(scope="session")
def random_state():
    """random_state(network, seed): a number for every entry, as a network that does not blow up could have."""

    def draw(network, seed=0):
        generator = torch.Generator().manual_seed(seed)
        state = {}
        for name, entry in network.state_dict().items():
            drawn = 0.1 * torch.randn(entry.shape, generator=generator)
            if name.endswith("num_batches_tracked"):
                drawn = torch.tensor(7)
            elif name.endswith("running_var") or (drawn.ndim == 1 and name.endswith("weight")):
                drawn = 1 + drawn.abs()
            state[name] = drawn
        return state

    return draw


@pytest.fixture(scope="session")
def parts(random_state):
    """The four networks, a few channels wide."""
    networks = (
        AppearanceExtractor(width=4, channels=3, depth=2, residual_blocks=1),
        MotionExtractor(widths=(4, 8), depths=(1, 1), points=POINTS),
        WarpingModule(width=4, channels=3, depth=2, points=POINTS, motion=4, levels=2),
        Decoder(width=4),
    )
    for network in networks:
        network.load_state_dict(random_state(network))
        network.eval().requires_grad_(False)
    return networks


@pytest.fixture
def portrait(parts):
    return Portrait(*parts)
