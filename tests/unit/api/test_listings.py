"""What there is to choose from, and what ``dir(hardiness)`` shows."""

from __future__ import annotations

import hardiness
from hardiness.attacks.kit import registry as attacks
from hardiness.benchmarks.options import registry as benchmarks
from hardiness.distortions.apply import corruptions, perturbations
from hardiness.models.catalogue import registry as models


def test_lists_are_the_registries_and_take_patterns() -> None:
    assert hardiness.list_models("resnext50*") == ["resnext50_32x4d"]
    assert set(models.names()) < set(hardiness.list_models())
    assert any(name.startswith("timm:") for name in hardiness.list_models("timm:*"))
    assert hardiness.list_benchmarks("imagenet-[cp]") == ["imagenet-c", "imagenet-p"]
    assert hardiness.list_benchmarks() == benchmarks.names()
    assert hardiness.list_attacks() == attacks.names()
    assert hardiness.list_corruptions() == corruptions.names()
    assert hardiness.list_perturbations("*blur") == [n for n in perturbations.names() if n.endswith("blur")]


def test_dir_shows_the_whole_surface_and_no_machinery() -> None:
    assert dir(hardiness) == sorted([*hardiness.__all__, "__version__"])
    for name in ("evaluate", "attack", "corrupt", "perturb", "load_model", "list_models", "list_benchmarks", "View"):
        assert name in dir(hardiness)
        assert getattr(hardiness, name).__doc__
