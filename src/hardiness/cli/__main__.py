"""``python -m hardiness.cli``."""

from hardiness.cli.main import program

program()
