"""Memory of freed arrays serves the next ones: no page of it is mapped and zeroed again."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
from bench.progress import keep_freed_memory
keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(2**23)  # 64 MB, more than glibc keeps of itself: 32 pages at least, however large they are
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print([faults() for _ in range(3)][-1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has the setting")
def test_a_freed_array_leaves_its_pages_to_the_next_one():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 8
