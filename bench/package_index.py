"""Finds and downloads one archive of a Python package index as the user's pip would, without running anything in it."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import netrc
import os
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

SIMPLE_API = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.9, text/html;q=0.8"
BLOCK = 1 << 20
SECTIONS = ("global", "install", "download", ":env:")  # pip's order: what comes later wins


@dataclass(frozen=True)
class PipSettings:
    """What the user's pip is told: `indexes` (index-url or the default first, then the extra ones), `find_links`, TLS."""

    indexes: tuple[str, ...]
    find_links: tuple[str, ...]
    certificates: str | None = None
    client_certificate: str | None = None
    proxy: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    timeout: float = 15.0


@dataclass(frozen=True)
class Candidate:
    """One archive that an index offers: file name, address (http, https or file), SHA-256 if the index says it."""

    filename: str
    url: str
    sha256: str | None


def pip_settings() -> PipSettings:
    """The index settings pip itself would use: its configuration files, PIP_* variables and built-in default index.

    Without a pip in this interpreter only the PIP_* variables count and there is no default index.
    """
    options: dict[str, str] = {}
    by_section: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for key, value in _pip_configuration():
        section, _, option = key.rpartition(".")
        if section in by_section:
            by_section[section][option] = value
    for section in SECTIONS:
        options.update(by_section[section])
    index = options.get("index-url") or _pip_default_index()
    indexes = [] if _is_true(options.get("no-index")) else [index, *options.get("extra-index-url", "").split()]
    return PipSettings(
        indexes=tuple(i for i in indexes if i),
        find_links=tuple(options.get("find-links", "").split()),
        certificates=options.get("cert") or os.environ.get("REQUESTS_CA_BUNDLE"),
        client_certificate=options.get("client-cert"),
        proxy=options.get("proxy"),
        trusted_hosts=tuple(options.get("trusted-host", "").split()),
        timeout=float(options.get("default-timeout") or options.get("timeout") or 15),
    )


def _pip_configuration() -> Iterator[tuple[str, str]]:
    run = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if run.returncode:
        for name, value in os.environ.items():
            if name.startswith("PIP_"):
                yield ":env:." + name[4:].lower().replace("_", "-"), value
        return
    for line in run.stdout.splitlines():
        key, separator, value = line.partition("=")
        if separator:
            with suppress(ValueError, SyntaxError):
                yield key.strip(), str(ast.literal_eval(value))


def _pip_default_index() -> str | None:
    code = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return run.stdout.strip() or None


def _is_true(value: str | None) -> bool:
    return (value or "").strip().lower() in {"1", "true", "yes", "on", "y", "t"}


class PackageIndexes:
    """All places pip would look in, asked through the simple API, page by page or as folders."""

    def __init__(self, settings: PipSettings):
        self.settings = settings
        self.problems: list[str] = []
        """Places that could not be read, and why: for the error text."""

    def candidates(self, package: str, version: str, kind: str) -> Iterator[Candidate]:
        """Archives of `package` at `version`; `kind` is "wheel" or "sdist". Local places first, then in pip's order."""
        pages = [(link, False) for link in self.settings.find_links]
        pages += [(_page(index, package), True) for index in self.settings.indexes]
        pages.sort(key=lambda page: _is_remote(page[0]))  # stable: a local file costs nothing
        for address, is_index in pages:
            try:
                links = list(self._links(address))
            except (OSError, ValueError) as error:
                if not (is_index and _is_missing(error)):  # a package that an index does not have is no problem of it
                    self.problems.append(f"{redacted(address)}: {error}")
                continue
            yield from (link for link in links if matches(link.filename, package, version, kind))

    def _links(self, address: str) -> Iterator[Candidate]:
        path = _local_path(address)
        if path is not None:
            if path.is_dir() and (path / "index.html").is_file() and address.startswith("file:"):
                path = path / "index.html"
            if path.is_dir():
                for entry in sorted(path.iterdir()):
                    yield Candidate(entry.name, entry.resolve().as_uri(), None)
                return
            if not path.exists():
                raise FileNotFoundError("no such file or folder")
            base, content, kind = path.resolve().as_uri(), path.read_bytes(), "text/html"
        else:
            with self.open(address, {"Accept": SIMPLE_API}) as response:
                base, content, kind = response.url, response.read(), response.headers.get_content_type()
        if kind.endswith("json"):
            for file in json.loads(content)["files"]:
                yield Candidate(
                    file["filename"], urllib.parse.urljoin(base, file["url"]), file.get("hashes", {}).get("sha256")
                )
            return
        page = _Anchors()
        page.feed(content.decode("utf-8", "replace"))
        for link in page.links:
            url, _, fragment = urllib.parse.urljoin(page.base or base, link).partition("#")
            digest = re.match(r"sha256=([0-9a-f]{64})", fragment)
            name = urllib.parse.unquote(urllib.parse.urlsplit(url).path.rsplit("/", 1)[-1])
            yield Candidate(name, url, digest[1] if digest else None)

    def open(self, url: str, headers: dict[str, str]):
        """The response to a GET of `url`, with the user's certificates, proxy and credentials; OSError if it fails."""
        parts = urllib.parse.urlsplit(url)
        request = urllib.request.Request(
            urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        )
        for name, value in headers.items():
            request.add_header(name, value)
        login = self._login(parts)
        if login:  # not sent on to another host after a redirect
            token = base64.b64encode(":".join(login).encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {token}")
        handlers: list = [urllib.request.HTTPSHandler(context=self._tls(parts.hostname))]
        if self.settings.proxy:
            handlers.append(urllib.request.ProxyHandler({"http": self.settings.proxy, "https": self.settings.proxy}))
        return urllib.request.build_opener(*handlers).open(request, timeout=self.settings.timeout)

    def _login(self, parts: urllib.parse.SplitResult) -> tuple[str, str] | None:
        if parts.username:
            return urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")
        for index in self.settings.indexes:  # the files often lie on the index's own host, without its credentials
            other = urllib.parse.urlsplit(index)
            if other.username and (other.scheme, other.hostname, other.port) == (
                parts.scheme,
                parts.hostname,
                parts.port,
            ):
                return urllib.parse.unquote(other.username), urllib.parse.unquote(other.password or "")
        try:
            entry = netrc.netrc().hosts.get(parts.hostname or "")
        except (OSError, netrc.NetrcParseError):
            return None
        return (entry[0], entry[2]) if entry else None

    def _tls(self, host: str | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.settings.certificates)
        if self.settings.certificates is None:
            with suppress(ImportError, OSError):  # some interpreters find no certificates of the system
                from pip._vendor import certifi

                context.load_verify_locations(certifi.where())
        if self.settings.client_certificate:
            context.load_cert_chain(self.settings.client_certificate)
        if host and any(trusted.split(":")[0] == host for trusted in self.settings.trusted_hosts):
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def download(self, candidate: Candidate, part: Path, bar=None) -> Path:
        """Bring `candidate` to the file `part`, going on from what is there already; returns a path to read it from.

        A file:// archive is read where it lies. `bar` is a tqdm bar or None. OSError if the transfer fails (what came
        stays in `part`), ValueError if the archive is not the one that the index describes.
        """
        local = _local_path(candidate.url)
        if local is not None:
            path = local
        else:
            self._transfer(candidate.url, part, bar)
            path = part
        if candidate.sha256 and sha256_of(path) != candidate.sha256:
            if path == part:
                part.unlink(missing_ok=True)
            raise ValueError("the archive's SHA-256 is not the one that the index gives")
        return path

    def _transfer(self, url: str, part: Path, bar) -> None:
        have = part.stat().st_size if part.exists() else 0
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        try:
            response = self.open(url, headers)
        except urllib.error.HTTPError as error:
            if error.code == 416 and have:  # nothing beyond what we have: complete, or not ours; the hash decides
                if _full_size(error.headers.get("Content-Range")) == have:
                    return
                part.unlink()
                return self._transfer(url, part, bar)
            raise
        with response:
            resumed = response.status == 206 and _first_byte(response.headers.get("Content-Range")) == have
            if response.status == 206 and not resumed:
                part.unlink()
                return self._transfer(url, part, bar)
            if not resumed:
                have = 0
            left = response.headers.get("Content-Length")
            total = have + int(left) if left else None
            if bar is not None:
                bar.total = total
                bar.update(have - bar.n)
            with part.open("ab" if resumed else "wb") as file:
                while block := response.read(BLOCK):
                    file.write(block)
                    have += len(block)
                    if bar is not None:
                        bar.update(len(block))
        if total is not None and have < total:
            raise ConnectionError(f"the connection ended after {have} of {total} bytes")


class _Anchors(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links: list[str] = []
        self.base: str | None = None

    def handle_starttag(self, tag, attrs):
        target = dict(attrs).get("href")
        if tag == "base" and target:
            self.base = target
        elif tag == "a" and target:
            self.links.append(target)


def normalised(package: str) -> str:
    """A package's name as indexes spell it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", package).lower()


def matches(filename: str, package: str, version: str, kind: str) -> bool:
    """True if `filename` is a wheel or sdist of just this package and version."""
    if kind == "wheel":
        parts = filename.removesuffix(".whl").split("-")
        return (
            filename.endswith(".whl")
            and len(parts) >= 5
            and (normalised(parts[0]), parts[1]) == (normalised(package), version)
        )
    for suffix in (".tar.gz", ".zip"):
        if filename.endswith(suffix):
            name, _, found = filename.removesuffix(suffix).rpartition("-")
            return (normalised(name), found) == (normalised(package), version)
    return False


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def redacted(address: str) -> str:
    """An address without the user name and password in it."""
    return re.sub(r"//[^/@]*@", "//", address)


def _page(index: str, package: str) -> str:
    return index.rstrip("/") + "/" + normalised(package) + "/"


def _is_remote(address: str) -> bool:
    return address.startswith(("http:", "https:"))


def _local_path(address: str) -> Path | None:
    if _is_remote(address):
        return None
    if address.startswith("file:"):
        return Path(urllib.request.url2pathname(urllib.parse.urlsplit(address).path))
    if "://" in address:
        raise ValueError("only http, https, file addresses and folders can be read")
    return Path(os.path.expanduser(address))


def _is_missing(error: Exception) -> bool:
    return isinstance(error, FileNotFoundError) or getattr(error, "code", None) == 404


def _first_byte(content_range: str | None) -> int | None:
    found = re.match(r"bytes (\d+)-", content_range or "")
    return int(found[1]) if found else None


def _full_size(content_range: str | None) -> int | None:
    found = re.match(r"bytes \*/(\d+)", content_range or "")
    return int(found[1]) if found else None
