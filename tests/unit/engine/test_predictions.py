"""Files of answers: what is said of columns that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardiness.core import ArgumentError
from hardiness.engine.predictions import _columns_of


def test_a_file_without_the_columns_is_answered_with_all_that_it_has_counted() -> None:
    names = ["sample", *(f"logit_{place}" for place in range(9))]
    says = r"condition may lack where all pictures are clean; has sample, logit_0, .*logit_4, … \(10 in all\)$"
    with pytest.raises(ArgumentError, match=says):
        _columns_of(names, Path("a.csv"))
    with pytest.raises(ArgumentError, match=r"has image, answer$"):
        _columns_of(["image", "answer"], Path("a.csv"))
    assert _columns_of(["sample", "class"], Path("a.csv")) == ("class", ["class"])
