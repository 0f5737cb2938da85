"""Models beside people: scores of few stimuli by hand, people's own counts, and published mean ranks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run
from hardiness.core.table import Records
from hardiness.reference.categories import sixteen
from hardiness.reference.stimulus_sets import SETS, stimulus_set
from hardiness.reference.trials import TrialStimulus
from hardiness.report.charts import Curves, Dots
from hardiness.report.section import section_of
from hardiness.results.folder import Folder
from hardiness.results.likeness import human_likeness, mean_ranks
from hardiness.store.store import Store

RUN = Run(
    model=ModelIdentity("net"),
    benchmark=BenchmarkIdentity("model-vs-human", "model_vs_human", "geirhos2021", columns=("category",)),
    data=DataIdentity("model-vs-human", "f", 8, categories={name: tuple(group) for name, group in sixteen().items()}),
)
NAMES = list(sixteen())
CAT, DOG = NAMES.index("cat"), NAMES.index("dog")


def records(rows: Iterable[tuple[str, int, int]]) -> Records:
    """From (id, place of the category shown, place of the category answered)."""
    ids, shown, given = zip(*rows, strict=True)
    firsts = [group[0] for group in sixteen().values()]
    return Records(
        {
            "sample": np.array(ids, object),
            "image": np.arange(len(ids), dtype=np.int32),
            "condition": np.zeros(len(ids), np.int16),
            "label": np.array([firsts[place] for place in shown], np.int32),
            "category": np.array(given, np.int16),
        }
    )


def scores(given: Records) -> dict[tuple[str, Condition], Score]:
    card = cards.get("model_vs_human")
    return {(s.metric, s.condition): s for s in card.scores(card.table(given, RUN), RUN, None)}


def test_by_hand() -> None:
    rows = [
        ("contrast/c100/a", CAT, CAT),  # a control, which no mean counts
        ("contrast/c100/b", CAT, CAT),
        ("contrast/c50/c", CAT, CAT),
        ("contrast/c50/d", CAT, DOG),
        ("contrast/c10/e", DOG, DOG),
        ("contrast/c10/f", DOG, CAT),
        ("contrast/c01/g", DOG, DOG),  # people hardly recognise it
        ("edge/0/h", CAT, CAT),
    ]
    found = scores(records(rows))
    value = {key: score.value for key, score in found.items()}
    assert value["accuracy", Condition(set="contrast")] == 2 / 4
    assert value["accuracy", Condition(set="edge")] == 1.0
    assert value["accuracy", Condition(set="contrast", condition="c100")] == 1.0
    assert value["accuracy", Condition(set="contrast", condition="c01")] == 1.0
    assert value["ood_accuracy_partial", Condition()] == pytest.approx((0.5 + 1.0) / 2)
    of_contrast = ((0.5 - 529 / 640) ** 2 + (0.5 - 381 / 640) ** 2) / 2
    of_edge = (1.0 - 1394 / 1600) ** 2
    assert value["squared_difference", Condition()] == pytest.approx((of_contrast + of_edge) / 2)
    assert found["ood_accuracy_partial", Condition()].n == 5
    interval = found["accuracy", Condition(set="contrast")].interval
    assert interval is not None
    assert (round(interval.low, 3), round(interval.high, 3)) == (0.068, 0.932), "Clopper & Pearson's, of 2 in 4"


def test_a_model_that_answers_as_often_right_as_people_has_their_accuracies_and_no_difference() -> None:
    rows = [
        (f"{name}/{level.name}/{number}", CAT, CAT if number < level.right else DOG)
        for name in SETS
        for level in stimulus_set(name).levels
        for number in range(level.trials)
    ]
    assert len(rows) == 85_120
    found = scores(records(rows))
    assert found["squared_difference", Condition()].value == pytest.approx(0, abs=1e-12)
    overall = found["ood_accuracy", Condition()].value
    assert overall == pytest.approx(sum(stimulus_set(name).accuracy for name in SETS) / len(SETS))
    for name, level, accuracy in [("contrast", "c05", 0.3531), ("high-pass", "0.7", 0.3531), ("colour", "bw", 0.8867)]:
        score = found["accuracy", Condition(set=name, condition=level)]
        assert round(score.value or 0, 4) == accuracy


def test_a_page_sets_people_beside_the_model() -> None:
    rows = [(f"contrast/{level}/{level}", CAT, CAT) for level in ("c100", "c50", "c05")]
    card, table = cards.get("model_vs_human"), cards.get("model_vs_human").table(records(rows), RUN)
    given = Result(
        "net",
        "model-vs-human",
        "model-vs-human",
        "geirhos2021",
        card.scores(table, RUN, None),
        Counts(3, 3, 0, 3),
        RUN,
        measured={},
    )
    shown = section_of([given])
    dots, curves = shown.charts
    assert isinstance(curves, Curves)
    assert isinstance(dots, Dots)
    (panel,) = curves.panels
    assert panel.names == ("100", "50", "30", "15", "10", "5", "3", "1")
    assert panel.people is not None
    assert [round(y, 4) for y in panel.people.y] == [0.8562, 0.8266, 0.7953, 0.7344, 0.5953, 0.3531, 0.15, 0.0625]
    assert [(line.x, line.y) for line in panel.measured] == [((0.0, 1.0, 5.0), (1.0, 1.0, 1.0))]
    counted = (529 + 509 + 470 + 381 + 226) / (5 * 640)
    assert dots.people is not None
    assert dots.people.by_row == {"contrast": pytest.approx(counted)}
    ((name, (model, people)),) = shown.grids[0].rows
    assert model is not None
    assert people is not None
    assert (name, model.value, people.value) == ("contrast", 1.0, pytest.approx(counted))
    assert (
        shown.people_score == "people: 66.1 on the sets that were run, the mean over sets; 5,120 trials, all conditions"
    )
    assert shown.sayings[0].text == "recognises 100 % of distorted objects (people: 66 %)"


def answers(text: str) -> dict[TrialStimulus, bool]:
    """``contrast/c50/a+`` is right, ``-`` wrong."""
    found = {}
    for each in text.split():
        name, level, own = each[:-1].split("/")
        found[TrialStimulus(name, level, own)] = each[-1] == "+"
    return found


def test_likeness_by_hand(tmp_path: Path) -> None:
    people = {
        "subject-01": answers("contrast/c50/a+ contrast/c50/b+ contrast/c50/c- contrast/c50/d- edge/0/x+ edge/0/y-"),
        "subject-02": answers("contrast/c50/a+ contrast/c50/b+ contrast/c50/c+ contrast/c50/d+ edge/0/x+ edge/0/y+"),
    }
    network = answers(
        "contrast/c50/a+ contrast/c50/b- contrast/c50/c- contrast/c50/d- edge/0/x+ edge/0/y- rotation/90/z+"
    )
    same = dict(people["subject-02"])
    found = {
        each.name: each
        for each in human_likeness(Folder.open(Store(tmp_path)), {**people, "net": network, "same": same})
    }
    net = found["net"]
    assert list(net.sets) == ["contrast", "edge"], "nobody was shown rotations"
    assert net.sets["contrast"].value == pytest.approx(0.25)
    assert net.sets["edge"].value == pytest.approx(0.5)
    assert [(score.n, score.condition) for score in net.sets.values()] == [
        (4, Condition(set="contrast")),
        (2, Condition(set="edge")),
    ]
    assert (net.ood_accuracy.n, net.error_consistency.n) == (6, 6), "nobody was shown rotations"
    assert net.ood_accuracy.value == pytest.approx((1 / 4 + 1 / 2) / 2)
    contrast = ((1 / 4 - 2 / 4) ** 2 + (1 / 4 - 1) ** 2) / 2
    edge = (0 + (1 / 2 - 1) ** 2) / 2
    assert net.accuracy_difference.value == pytest.approx((contrast + edge) / 2)
    assert net.observed_consistency.value == pytest.approx(((3 / 4 + 1 / 4) / 2 + (1 + 1 / 2) / 2) / 2)
    chance = 1 / 4 * 2 / 4 + 3 / 4 * 2 / 4
    kappas = ((3 / 4 - chance) / (1 - chance) + 0) / 2, (1 + 0) / 2
    assert net.error_consistency.value == pytest.approx(sum(kappas) / 2)
    assert [each.name for each in human_likeness(Folder.open(Store(tmp_path)), {**people, "net": network})] == [
        "net",
        "people",
    ]
    among = found["people"]
    assert among.accuracy_difference.value == pytest.approx(((2 / 4 - 1) ** 2 + (1 / 2 - 1) ** 2) / 2)
    assert among.mean_rank is None
    assert (found["same"].mean_rank, net.mean_rank) == (1.0, 2.0), "who answers as one of the people is nearer to them"
    for each in found.values():
        for estimate in (each.accuracy_difference, each.observed_consistency, each.error_consistency):
            assert estimate.value is not None
            assert estimate.interval is not None
            assert estimate.interval.low <= estimate.value <= estimate.interval.high


def test_without_people_or_without_a_stimulus_in_common_nothing_is_said(tmp_path: Path) -> None:
    store, one = Store(tmp_path), answers("edge/0/x+")
    with pytest.raises(DataError, match="must hold people's answers"):
        human_likeness(Folder.open(store), {"net": one})
    with pytest.raises(DataError, match="share no stimulus"):
        human_likeness(Folder.open(store), {"subject-01": one, "net": answers("rotation/90/z+")})


def test_mean_ranks_are_those_of_the_published_table() -> None:
    """Source: model-vs-human, ``latex-report/assets/benchmark_table_humanlike.tex``."""
    published = {  # SimCLR-x1, ResNet-50, BagNet-33
        "accuracy_difference": (0.080, 0.087, 0.156),
        "observed_consistency": (0.667, 0.665, 0.567),
        "error_consistency": (0.179, 0.208, 0.137),
    }
    assert [round(each, 3) for each in mean_ranks(published)] == [1.333, 1.667, 3.0]
    tied = dict.fromkeys(published, (0.5, 0.5, 0.5))
    assert mean_ranks(tied) == [2.0, 2.0, 2.0]
