"""Whatever is said of two models is said in the order in which their runs were first begun, or of ``-m``."""

from __future__ import annotations

import json

import numpy as np
import pytest
from answer_rows import answer_rows
from sessions import session_of

from hardiness.core.condition import Condition
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.report.compared import comparison_sentences
from hardiness.report.screen import first_screen
from hardiness.report.sections import BenchmarkSection, sections
from hardiness.results.comparison import compare_runs
from hardiness.results.folder import Folder
from hardiness.store.store import Store

EARLIER, LATER = "z_fp32", "a_int8"
"""The later one is better, and comes first in the alphabet and on the page."""

CELLS = (Condition(), Condition(corruption="fog", severity=1), Condition(corruption="snow", severity=1))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two runs that were begun one after the other, of 200 pictures."""
    created = Store.create(tmp_path_factory.mktemp("begun"))
    label = np.arange(200) % 2
    for model, wrong, started in ((EARLIER, 60, "09:30:00.250"), (LATER, 8, "09:30:00.500")):
        answers = np.repeat(label[:, None], 3, axis=1)
        answers[:wrong] = 9
        answers[190:194] = 9 if model == LATER else answers[190:194]
        n, m = answers.shape
        rows = answer_rows(answers, label)
        identity = Run(
            ModelIdentity(model, f"weights of {model}"),
            BenchmarkIdentity("imagenet-c", "corruption"),
            DataIdentity("imagenet", "f", n),
            conditions=CELLS,
        )
        run = created.run(identity, Plan(whole=(0, 1, 2)))
        run.add_measured(session_of(n * m, f"2026-11-30T{started}+00:00"))
        run.write(0, list(zip(rows["sample"].tolist(), rows["condition"].tolist(), strict=True)), Records(rows))
    return created


def section_of(store: Store, models: tuple[str, ...] = ()) -> BenchmarkSection:
    (section,) = sections(Folder.open(store).results, compare_runs(Folder.open(store), models))
    assert [result.name for result in section.results] == [LATER, EARLIER], "tables stand in the order of their scores"
    return section


def test_sentences_and_flips_stand_in_the_order_of_runs_or_of_models(store: Store) -> None:
    for models in ((), (EARLIER, LATER), (LATER, EARLIER)):
        first, second = models or (EARLIER, LATER)
        (comparison,) = compare_runs(Folder.open(store), models)
        (flips,) = comparison.flips
        assert (flips.first, flips.second) == (first, second)
        assert list(comparison.scores[0].values) == [first, second]
        assert list(comparison.scores[0].pairs) == [(first, second)]
        assert comparison_sentences(comparison)[0].startswith(
            f"The scores of {first} and {second} differ beyond chance"
        )


def test_a_page_says_of_two_models_what_the_later_one_has_more_or_less(store: Store) -> None:
    section = section_of(store)
    titles = {chart.name: chart.title for chart in section.section.charts}
    assert f"answers differ between {EARLIER} and {LATER}" in titles["flips_1"]
    assert titles["flips_by_class_1"] == f"Flips from {EARLIER} to {LATER}, by class"
    galleries = [(name, gallery.title) for name, gallery in section.section.galleries]
    assert (LATER, f"Right under {EARLIER}, wrong under {LATER}") in galleries
    (changes,) = (grid for grid in section.section.grids if "less that of" in grid.title)
    assert changes.model == LATER
    assert f"less that of {EARLIER}" in changes.title
    screen = first_screen([section], "page")
    assert screen.models == (LATER, EARLIER)
    pairs = json.loads(screen.pairs)
    assert list(pairs) == ["1-0"], "the place of the earlier one, then that of the later one"
    (text,) = (text for title, text in pairs["1-0"] if title == "Corrupted")
    assert text.startswith("behind by 24.0 points")
