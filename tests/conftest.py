"""Fixtures that every test may use: photographs, golden pictures and stimuli.

Without ``HARDINESS_DATA`` the photographs are those inside installed packages, laid out as ImageNet is. Only tests that
need golden pictures or cue-conflict stimuli are skipped then; under ``CI`` they fail instead.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from hardiness.core import DataError
from hardiness.core.processors import usable_cores
from hardiness.data import locate
from hardiness.distortions.frost_pictures import locate_frost


def pytest_configure() -> None:
    """Draws the number that random moments start from, which the workers of pytest-xdist inherit."""
    os.environ.pop("COLUMNS", None)  # pytest-xdist gives its workers a terminal of 80 columns
    if count := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
        # Before torch is loaded: threads of several processes on one core spend their time waiting for each other.
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // int(count))))
    os.environ.setdefault("HARDINESS_KILL_SEED", str(secrets.randbits(32)))
    settings.register_profile("usual", deadline=None)  # no test depends on how busy the machine is
    settings.register_profile("soak", max_examples=1000, deadline=None, print_blob=True)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what draws something anew each time: moments of kills, and hypothesis' examples."""
    for item in items:
        if "moments" in getattr(item, "fixturenames", ()) or hasattr(getattr(item, "obj", None), "hypothesis"):
            item.add_marker("soak")


def pytest_report_header() -> str:
    """Says it, so that a failure can be repeated."""
    return f"HARDINESS_KILL_SEED={os.environ['HARDINESS_KILL_SEED']}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Turns a skip into a failure where ``CI`` is set; what the platform decides (``skipif``) may be left out."""
    report = yield
    left_out = report.skipped and not hasattr(report, "wasxfail") and not item.get_closest_marker("skipif")
    if left_out and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which is a failure under CI: {report.longrepr[-1]}"
    return report


def given_root() -> Path | None:
    """The data root that HARDINESS_DATA names, or ``None`` where it is not set; a wrong one fails the test."""
    given = os.environ.get("HARDINESS_DATA", "")
    if not given:
        return None
    if not Path(given, "imagenet", "val").is_dir():
        pytest.fail(f"HARDINESS_DATA must name a data root with imagenet/val, was {given!r}", pytrace=False)
    return Path(given)


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with ``imagenet/val``: HARDINESS_DATA, or the photographs of installed packages laid out that way."""
    given = given_root()
    if given is not None:
        return given
    try:
        dataset = locate(["embedded"]).dataset("imagenet")
    except DataError as error:
        pytest.skip(str(error))
    root = tmp_path_factory.mktemp("embedded")
    for item in dataset.items:
        wnid, _, stem = item.id.partition("/")
        folder = root / "imagenet" / "val" / wnid
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{stem}.JPEG").symlink_to(item.file.path)
    return root


@pytest.fixture(scope="session")
def photographs(data_root: Path) -> list[Path]:
    """The JPEGs below ``imagenet/val``, sorted."""
    return sorted((data_root / "imagenet" / "val").rglob("*.JPEG"))


def _folder_of_data(name: str) -> Path:
    root = given_root()
    if root is None or not (root / name).is_dir():
        pytest.skip(f"HARDINESS_DATA must name a data root with {name}, was {os.environ.get('HARDINESS_DATA', '')!r}")
    return root / name


@pytest.fixture(scope="session")
def golden_corruptions() -> Path:
    """Pictures that the published ImageNet-C generator made."""
    return _folder_of_data("golden/imagenet-c")


@pytest.fixture(scope="session")
def golden_c_bar() -> Path:
    """Pictures that the published ImageNet-C-bar generator made."""
    return _folder_of_data("golden/imagenet-c-bar")


@pytest.fixture(scope="session")
def golden_perturbations() -> Path:
    """Frames that the published ImageNet-P rules made."""
    return _folder_of_data("golden/imagenet-p")


@pytest.fixture(scope="session")
def stimuli() -> Path:
    """The folder of the published cue-conflict stimuli."""
    return _folder_of_data("cue-conflict")


@pytest.fixture(scope="session")
def frost_pictures() -> Path:
    """The folder of the frost pictures; without a package that carries them the test is skipped."""
    try:
        return locate_frost(0).parent
    except DataError as error:
        pytest.skip(str(error))
