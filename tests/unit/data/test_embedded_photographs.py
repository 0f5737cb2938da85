"""The photographs inside packages."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from hardiness import reference
from hardiness.core.errors import DataError
from hardiness.data.root import locate
from hardiness.imaging.codecs import decode
from hardiness.reference.classes import wnids
from hardiness.sources import packages


def test_the_99_photographs_are_found_and_named_for_what_they_are() -> None:
    root = locate(["embedded"])
    assert root.has("imagenet")
    assert not root.has("imagenet-a")
    dataset = root.dataset("imagenet")
    assert (dataset.name, len(dataset), dataset.num_classes) == ("embedded", 99, 1000)
    assert len({item.label for item in dataset.items}) == 98
    for item in dataset.items:
        assert item.id.split("/")[0] == wnids()[item.label]
    assert decode(dataset.items[0].file.read(), "x").shape[2] == 3


def test_the_fingerprint_is_of_contents_alone() -> None:
    first, second = (locate(["embedded"]).dataset("imagenet").fingerprint for _ in range(2))
    assert first == second == "193074700431cd48fd4e89f0b17d3c8f9337a1fa426bd48bda75e3b67c0daf87"


def test_a_missing_package_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packages, "distribution", absent)
    with pytest.raises(DataError, match=r"^package 'ai-benchmark' is not installed.*pip install 'hardiness\[demo\]'$"):
        locate(["embedded"]).dataset("imagenet")


def test_another_file_in_its_place_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "file_sha256", lambda file: "0" * 64)
    with pytest.raises(DataError, match="is not the published file"):
        locate(["embedded"]).dataset("imagenet")


def test_the_list_names_packages_and_licences() -> None:
    text = Path(reference.__file__).with_name("SOURCES.md").read_text()
    assert "ai-benchmark" in text
    assert "foolbox" in text
