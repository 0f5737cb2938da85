"""What a cell of a notebook registers: run again, its new version is in force."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SESSION = '''
import numpy as np
from hardiness import attacks, benchmarks, corrupt, distortions
from hardiness.core import ArgumentError

CORRUPTION = """
from typing import NamedTuple
from hardiness.distortions import corruption
from hardiness.distortions.apply import no_draws
class Level(NamedTuple):
    value: int
@corruption("colour", (Level({value}),), no_draws)
def plain(image, level, draws):
    out = image.copy()
    out[:] = level.value
    return out
"""
image = np.zeros((32, 32, 3), np.uint8)
for value in (7, 11):
    exec(CORRUPTION.format(value=value), globals())
    assert corrupt(image, "plain", 1).max() == value

ATTACK = """
from dataclasses import dataclass
@attacks.registry.add("mine")
@dataclass(frozen=True)
class {name}:
    "An attack."
    def __call__(self, *arguments):
        return {name!r}
"""
for name in ("First", "First", "Renamed"):
    exec(ATTACK.format(name=name), globals())
    assert attacks.registry.get("mine")()() == name

CARD = """
from hardiness.benchmarks.photographs import Classification
from hardiness.benchmarks.card import Card, register
@register("own_card")
class OwnCard(Card):
    version = {version}
    def filled_table(self, records, run): ...
    def scores(self, table, run, baseline): ...
"""
for version in (1, 2):
    exec(CARD.format(version=version), globals())
    assert benchmarks.cards.get("own_card").version == version

def fog(image, level, draws): ...
try:
    distortions.corruption("colour", (Level(1),), no_draws)(fog)
except ArgumentError as error:
    assert str(error).startswith("corruption 'fog' is registered twice: in hardiness."), error
    assert str(error).endswith(" and in __main__:fog; rename one"), error
else:
    raise AssertionError("the name of a corruption that ships")
assert distortions.corruptions.ships("fog")
'''


@pytest.mark.slow
def test_a_cell_that_is_run_again_puts_its_new_version_in_force(tmp_path: Path, warm: Callable[..., Any]) -> None:
    (tmp_path / "session.py").write_text(SESSION)
    process = warm("session.py", cwd=tmp_path)
    _, err = process.communicate(timeout=600)
    assert (process.returncode, err) == (0, ""), err
