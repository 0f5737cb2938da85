"""A pickle can run code; ours lets arrays in and nothing else."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from hardiness.core.errors import DataError
from hardiness.sources.numpy_pickles import read_arrays


def test_arrays_come_back(tmp_path: Path) -> None:
    file = tmp_path / "weights.pkl"
    arrays = {"conv1": [np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(2, np.float32)]}
    file.write_bytes(pickle.dumps(arrays, protocol=4))
    found = read_arrays(file)
    assert list(found) == ["conv1"]
    for ours, theirs in zip(found["conv1"], arrays["conv1"], strict=True):
        np.testing.assert_array_equal(ours, theirs)


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch harmed",)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "evil.pkl"
    file.write_bytes(pickle.dumps({"conv1": [_Evil()]}, protocol=protocol))
    with pytest.raises(DataError, match=r"evil\.pkl must be a pickle of numpy arrays.*system; refused"):
        read_arrays(file)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "named", ["builtins eval", "numpy load", "numpy.core.multiarray scalar", "copyreg _reconstructor"]
)
def test_only_three_names_are_let_in(tmp_path: Path, named: str) -> None:
    module, name = named.split()
    file = tmp_path / "evil.pkl"
    file.write_bytes(f"c{module}\n{name}\n.".encode())
    with pytest.raises(DataError, match=f"it names {module}.{name}"):
        read_arrays(file)


@pytest.mark.parametrize("content", [b"", b"\x80\x02", b"no pickle at all"])
def test_damage_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.pkl"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"broken.pkl must be a pickle"):
        read_arrays(file)


def test_a_table_of_all_memory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(b"\x80\x02}r\x00\x00\x00\x01.")
    with pytest.raises(DataError, match="it remembers something as number 16777216"):
        read_arrays(tmp_path / "x.pkl")


def test_other_contents_are_told(tmp_path: Path) -> None:
    file = tmp_path / "list.pkl"
    file.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(DataError, match="dictionary of lists of arrays, held list"):
        read_arrays(file)
