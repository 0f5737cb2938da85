"""Compiling kernels where nothing can be written, where others have kept them, and where what was kept is damaged."""

from __future__ import annotations

import errno
import logging
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba
import pytest
from numba.core import caching

from hardiness.imaging import _compile
from hardiness.imaging import compiled as imaging_compiled
from hardiness.imaging._compile import COMPILING, compiled
from hardiness.imaging.compiled import FOLDER, TEMPORARY, has_machine_code, kernel_folder


def twice(number: int) -> int:
    return 2 * number


def test_a_kernel_runs_where_no_cache_folder_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, "/proc/none")
    assert compiled(twice)(21) == 42


def test_a_kernel_that_stands_in_no_file_is_compiled_in_each_process() -> None:
    names: dict[str, Any] = {}
    exec("def thrice(number): return 3 * number", names)
    assert compiled(names["thrice"])(14) == 42


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for what is compiled."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "kernels"))
    return tmp_path / "kernels"


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


def name_types_that_have_moved(path: Path) -> None:
    path.write_bytes(pickle.dumps(numba.__version__) + b"chardiness.imaging.resize\nFilter\n.")


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.slow
@pytest.mark.parametrize("harm", [empty, cut, scramble, name_types_that_have_moved])
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_damaged_kernel_is_compiled_again(harm: Callable[[Path], None], suffix: str, kept: Path) -> None:
    assert not has_machine_code()
    assert calls_from_disk(21) == 0
    assert calls_from_disk(21) == 1
    assert has_machine_code()
    (file,) = kept.rglob(f"*{suffix}")
    harm(file)
    assert calls_from_disk(21) == 0
    assert calls_from_disk(21) == 1, "compiled once more, and kept"


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_folder_in_the_place_of_a_kernel_stops_nobody(suffix: str, kept: Path) -> None:
    assert calls_from_disk(21) == 0
    (file,) = kept.rglob(f"*{suffix}")
    replace_by_a_folder(file)
    assert calls_from_disk(21) == 0


def test_a_disk_that_is_full_keeps_no_kernel_and_stops_nobody(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.os, "replace", full)
    assert calls_from_disk(4) == 0
    assert calls_from_disk(4) == 0


SOURCE = """
def twice(number):
    return 2 * number
"""


def hits(file: Path) -> int:
    """How many kernels a new process would take from the disk for a call of ``twice`` of a file."""
    spec = spec_from_file_location("of_mine", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    _compile._hash_of.cache_clear()
    kernel = compiled(module.twice)
    assert kernel(21) == 42
    return sum(kernel.stats.cache_hits.values())


@pytest.mark.slow
def test_checkouts_of_one_content_share_what_is_compiled_and_keep_that_of_others(tmp_path: Path, kept: Path) -> None:
    first, second = (tmp_path / name / "of_mine.py" for name in ("first", "second"))
    for file in (first, second):
        file.parent.mkdir()
        file.write_text(SOURCE)
    os.utime(second, (1, 1))  # as a container's image has it
    assert hits(first) == 0
    assert hits(second) == 1
    second.write_text(SOURCE.replace("2 * number", "number + number"))
    assert (hits(second), hits(first), hits(second)) == (0, 1, 1)
    assert {path.name for path in tmp_path.iterdir()} == {"first", "second", "kernels"}
    assert not list(tmp_path.glob("*/__pycache__/*.nb?"))


@pytest.mark.parametrize("cache", ["/proc/none", "~/.cache"])
def test_without_a_folder_that_can_be_written_to_there_is_a_temporary_one(
    cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As without a home, where the user's cache begins with a tilde."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(FOLDER, "")
    monkeypatch.setattr(imaging_compiled, "user_cache_dir", lambda *_: cache)
    folder = kernel_folder()
    assert folder.name.startswith(TEMPORARY)
    assert folder.is_dir()
    assert kernel_folder() == folder == Path(os.environ[FOLDER])
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_that_of_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, "")
    monkeypatch.setattr(imaging_compiled, "user_cache_dir", lambda *_: str(tmp_path / "cache"))
    assert kernel_folder() == tmp_path / "cache" / "kernels"
    monkeypatch.setenv(FOLDER, "/named")
    assert kernel_folder() == Path("/named")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "says"),
    [("/kernels", "they are kept in /kernels"), (f"/tmp/{TEMPORARY}x", "set NUMBA_CACHE_DIR")],
)
def test_after_two_seconds_of_compiling_a_line_says_so_once(
    folder: str, says: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_compile, "PATIENCE_S", 0.2)
    monkeypatch.setenv(FOLDER, folder)
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


CODE = """
import numpy, hardiness
for name in ('fog', 'glass_blur', 'snow', 'motion_blur', 'zoom_blur'):
    hardiness.corrupt(numpy.zeros((40, 40, 3), numpy.uint8), name, 3)
"""


def processes(count: int, **environment: str) -> list[str]:
    """The standard error of so many processes, one after the other, that call five kernels."""
    there = {**{name: value for name, value in os.environ.items() if name != FOLDER}, **environment}
    line = [sys.executable, "-c", CODE]
    return [subprocess.run(line, env=there, capture_output=True, text=True, check=True).stderr for _ in range(count)]


@pytest.mark.thorough
def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    """In a new installation the first says that it compiles."""
    first, second = processes(2, XDG_CACHE_HOME=str(tmp_path))
    folder = tmp_path / "hardiness" / "kernels"
    assert first.startswith(f"array kernels are compiled for this processor, seconds each; they are kept in {folder}")
    assert second == ""
    kernels = {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")}
    assert len(kernels) >= 10
    processes(1, XDG_CACHE_HOME=str(tmp_path))
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")} == kernels


@pytest.mark.thorough
def test_a_read_only_installation_without_a_home_works(tmp_path: Path) -> None:
    (told,) = processes(1, HOME="/proc/none", XDG_CACHE_HOME="/proc/none", TMPDIR=str(tmp_path))
    assert "each process does so anew, as no cache folder can be written to: set NUMBA_CACHE_DIR" in told
    assert list(tmp_path.iterdir()) == [], "the temporary folder is gone"
