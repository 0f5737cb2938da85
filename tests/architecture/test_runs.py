"""A run is typed: nobody looks a field of it up by a string but the one module that writes and reads its JSON."""

from __future__ import annotations

import re
from pathlib import Path

import hardiness

SOURCE = Path(hardiness.__file__).parent
BY_STRING = re.compile(r"""\b(run|identity|plan)(\.run|\.plan)?(\[["']|\.get\(["'])""")
KNOWN = {"core/run.py", "store/run.py", "store/store.py"}
"""Where ``run.json`` is written and read."""


def test_no_field_of_a_run_is_looked_up_by_a_string() -> None:
    found = [
        f"{path.relative_to(SOURCE)}: {line.strip()}"
        for path in sorted([*SOURCE.rglob("*.py"), *SOURCE.rglob("*.j2")])
        if str(path.relative_to(SOURCE)) not in KNOWN
        for line in path.read_text().splitlines()
        if BY_STRING.search(line)
    ]
    assert found == []


def test_the_pattern_finds_what_it_must() -> None:
    assert BY_STRING.search('run.run["model"]')
    assert BY_STRING.search("identity.get('model')")
    assert not BY_STRING.search("run.model.name")
