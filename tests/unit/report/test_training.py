"""What a model was trained on that a benchmark tests: by its name, by its weights, as declared."""

from __future__ import annotations

import pytest

from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.reference.recipes import ALL, recipes, recipes_of
from hardiness.reference.sets import distortion_set as set_of
from hardiness.reference.sets import set_names
from hardiness.report.sections import sections
from hardiness.report.training_overlap import declared
from hardiness.report.trust import Check, checks
from hardiness.statistics.spreads.combined import TwoEnds


def result(model: str, benchmark: str = "imagenet-c", **options: str) -> Result:
    card = {"imagenet-c": "corruption", "cue-conflict": "cue_conflict"}.get(benchmark, "classification")
    protocol = {"protocol": "orhan2019"} if benchmark == "cue-conflict" else {}
    metric = {"imagenet-c": "mean_error", "cue-conflict": "shape_bias"}.get(benchmark, "top1")
    score = Score(metric, 0.5, "fraction", 9000, TwoEnds(0.5, 0.49, 0.51), condition=Condition(**protocol))
    run = Run(ModelIdentity(model, options=options), BenchmarkIdentity(benchmark, card, "orhan2019"))
    return Result(model, benchmark, benchmark, "orhan2019", [score], Counts(9, 9, 0, 9), run, {}, key="k")


def check(found: Result, *texts: str) -> Check | None:
    all_checks = checks(found, sections([found])[0], declared(texts))
    return next((each for each in all_checks if each.name == "training"), None)


def test_every_recipe_names_members_of_benchmarks_that_there_are() -> None:
    for recipe in recipes().values():
        assert "arXiv:" in recipe.source
        for benchmark, members in recipe.overlaps.items():
            if members != (ALL,):
                assert benchmark in set_names()
                assert set(members) <= set(set_of(benchmark).published)


@pytest.mark.parametrize(
    ("model", "weights", "names"),
    [
        ("timm:resnet50.ram_in1k", "", {"randaugment", "augmix"}),
        ("timm:resnet50.a1_in1k", "", {"randaugment"}),
        ("timm:resnet50.tv_in1k", "", set()),
        ("torchvision:resnet50", "IMAGENET1K_V2", {"trivialaugment"}),
        ("torchvision:resnet50", "IMAGENET1K_V1", set()),
        ("resnext101_32x8d_deepaugment_augmix", "", {"deepaugment", "augmix"}),
        ("resnet50_trained_on_SIN_and_IN", "", {"sin"}),
        ("resnext101_32x8d_wsl", "", set()),
        ("timm:vit_giant_patch14_dinov2.lvd142m", "", set()),
    ],
)
def test_models_are_known_by_their_names(model: str, weights: str, names: set[str]) -> None:
    assert {recipe.name for recipe in recipes_of(model, weights)} == names


def test_a_recipe_that_trains_on_members_is_told_with_them_and_its_source() -> None:
    found = check(result("torchvision:resnet50", pretrained="IMAGENET1K_V2"))
    assert found is not None
    assert found.raised
    assert found.reason.startswith("trained with TrivialAugment, as its name says: it trains on brightness, contrast")
    assert "arXiv:2103.10158" in found.reason
    assert "without these members" in found.advice


def test_a_recipe_made_for_a_benchmark_is_told_as_such() -> None:
    found = check(result("resnet50_augmix"))
    assert found is not None
    assert "made to do well on imagenet-c, without training on what that tests" in found.reason


def test_stylised_training_touches_cue_conflict_alone() -> None:
    found = check(result("resnet50_sin", "cue-conflict"))
    assert found is not None
    assert found.raised
    assert "the like of all that cue-conflict tests" in found.reason
    other = check(result("resnet50_sin", "imagenet-c"))
    assert other == Check("training", False, "nothing is known of a training on what this benchmark tests")
    assert check(result("resnet50_sin", "imagenet-sketch")) is None, "no recipe touches it"


def test_what_is_declared_is_told_by_recipe_and_by_corruption() -> None:
    found = check(result("mine:a=b"), "mine:a=b=fog")
    assert found is not None
    assert found.reason == "trained with fog, as you declared: it trains on fog, which imagenet-c tests (declared)"
    assert check(result("other"), "mine=fog") == check(result("other"))
    found = check(result("mine"), "mine=pixmix+ant")
    assert found is not None
    assert "PixMix, as you declared" in found.reason


def test_what_is_declared_wrongly_is_one_line() -> None:
    with pytest.raises(ArgumentError, match="must be MODEL=RECIPE"):
        declared(["mine"])
    with pytest.raises(UnknownNameError, match="augmxi"):
        declared(["mine=augmxi"])
