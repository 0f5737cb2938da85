"""``python -m hardiness.cli``."""

from hardiness.cli.main import main

main()
