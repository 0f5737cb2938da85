"""Scores of kept answers and conformal coverage of tables: by condition, with intervals or the reason for none."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.benchmarks.card import card_of
from hardiness.benchmarks.shares import (
    conformal_scores,
    selective_by_corruption,
    selective_scores,
)
from hardiness.core.condition import Condition
from hardiness.core.result import Score
from hardiness.core.run import BenchmarkIdentity, Run
from hardiness.core.table import ImageTable
from hardiness.report.words import text as said
from hardiness.statistics.confidence import aurra

CELLS = (Condition(), *(Condition(corruption=name, severity=s) for name in ("fog", "snow") for s in (1, 2)))


def table(n: int, shift: float, cells: tuple[Condition, ...] = CELLS) -> ImageTable:
    """A model that is as often right as it is sure, and under each corruption less sure of the label than it says."""
    generator = np.random.default_rng(0)
    confidence = generator.random((n, len(cells))).astype(np.float32)
    harder = shift * np.array([bool(cell) for cell in cells])
    right = (generator.random((n, len(cells))) < confidence - harder).astype(np.int8)
    nll = (generator.exponential(size=(n, len(cells))) + 3 * harder).astype(np.float32)
    columns = {"right": right, "confidence": confidence, "nll": nll if len(cells) > 1 else nll[:, 0]}
    ids = np.array([f"n/{i:05d}" for i in range(n)], object)
    return ImageTable(ids, np.zeros(n, np.int32), cells, np.arange(len(cells), dtype=np.int16), columns, ())


def by_name(scores: list[Score]) -> dict[tuple[str, str], Score]:
    return {(each.metric, str(each.condition.get("corruption", ""))): each for each in scores}


def test_photographs_have_all_five() -> None:
    given = table(400, 0.0, CELLS[:1])
    found = by_name([*selective_scores(given), *conformal_scores(given)])
    assert {name for name, _ in found} == {
        *("aurc", "augrc", "risk_at_80_coverage", "coverage_at_5_risk", "conformal_coverage")
    }
    right = given["right"][:, 0] == 1
    assert found["aurc", ""].value == pytest.approx(1 - aurra(given["confidence"][:, 0], right))
    assert found["coverage_at_5_risk", ""].interval is None
    for each in (each for name, each in found.items() if name != ("coverage_at_5_risk", "")):
        assert each.interval is not None
        assert 0 <= each.interval.low <= (each.value or 0) <= each.interval.high <= 1
    assert found["conformal_coverage", ""].n == 200
    assert found["conformal_coverage", ""].value == pytest.approx(0.9, abs=0.06)


@pytest.mark.parametrize(("name", "has"), [("imagenet-val", True), ("own", True), ("imagenet-v2", False)])
def test_clean_photographs_of_ones_own_have_it_too(name: str, has: bool) -> None:
    given = table(60, 0.0, CELLS[:1])
    given.columns["right_top5"] = given["right"]
    run = Run(benchmark=BenchmarkIdentity(name, "classification"))
    scores = by_name(card_of(run).scores(given, run, None))
    assert (("conformal_coverage", "") in scores) == has


def test_each_corruption_has_its_own_and_loses_the_promise() -> None:
    given = table(400, 0.3)
    found = by_name(selective_by_corruption(given, ["fog", "snow"]))
    assert {name for _, name in found} == {"clean", "fog", "snow"}
    cells = [aurra(given["confidence"][:, k], given["right"][:, k] == 1) for k in (1, 2)]
    assert found["aurc", "fog"].value == pytest.approx(1 - np.mean(cells))
    assert found["aurc", "clean"].value < found["aurc", "fog"].value
    clean, under = found["conformal_coverage", "clean"], found["conformal_coverage", "fog"]
    assert clean.interval is not None
    assert under.interval is not None
    assert under.interval.high < clean.interval.low
    assert clean.value == pytest.approx(0.9, abs=0.06)


def test_a_part_of_the_cells_and_of_the_images_will_do() -> None:
    given = table(300, 0.1)
    given.columns["right"][:100, 3] = -1
    given.columns["nll"][:100, 3] = np.nan
    found = by_name(selective_by_corruption(given, ["fog", "snow"]))
    assert found["aurc", "snow"].n == 300
    assert found["aurc", "snow"].interval is not None
    alone = by_name(selective_by_corruption(given, ["fog"]))
    assert {name for _, name in alone} == {"clean", "fog"}


def test_few_errors_give_no_interval_and_say_so() -> None:
    given = table(60, 0.0, CELLS[:1])
    given.columns["right"][:] = 1
    for each in (score for score in selective_scores(given) if score.metric != "coverage_at_5_risk"):
        assert each.interval is None
        assert said(each.lack).startswith("it needs 2 errors and 2 right answers, had 0")
    assert conformal_scores(table(30, 0.0, CELLS[:1])) == []


def test_answers_of_which_all_add_the_same_have_no_interval() -> None:
    """Every other answer is wrong, and each fifth of them, so that no one tells of the spread of the risk."""
    given = table(600, 0.0, CELLS[:1])
    given.columns["confidence"][:] = 0.5
    given.columns["right"][:, 0] = np.arange(600) < 300
    for each in selective_scores(given):
        assert (each.interval is None) == bool(said(each.lack))
