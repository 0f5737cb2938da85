"""The results of a folder as a table."""

from __future__ import annotations

from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import error_of
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.report.stored_results import StoredResults
from hardiness.statistics.spreads.combined import TwoEnds


def result(model: str, *scores: Score) -> Result:
    run = Run(ModelIdentity(model), BenchmarkIdentity("imagenet-c", "corruption"))
    return Result(model, "imagenet-c", "imagenet", "hendrycks2019", scores, Counts(4, 4, 0, 4), run, {}, key="k")


FOG = Condition(corruption="fog", severity=3)
RESULTS = StoredResults(
    [
        result("a", Score("mean_error", 0.25, "fraction", 4, TwoEnds(0.25, 0.1, 0.4), higher_is_better=False)),
        result(
            "b",
            Score("mce", None, "ratio", 4, lack=error_of(ArgumentError("no baseline"))),
            Score("error", 0.5, "fraction", 4, condition=FOG),
        ),
    ]
)


def test_every_score_is_a_row_and_every_condition_key_a_column() -> None:
    table = RESULTS.table()
    rows = table.to_pylist()
    assert [(row["model"], row["metric"], row["value"]) for row in rows] == [
        ("a", "mean_error", 0.25),
        ("b", "mce", None),
        ("b", "error", 0.5),
    ]
    assert (rows[0]["low"], rows[0]["high"], rows[0]["n"]) == (0.1, 0.4, 4)
    assert [row["corruption"] for row in rows] == [None, None, "fog"]
    assert [row["severity"] for row in rows] == [None, None, 3]
    assert rows[1]["reason"] == "no baseline"


def test_mixed_values_of_a_key_become_text_and_numbers_stay_numbers() -> None:
    def of(*values: object) -> list[object]:
        scores = [Score("error", 0.5, "fraction", 4, condition=Condition(group=v)) for v in values]  # type: ignore[arg-type]
        return StoredResults([result("a", *scores)]).table().column("group").to_pylist()

    assert of(1, 2.5) == [1.0, 2.5]
    assert of(1, "x") == ["1", "x"]


def test_it_is_a_sequence_that_prints_as_tables() -> None:
    assert [each.model for each in RESULTS] == ["a", "b"]
    assert len(RESULTS[:1]) == 1
    assert "imagenet-c on imagenet" in str(RESULTS)
    assert StoredResults([]).table().num_rows == 0
