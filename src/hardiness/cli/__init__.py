"""Parse arguments, call one function, print."""

from hardiness.cli.main import main

__all__ = ["main"]
