"""What the report on an attack finds about a network: for the tests of masks, and for the bench that prints all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pictures import CLASSES, crop

from hardiness import View
from hardiness.benchmarks.card import cards
from hardiness.benchmarks.options import parse
from hardiness.core.fact import Fact
from hardiness.core.run import BenchmarkIdentity, DataIdentity, Run
from hardiness.engine.attack import Attacker
from hardiness.engine.batch import QueuedPicture
from hardiness.engine.tasks import attack_versions
from hardiness.models.loading import wrap

CROPS, SIDE = 16, 32


def crops(count: int = CROPS) -> list[QueuedPicture]:
    """Crops of the ten photographs, as small as the small networks look at them; the first of more are the same."""
    draws = np.random.default_rng(2)
    return [
        QueuedPicture(
            f"c{number % CLASSES}/{number}",
            (),
            0,
            number % CLASSES,
            np.asarray(crop(number, draws, SIDE, draws.uniform(0.45, 0.6))),
        )
        for number in range(count)
    ]


def report(
    network: Any, rows: Sequence[QueuedPicture], asked: str, classes: int = CLASSES, seed: int = 0
) -> dict[str, Fact]:
    """The findings, by name, about a network that takes pixels in [0, 1], attacked on the pictures of these rows."""
    benchmark = parse(asked)
    conditions = benchmark.conditions()
    wanted = [QueuedPicture(r.sample, tuple(range(len(conditions))), 0, r.label, r.image) for r in rows]
    classifier = wrap(network, View(mean=(0, 0, 0), std=(1, 1, 1)), name="masked", device="cpu")
    attacker = Attacker(benchmark, benchmark.attack, conditions, seed)
    records = attacker.records(
        classifier, classifier.feed(wanted[0].image.shape[0]), wanted, np.unique([row.label for row in rows])
    )
    run = Run(
        benchmark=BenchmarkIdentity(name=benchmark.name, card="attack", options=benchmark.identity()),
        data=DataIdentity(num_classes=classes, samples=len(rows)),
        conditions=conditions,
        attack=benchmark.attack.rounds,
        versions=attack_versions(benchmark.attack),
    )
    card = cards.get("attack")
    table = card.table(records, run)
    return {each.code: each for each in card.findings(table, card.scores(table, run, None), run)}


def raised(found: dict[str, Fact]) -> set[str]:
    """The names of those that are raised."""
    return {name for name, each in found.items() if each.is_raised}
