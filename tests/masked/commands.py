"""The command line in this process."""

from __future__ import annotations

import sys

import pytest

from hardiness.cli.main import main


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit status of ``hardiness ARGUMENTS``."""
    monkeypatch.setattr(sys, "argv", ["hardiness", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def called_wide(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """As `called`, on a terminal so wide that no line is broken."""
    monkeypatch.setenv("COLUMNS", "300")
    return called(monkeypatch, *arguments)
