"""What commands print."""

from __future__ import annotations

import pytest

from hardiness.cli.output import amount


@pytest.mark.parametrize(("count", "says"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1000, "1,000 files")])
def test_an_amount_agrees_with_its_noun(count: int, says: str) -> None:
    assert amount(count, "file") == says
