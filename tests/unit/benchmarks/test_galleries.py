"""Which pictures are chosen, against the rule written as a search through all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hardiness.benchmarks.galleries import SHOWN, galleries
from hardiness.core.condition import Condition
from hardiness.core.table import ImageTable

CONDITIONS = (
    Condition(),
    *(Condition(corruption=name, severity=s) for name in ("fog", "snow", "blur") for s in (1, 2)),
)
RIGHT = st.integers(-1, 1)
SURE = st.sampled_from([0.1, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1, width=32)


def table(right: np.ndarray[Any, Any], sure: np.ndarray[Any, Any], conditions: tuple[Condition, ...]) -> ImageTable:
    """A table in which an image's answer is its label where it is right, else the next class."""
    n = len(right)
    label = np.arange(n, dtype=np.int32) % 3
    answer = (label[:, None] + (right != 1)).astype(np.int16)
    cells = np.arange(right.shape[1], dtype=np.int16)
    ids = np.array([f"{row:03d}" for row in range(n)], object)
    return ImageTable(ids, label, conditions, cells, {"right": right, "confidence": sure, "answer": answer})


def shaped(cells: int) -> st.SearchStrategy[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Right or wrong, and confidence, of one to twelve images."""
    return st.integers(1, 12).flatmap(
        lambda n: st.tuples(
            arrays.arrays(np.int8, (n, cells), elements=RIGHT), arrays.arrays(np.float32, (n, cells), elements=SURE)
        )
    )


@pytest.mark.slow
@given(shaped(len(CONDITIONS)))
def test_flips_are_the_surest_of_each_kind_then_of_each_image(
    drawn: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
) -> None:
    right, sure = drawn
    wanted: list[tuple[int, int]] = []
    found = [(r, c) for r in range(len(right)) for c in range(len(CONDITIONS)) if right[r, 0] == 1 and right[r, c] == 0]
    found.sort(key=lambda at: (-float(sure[at]), at))
    kinds: set[str] = set()
    for row, cell in found:
        kind = str(CONDITIONS[cell]["corruption"])
        if kind not in kinds and row not in {r for r, _ in wanted}:
            wanted.append((row, cell))
            kinds.add(kind)
    for row, cell in found:
        if row not in {r for r, _ in wanted}:
            wanted.append((row, cell))
    shown = [each for each in galleries(table(right, sure, CONDITIONS), str) if each.title == "Answers that flip"]
    expected = [(f"{row:03d}", CONDITIONS[cell]) for row, cell in wanted[:SHOWN]]
    assert [(sample.id, sample.condition) for each in shown for sample in each.samples] == expected
    assert all(f"Pictures that qualify: {len(found):,}." in each.rule for each in shown)


@pytest.mark.slow
@given(shaped(1))
def test_mistakes_are_the_surest(drawn: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]) -> None:
    right, sure = drawn
    wrong = sorted(np.flatnonzero(right[:, 0] == 0).tolist(), key=lambda row: (-float(sure[row, 0]), row))
    (*shown,) = galleries(table(right, sure, (Condition(),)), str)
    assert [sample.id for each in shown for sample in each.samples] == [f"{row:03d}" for row in wrong[:SHOWN]]
    assert all(f"{len(wrong):,} are wrong" in each.rule for each in shown)
