"""Doors: names of a room that are imported when they are first used."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

ROOM = '''"""A room."""

from typing import TYPE_CHECKING

from hardiness.core import door

if TYPE_CHECKING:
    from lit_room.lamp import LIGHT, switch as flip
    from lit_room.stove import HEAT
else:
    __getattr__, __dir__ = door(__name__)

__all__ = ["HEAT", "LIGHT", "flip"]
'''


def test_a_door_loads_only_the_module_behind_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = tmp_path / "lit_room"
    room.mkdir()
    (room / "__init__.py").write_text(ROOM)
    (room / "lamp.py").write_text("LIGHT = 3\ndef switch(): return LIGHT\n")
    (room / "stove.py").write_text("HEAT = 4\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = importlib.import_module("lit_room")
    assert {"HEAT", "LIGHT", "flip"} <= set(dir(found))
    assert "lit_room.lamp" not in sys.modules
    assert found.flip() == found.LIGHT == 3
    assert "lit_room.lamp" in sys.modules
    assert "lit_room.stove" not in sys.modules
    with pytest.raises(AttributeError, match=r"^module 'lit_room' has no attribute 'lite'$"):
        _ = found.lite
    with pytest.raises(ImportError, match="cannot import name 'switch' from 'lit_room'"):
        from lit_room import switch  # noqa: F401
