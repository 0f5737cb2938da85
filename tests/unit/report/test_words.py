"""Facts in words."""

from __future__ import annotations

import pytest

from hardiness.core.codes import RunRemark
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, error_of
from hardiness.report.words import line


@pytest.mark.parametrize("model", ["p", "partial", "net: evaluated"])
def test_a_line_says_of_which_model_it_is_whatever_the_model_is_called(model: str) -> None:
    counts = {"evaluated": 4, "expected": 8, "failed": 0, "conditions": 1}
    assert line(Fact(RunRemark.PARTIAL, counts, model)) == f"{model}: partial: evaluated 4 of 8 images"
    assert line(error_of(ArgumentError(f"{model} has no weights"), model)) == f"{model} has no weights"
    assert line(error_of(ArgumentError(f"{model}ictures are missing"), model)) == f"{model}: {model}ictures are missing"
