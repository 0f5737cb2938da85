"""Out-of-distribution detection: against scikit-learn, by hand, and through a small tree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.ood import GROUPS, METHODS, OUTSIDE, Ood, aupr, auroc, false_accepted, false_rejected
from hardiness.benchmarks.photographs import ImagenetVal
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, DataError
from hardiness.core.result import Score
from hardiness.core.run import Run
from hardiness.core.table import Records
from hardiness.data.root import locate
from hardiness.report.words import text


@pytest.mark.parametrize("digits", [1, 6])
def test_areas_are_scikit_learns_with_and_without_ties(digits: int) -> None:
    generator = np.random.default_rng(0)
    inside, outside = generator.normal(1, 1, 300).round(digits), generator.normal(0, 1, 170).round(digits)
    truth, values = np.r_[np.ones(300), np.zeros(170)], np.r_[inside, outside]
    assert auroc(inside, outside)[0] == pytest.approx(roc_auc_score(truth, values))
    assert aupr(inside, outside) == pytest.approx(average_precision_score(truth, values))
    assert aupr(-outside, -inside) == pytest.approx(average_precision_score(1 - truth, -values))
    shares, recalls, _ = roc_curve(1 - truth, -values, drop_intermediate=False)
    assert false_rejected(inside, outside) / 300 == pytest.approx(shares[np.argmax(recalls >= 0.95)])


def test_the_standard_error_is_that_of_repeated_draws() -> None:
    generator = np.random.default_rng(1)
    drawn = [auroc(generator.normal(1, 1, 200), generator.normal(0, 1, 100)) for _ in range(400)]
    values, errors = np.array(drawn).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.15)


def test_the_two_conventions_of_fpr_differ() -> None:
    inside, outside = np.arange(100.0), np.array([-5.0] * 18 + [50.0, 200.0])
    assert false_accepted(inside, outside) == 2  # 5 % quantile of inside: 4.95
    assert false_rejected(inside, outside) == 51  # 19 of 20 outside are at or below 50
    with pytest.raises(ArgumentError, match="both sides, had 100 and 0"):
        auroc(inside, outside[:0])


def ood(given: Records) -> list[Score]:
    card = cards.get("ood")
    return card.scores(card.table(given, Run()), Run(), None)


def rows(samples: list[str], logits: np.ndarray) -> Records:
    columns = dict(Ood().decide(logits, np.zeros(len(logits), np.int32)))
    rows_of = {"condition": np.zeros(len(logits), np.int16), "label": np.zeros(len(logits), np.int32)}
    return Records({"sample": np.array(samples), **rows_of, **columns})


def test_methods_groups_and_what_is_missing() -> None:
    generator = np.random.default_rng(2)
    names = [f"n{k}/a" for k in range(30)]
    others = [f"{name}:{name}/{k}" for name in ("ssb-hard", "ninco", "textures") for k in range(10)]
    logits = generator.normal(size=(60, 1000)).astype(np.float32)
    logits[:30, 3] += 20
    found = {(s.metric, s.condition): s for s in ood(rows(names + others, logits))}
    for method in METHODS:
        assert found[f"near_auroc_{method}", Condition()].value == 1.0
        assert found["auroc", Condition(outside="textures", method=method)].n == 10
        assert found["fpr95", Condition(outside="ninco", method=method, positive="inside")].value == 0.0
    assert not [metric for metric, _ in found if metric.startswith("far")]
    (none,) = ood(rows(names, logits[:30]))
    assert none.value is None


@pytest.mark.parametrize(
    ("sets", "headlines"),
    [
        (("imagenet-o", "ninco"), ["ninco", "imagenet-o"]),
        (("imagenet-o", "ninco", "ssb-hard", "textures"), ["near", "textures", "imagenet-o"]),
        (OUTSIDE, ["near", "far", "imagenet-o"]),
    ],
)
def test_a_headline_for_whichever_sets_are_there(sets: tuple[str, ...], headlines: list[str]) -> None:
    generator = np.random.default_rng(3)
    samples = [f"n{k}/a" for k in range(20)] + [f"{name}:{k}" for name in sets for k in range(10)]
    logits = generator.normal(size=(len(samples), 1000)).astype(np.float32)
    scores = ood(rows(samples, logits))
    told = [score for score in scores if score.condition == Condition()]
    assert [score.metric for score in told] == [f"{what}_auroc_{method}" for method in METHODS for what in headlines]
    of_sets = {(s.condition["outside"], s.condition["method"]): s for s in scores if s.metric == "auroc"}
    for score in told:
        what, _, method = score.metric.partition("_auroc_")
        if what in OUTSIDE:
            alone = of_sets[what, method]
            assert (score.value, score.interval, score.n) == (alone.value, alone.interval, 10)
        else:
            assert score.value == pytest.approx(np.mean([of_sets[name, method].value for name in GROUPS[what]]))


def test_a_tree_beside_the_photographs_is_outside(tmp_path: Path) -> None:
    for path in (
        "imagenet/val/n01440764/a.png",
        "ninco/amphiuma/1.png",
        "ninco/amphiuma/2.png",
        "textures/banded/x.png",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40)).save(tmp_path / path)
    data = locate([str(tmp_path)])
    found = Ood().dataset(data)
    assert [item.id for item in found.items] == [
        "n01440764/a",
        "ninco:ninco/amphiuma/1",
        "ninco:ninco/amphiuma/2",
        "textures:textures/banded/x",
    ]
    assert len(Ood(outside=("textures",)).dataset(data).items) == 2
    inside, ninco, textures = Ood().parts(data)
    assert inside == ImagenetVal()
    assert [item.id for item in ninco.dataset(data).items] == ["ninco:ninco/amphiuma/1", "ninco:ninco/amphiuma/2"]
    assert (textures.name, textures.identity()) == ("ood", {"outside": ("textures",)})
    assert textures.dataset(data).fingerprint == data.dataset("textures").fingerprint, "no other set is part of it"
    assert Ood(outside=("textures",)).parts(data) == (inside, textures)
    with pytest.raises(DataError, match="leave --data adversarial"):
        Ood().parts(locate([str(tmp_path), f"adversarial={tmp_path}"]))
    assert Ood().lacks(data) is None
    assert "ssb-hard in --data" in text(Ood(outside=("ssb-hard",)).lacks(data))
    with pytest.raises(DataError, match="ssb-hard was not found"):
        Ood(outside=("ssb-hard",)).dataset(data)
    with pytest.raises(ArgumentError, match="had 'svhn'"):
        Ood(outside=("svhn",))
    for name in ("ninco", "textures"):
        (tmp_path / name).rename(tmp_path / f"not-{name}")
    assert "no data set imagenet-o or" in text(Ood().lacks(locate([str(tmp_path)])))
    with pytest.raises(DataError, match="ood needs a set of other things"):
        Ood().dataset(locate([str(tmp_path)]))
