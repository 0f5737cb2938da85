"""Pictures made on one network and shown to another, by the attacks that are made for that and by PGD."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from hardiness.attacks.kit import made_to_transfer
from hardiness.core.attack_plan import Round
from hardiness.core.condition import Condition
from hardiness.engine.attack import run_round
from hardiness.engine.victims import Victims

FILE = Path(__file__).resolve().parents[2] / "masked" / "networks.py"


@pytest.fixture(scope="module")
def networks() -> Any:
    """The module of small networks that tell crops of photographs apart."""
    spec = importlib.util.spec_from_file_location("masked_networks_of_transfer", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def crops(photographs: list[Path]) -> Tensor:
    """Crops of 32 pixels."""
    draws, found = np.random.default_rng(3), []
    for i in range(80):
        photograph = Image.open(photographs[i * len(photographs) // 80]).convert("RGB")
        size = int(min(photograph.size) * 0.5)
        left, top = (int(draws.integers(0, side - size + 1)) for side in photograph.size)
        crop = photograph.resize((32, 32), Image.Resampling.BOX, box=(left, top, left + size, top + size))
        found.append(np.asarray(crop))
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).contiguous().float() / 255


@pytest.mark.slow  # nine seconds on one core
def test_momentum_carries_over_to_another_network_more_often_than_pgd_does(networks: Any, crops: Tensor) -> None:
    """From the plain network to the adversarially trained one and back, as ``blackbox`` shows the pictures."""
    fooled: dict[str, list[int]] = {}
    for ours, others in (("plain", "adversarial"), ("adversarial", "plain")):
        surrogate, victim = networks.crops(ours), networks.crops(others)
        with torch.no_grad():
            labels = surrogate(crops).argmax(1)
            both = labels == victim(crops).argmax(1)
        rows = both.nonzero()[:, 0]
        assert len(rows) >= 20
        pixels, wanted = crops[rows], labels[rows]
        with torch.no_grad():
            batch = Victims([str(i) for i in rows.tolist()], pixels, wanted, wanted, surrogate(pixels))
        epsilon = 16 / 255
        plan = Round("pgd", "linf", epsilon, {10: Condition(epsilon=epsilon, steps=10)}, failed="last")
        for name in ("pgd", "mi-fgsm", "di-fgsm"):
            last = made_to_transfer(name)
            (judged,) = run_round(surrogate, batch, replace(plan, attack=name), seed=0, keep_pixels=True, last=last)
            assert judged.pixels is not None
            with torch.no_grad():
                wrong = victim(judged.pixels).argmax(1) != wanted
            fooled.setdefault(name, []).append(int(wrong.sum()))
    assert sum(fooled["mi-fgsm"]) >= 1.2 * sum(fooled["pgd"]), fooled
    assert sum(fooled["di-fgsm"]) >= 1.2 * sum(fooled["pgd"]), fooled
    assert all(more >= fewer for more, fewer in zip(fooled["mi-fgsm"], fooled["pgd"], strict=True)), fooled
