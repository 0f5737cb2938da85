"""Common corruptions: ``uint8 (H, W, 3)`` to ``uint8 (H, W, 3)`` at five severities, found by name."""

from hardiness.corruptions.apply import corrupt, corrupt_batch
from hardiness.corruptions.corruption import COMMON, EXTRA, KERNEL_VERSION, SEVERITIES, Corruption, Group, registry
from hardiness.corruptions.frost_pictures import require_frost

__all__ = [
    "COMMON",
    "EXTRA",
    "KERNEL_VERSION",
    "SEVERITIES",
    "Corruption",
    "Group",
    "corrupt",
    "corrupt_batch",
    "registry",
    "require_frost",
]
