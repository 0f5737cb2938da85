"""The command ``hardiness``, and ``python -m hardiness``."""

from hardiness.cli.main import program as main

if __name__ == "__main__":
    main()
