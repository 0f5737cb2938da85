"""Strengths of corruptions as data: other rows of parameters than the kernels' own, a TOML file for each protocol."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hardiness.core.errors import UnknownNameError

Rows = tuple[tuple[Any, ...], ...]
"""A row of parameters for each severity, severity 1 first."""


@cache
def protocol_names() -> tuple[str, ...]:
    """The protocols that have strengths of their own, in the order of their names."""
    return tuple(sorted(file.stem for file in Path(__file__).parent.glob("*.toml")))


@cache
def strengths_of(protocol: str) -> Mapping[str, Rows]:
    """The rows of parameters of each corruption under a protocol, by the name of the corruption.

    Raises:
        UnknownNameError: there is no such protocol.
    """
    if protocol not in protocol_names():
        raise UnknownNameError("protocol of corruptions", protocol, protocol_names())
    facts = tomllib.loads(Path(__file__).parent.joinpath(f"{protocol}.toml").read_text("utf-8"))
    return {name: tuple(map(tuple, rows)) for name, rows in facts["strengths"].items()}
