"""Files out of wheels that pip fetches, here from a folder of wheels made for the test."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from hardiness.core import DataError
from hardiness.sources.packages import PackagedFile, obtain_packaged

CONTENT = b"frost"
WANTED = [PackagedFile("a.png", hashlib.sha256(CONTENT).hexdigest())]


def wheel(folder: Path, name: str, members: dict[str, bytes]) -> None:
    """A wheel as small as pip accepts."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
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
