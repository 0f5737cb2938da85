"""The pictures of a page: which are shown of a sample, and how many of each gallery."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from answer_rows import answer_rows

from hardiness.core.condition import Condition
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.report.pictures import Wall, walls
from hardiness.report.sections import BenchmarkSection, sections
from hardiness.results.comparison import compare_runs
from hardiness.results.folder import Folder
from hardiness.store.store import Store

CELLS = (Condition(), Condition(corruption="fog", severity=1))


def section_of(folder: Path, wrong_by_model: dict[str, range]) -> BenchmarkSection:
    """The section of models on 100 pictures and fog, each with its wrong answers under fog."""
    store, label = Store.create(folder), np.arange(100) % 2
    for model, wrong in wrong_by_model.items():
        answers = np.repeat(label[:, None], 2, axis=1)
        answers[wrong, 1] = 9
        rows = answer_rows(answers, label)
        identity = Run(
            ModelIdentity(model, f"weights of {model}"),
            BenchmarkIdentity("imagenet-c", "corruption"),
            DataIdentity("imagenet", "f", 100),
            conditions=CELLS,
        )
        work = list(zip(rows["sample"].tolist(), rows["condition"].tolist(), strict=True))
        store.run(identity, Plan(whole=(0, 1))).write(0, work, Records(rows))
    (section,) = sections(Folder.open(store).results, compare_runs(Folder.open(store)))
    return section


@pytest.mark.parametrize(
    ("change", "titles"), [(2, ["photograph", "disturbed", "difference ×64"]), (40, ["photograph", "disturbed"])]
)
def test_a_difference_is_shown_where_the_disturbance_is_hard_to_see(
    change: int, titles: list[str], tmp_path: Path
) -> None:
    section = section_of(tmp_path, {"one": range(8), "other": range(0)})
    images = {False: np.full((64, 64, 3), 100, np.uint8), True: np.full((64, 64, 3), 100 + change, np.uint8)}
    (drawn,) = walls([section], lambda result, sample, condition: images[bool(condition)], 10**6)
    (wall,) = (wall for wall in drawn if wall.gallery.title == "Answers that flip")
    assert [picture.title for picture in wall.exhibits[0].pictures] == titles


@pytest.mark.parametrize(("models", "shown"), [("ab", [6]), ("abc", [2, 2, 2])])
def test_the_pairs_of_a_section_share_the_pictures_that_flip(models: str, shown: list[int], tmp_path: Path) -> None:
    wrong = {"a": range(10), "b": range(10, 30), "c": range(30, 60)}
    (drawn,) = walls([section_of(tmp_path, {model: wrong[model] for model in models})], None, 0)
    of_pairs: list[Wall] = [wall for wall in drawn if wall.gallery.title.startswith("Right under")]
    assert [len(wall.gallery.samples) for wall in of_pairs] == shown
