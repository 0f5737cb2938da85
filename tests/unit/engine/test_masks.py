"""Hidden gradients, each in a way of its own: the report names the way and withdraws its verdict; honest ones pass."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hardiness import View, models
from hardiness.benchmarks.options import parse
from hardiness.core import BenchmarkIdentity, DataIdentity, Finding, Run
from hardiness.engine.attack_identity import attack_versions
from hardiness.engine.forward import Row
from hardiness.engine.whitebox import Attacker
from hardiness.scoring import registry

FILE = Path(__file__).resolve().parents[2] / "masked" / "networks.py"
IMAGES, SIDE = 16, 32
WHITEBOX = "whitebox:protocol=standard,epsilons=8/255,steps=1+10+40"


def loaded() -> Any:
    spec = importlib.util.spec_from_file_location("masked_networks", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


masked = cache(loaded)()


@pytest.fixture(scope="module")
def rows(photographs: list[Path]) -> list[Row]:
    """Crops of ten photographs, as small as the networks look at them."""
    files, draws, found = photographs[::25], np.random.default_rng(2), []
    for i in range(IMAGES):
        photograph = Image.open(files[i % masked.CLASSES]).convert("RGB")
        width, height = photograph.size
        size = int(min(width, height) * draws.uniform(0.45, 0.6))
        left, top = int(draws.integers(0, width - size + 1)), int(draws.integers(0, height - size + 1))
        crop = photograph.resize((SIDE, SIDE), Image.Resampling.BOX, box=(left, top, left + size, top + size))
        found.append(Row(f"c{i % masked.CLASSES}/{i}", (), 0, i % masked.CLASSES, np.asarray(crop)))
    return found


def report(network: Any, rows: list[Row], asked: str = WHITEBOX, seed: int = 0) -> dict[str, Finding]:
    """The findings about a network attacked on the rows, by name."""
    benchmark = parse(asked)
    conditions = benchmark.conditions()
    wanted = [Row(r.sample, tuple(range(len(conditions))), 0, r.label, r.image) for r in rows]
    classifier = models.wrap(network, View(mean=(0, 0, 0), std=(1, 1, 1)), name="masked", device="cpu")
    attacker = Attacker(benchmark, benchmark.attack, conditions, seed)
    records = attacker.records(classifier, classifier.feed(SIDE), wanted)
    run = Run(
        benchmark=BenchmarkIdentity(name="whitebox", card="attack", options=benchmark.identity()),
        data=DataIdentity(num_classes=masked.CLASSES, samples=len(rows)),
        conditions=conditions,
        attack=benchmark.attack.rounds,
        versions=attack_versions(benchmark.attack),
    )
    card = registry.get("attack")
    table = card.table(records, run)
    return {each.name: each for each in card.findings(table, card.scores(table, run, None), run)}


def raised(found: dict[str, Finding]) -> set[str]:
    return {name for name, each in found.items() if each.raised}


@pytest.mark.slow
@pytest.mark.parametrize("which", ["adversarial", "plain"])
@pytest.mark.parametrize("mask", masked.MASKS)
def test_a_mask_is_named_and_the_verdict_withdrawn(mask: str, which: str, rows: list[Row]) -> None:
    found = report(masked.MASKS[mask](masked.crops(which)), rows)
    assert raised(found) & masked.KINDS[mask], {name: found[name].sentence for name in raised(found)}
    verdict = found["verdict"]
    assert verdict.raised
    # What has fallen has fallen; what stands under a mask is not believed.
    assert verdict.sentence.startswith("Withdrawn") or "not robust" in verdict.sentence
    if verdict.sentence.startswith("Withdrawn"):
        assert "What to do: " in verdict.sentence


@pytest.mark.slow
@pytest.mark.parametrize("which", ["adversarial", "plain"])
def test_honest_networks_raise_nothing_but_the_verdict(which: str, rows: list[Row]) -> None:
    found = report(masked.crops(which), rows)
    about_the_attack = raised(found) - {"verdict", "steps", "loss"}
    assert about_the_attack == set(), {name: found[name].sentence for name in about_the_attack}


@pytest.mark.slow
def test_sixteen_images_that_stand_are_no_proof(rows: list[Row]) -> None:
    found = report(masked.crops("adversarial"), rows, WHITEBOX.replace("8/255", "2/255") + ",must_break=false")
    assert "cannot tell. With 16 images the loss may be up to 19.4 %" in found["verdict"].sentence


@pytest.mark.slow
def test_means_over_its_chance_are_what_a_random_network_is_attacked_by(rows: list[Row]) -> None:
    asked = "whitebox:protocol=standard,epsilons=8/255,steps=1+3,must_break=false,attack=pgd,samples=3"
    found = report(masked.MASKS["noise"](masked.crops("adversarial")), rows[:4], asked)
    assert not found["randomised"].raised
    assert "gradients were means of 3" in found["randomised"].sentence
