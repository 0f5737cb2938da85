"""What kind of machine this is, for ``hardiness doctor``."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path


def processor() -> str:
    """The name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def cpu_flags() -> frozenset[str]:
    """What the processor can do, as Linux names it; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith("flags")), "").split())


def memory() -> str:
    """How much memory the machine has."""
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB"
    except (ValueError, OSError, AttributeError):
        return "unknown"


def writable(folder: Path) -> str:
    """Whether a folder, or the first of its parents that exists, can be written."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return "can be written" if os.access(there, os.W_OK) else "cannot be written"


def free(folder: Path) -> str:
    """Free space of the disk that a folder is on."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return f"{shutil.disk_usage(there).free / 1e9:.0f} GB"
