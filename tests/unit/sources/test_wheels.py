"""Files out of wheels that pip fetches, or without pip we, from a folder or a server of wheels made for the test."""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.util
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import hardiness
from hardiness.core.errors import DataError
from hardiness.distortions.frost_pictures import PICTURES
from hardiness.sources import package_index, wheels
from hardiness.sources.package_index import PUBLIC_INDEX, index_address
from hardiness.sources.wheels import PackagedFile, obtain_packaged

CONTENT = b"frost"
WANTED = [PackagedFile("a.png", hashlib.sha256(CONTENT).hexdigest())]


def wheel(folder: Path, name: str, members: dict[str, bytes], version: str = "1.0", tag: str = "py3-none-any") -> None:
    """A wheel as small as pip accepts."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
        for path, content in members.items():
            archive.writestr(path, content)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, and nothing else, for pip to look in."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.mark.slow
def test_only_the_wanted_file_is_kept_and_a_second_time_nothing_is_fetched(index: Path, tmp_path: Path) -> None:
    wheel(index, "carrier", {"inside/a.png": CONTENT, "inside/code.py": b"raise SystemExit"})
    assert obtain_packaged([("carrier", "inside")], WANTED, tmp_path / "cache") == "carrier"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["a.png"]
    assert (tmp_path / "cache" / "a.png").read_bytes() == CONTENT
    for file in index.iterdir():
        file.unlink()
    assert obtain_packaged([("carrier", "inside")], WANTED, tmp_path / "cache") is None
    (tmp_path / "cache" / "a.png").write_bytes(b"other")
    with pytest.raises(DataError):
        obtain_packaged([("carrier", "inside")], WANTED, tmp_path / "cache")


@pytest.mark.slow
def test_the_next_package_is_tried_where_one_has_other_bytes_or_no_such_file(index: Path, tmp_path: Path) -> None:
    wheel(index, "changed", {"inside/a.png": b"frozen"})
    wheel(index, "emptied", {"inside/b.png": CONTENT})
    wheel(index, "carrier", {"other/a.png": CONTENT})
    packages = [("absent", "x"), ("changed", "inside"), ("emptied", "inside"), ("carrier", "other")]
    assert obtain_packaged(packages, WANTED, tmp_path / "cache") == "carrier"
    with pytest.raises(DataError) as told:
        obtain_packaged(packages[:3], WANTED, tmp_path / "cache2")
    assert not (tmp_path / "cache2").exists()
    message = str(told.value)
    assert "\n" not in message
    for part in ("a.png in changed-1.0", "not the published", "has no inside/a.png", "by hand"):
        assert part in message


@pytest.mark.slow
def test_offline_is_one_clear_line(index: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="check the network") as told:
        obtain_packaged([("carrier", "inside")], WANTED, tmp_path / "cache")
    assert "\n" not in str(told.value)


class Index(ThreadingHTTPServer):
    """A package index of the wheels in a folder, which notes the pages and files that it was asked for.

    Attributes:
        login: header that a request must bring; empty where all may read.
        files_at: address before the links to files.
        logins: header that each request brought.
    """

    def __init__(self, folder: Path, speaks_json: bool) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.folder, self.speaks_json, self.paths = folder, speaks_json, list[str]()
        self.address = f"http://127.0.0.1:{self.server_port}/simple"
        self.login, self.files_at, self.logins = "", "../..", list[str]()

    def page(self, package: str) -> bytes:
        files = sorted(self.folder.glob(f"{package.replace('-', '_')}-*"))
        hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
        if not hashes:
            return b""
        entries = [(name, f"{self.files_at}/files/{name}", digest, "-3.0-" in name) for name, digest in hashes.items()]
        if self.speaks_json:
            keys = ("filename", "url", "hashes", "yanked")
            rows = [dict(zip(keys, (n, url, {"sha256": d}, y), strict=True)) for n, url, d, y in entries]
            return json.dumps({"meta": {"api-version": "1.1"}, "files": rows}).encode()
        links = (
            f'<a href="{html.escape(url)}#sha256={digest}"{" data-yanked" * yanked}>{name}</a>'
            for name, url, digest, yanked in entries
        )
        return f"<!DOCTYPE html><html><body>{'<br/>'.join(links)}</body></html>".encode()


class Page(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.server.logins.append(self.headers.get("Authorization", ""))
        if self.server.login and not self.path.startswith("/files/") and self.server.logins[-1] != self.server.login:
            self.send_error(401)
            return
        of_file = self.path.startswith("/files/")
        parts = self.path.strip("/").split("/")
        content = (self.server.folder / parts[-1]).read_bytes() if of_file else self.server.page(parts[-1])
        kind = "application/vnd.pypi.simple.v1+json" if self.server.speaks_json else "text/html"
        self.send_response(200 if content else 404)
        self.send_header("Content-Type", "application/octet-stream" if of_file else kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Not into the tests' output."""


@pytest.fixture(params=["json", "html"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index that pip is set to, of an empty folder."""
    (tmp_path / "wheels").mkdir()
    with Index(tmp_path / "wheels", request.param == "json") as index:
        threading.Thread(target=index.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("PIP_INDEX_URL", index.address)
        monkeypatch.delenv("HARDINESS_OFFLINE", raising=False)
        yield index
        index.shutdown()


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(wheels.importlib.util, "find_spec", lambda name: None if name == "pip" else found(name))


def test_without_pip_the_newest_release_comes_from_the_index(server: Index, no_pip: None, tmp_path: Path) -> None:
    """Withdrawn ones, those before a final one and those for one system alone are left out."""
    for version in ("1.9", "2.0rc1", "3.0"):
        wheel(server.folder, "my_carrier", {"inside/a.png": b"other"}, version)
    wheel(server.folder, "my_carrier", {"inside/a.png": b"other"}, "4.0", "cp311-cp311-win_amd64")
    wheel(server.folder, "my_carrier", {"inside/a.png": CONTENT}, "1.10")
    packages = [("absent", "x"), ("My.carrier", "inside")]
    assert obtain_packaged(packages, WANTED, tmp_path / "cache") == "My.carrier"
    assert (tmp_path / "cache" / "a.png").read_bytes() == CONTENT
    assert server.paths == ["/simple/absent/", "/simple/my-carrier/", "/files/my_carrier-1.10-py3-none-any.whl"]


def test_without_pip_what_the_index_says_is_told_in_one_line(server: Index, no_pip: None, tmp_path: Path) -> None:
    wheel(server.folder, "changed", {"inside/a.png": b"frozen"})
    wheel(server.folder, "early", {"inside/a.png": CONTENT}, "1.0rc1")
    packages = [("absent", "x"), ("changed", "inside"), ("early", "inside")]
    with pytest.raises(DataError) as told:
        obtain_packaged(packages, WANTED, tmp_path / "cache")
    message = str(told.value)
    assert "\n" not in message
    for part in ("/simple/absent/ answers 404", "a.png in changed-1.0", "/simple/early/ lists no wheel", "by hand"):
        assert part in message
    assert not (tmp_path / "cache").exists()


LOGIN = "Basic " + base64.b64encode(b"me:a/secret token").decode()


def with_login(index: Index) -> str:
    """The index's address with a name and a password, whose slash and space are percent-encoded, before its host."""
    return index.address.replace("//", "//me:a%2Fsecret%20token@")


def test_a_name_and_password_go_to_the_index_alone(
    server: Index, no_pip: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files on another host, here another name of this machine, are asked for without them."""
    server.login = LOGIN
    wheel(server.folder, "carrier", {"inside/a.png": CONTENT})
    monkeypatch.setenv("PIP_INDEX_URL", with_login(server))
    for elsewhere, logins in (("../..", [LOGIN, LOGIN]), (f"http://localhost:{server.server_port}", [LOGIN, ""])):
        server.files_at = elsewhere
        server.logins.clear()
        assert obtain_packaged([("carrier", "inside")], WANTED, tmp_path / str(len(elsewhere))) == "carrier"
        assert server.logins == logins


def test_a_password_of_the_index_does_not_go_where_it_redirects(
    server: Index, no_pip: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = f"http://localhost:{server.server_port}/simple/absent/"

    def redirect(page: Page) -> None:
        server.logins.append(page.headers.get("Authorization", ""))
        page.send_response(404 if page.headers["Host"].startswith("localhost") else 302)
        page.send_header("Location", elsewhere)
        page.end_headers()

    monkeypatch.setattr(Page, "do_GET", redirect)
    with pytest.raises(DataError, match="answers 404"):
        package_index.newest_wheel("absent", with_login(server))
    assert server.logins == [LOGIN, ""]


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("http://myname:SECRET@", "answers 404"),
        ("http://myname:SECRET%2F@", "answers 404"),
        ("http://myname:SECRET@@", "answers 404"),
        ("http://SECRET@", "answers 404"),
        ("http://myname:SE/CRET@", "as in https://NAME:PASSWORD@HOST"),
        ("http://myname:S?CRET@", "as in https://NAME:PASSWORD@HOST"),
        ("http://myname:1#CRET@", "as in https://NAME:PASSWORD@HOST"),
        ("http://myname:[CRET@", "as in https://NAME:PASSWORD@HOST"),
        ("myname:SECRET@", "as in https://NAME:PASSWORD@HOST"),
    ],
)
def test_no_message_shows_a_password_of_the_index(
    login: str, words: str, server: Index, no_pip: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", server.address.replace("http://", login))
    with pytest.raises(DataError) as refusal:
        obtain_packaged([("absent", "x")], WANTED, tmp_path / "cache")
    assert "CRET" not in str(refusal.value)
    assert "myname" not in str(refusal.value)
    assert words in str(refusal.value)


def test_nothing_is_asked_for_where_downloads_are_forbidden(
    server: Index, no_pip: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    with pytest.raises(DataError, match="HARDINESS_OFFLINE is set"):
        obtain_packaged([("carrier", "inside")], WANTED, tmp_path / "cache")
    assert not server.paths


def test_the_index_is_the_one_that_pip_or_uv_is_set_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*package_index.INDEX_VARIABLES, "PIP_CONFIG_FILE", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(package_index.platformdirs, "site_config_dir", lambda name: str(tmp_path / "etc" / name))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    assert index_address() == PUBLIC_INDEX
    for folder, address in (("etc", "https://of.all"), ("home", "https://of.me")):
        (tmp_path / folder / "pip").mkdir(parents=True)
        (tmp_path / folder / "pip" / "pip.conf").write_text(f"[global]\ntimeout = 9\nindex-url = {address}\n")
        assert index_address() == address
    (tmp_path / "broken.conf").write_text("index-url\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "broken.conf"))
    assert index_address() == "https://of.me"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://of.uv")
    assert index_address() == "https://of.uv"


@pytest.mark.slow
def test_data_get_frost_works_in_an_environment_without_pip(
    server: Index, frost_pictures: Path, tmp_path: Path
) -> None:
    """As ``uv venv`` makes one: the packages of this environment but pip, and those that carry the pictures."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    lacking = ("pip", "imagecorruptions", "corrupt_tta", "_editable_impl_hardiness", "hardiness")
    for entry in Path(package_index.platformdirs.__file__).parents[1].iterdir():
        if not entry.name.startswith(lacking) and not (site / entry.name).exists():
            (site / entry.name).symlink_to(entry)
    pictures = {f"imagecorruptions/frost/{name}": (frost_pictures / name).read_bytes() for name, _ in PICTURES}
    wheel(server.folder, "imagecorruptions_imaug", pictures)
    python = tmp_path / "venv" / "bin" / "python"
    assert subprocess.run([python, "-c", "import pip"], capture_output=True, check=False).returncode
    environment = {
        **os.environ,
        "HARDINESS_CACHE": str(tmp_path / "cache"),
        "PYTHONPATH": str(Path(hardiness.__file__).parents[1]),
    }
    line = [python, "-m", "hardiness.cli", "data", "get", "frost"]
    for _ in range(2):
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert {file.name for file in (tmp_path / "cache" / "frost").iterdir()} == {name for name, _ in PICTURES}
    assert len(server.paths) == 2
