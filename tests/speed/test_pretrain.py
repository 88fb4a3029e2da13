"""What identities of the profile pretrain cost: CPU seconds and megabytes of one, and from them of all."""

import resource

import pytest

from bench.data.puppet.dataset import plan, write_tree
from bench.prepare import prepare
from bench.workspace import Workspace

IDENTITIES = 6


def cpu() -> float:
    """CPU seconds of this process and of the workers that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def megabytes(folder) -> float:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6


@pytest.mark.slow
def test_cost_of_an_identity(tmp_path, face_weights):
    write_tree(tmp_path / "warm", "pretrain", ["method-train"], jobs=1, limit=1)  # what is compiled once does not count
    root, space, settings = tmp_path / "tree", Workspace(tmp_path / "work"), {"profile": "pretrain", "manifest": None}
    prepare(
        "puppet",
        root=tmp_path / "warm",
        part="method-train",
        space=Workspace(tmp_path / "w"),
        jobs=1,
        limit=1,
        **settings,
    )
    clips = plan("pretrain", ["method-train"], limit=IDENTITIES)
    start = cpu()
    write_tree(root, "pretrain", ["method-train"], jobs=1, limit=IDENTITIES)
    rendered = (cpu() - start) / IDENTITIES
    start = cpu()
    prepare("puppet", root=root, part="method-train", space=space, jobs=1, limit=IDENTITIES, **settings)
    prepared = (cpu() - start) / IDENTITIES
    tree, store = megabytes(root) / IDENTITIES, megabytes(space.root / "store") / IDENTITIES
    frames = sum(clip.frames for clip in clips) / IDENTITIES
    everyone = len(plan("pretrain", ["method-train"]))
    print(
        f"\none identity ({frames:.1f} frames): {rendered:.2f} CPU s to render ({frames / rendered:.0f} frames/s), "
        f"{prepared:.2f} to prepare; {tree:.2f} MB in the tree, {store:.2f} MB in the store\n"
        f"all {everyone}: {everyone * (rendered + prepared) / 60:.0f} CPU minutes, {everyone * (tree + store):.0f} MB"
    )
    assert rendered + prepared < 10
    assert tree + store < 2
