import subprocess
import sys


def test_torchvision_imports_and_computes_beside_any_torch_build():
    code = (
        "from bench.contract import torchvision_shim as shim; shim.ensure(); shim.ensure();"
        "import torch, torchvision; net = torchvision.models.alexnet();"
        "print(tuple(net(torch.zeros(1, 3, 224, 224)).shape))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "(1, 1000)", done.stderr
