"""Attacks on few values: how many they change at which step is as their descriptions and their authors say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from hardiness.attacks import apgd_l1 as module
from hardiness.attacks.criteria import Misclassification
from hardiness.attacks.kit import Budget, registry
from hardiness.core.random import rng

SIDE = 20

AUTHORS = {50: 2, 200: 4, 500: 5, 1000: 6, 2000: 8, 4000: 10, 6000: 12, 8000: 15, 10_000: 20}
"""Up to which of 10,000 exchanges the authors of Sparse-RS divide their first share by what (fra31/sparse-rs, L0)."""


@pytest.mark.slow
def test_sparse_rs_exchanges_as_many_pixels_as_its_authors_do() -> None:
    """A model that never changes its mind: nothing is kept, so each query is the start with its exchange."""
    seen: list[Tensor] = []

    def stubborn(pixels: Tensor) -> Tensor:
        seen.append(pixels[0].clone())
        return torch.tensor([[2.0, 0.0]]).repeat(len(pixels), 1)

    changed, queries = 200, 2000
    clean = torch.full((1, 3, SIDE, SIDE), 0.5)
    attack = registry.get("sparse-rs")()
    budget = Budget("l0", changed, torch.tensor([queries]))
    list(attack(stubborn, clean, Misclassification(torch.tensor([0])), budget, [rng(0, "sparse", 0)]))
    assert len(seen) == queries
    start = (seen[0] != 0.5).any(0)
    assert int(start.sum()) == changed
    counts = set()
    for query in (1, 5, 10, 11, 40, 41, 99, 100, 101, 201, 400, 401, 799, 801, 1199, 1201, 1599, 1601, 1999):
        exchange = query / queries * 10_000
        divisor = next(by for last, by in AUTHORS.items() if exchange <= last)
        moved = int(((seen[query] != 0.5).any(0) & ~start).sum())
        assert moved == max(int(0.3 / divisor * changed), 1), f"exchange {query} of {queries}"
        counts.add(moved)
    assert len(counts) == len(AUTHORS), "each part of the schedule was looked at"


@pytest.mark.slow
def test_apgd_in_l1_moves_as_many_values_as_its_description_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks at each 4 % of the steps: two thirds of the best change's values, and the two rules of the step."""
    weights = torch.from_numpy(np.random.default_rng(0).normal(size=(3 * 8 * 8,)).astype(np.float32))

    def bent(pixels: Tensor) -> Tensor:
        lead = 3 + 0.2 * ((pixels - 0.5).flatten(1) @ weights) + 4 * (pixels - 0.5).square().flatten(1).sum(1)
        return torch.stack([lead, -lead], 1)

    counts, steps, exact, projected = [], [], module._sparse, module.project_l1

    def noted(gradient: Tensor, wanted: Tensor) -> Tensor:
        counts.append(int(wanted[0]))
        return exact(gradient, wanted)

    def measured(at: Tensor, clean: Tensor, epsilon: float) -> Tensor:
        steps.append(at)
        return projected(at, clean, epsilon)

    monkeypatch.setattr(module, "_sparse", noted)
    monkeypatch.setattr(module, "project_l1", measured)
    clean, epsilon, every = torch.full((1, 3, 8, 8), 0.5), 4.0, 4
    budget = Budget("l1", epsilon, torch.tensor([100]))
    attack = registry.get("apgd-l1")()
    found = list(attack(bent, clean, Misclassification(torch.tensor([0])), budget, [rng(0, "sparse", 0)]))
    assert len(found) == 100
    start = projected(steps[0], clean, epsilon)
    losses = [float(attack_loss(bent, start)), *(float(each.loss) for each in found)]
    points = [start, *(each.pixels for each in found)]
    lengths = []
    assert counts[0] == int(0.2 * clean.numel())
    previous, before = 0.2, epsilon
    for step in range(100):
        checked = step > 0 and step % every == 0
        best = points[int(np.argmin(losses[: step + 1]))]
        origin = best if checked else points[step]
        lengths.append(float((steps[step + 1] - origin).abs().sum()))
        if not checked:
            assert step == 0 or counts[step] == counts[step - 1]
            assert lengths[step] == pytest.approx(before, rel=1e-3)
            continue
        held = float(((best - clean).abs() > 1e-6).float().mean())
        assert counts[step] == pytest.approx(held / 1.5 * clean.numel(), abs=1)
        fallen = held / 1.5 / previous <= 0.95
        assert lengths[step] == pytest.approx(epsilon if fallen else max(before / 1.5, epsilon / 10), rel=1e-3)
        previous, before = held / 1.5, lengths[step]
    assert {round(length, 3) for length in lengths} > {epsilon, round(epsilon / 1.5, 3), epsilon / 10}


def attack_loss(logits: object, pixels: Tensor) -> Tensor:
    """What the attack lowers, at a picture of class 0."""
    assert callable(logits)
    return Misclassification(torch.tensor([0])).loss(logits(pixels))
