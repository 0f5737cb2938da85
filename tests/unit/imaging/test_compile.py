"""Compiling kernels where nothing can be written, where others have kept them, and where what was kept is damaged."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from numba.core import caching, config

from hardiness.imaging import _compile, _kept_kernels
from hardiness.imaging._compile import COMPILING, compiled
from hardiness.imaging._kept_kernels import KernelCache, holds_kernels
from hardiness.imaging.compiled import kernel_places


def twice(number: int) -> int:
    return 2 * number


def test_a_kernel_runs_where_no_cache_folder_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kept_kernels, "is_writable", lambda _: False)
    monkeypatch.setattr(_kept_kernels, "folders_of", lambda _: (Path("/nowhere"),))
    assert compiled(twice)(21) == 42


def test_a_kernel_that_stands_in_no_file_is_compiled_in_each_process() -> None:
    names: dict[str, Any] = {}
    exec("def thrice(number): return 3 * number", names)
    assert compiled(names["thrice"])(14) == 42


def test_a_kernel_is_kept_on_disk_elsewhere() -> None:
    assert isinstance(compiled(twice)._cache, KernelCache)  # type: ignore[attr-defined]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which numba keeps what it compiles; nobody has been told of damage in it."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(_kept_kernels, "_folders_told", set())
    return tmp_path


def calls_from_disk(number: int) -> int:
    """How many kernels a new process would take from the disk for ``twice(number)``, which must be right."""
    kernel = compiled(twice)
    assert kernel(number) == 2 * number
    return sum(kernel.stats.cache_hits.values())  # type: ignore[attr-defined]


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def scramble(path: Path) -> None:
    path.write_bytes(bytes(range(7, 256)) * 8)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.slow
@pytest.mark.parametrize("harm", [empty, cut, scramble, flip, replace_by_a_folder])
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_damaged_kernel_is_told_set_aside_and_compiled_anew(
    harm: Callable[[Path], None], suffix: str, kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert calls_from_disk(21) == 0
    assert calls_from_disk(21) == 1
    (file,) = kept.rglob(f"*{suffix}")
    harm(file)
    with caplog.at_level(logging.WARNING, "hardiness"):
        logging.getLogger("hardiness").addHandler(caplog.handler)
        assert calls_from_disk(21) == 0
        logging.getLogger("hardiness").removeHandler(caplog.handler)
    (line,) = {record.getMessage() for record in caplog.records}
    assert line.startswith(f"{file} is damaged (a kept compiled kernel)")
    assert file.with_name(f"{file.name}.damaged").exists()
    assert calls_from_disk(21) == 1, "compiled once more, and kept"


def test_a_disk_that_is_full_keeps_no_kernel_and_stops_nobody(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.os, "replace", full)
    assert calls_from_disk(4) == 0
    assert calls_from_disk(4) == 0


def test_a_kernel_whose_types_have_moved_is_compiled_anew(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an update in which a type that an index names stands in another module."""
    assert calls_from_disk(1) == 0
    assert calls_from_disk(2) == 1

    def gone(self: object) -> dict[object, str]:
        raise ModuleNotFoundError("No module named 'hardiness.imaging.resize'")

    monkeypatch.setattr(caching.IndexDataCacheFile, "_load_index", gone)
    assert calls_from_disk(3) == 0


SOURCE = """
def twice(number):
    return 2 * number
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The source of a kernel in a folder of its own, and a user's cache beside it; no folder is named."""
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "of_mine.py").write_text(SOURCE)
    return tmp_path / "package" / "of_mine.py"


def hits(file: Path) -> int:
    """How many kernels a new process would take from the disk for a call of ``twice`` of a file."""
    spec = spec_from_file_location("of_mine", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    _kept_kernels._stamp.cache_clear()
    kernel = compiled(module.twice)
    assert kernel(21) == 42
    return sum(kernel.stats.cache_hits.values())


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders that this user may not write to: those that a test puts into the list."""
    folders: list[Path] = []
    writable = _kept_kernels.is_writable

    def allowed(folder: Path) -> bool:
        return not any(folder.is_relative_to(each) for each in folders) and writable(folder)

    monkeypatch.setattr(_kept_kernels, "is_writable", allowed)
    return folders


@pytest.mark.slow
def test_kernels_of_an_installation_serve_whoever_may_not_write_there(installed: Path, read_only: list[Path]) -> None:
    """As in a container's image, whose layers also carry files with other times."""
    assert hits(installed) == 0
    os.utime(installed, (1, 1))
    read_only.append(installed.parent)
    assert hits(installed) == 1
    installed.write_text(SOURCE.replace("2 * number", "number + number"))
    assert hits(installed) == 0, "the source is another"
    assert hits(installed) == 1, "kept in the user's cache"
    assert holds_kernels(next((installed.parents[1] / "cache" / "numba").iterdir()))


@pytest.mark.slow
def test_kernels_that_may_not_be_read_are_compiled_and_nobody_is_told_of_damage(
    installed: Path, read_only: list[Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert hits(installed) == 0
    read_only.append(installed.parent)
    read_bytes = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.is_relative_to(installed.parent / "__pycache__"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    assert hits(installed) == 0
    assert hits(installed) == 1
    assert not holds_kernels(installed.parent / "__pycache__")
    assert caplog.records == []


def test_the_folders_of_kernels_are_asked_in_order_and_the_first_that_can_be_written_to_keeps_more(
    tmp_path: Path, read_only: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the source; else, as where a package belongs to somebody else, in the user's cache; else nowhere."""
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    beside = Path(_compile.__file__).parent / "__pycache__"
    holding = [beside]
    monkeypatch.setattr(_kept_kernels, "holds_kernels", lambda folder: folder in holding)
    assert kernel_places() == (beside, beside)
    read_only.append(beside)
    kept, new = kernel_places()
    assert kept == beside
    assert new is not None
    assert new.is_relative_to(tmp_path)
    read_only.append(tmp_path)
    assert kernel_places() == (beside, None)
    holding.clear()
    assert kernel_places() == (None, None)


def test_without_a_home_no_folder_is_called_by_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kept_kernels, "user_cache_dir", lambda *_: "~/.cache/numba")
    assert all(folder.is_absolute() for folder in _kept_kernels.folders_of(__file__))


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "says"), [("/kernels", "they are kept in /kernels"), (None, "set NUMBA_CACHE_DIR")])
def test_after_two_seconds_of_compiling_a_line_says_so_once(
    folder: str | None, says: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_compile, "PATIENCE_S", 0.2)
    monkeypatch.setattr(_compile, "folder_for_new", lambda _: folder and Path(folder))
    monkeypatch.setattr(logging.getLogger(COMPILING), "level", logging.WARNING)
    clock = _compile._CompilingClock()
    clock.kernels.add(twice.__code__)

    def compiling(seconds: float, kernel: Callable[..., object] = twice) -> list[str]:
        """The lines once a kernel has taken so long."""
        event = SimpleNamespace(data={"dispatcher": SimpleNamespace(py_func=kernel)})
        clock.on_start(event)
        time.sleep(seconds)
        clock.on_end(event)
        return sorted({record.getMessage() for record in caplog.records})

    with caplog.at_level(logging.WARNING, COMPILING):
        logging.getLogger(COMPILING).addHandler(caplog.handler)
        assert compiling(0.4, kernel=calls_from_disk) == [], "somebody else's function"
        assert compiling(0.05) == []
        (line,) = compiling(0.4)
        assert says in line
        caplog.clear()
        assert compiling(0.4) == []
        logging.getLogger(COMPILING).removeHandler(caplog.handler)


@pytest.mark.thorough
def test_a_first_call_in_a_new_installation_says_that_it_compiles(tmp_path: Path) -> None:
    """Five kernels, in a process of its own, with a folder of kernels that is empty; the second start says nothing."""
    code = "import numpy, hardiness as h\nfor name in ('fog', 'glass_blur', 'snow', 'motion_blur', 'zoom_blur'):\n"
    code += "    h.corrupt(numpy.zeros((40, 40, 3), numpy.uint8), name, 3)"
    # A copy of the package, as kernels beside the source would be taken.
    copied = shutil.copytree(
        Path(_compile.__file__).parents[1], tmp_path / "hardiness", ignore=shutil.ignore_patterns("__pycache__")
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kernels"), "PYTHONPATH": str(copied.parent)}
    lines = [
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stderr
        for _ in range(2)
    ]
    assert lines[0].startswith("array kernels are compiled for this processor")
    assert str(tmp_path / "kernels") in lines[0]
    assert lines[1] == ""
