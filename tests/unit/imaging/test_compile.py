"""Compiling kernels where nothing can be written, and where what was kept is damaged."""

from __future__ import annotations

import errno
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numba.core import caching, config

from hardiness.imaging import _compile
from hardiness.imaging._compile import compiled
from hardiness.imaging.compiled import kernel_folder


def twice(number: int) -> int:
    return 2 * number


def test_a_kernel_runs_where_no_cache_folder_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator"):
        caching.FunctionCache(twice)
    assert compiled(twice)(21) == 42


def test_a_kernel_is_kept_on_disk_elsewhere() -> None:
    assert isinstance(compiled(twice)._cache, caching.FunctionCache)  # type: ignore[attr-defined]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which numba keeps what it compiles; nobody has been told of damage in it."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(_compile, "_folders_told", set())
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


def test_the_folder_of_kernels_is_the_first_that_can_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the source; else, as where a package belongs to somebody else, in the user's cache; else nowhere."""
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source = Path(_compile.__file__).parent
    assert kernel_folder() == source / "__pycache__"
    read_only, writable = [source], tempfile.TemporaryFile

    def refused(dir: str) -> Any:  # noqa: A002
        if any(Path(dir).is_relative_to(folder) for folder in read_only):
            raise PermissionError(errno.EACCES, "Permission denied", dir)
        return writable(dir=dir)

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    in_cache = kernel_folder()
    assert in_cache is not None
    assert in_cache.is_relative_to(tmp_path)
    read_only.append(tmp_path)
    assert kernel_folder() is None
