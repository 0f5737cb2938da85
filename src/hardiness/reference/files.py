"""Files of published facts that other packages read themselves."""

from pathlib import Path


def reference_file(name: str) -> Path:
    """The file of that name below this package, such as ``"fonts/watermark.otf"``; it need not exist."""
    return Path(__file__).parent / name
