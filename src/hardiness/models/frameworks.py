"""The packages that evaluating needs and reading stored rows does not: the extra ``torch`` brings them."""

from __future__ import annotations

from importlib.util import find_spec

from hardiness.core.errors import ArgumentError

FRAMEWORKS = ("torch", "torchvision", "timm", "openvino")
"""The packages of the extra ``torch``, each under the name by which it is imported."""

INSTALLATION = "pip install 'hardiness[torch]'"
"""The command that installs them."""


def has_torch() -> bool:
    """Whether torch is installed; imports nothing."""
    return find_spec("torch") is not None


def require_torch() -> None:
    """Raise an error where torch is not installed, before anything that needs it is begun.

    Raises:
        ArgumentError: it is not; the message names the command that installs it.
    """
    if not has_torch():
        raise ArgumentError(f"evaluating a model needs torch, which is not installed; {INSTALLATION}")


def missing_framework(error: BaseException) -> str | None:
    """The framework for want of which an import failed; ``None`` for any other error."""
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    return name if name in FRAMEWORKS else None
