"""Stored answers judged by ImageNet-ReaL's labels and ImageNet-X's factors, by hand on synthesised rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.core.errors import DataError
from hardiness.core.result import Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.metrics.declaration import RunMetric
from hardiness.metrics.imagenet_real import FIRST_FIVE, by_labels, label_sets, real_top1, real_top5
from hardiness.metrics.imagenet_x import (
    FACTORS,
    Annotation,
    error_of_all,
    error_ratio,
    imagenet_x_error,
    published_annotations,
    ratios_by_factor,
    read,
)
from hardiness.metrics.scoring import Outcomes, Scoring, as_score
from hardiness.reference.validation_images import validation_labels, validation_name, validation_number
from hardiness.report.section import section_of
from hardiness.report.words import text as said
from hardiness.results.folder import Folder
from hardiness.statistics.intervals import proportion
from hardiness.store.store import Store


def rows(numbers: list[int], first_five: list[list[int]], labels: list[int] | None = None) -> Records:
    n = len(numbers)
    top = np.array(first_five, np.int16)
    return Records(
        {
            "sample": np.array([f"n{number % 7:08d}/{Path(validation_name(number)).stem}" for number in numbers]),
            "condition": np.zeros(n, np.int16),
            "frame": np.zeros(n, np.int16),
            "label": np.array(labels or [0] * n, np.int32),
            "prediction": top[:, 0].astype(np.int32),
            "confidence": np.linspace(0.2, 0.8, n).astype(np.float32),
            "top5_class": top,
        }
    )


def scoring_of(records: Records) -> Scoring:
    return Scoring(cards.get("classification").table(records, Run()), Run())


def scores_of(metric: RunMetric, outcomes: Outcomes, scoring: Scoring) -> list[Score]:
    return [as_score(metric.metric, condition, outcome, scoring) for condition, outcome in outcomes.items()]


def first(answer: int) -> list[int]:
    return [answer, *(other for other in range(900, 905) if other != answer)][:5]


def test_a_photograph_is_known_by_its_published_name() -> None:
    assert validation_number("n01440764/ILSVRC2012_val_00000293") == 293
    assert validation_number("ILSVRC2012_val_00050000.JPEG") == 50_000
    for name in ("n01440764/tench", "ILSVRC2012_val_00050001", "ILSVRC2012_val_00000000", "xILSVRC2012_val_00000001"):
        assert validation_number(name) is None


def test_real_counts_any_right_class_and_leaves_out_photographs_without_one() -> None:
    right = {1: frozenset({5}), 2: frozenset({6, 7}), 3: frozenset({8}), 4: frozenset({9})}
    answers = [[5, 1, 2, 3, 4], [7, 1, 2, 3, 4], [1, 2, 3, 4, 8], [1, 2, 3, 4, 5], [5, 6, 7, 8, 9]]
    scoring = scoring_of(rows([1, 2, 3, 4, 5], answers))  # 5 has no label
    five = np.column_stack([scoring.table[name] for name in FIRST_FIVE])
    (top1,) = scores_of(real_top1, by_labels(scoring, scoring.table["answer"], right), scoring)
    (top5,) = scores_of(real_top5, by_labels(scoring, five, right), scoring)
    assert (top1.metric, top1.value, top1.n) == ("real_top1", 2 / 4, 4)
    assert (top5.metric, top5.value, top5.n) == ("real_top5", 3 / 4, 4)
    assert top1.interval == proportion(2, 4)
    alone = scoring_of(rows([5], [answers[4]]))
    assert by_labels(alone, alone.table["answer"], right) == {}


def test_the_reassessed_labels_are_those_of_the_paper() -> None:
    sets = label_sets()
    assert len(sets) == 46_837
    assert sum(len(classes) > 1 for classes in sets.values()) == 7_443
    # The original labels are right by them as often as the paper says.
    labels = validation_labels()
    agreeing = sum(labels[number - 1] in classes for number, classes in sets.items()) / len(sets)
    assert agreeing == pytest.approx(0.9002, abs=0.0005)


def test_an_error_ratio_is_the_error_with_a_factor_over_the_error_on_all() -> None:
    pose, texture = FACTORS.index("pose"), FACTORS.index("texture")
    known = {
        1: Annotation(5, (pose,)),
        2: Annotation(6, (pose,)),
        3: Annotation(7, (texture,)),
        4: Annotation(8, (texture,)),
        5: Annotation(9, ()),
        6: Annotation(9, (pose, texture)),
    }
    answers = [5, 0, 0, 0, 9, 9, 3]  # wrong: 2, 3, 4; the seventh is not annotated
    scoring = scoring_of(rows([1, 2, 3, 4, 5, 6, 7], [first(a) for a in answers]))
    (everything,) = scores_of(imagenet_x_error, error_of_all(scoring, known), scoring)
    found = scores_of(error_ratio, ratios_by_factor(scoring, known), scoring)
    assert (everything.metric, everything.value, everything.n) == ("imagenet_x_error", 3 / 6, 6)
    values = {score.condition["factor"]: (score.value, score.n) for score in found}
    assert values == {"pose": (pytest.approx((1 / 3) / (1 / 2)), 3), "texture": (pytest.approx((2 / 3) / (1 / 2)), 3)}
    assert all(s.interval and s.value and s.interval.low <= s.value <= s.interval.high for s in found)
    alone = scoring_of(rows([1], [first(5)]))
    (nothing,) = scores_of(error_ratio, ratios_by_factor(alone, known), alone)
    assert (nothing.value, said(nothing.lack)) == (None, "no annotated photograph was answered wrongly")


def test_annotations_are_read_by_the_published_rule() -> None:
    line = {"class": 3, **dict.fromkeys(FACTORS, 0)}
    lines = [
        {**line, "file_name": validation_name(1), "darker": 1},
        {**line, "file_name": validation_name(2), "pose": 1},
    ]
    assert read(lines, {validation_name(2)}) == {1: Annotation(3, (FACTORS.index("darker"),))}


@pytest.fixture
def imagenet_x() -> None:
    """Skips where the package is not installed; ``test`` among the extras brings it."""
    try:
        published_annotations()
    except DataError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("imagenet_x")
def test_the_published_annotations() -> None:
    found = published_annotations()
    assert len(found) == 46_110
    labels = validation_labels()
    assert all(labels[number - 1] == each.label for number, each in found.items())
    shares = np.bincount([place for each in found.values() for place in each.factors], minlength=len(FACTORS))
    assert FACTORS[int(shares.argmax())] == "pose"


def keep(folder: Path, records: Records, benchmark: str = "imagenet-val", classes: int = 1000) -> Result:
    store = Store.create(folder)
    data = DataIdentity("imagenet", "f", len(records), classes)
    run = store.run(Run(ModelIdentity("m"), BenchmarkIdentity(benchmark, "classification", "p"), data), Plan())
    run.write(0, [(sample, 0) for sample in records["sample"].tolist()], records)
    (found,) = Folder.open(store).results
    assert Folder.open(store).results[0].scores == found.scores  # the same from what was kept
    return found


@pytest.mark.usefixtures("imagenet_x")
def test_every_stored_run_with_the_published_names_has_both(tmp_path: Path) -> None:
    labels = validation_labels()
    numbers = list(range(1, 41))
    answers = [first(labels[n - 1] if n % 2 else (labels[n - 1] + 1) % 1000) for n in numbers]
    records = rows(numbers, answers, [labels[n - 1] for n in numbers])
    found = keep(tmp_path / "named", records)
    sets, known = label_sets(), published_annotations()
    right = {n: answers[n - 1][0] in sets[n] for n in numbers if n in sets}
    real = found.score("real_top1")
    assert (real.value, real.n) == (pytest.approx(np.mean(list(right.values()))), len(right))
    assert [score.metric for score in found.scores][:4] == ["top1", "top5", "real_top1", "real_top5"]
    posed = [n for n in numbers if n in known and FACTORS.index("pose") in known[n].factors]
    wrong = {n: n % 2 == 0 for n in numbers if n in known}
    ratio = np.mean([wrong[n] for n in posed]) / np.mean(list(wrong.values()))
    assert found.score("error_ratio", factor="pose").value == pytest.approx(ratio)
    section = section_of([found])
    assert [chart.name for chart in section.charts][-1] == "error_ratio_by_factor"


def test_other_benchmarks_other_classes_and_other_names_have_none(tmp_path: Path) -> None:
    named = rows([1, 2], [first(1), first(2)])
    others = Records({**named.columns, "sample": np.array(["n/a", "n/b"])})
    for place, (records, benchmark, classes) in enumerate(
        ((named, "imagenet-v2", 1000), (named, "imagenet-val", 10), (others, "imagenet-val", 1000))
    ):
        metrics = {score.metric for score in keep(tmp_path / str(place), records, benchmark, classes).scores}
        assert not metrics & {"real_top1", "error_ratio", "imagenet_x_error"}
