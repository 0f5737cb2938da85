"""Every kind of interval that `bench/interval_coverage.py` knows, by a short simulation: what they hold together."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCH = Path(__file__).parents[2] / "bench"


def bench() -> ModuleType:
    """The bench, as a module."""
    sys.path.insert(0, str(BENCH))
    try:
        spec = importlib.util.spec_from_file_location("interval_coverage", BENCH / "interval_coverage.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCH))
    return module


SIMULATED = bench()


@pytest.mark.slow
@pytest.mark.parametrize("kind", SIMULATED.KINDS)
def test_a_kind_holds(kind: str) -> None:
    """In what the bench asks of each size and rate, here of some of them together."""
    chosen = SIMULATED.KINDS[kind]
    short = replace(
        chosen,
        sizes=tuple(n for n in chosen.sizes if n in (20, 50, 100, 150, 200, 250)) or chosen.sizes,
        only=tuple(point for point in chosen.only if point[0] <= 600) or chosen.only[:1],
    )
    points = [each for each in SIMULATED.simulated(short, 40) if each.trials]
    for many in (True, False):
        least, part = SIMULATED.bar(kind, many), [each for each in points if each.many == many]
        had = sum(each.trials for each in part)
        held = sum(each.held * each.trials for each in part)
        assert not had or held / had >= least - 2.5 * np.sqrt(0.05 * 0.95 / had), part
