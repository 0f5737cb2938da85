"""Everything that a listing names says what it is in a line of its own."""

from __future__ import annotations

import pytest

from hardiness.attacks import registry as attacks
from hardiness.attacks import threat_models
from hardiness.core.registry import Registry, summary_of
from hardiness.core.spread import registry as spreads
from hardiness.distortions import corruptions, perturbations
from hardiness.models.runtimes import runtimes
from hardiness.report.loggers.logger import registry as loggers
from hardiness.report.words.spreads import DEFINITIONS


@pytest.mark.parametrize("registry", [attacks, threat_models, corruptions, perturbations, runtimes, loggers])
def test_each_entry_has_a_summary(registry: Registry[object]) -> None:
    for name in registry.names():
        assert summary_of(registry.get(name)).endswith("."), name


def test_each_kind_of_spread_has_a_definition() -> None:
    assert {*spreads.names()} == {*DEFINITIONS}


def test_a_class_that_changes_another_does_not_take_its_summary() -> None:
    assert summary_of(type("Mine", (attacks.get("pgd"),), {})) == ""
    assert summary_of(None) == ""
