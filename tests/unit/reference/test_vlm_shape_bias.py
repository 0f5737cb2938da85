"""What was published of chat models on cue conflict, and that the figure draws it beside people and our models."""

from __future__ import annotations

from collections import Counter

import pytest

from hardiness.core.condition import Condition
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.reference.closed_questions import vlm_shape_bias
from hardiness.report.views.cue_conflict import published_chat_models, shape_bias


def test_the_rows_are_those_of_the_paper() -> None:
    rows = vlm_shape_bias()
    assert Counter(row.kind for row in rows) == {"vqa": 19, "captioning": 23, "clip": 21, "classifier": 7}
    (gpt,) = [row for row in rows if row.kind == "vqa" and row.model == "openai_vision"]
    assert (gpt.shape_bias, gpt.cue_accuracy) == pytest.approx((0.4791, 0.6975))
    assert (gpt.no_answer, gpt.n) == (126, 1200)
    assert all(0 < row.shape_bias < 1 and 0 < row.cue_accuracy < 1 for row in rows)


def result(data: str, outputs: str) -> Result:
    scores = [
        Score("shape_bias", 0.5, "fraction", 100, condition=Condition(protocol="orhan2019", **more))
        for more in ({}, {"category": "cat"})
    ]
    run = Run(ModelIdentity("m", outputs=outputs), BenchmarkIdentity("cue-conflict", "cue_conflict", "orhan2019"))
    counts = Counts(expected=100, evaluated=100, failed=0, images=100)
    return Result("m", "cue-conflict", data, "orhan2019", scores, counts, run, {})


def test_the_figure_draws_them_beside_people_and_the_models_that_were_run() -> None:
    chart = shape_bias([result("cue-conflict", "answers")])
    assert chart is not None
    assert chart.people is not None
    assert [each.name for each in chart.observers] == ["m †"]
    drawn = {each.name: each.overall.value for each in chart.published if each.overall}
    assert drawn["gemini_pro_vision (vqa)"] == pytest.approx(0.6407)
    assert drawn["gemini_pro_vision (captioning)"] == pytest.approx(0.6324)
    assert len([name for name in drawn if name.endswith(("(vqa)", "(captioning)"))]) == 42
    own = shape_bias([result("own-stimuli", "")])
    assert own is not None
    assert own.published == ()


def test_the_table_holds_all_seventy() -> None:
    grid = published_chat_models()
    assert len(grid.rows) == 70
    cells = dict(grid.rows)["openai_vision (vqa)"]
    assert [cell.value for cell in cells if cell] == pytest.approx([0.4791, 0.6975, 126 / 1200])
