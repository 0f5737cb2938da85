"""Parse arguments, call one function, print."""

import sys

try:
    from hardiness.cli.main import main
except KeyboardInterrupt:  # Ctrl-C before anything has begun
    sys.exit(130)

__all__ = ["main"]
