"""Compiling kernels where nothing can be written."""

from __future__ import annotations

import pytest
from numba.core import caching

from hardiness.imaging._compile import compiled


def twice(number: int) -> int:
    return 2 * number


def test_a_kernel_runs_where_no_cache_folder_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator"):
        caching.FunctionCache(twice)
    assert compiled(twice)(21) == 42


def test_a_kernel_is_kept_on_disk_elsewhere() -> None:
    assert isinstance(compiled(twice)._cache, caching.FunctionCache)  # type: ignore[attr-defined]
