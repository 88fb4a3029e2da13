"""The arrows of the house: who may import whom."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("bench", "baselines", "metrics", "reports", "data_manifests")
ALLOWED = {
    # package -> our modules it may import besides its own
    "baselines": ("bench.contract",),
    "metrics": ("bench.contract",),
    "reports": ("bench.contract",),
    "data_manifests": (),
}


def imports_of(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrows"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def our_imports(path: Path) -> set[str]:
    return {name for name in imports_of(path) if name.split(".")[0] in PACKAGES}


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_package_imports_only_what_its_arrow_allows(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        for name in our_imports(path):
            own = name == package or name.startswith(package + ".")
            assert own or name.startswith(ALLOWED[package]), f"{path.relative_to(ROOT)} imports {name}"


def test_contract_imports_nothing_of_bench_but_itself():
    for path in (ROOT / "bench" / "contract").glob("*.py"):
        for name in our_imports(path):
            assert name.startswith("bench.contract"), f"{path.name} imports {name}"


def test_contract_imports_only_numpy_and_pydantic_at_import_time():
    allowed = {*sys.stdlib_module_names, "numpy", "pydantic", "bench", "__future__"}
    for path in (ROOT / "bench" / "contract").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
                assert {n.split(".")[0] for n in names} <= allowed, f"{path.name}: {names}"


def test_bench_package_file_is_empty():
    assert (ROOT / "bench" / "__init__.py").read_text() == ""


def test_there_is_no_init_file_under_tests():
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_command_line_imports_nothing_heavy():
    code = (
        "import sys, bench.cli;"
        "heavy = {'numpy', 'torch', 'cv2', 'av', 'pandas', 'scipy', 'sklearn', 'numba', 'pydantic'} & set(sys.modules);"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_wheel_carries_code_and_data_and_runs_elsewhere(tmp_path):
    """Build the wheel, unpack it where the checkout is not, and run the command line from there."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ROOT],
        check=True,
        timeout=280,
    )
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    assert not (site / "tests").exists()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import metrics; assert metrics.__file__.startswith(sys.argv[1]);"
        "from bench.cli import main; main(sys.argv[2:])"
    )
    for verb in (["metrics"], ["datasets"], ["methods"], ["weights", "list"]):
        done = subprocess.run(
            [sys.executable, "-I", "-c", code, str(site), *verb, "--work", str(tmp_path / "work")],
            capture_output=True, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()
