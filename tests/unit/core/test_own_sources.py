"""The digest of the sources that numbers follow from."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from hardiness.core import own_sources
from hardiness.core.own_sources import sources_digest


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of two modules, one of which shows numbers."""
    for name in ("statistics/intervals.py", "report/page.py", "reference/alexnet.toml"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("before")
    monkeypatch.setattr(own_sources, "ROOT", tmp_path)
    return tmp_path


def digest() -> str:
    return sources_digest.__wrapped__()


@pytest.mark.parametrize(
    ("name", "changes"),
    [("statistics/intervals.py", True), ("reference/alexnet.toml", True), ("report/page.py", False)],
)
def test_it_changes_with_each_file_that_computes(package: Path, name: str, changes: bool) -> None:
    before = digest()
    (package / name).write_text("after")
    assert (digest() != before) == changes


def test_a_file_that_is_renamed_changes_it(package: Path) -> None:
    before = digest()
    (package / "statistics" / "intervals.py").rename(package / "statistics" / "ends.py")
    assert digest() != before


@pytest.mark.parametrize("library", ["numpy", "scipy"])
def test_it_changes_with_the_version_of_numpy_and_scipy(
    package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, library: str
) -> None:
    assert library in own_sources.LIBRARIES
    installed = tmp_path_factory.mktemp("installed") / "lib"
    installed.mkdir()
    (installed / "__init__.py").write_text("")
    found = SimpleNamespace(origin=str(installed / "__init__.py"))
    monkeypatch.setattr(own_sources, "find_spec", lambda name: found if name == library else find_spec(name))
    digests = set()
    for version in ("1.0", "1.1"):
        (installed / "version.py").write_text(f"version = {version!r}")
        digests.add(digest())
    assert len(digests) == 2
