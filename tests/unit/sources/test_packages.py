"""Files of installed distributions."""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, PackageNotFoundError

import pytest

from hardiness.core.errors import DataError
from hardiness.sources import packages
from hardiness.sources.packages import file_sha256, installed_file

SYNSETS = "timm/data/_info/imagenet_synsets.txt"


def test_finds_a_file_without_importing_its_package() -> None:
    before = set(sys.modules)
    file = installed_file("timm", SYNSETS)
    assert file.read_text().startswith("n01440764\n")
    assert not {name for name in set(sys.modules) - before if name.startswith("timm")}


def test_checks_the_bytes() -> None:
    file = installed_file("timm", SYNSETS)
    assert installed_file("timm", SYNSETS, file_sha256(file)) == file
    with pytest.raises(DataError, match=r"imagenet_synsets\.txt is not the published file.*000000000000.*timm"):
        installed_file("timm", SYNSETS, "0" * 64)


def test_absent_package_is_told_with_what_to_install() -> None:
    with pytest.raises(DataError, match=r"'no-such-thing' is not installed.*pip install"):
        installed_file("no-such-thing", "file")


@pytest.mark.parametrize(
    ("package", "advice"),
    [
        ("imagenet-x", "pip install 'hardiness[labels]'"),
        ("ai-benchmark", "pip install 'hardiness[demo]'"),
        ("imagecorruptions-imaug", "pip install imagecorruptions-imaug"),
    ],
)
def test_the_extra_that_brings_an_absent_package_is_named(
    package: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> Distribution:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packages, "distribution", absent)
    with pytest.raises(DataError) as error:
        installed_file(package, "file")
    assert str(error.value).endswith(f"comes from it; {advice}")


def test_absent_file_is_told() -> None:
    with pytest.raises(DataError, match=r"timm .* has no file timm/no\.txt"):
        installed_file("timm", "timm/no.txt")
